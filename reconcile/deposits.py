"""入金の記帳: statement lines in the books, decided by :mod:`reconcile.settle`.

Bank lines are few (thousands a day at most), so each is decided by a readable function and booked
one by one; every decision is a further revision of its line's outcome.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.kana import fold_name
from reconcile.line_books import LineBooks, as_date
from reconcile.settle import (
    Credit,
    CreditDecision,
    Group,
    decide_credit,
    fitting_instalments,
    is_returned_refund,
    payer_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile


class Deposit(NamedTuple):
    """A credit line in hand."""

    file_id: int
    line_no: int
    account_key: str
    agent: str
    credit: Credit


class Books(LineBooks):
    """One municipality's deposits within one journal."""

    def __init__(
        self, connection: Connection, profile: Profile, municipality_code: str, journal_id: int
    ) -> None:
        """``journal_id`` names the booking occasion that every posting here belongs to."""
        super().__init__(connection, municipality_code, journal_id)
        self.profile = profile
        self.details: dict[str, str] = {}  # case subject → JSON of what was compared

    # ---- statement lines ----

    def take_in_statement(self, file_id: int) -> None:
        """Decide every line of a statement or notice file (outcomes.md 7), in line order."""
        lines = self.run(
            """SELECT w.line_no, w.fixed, l.fault, l.amount_yen, b.account_key, b.source,
                      b.direction, b.inquiry_no, b.booked_on, b.payer_code, b.payer_name,
                      b.remarks, b.edi
               FROM match_work w
               JOIN source_line l ON l.municipality_code = :m AND l.file_id = w.file_id
                                 AND l.line_no = w.line_no
               LEFT JOIN bank_line b ON b.municipality_code = :m AND b.file_id = w.file_id
                                    AND b.line_no = w.line_no
               WHERE w.municipality_code = :m ORDER BY w.line_no""",
        ).all()
        payers = set()
        for line in lines:
            decided = self._statement_line(file_id, line)
            if isinstance(decided, Deposit):
                payers.add(decided.agent)
            else:
                self.write_outcome(file_id, line.line_no, *decided)
        self.decide_open_deposits(sorted(payers), strangers_of=file_id)

    def _statement_line(self, file_id: int, line: Any) -> tuple[str, str] | Deposit:
        """One line of a statement: its outcome and rule, or the deposit to be decided."""
        if line.fixed:
            return line.fixed, "I1" if line.fixed == "repeat" else "I2"
        if line.fault:
            return "malformed", "P01"
        account = self.profile.account(line.account_key)
        is_money = account is not None and account.money_kind == line.source
        if line.direction == "cancel":
            return self._cancel_notice(file_id, line, is_money=is_money)
        if line.direction == "debit":
            if is_money:
                self.post(file_id, line.line_no, 1, "outgoing", "bank", line.amount_yen, "outgoing")
            return "outgoing", "B1"
        if not is_money:
            return "information", "B9"
        credit = _credit(line)
        deposit = Deposit(file_id, line.line_no, line.account_key, self._agent(credit), credit)
        self._enter(deposit)
        return deposit

    def _agent(self, credit: Credit) -> str:
        """The payer among our agents; a remittance number of ours names eLTAX by itself."""
        agent = payer_of(credit, self.profile)
        if agent or not credit.edi:
            return agent
        named = self.run(
            "SELECT 1 FROM remittance_group WHERE municipality_code = :m AND agent = 'eltax' "
            "AND ref = :ref",
            ref=credit.edi,
        ).first()
        return "eltax" if named else ""

    def _enter(self, deposit: Deposit) -> None:
        """Money on the account is in the books at once: unidentified until it finds its groups."""
        self.run(
            """INSERT INTO deposit (municipality_code, file_id, line_no, account_key, agent, ref,
                   amount_yen, booked_on, state)
               VALUES (:m, :file_id, :line_no, :account_key, :agent, :ref, :amount_yen,
                   :booked_on, 'open')""",
            file_id=deposit.file_id,
            line_no=deposit.line_no,
            account_key=deposit.account_key,
            agent=deposit.agent,
            ref=deposit.credit.edi,
            amount_yen=deposit.credit.amount_yen,
            booked_on=deposit.credit.booked_on.isoformat(),
        )
        self.post(
            deposit.file_id, deposit.line_no, 1, "bank", "unidentified",
            deposit.credit.amount_yen, "unidentified_deposit",
        )  # fmt: skip

    def _decide(self, deposit: Deposit) -> tuple[str, str]:
        """Settle the credit if it can be; otherwise name what it may be."""
        if deposit.agent:
            decision = decide_credit(deposit.credit, deposit.agent, self._groups(deposit.agent))
            if decision.outcome == "settled":
                self._settle(deposit, decision)
            else:
                self.details[f"{deposit.file_id}:{deposit.line_no}"] = json.dumps(
                    {"candidates": decision.candidates}, ensure_ascii=False
                )
            return decision.outcome, decision.rule
        if is_returned_refund(deposit.credit, self.profile):
            return "refund_returned", "B5"
        suggestion = self._direct_transfer(deposit.credit)
        if suggestion:
            self.details[f"{deposit.file_id}:{deposit.line_no}"] = json.dumps(
                {"instalments": suggestion}, ensure_ascii=False
            )
            return "direct_transfer", "B6"
        return "unidentified_deposit", "B7"

    def _groups(self, agent: str) -> list[Group]:
        """The agent's groups with what is still expected of each."""
        terms = self.profile.agent(agent)
        fee = "fee_yen" if terms is not None and terms.fee == "advised" else "0"
        rows = self.run(
            f"""SELECT group_id, ref, remitted_on, confirmed_yen - {fee} - credited_yen AS expected
                FROM remittance_group
                WHERE municipality_code = :m AND agent = :agent
                  AND confirmed_yen - {fee} <> credited_yen AND remitted_on IS NOT NULL""",
            agent=agent,
        )
        return [Group(r.group_id, r.ref, as_date(r.remitted_on), r.expected) for r in rows]

    def _settle(self, deposit: Deposit, decision: CreditDecision) -> None:
        """資金化: the credit pays its groups, net of the fee that the advice named."""
        terms = self.profile.agent(deposit.agent)
        for number, group in enumerate(decision.groups):
            fee = 0
            if terms is not None and terms.fee == "advised":
                fee = self.run(
                    """SELECT g.fee_yen - COALESCE((SELECT SUM(s.fee_yen) FROM settlement s
                           WHERE s.municipality_code = :m AND s.group_id = g.group_id), 0)
                       FROM remittance_group g
                       WHERE g.municipality_code = :m AND g.group_id = :group_id""",
                    group_id=group.group_id,
                ).scalar_one()
            self.run(
                """INSERT INTO settlement (municipality_code, file_id, line_no, group_id,
                       amount_yen, fee_yen, journal_id)
                   VALUES (:m, :file_id, :line_no, :group_id, :amount_yen, :fee_yen,
                       :journal_id)""",
                file_id=deposit.file_id,
                line_no=deposit.line_no,
                group_id=group.group_id,
                amount_yen=group.expected_yen,
                fee_yen=fee,
            )
            self.run(
                """UPDATE remittance_group SET credited_yen = credited_yen + :amount_yen
                   WHERE municipality_code = :m AND group_id = :group_id""",
                group_id=group.group_id,
                amount_yen=group.expected_yen,
            )
            leg = 10 + 2 * number
            self.post(
                deposit.file_id, deposit.line_no, leg, "unidentified", "confirmed_due",
                group.expected_yen, "settled", group.group_id,
            )  # fmt: skip
            if fee:
                self.post(
                    deposit.file_id, deposit.line_no, leg + 1, "fee", "confirmed_due",
                    fee, "fee", group.group_id,
                )  # fmt: skip
        self.run(
            """UPDATE deposit SET state = 'settled' WHERE municipality_code = :m
               AND file_id = :file_id AND line_no = :line_no""",
            file_id=deposit.file_id,
            line_no=deposit.line_no,
        )

    def _direct_transfer(self, credit: Credit) -> tuple[str, ...]:
        """Instalments of an obligor of that name with that amount outstanding: suggestions."""
        folded = fold_name(credit.payer_name)
        if not folded:
            return ()
        # CROSS JOIN keeps SQLite from walking all instalments of the city for each credit.
        rows = self.run(
            """SELECT n.notice_no, n.item_code, a.term,
                      a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen,
                      n.obligor_no
               FROM obligor o CROSS JOIN notice n CROSS JOIN instalment_account a
               WHERE o.municipality_code = :m AND o.kana_folded = :folded
                 AND n.municipality_code = :m AND n.obligor_no = o.obligor_no
                 AND a.municipality_code = :m AND a.notice_id = n.notice_id
                 AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen > 0
               ORDER BY n.obligor_no, n.item_code, n.notice_no, a.term""",
            folded=folded,
        ).all()
        by_obligor: dict[str, list[tuple[str, int]]] = {}
        for row in rows:
            name = f"{row.item_code}/{row.notice_no}/{row.term}"
            by_obligor.setdefault(row.obligor_no, []).append((name, row.open_yen))
        for outstanding in by_obligor.values():
            fitting = fitting_instalments(credit.amount_yen, outstanding)
            if fitting:
                return fitting
        return ()

    def _cancel_notice(self, file_id: int, line: Any, *, is_money: bool) -> tuple[str, str]:
        """01 取消区分 1: the notice it cancels is found by account, day, number and amount."""
        notice = self.run(
            """SELECT b.file_id, b.line_no FROM bank_line b
               JOIN source_line l ON l.municipality_code = :m AND l.file_id = b.file_id
                                 AND l.line_no = b.line_no
               JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = b.file_id
                                  AND o.line_no = b.line_no
               WHERE b.municipality_code = :m AND b.account_key = :account_key
                 AND b.booked_on = :booked_on AND b.inquiry_no = :inquiry_no
                 AND b.source = '01' AND b.direction = 'credit' AND l.amount_yen = :amount_yen
                 AND o.outcome NOT IN ('withdrawn', 'repeat', 'conflict', 'malformed')
                 AND NOT EXISTS (SELECT 1 FROM line_outcome n WHERE n.municipality_code = :m
                     AND n.file_id = o.file_id AND n.line_no = o.line_no
                     AND n.revision > o.revision)
               ORDER BY b.file_id, b.line_no LIMIT 1""",
            account_key=line.account_key,
            booked_on=str(line.booked_on),
            inquiry_no=line.inquiry_no,
            amount_yen=line.amount_yen,
        ).first()
        if notice is None:
            return "withdrawal_unmatched", "B8"
        if is_money:
            self._withdraw_deposit(notice.file_id, notice.line_no, line.amount_yen)
        self.write_outcome(
            notice.file_id, notice.line_no, "withdrawn", "B8", partner=(file_id, line.line_no)
        )
        return "withdraws", "B8"

    def _withdraw_deposit(self, file_id: int, line_no: int, amount_yen: int) -> None:
        """The bank took a notified credit back: its settlement and its money are reversed."""
        settled = self.run(
            """SELECT group_id, amount_yen, fee_yen FROM settlement
               WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no
               ORDER BY group_id""",
            file_id=file_id,
            line_no=line_no,
        ).all()
        for number, part in enumerate(settled):
            leg = 110 + 2 * number
            self.post(
                file_id, line_no, leg, "confirmed_due", "unidentified", part.amount_yen,
                "reversal", part.group_id,
            )  # fmt: skip
            if part.fee_yen:
                self.post(
                    file_id, line_no, leg + 1, "confirmed_due", "fee", part.fee_yen,
                    "reversal", part.group_id,
                )  # fmt: skip
            self.run(
                """UPDATE remittance_group SET credited_yen = credited_yen - :yen
                   WHERE municipality_code = :m AND group_id = :group_id""",
                yen=part.amount_yen,
                group_id=part.group_id,
            )
        self.run(
            """DELETE FROM settlement
               WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no""",
            file_id=file_id,
            line_no=line_no,
        )
        self.post(file_id, line_no, 101, "unidentified", "bank", amount_yen, "reversal")
        self.run(
            """UPDATE deposit SET state = 'withdrawn' WHERE municipality_code = :m
               AND file_id = :file_id AND line_no = :line_no""",
            file_id=file_id,
            line_no=line_no,
        )

    # ---- once more ----

    def decide_open_deposits(
        self, agents: Sequence[str] | None, *, strangers_of: int | None = None
    ) -> int:
        """Decide credits that did not settle again; ``agents`` None means all of them.

        Credits of strangers are decided when their own file (``strangers_of``) comes, and then
        only by `kokin reconcile`: no group of theirs can change (outcomes.md 9).

        A credit that settles changes what is open for the others of its payer, so these are
        looked at again until nothing moves: in order of 勘定日, then of intake. Returns how many
        settled now.
        """
        rows = self.run(
            """SELECT d.file_id, d.line_no, d.account_key, d.agent, d.amount_yen, d.booked_on,
                      b.payer_code, b.payer_name, b.remarks, b.edi
               FROM deposit d
               JOIN bank_line b ON b.municipality_code = :m AND b.file_id = d.file_id
                               AND b.line_no = d.line_no
               WHERE d.municipality_code = :m AND d.state = 'open'
               ORDER BY d.booked_on, d.file_id, d.line_no""",
        ).all()
        by_agent: dict[str, list[Deposit]] = {}
        for row in rows:
            credit = _credit(row)
            agent = row.agent or self._agent(credit)
            mine = agent or strangers_of is None or row.file_id == strangers_of
            if mine and (agents is None or agent in agents):
                deposit = Deposit(row.file_id, row.line_no, row.account_key, agent, credit)
                by_agent.setdefault(agent, []).append(deposit)
        return sum(self._decide_payer(by_agent[agent]) for agent in sorted(by_agent))

    def _decide_payer(self, waiting: list[Deposit]) -> int:
        """All open credits of one payer; returns how many settled."""
        settled = 0
        position = 0
        while position < len(waiting):
            deposit = waiting[position]
            outcome, rule = self._decide(deposit)
            if outcome != self.outcome_of(deposit.file_id, deposit.line_no):
                self.write_outcome(deposit.file_id, deposit.line_no, outcome, rule)
            position += 1
            if outcome == "settled":
                settled += 1
                waiting.remove(deposit)
                position = 0
        return settled


def _credit(row: Any) -> Credit:
    """The credit that a row of ``bank_line`` (with its amount) describes."""
    return Credit(
        amount_yen=row.amount_yen,
        booked_on=as_date(row.booked_on),
        payer_code=row.payer_code,
        payer_name=row.payer_name,
        remarks=row.remarks,
        edi=row.edi.strip(),
    )
