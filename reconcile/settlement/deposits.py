"""入金の記帳: statement lines in the books, decided by :mod:`reconcile.settlement.search`.

Bank lines are few (thousands a day at most), so each is decided by a readable function and booked
one by one; every decision is a further revision of its line's outcome.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from payments.domain.kana import fold_name
from reconcile.settlement.credit_books import CreditBooks
from reconcile.settlement.open_credits import Deposit, agent_of, credit_of, open_deposits
from reconcile.settlement.owed import Namesakes, namesakes
from reconcile.settlement.search import Credit, is_returned_refund

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile


class Books(CreditBooks):
    """One municipality's deposits within one journal."""

    def __init__(
        self, connection: Connection, profile: Profile, municipality_code: str, journal_id: int
    ) -> None:
        """``journal_id`` names the booking occasion that every posting here belongs to."""
        super().__init__(connection, profile, municipality_code, journal_id)
        self._open_again: set[str] = set()  # payers whose groups a cancelled notice had settled
        self._namesakes: dict[str, Namesakes] = {}  # no balance moves while credits are decided

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
        payers: set[str] = set()
        undecided = False  # what a cancellation in the same file may name has its outcome first
        for line in lines:
            if undecided and line.direction == "cancel":
                self.decide_open_deposits(sorted(payers), strangers_of=file_id)
                self._namesakes.clear()  # a placed credit that is taken back opens what it paid
                undecided = False
            decided = self._statement_line(file_id, line)
            if isinstance(decided, Deposit):
                payers.add(decided.agent)
                undecided = True
            else:
                self.write_outcome(file_id, line.line_no, *decided)
        payers |= self._open_again  # what a cancelled notice had settled waits for others
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
            return self._cancel_notice(file_id, line)
        if line.direction == "debit":
            if is_money:
                self.post(file_id, line.line_no, 1, "outgoing", "bank", line.amount_yen, "outgoing")
            return "outgoing", "B1"
        if not is_money:
            return "information", "B9"
        credit = credit_of(line)
        agent = agent_of(self.connection, self.profile, credit)
        deposit = Deposit(file_id, line.line_no, line.account_key, agent, credit)
        self._enter(deposit)
        return deposit

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

    def _decide_stranger(self, deposit: Deposit) -> tuple[str, str]:
        """What a credit of a payer that is none of our agents may be (suggestions only)."""
        if is_returned_refund(deposit.credit, self.profile):
            return "refund_returned", "B5"
        suggestion = self._direct_transfer(deposit.credit)
        if suggestion:
            self.details[deposit.subject] = json.dumps(
                {"instalments": suggestion}, ensure_ascii=False
            )
            return "direct_transfer", "B6"
        return "unidentified_deposit", "B7"

    def _direct_transfer(self, credit: Credit) -> tuple[str, ...]:
        """Instalments of an obligor of that name with that amount outstanding: suggestions."""
        folded = fold_name(credit.payer_name)
        if folded not in self._namesakes:
            code = self.profile.municipality_code
            self._namesakes[folded] = namesakes(self.connection, code, folded)
        return self._namesakes[folded].fitting(credit.amount_yen)

    def _cancel_notice(self, file_id: int, line: Any) -> tuple[str, str]:
        """01 取消区分 1: the notice it cancels is found by account, day, number and amount.

        Its money goes if it was money when it came, whatever the profile says of the account now.
        What of it has been paid back, or was a refund that came back, is gone: nothing is undone,
        and a person must ask the bank.
        """
        notice = self.run(
            """SELECT b.file_id, b.line_no, EXISTS (
                   SELECT 1 FROM deposit d WHERE d.municipality_code = :m
                     AND d.file_id = b.file_id AND d.line_no = b.line_no) AS is_money
               FROM bank_line b
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
        if self.went_back(notice.file_id, notice.line_no):
            return "withdrawal_after_confirmation", "B8"
        if notice.is_money:
            self._withdraw_deposit(notice.file_id, notice.line_no, line.amount_yen)
        self.write_outcome(
            notice.file_id, notice.line_no, "withdrawn", "B8", partner=(file_id, line.line_no)
        )
        return "withdraws", "B8"

    def _withdraw_deposit(self, file_id: int, line_no: int, amount_yen: int) -> None:
        """The bank took a notified credit back: what it paid and its money are reversed."""
        shares = self.unsettle(file_id, line_no)
        self._open_again |= self.agents_of(share.group_id for share in shares)
        self.unplace(file_id, line_no)
        self.post(file_id, line_no, 101, "unidentified", "bank", amount_yen, "reversal")
        self.set_state(file_id, line_no, "withdrawn")

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
        by_agent: dict[str, list[Deposit]] = {}
        for deposit in open_deposits(self.connection, self.profile):
            agent = deposit.agent
            mine = agent or strangers_of is None or deposit.file_id == strangers_of
            if mine and (agents is None or agent in agents):
                by_agent.setdefault(agent, []).append(deposit)
        settled = 0
        for agent in sorted(by_agent):
            if agent:
                settled += self.decide_payer(agent, by_agent[agent])
                continue
            for deposit in by_agent[agent]:
                self.note(deposit, *self._decide_stranger(deposit))
        return settled
