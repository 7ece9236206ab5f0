"""入金照合の記帳: what credits settle and unsettle, in the books (資金化).

:mod:`reconcile.settlement.search` decides; here its decisions become settlements, postings and
outcomes. What people took apart (link_block) is never put together again by itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.settlement.line_books import LineBooks
from reconcile.settlement.open_credits import groups_of, is_net, waiting_of
from reconcile.settlement.search import SPLIT, Credit, CreditDecision, decide_payer
from reconcile.store.former_groups import keep_former

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.settlement.open_credits import Deposit

_SETTLE_LEG, _UNSETTLE_LEG = 10, 110
UNLINKED = "unlinked"  # what two people took apart stays so until it settles otherwise


class Share(NamedTuple):
    """充当: how much of a credit settles which group (net, as credited)."""

    group_id: int
    amount_yen: int


class Settlements(LineBooks):
    """One municipality's settlements within one journal."""

    def __init__(
        self, connection: Connection, profile: Profile, municipality_code: str, journal_id: int
    ) -> None:
        """``journal_id`` names the booking occasion that every posting here belongs to."""
        super().__init__(connection, municipality_code, journal_id)
        self.profile = profile
        self.details: dict[str, str] = {}  # case subject → JSON of what was compared

    # ---- settling ----

    def decide_payer(self, agent: str, waiting: Sequence[Deposit]) -> int:
        """All open credits of one payer; returns how many settled."""
        by_key = {deposit.key: deposit for deposit in waiting}
        decided = decide_payer(
            waiting_of(self.connection, self.profile.municipality_code, waiting),
            agent,
            groups_of(self.connection, self.profile, agent),
        )
        for key, decision in decided.items():
            deposit = by_key[key]
            if decision.outcome == "settled":
                self.settle(deposit, shares_of(decision, deposit.credit))
            else:
                self.details[deposit.subject] = details_of(decision)
            self.note(deposit, decision.outcome, decision.rule)
        return sum(decision.outcome == "settled" for decision in decided.values())

    def note(self, deposit: Deposit, outcome: str, rule: str) -> None:
        """A further revision of the credit's outcome, where it is another one."""
        before = self.outcome_of(deposit.file_id, deposit.line_no)
        if outcome != before and (outcome == "settled" or before != UNLINKED):
            self.write_outcome(deposit.file_id, deposit.line_no, outcome, rule)

    def settle(self, deposit: Deposit, shares: Sequence[Share]) -> None:
        """資金化: the credit pays its groups, net of the fee that the advice named.

        Of several credits for one group the first one books the fee.
        """
        for number, (group_id, yen) in enumerate(shares):
            fee = self._fee_left(group_id)
            self.run(
                """INSERT INTO settlement (municipality_code, file_id, line_no, group_id,
                       amount_yen, fee_yen, journal_id)
                   VALUES (:m, :file_id, :line_no, :group_id, :amount_yen, :fee_yen,
                       :journal_id)""",
                file_id=deposit.file_id,
                line_no=deposit.line_no,
                group_id=group_id,
                amount_yen=yen,
                fee_yen=fee,
            )
            self._credit_group(group_id, yen)
            leg = _SETTLE_LEG + 2 * number
            self.post(
                deposit.file_id, deposit.line_no, leg, "unidentified", "confirmed_due", yen,
                "settled", group_id,
            )  # fmt: skip
            # A payment that left its group since takes the fee along that was booked for it.
            reason = "fee" if fee > 0 else "reversal"
            self._post_fee((deposit.file_id, deposit.line_no), leg + 1, fee, reason, group_id)
        self.set_state(deposit.file_id, deposit.line_no, "settled")

    def unsettle(self, file_id: int, line_no: int) -> tuple[Share, ...]:
        """資金化の取消: reversing entries for all that a credit settled; returns what that was."""
        settled = self.run(
            """SELECT group_id, amount_yen, fee_yen FROM settlement
               WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no
               ORDER BY group_id""",
            file_id=file_id,
            line_no=line_no,
        ).all()
        for number, part in enumerate(settled):
            leg = _UNSETTLE_LEG + 2 * number
            self.post(
                file_id, line_no, leg, "confirmed_due", "unidentified", part.amount_yen,
                "reversal", part.group_id,
            )  # fmt: skip
            self._post_fee((file_id, line_no), leg + 1, -part.fee_yen, "reversal", part.group_id)
            self._credit_group(part.group_id, -part.amount_yen)
        self.run(
            """DELETE FROM settlement
               WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no""",
            file_id=file_id,
            line_no=line_no,
        )
        return tuple(Share(part.group_id, part.amount_yen) for part in settled)

    def agents_of(self, groups: Iterable[int]) -> set[str]:
        """払込元 of these groups."""
        return {
            self.run(
                "SELECT agent FROM remittance_group "
                "WHERE municipality_code = :m AND group_id = :group_id",
                group_id=group_id,
            ).scalar_one()
            for group_id in groups
        }

    def set_state(self, file_id: int, line_no: int, state: str) -> None:
        """入金の状態: ``open``, ``settled`` (it has its place) or ``withdrawn``."""
        self.run(
            """UPDATE deposit SET state = :state WHERE municipality_code = :m
               AND file_id = :file_id AND line_no = :line_no""",
            file_id=file_id,
            line_no=line_no,
            state=state,
        )

    def _post_fee(
        self, line: tuple[int, int], leg: int, fee_yen: int, reason: str, group_id: int
    ) -> None:
        """手数料の仕訳: what the agent kept back; less than 0 yen is taken back."""
        accounts = ("fee", "confirmed_due") if fee_yen > 0 else ("confirmed_due", "fee")
        if fee_yen:
            self.post(*line, leg, *accounts, abs(fee_yen), reason, group_id)

    def _fee_left(self, group_id: int) -> int:
        """The advised fee of a group that no credit has booked yet; 0 where fees are invoiced.

        Less than 0 when more was booked than the group bears now.
        """
        row = self.run(
            """SELECT g.agent, g.fee_yen - COALESCE((SELECT SUM(s.fee_yen) FROM settlement s
                   WHERE s.municipality_code = :m AND s.group_id = g.group_id), 0) AS fee_yen
               FROM remittance_group g
               WHERE g.municipality_code = :m AND g.group_id = :group_id""",
            group_id=group_id,
        ).one()
        return int(row.fee_yen) if is_net(self.profile, row.agent) else 0

    def _credit_group(self, group_id: int, yen: int) -> None:
        """More (or less) of the group's money has come."""
        which = "g.group_id = :group_id"
        keep_former(self.connection, str(self.scope["m"]), which, group_id=group_id)
        self.run(
            """UPDATE remittance_group SET credited_yen = credited_yen + :yen
               WHERE municipality_code = :m AND group_id = :group_id""",
            group_id=group_id,
            yen=yen,
        )


def shares_of(decision: CreditDecision, credit: Credit) -> tuple[Share, ...]:
    """充当: whole groups, or of one that came in several credits what this credit is."""
    if decision.rule == SPLIT:
        return (Share(decision.groups[0].group_id, credit.amount_yen),)
    return tuple(Share(group.group_id, group.expected_yen) for group in decision.groups)


def details_of(decision: CreditDecision) -> str:
    """比べた値: what a person sees of a credit that settled nothing, as JSON."""
    splits = [
        [ref, *(f"{file_id}:{line_no}" for file_id, line_no in keys)]
        for ref, keys in decision.splits
    ]
    values: dict[str, Any] = {
        "candidates": decision.candidates,
        "groups": decision.open_refs,
        "splits": splits,
        "more": int(decision.more),
        "unsearched_groups": decision.unsearched_groups,
        "unsearched_credits": decision.unsearched_credits,
    }
    return json.dumps({key: value for key, value in values.items() if value}, ensure_ascii=False)
