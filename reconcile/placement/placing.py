"""充当先の決定の実行: what two people decided about a payment's money, in one transaction.

The postings in force of the receipt are reversed, the parts are posted (reason ``placed``), the
rest goes to suspense; the line's outcome becomes ``placed`` (M2) or ``unlinked`` (M1). The link
that stood before is blocked: no rule decides about this receipt again, only a 取消 or a 22 of the
payment itself still takes it back. Instalments that are open again by it let receipts that wait
for them be decided once more (outcomes.md 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.approve import canonical
from payments.domain.errors import RefusedError
from reconcile import flag, post
from reconcile.announce import announce_payments
from reconcile.deciding import decide_waiting
from reconcile.journal import open_journal
from reconcile.match import AGAIN_FROM
from reconcile.placement.ask import asked_placement, content_of, open_yen, placement_view
from reconcile.placement.record import answer, record
from reconcile.placement_model import KIND
from reconcile.rules import effects
from reconcile.store.staging import clear_staging, state_effects

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.placement.ask import PlacementView
    from reconcile.placement_model import Placement

_POSTING = """
INSERT INTO posting (municipality_code, journal_id, subject_file_id, subject_line_no, leg,
    debit_account, credit_account, amount_yen, reason, notice_id, term, group_id)
SELECT CAST(:m AS VARCHAR(5)), :journal_id, r.file_id, r.line_no, :leg + :place,
    CASE r.stage WHEN 'confirmed' THEN 'confirmed_due' ELSE 'reported' END,"""
_OF_RECEIPT = """
FROM receipt r WHERE r.municipality_code = :m AND r.file_id = :file_id AND r.line_no = :line_no"""
_PLACED = f"""{_POSTING}
    'receivable', CAST(:yen AS BIGINT), 'placed', CAST(:notice_id AS BIGINT),
    CAST(:term AS VARCHAR(2)), r.group_id {_OF_RECEIPT}"""
_SUSPENSE = f"""{_POSTING}
    'suspense', CAST(:yen AS BIGINT), 'suspense', r.notice_id, r.term, r.group_id {_OF_RECEIPT}"""
_BALANCE = """
UPDATE instalment_account SET term_yen = term_yen + :yen
WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term"""
_RECEIPT = """
UPDATE receipt SET applied_yen = :applied_yen, suspense_yen = :suspense_yen,
    journal_id = :journal_id, leg = :leg
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"""
_OUTCOME = """
INSERT INTO line_outcome (municipality_code, file_id, line_no, revision, outcome, rule,
    applied_yen, suspense_yen, slip_id, partner_file_id, partner_line_no, journal_id)
SELECT CAST(:m AS VARCHAR(5)), o.file_id, o.line_no, o.revision + 1, :outcome, :rule,
    :applied_yen, :suspense_yen, o.slip_id, NULL, NULL, :journal_id
FROM line_outcome o
WHERE o.municipality_code = :m AND o.file_id = :file_id AND o.line_no = :line_no
  AND o.revision = :revision"""
# What people filled again is not open, and lets nothing be decided again.
STILL_OPEN = """
DELETE FROM reopened WHERE municipality_code = :m AND NOT EXISTS (
    SELECT 1 FROM instalment_account a
    WHERE a.municipality_code = :m AND a.notice_id = reopened.notice_id AND a.term = reopened.term
      AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen > 0)"""
_SUSPENSE_LEG, _PART_LEG = 2, 10  # legs of a turn (reconcile.post)


def carry_out(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """充当先の決定の実行, on ``on`` or the next day whose books are open.

    Raises :class:`RefusedError` ``approval_stale`` when the money no longer stands as it did when
    it was asked for, and what :func:`reconcile.placement.ask.content_of` raises.
    """
    code = profile.municipality_code
    placement = asked_placement(approval.content)
    case_no = approval.content["case_no"]
    content = content_of(connection, code, placement, case_no=case_no)
    if canonical(content) != canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    place(connection, code, approval, on=on)


def place(connection: Connection, municipality_code: str, approval: Approval, *, on: date) -> None:
    """The placement that an approval says, once it is known that the money stands as it did.

    Raises :class:`RefusedError` ``placement_outstanding``.
    """
    _Placing(connection, municipality_code, asked_placement(approval.content), approval, on).run()


class _Placing:
    """One placement in its own journal."""

    def __init__(
        self,
        connection: Connection,
        municipality_code: str,
        placement: Placement,
        approval: Approval,
        on: date,
    ) -> None:
        self.connection = connection
        self.code = municipality_code
        self.placement = placement
        self.approval = approval
        self.actor = str(approval.decided_by)
        self.on = on
        self.view: PlacementView = placement_view(
            connection, municipality_code, placement.file_id, placement.line_no
        )
        journal_id = open_journal(
            connection, municipality_code, KIND, on, self.actor, reason=approval.reason
        )
        self.scope: dict[str, Any] = {
            "m": municipality_code,
            "file_id": placement.file_id,
            "line_no": placement.line_no,
            "journal_id": journal_id,
            "leg": post.LEGS_PER_TURN,
            # Facts of a file in hand, of which there is none.
            "agent": "",
            "is_debit": 0,
        }

    def run(self) -> None:
        """The story of one placement."""
        clear_staging(self.connection, self.code)
        state_effects(self.connection, self.code, effects())
        self._reverse()
        self._post()
        self._write_down()
        self._run(STILL_OPEN)
        decide_waiting(self.connection, dict(self.scope), AGAIN_FROM)
        self._flag()
        announce_payments(self.connection, self.code, self.scope["journal_id"])
        clear_staging(self.connection, self.code)

    def _run(self, statement: str, **values: object) -> None:
        self.connection.execute(text(statement), {**self.scope, **values})

    def _reverse(self) -> None:
        """What stood is taken back by postings the other way round."""
        self._run(
            "INSERT INTO reversal (municipality_code, file_id, line_no, by_line_no) "
            "VALUES (:m, :file_id, :line_no, 0)"
        )
        self._run(post.REOPENED)
        post.take_back(self.connection, self.scope)

    def _post(self) -> None:
        """The parts settle their instalments, the rest waits in suspense."""
        for place, part in enumerate(self.placement.parts, start=_PART_LEG):
            room = open_yen(self.connection, self.code, part.notice_id, part.term)
            if part.amount_yen > room:
                raise RefusedError(
                    "placement_outstanding", place=part.term, found=part.amount_yen, expected=room
                )
            values = {"notice_id": part.notice_id, "term": part.term, "yen": part.amount_yen}
            self._run(_PLACED, place=place, **values)
            self._run(_BALANCE, **values)
        if self._rest_yen:
            self._run(_SUSPENSE, place=_SUSPENSE_LEG, yen=self._rest_yen)

    @property
    def _rest_yen(self) -> int:
        return self.view.amount_yen - self.placement.placed_yen

    def _write_down(self) -> None:
        """The receipt, the outcome of its line, the placement, and the links that it ends."""
        money = {"applied_yen": self.placement.placed_yen, "suspense_yen": self._rest_yen}
        self._run(_RECEIPT, **money)
        self._run(
            _OUTCOME,
            outcome=self.placement.outcome,
            rule=self.placement.rule,
            revision=self.view.revision,
            **money,
        )
        ended: list[dict[str, Any]] = [
            {"notice_id": part.notice_id, "term": part.term} for part in self.view.parts
        ]
        record(
            self.connection,
            self.code,
            self.approval,
            (self.placement.file_id, self.placement.line_no),
            self.scope["journal_id"],
            self.placement.parts,
            ended or [{}],
        )

    def _flag(self) -> None:
        """Cases that this answers end; money that still waits, and changed outcomes, open some."""
        line = (self.placement.file_id, self.placement.line_no)
        mine = f"{line[0]}:{line[1]}"
        waiting = flag.Case(self.placement.outcome, mine, self._rest_yen, *line)
        answer(
            self.connection,
            self.code,
            self.approval,
            self.scope["journal_id"],
            on=self.on,
            subject=mine,
            waiting=waiting if self._rest_yen else None,
            details={},
        )
