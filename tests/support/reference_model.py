"""参照モデル: a slow, obvious, pure-Python second reading of ``outcomes.md``.

One line at a time, over plain lists, in the words of the contract. It exists so that the
set-based engine has something independent to be held against; a treasurer should be able to
follow it with the contract beside it. The table of section 4 is :meth:`Books.decide`, the
settlement of section 7 is :mod:`reference_settlement`; here are the order of intake (2), the
repeats (3), the stages (5), the debit results (6), the bank lines (7) and the finer points (9).

Where the text leaves room, this reading was taken:

* The table runs 1, 2, 3/4, 5, 6 (all settled, no money of the alternative slip), 9, 7, 8, 10-13.
  Row 7 looks at money on the covered instalments that are not cancelled.
* A waiting receipt keeps the slip and the slip's state of its intake ("as it stands at intake").
  Receipts wait when they hold money in suspense and cover an instalment from which the withdrawal
  took money; when such a receipt lets go of another instalment, those waiting there follow.
  Corrections open nothing for waiting receipts: the contract names withdrawals and undos only.
* Of two contents of one record key the first ever seen stands; only it gets new occurrences.
  Inside a file "first" is by line. A repeat goes before a conflict.
* A 速報 of a payment that is there already (81 and 01 in either order, k-th with k-th; 速報 after
  確報; file line after notification) is ``repeat``, whatever has become of the payment since. For
  a transaction id with another amount or key it is ``conflict``. So is a second 確報 of a
  transaction id that comes by another way (``repeat`` when equal).
* A 確報 confirms the first live 速報 in occurrence order; without one, it revives the first
  withdrawn payment (``confirmed_after_withdrawal``); otherwise it is a payment of its own.
* A 取消 that finds no live 速報 is ``withdrawal_after_confirmation`` while any equal payment is
  confirmed, whatever else was withdrawn; ``withdrawal_unmatched`` otherwise.
* A debit after money of the 全期 slip is ``alternative_paid``: it counts as the 期別 slip's payment.
* What people have placed counts as money of the instalment's own slip, whatever slip brought it.
  Its 取消 takes it back like any other; a 確報 confirms it where it is.
* A 22 is decided in the place of its 12, before waiting receipts are looked at again.
* A malformed 取消 and a malformed debit line with a code other than 0 hold no money.
* Groups are open while confirmed - fees - credited > 0. The fees of every advice line count,
  whether or not its count and gross agree; advice lines are compared again whenever sums change.
* A credit is known by its payer code; without one, by payer name or remarks equal to the agent's
  name, or by an EDI text that is the number of a known eLTAX group. A known payer goes before
  ``refund_returned``. Credits are decided in order of 勘定日, then intake, until nothing moves;
  those of strangers at their intake and by :meth:`ReferenceCity.reconcile`.
* 03 lines with 出金 are ``outgoing`` even where 01 is the money. A cancelled 01 notice that had
  settled groups opens them again.
* ``confirmation_overdue`` counts bank business days from ``paid_on``; ``remittance_overdue`` from
  the group's date, for groups with nothing credited; both hold from the day after the last day.
* ``wrong_instalment_suspected`` names instalment n+1, settled with all its money paid by its
  (shifted) due date, while n has no money at all and its due date is before the day asked.
* ``closed_year``: the fiscal year of ``paid_on`` was closed (31 May) before the file came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reference_books import Books, Receipt, stage_rank
from reference_calendar import year_closed
from reference_cases import (
    CASE_OUTCOMES,
    confirmations_overdue,
    remittances_overdue,
    subject_of,
    wrong_instalments,
)
from reference_records import Payment, Records
from reference_settlement import Treasury

from reconcile.model import Channel, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from reference_books import GroupKey, LineRef, Place
    from reference_cases import Case

    from payments.domain.profile import Profile
    from reconcile.model import AdviceLine, BankLine, ReportLine

Outcome = tuple[str, int, int, int]  # (outcome, applied_yen, suspense_yen, row of section 4 or 0)
DEBIT_DONE = "0"
PLACED_OUTCOMES = frozenset({"placed", "unlinked"})  # a case while some of the money waits
DEBIT_FAILED = frozenset("123489")
POSTAL, POSTAL_CORRECTION = "12", "22"


@dataclass
class Intake:
    """取込: the file at hand."""

    sha256: str
    number: int
    channel: Channel
    counts_equal_lines: bool
    received_on: date
    agent: str
    bank_lines: dict[int, BankLine]
    advice_lines: dict[int, AdviceLine]


class ReferenceCity:
    """参照モデル: one municipality. Feed it, then look at ``outcomes``, ``cases`` and the rest."""

    def __init__(self, profile: Profile) -> None:
        """Start empty."""
        self.profile = profile
        self.books = Books(profile)
        self.treasury = Treasury(profile, self.books)
        self.payments: list[Payment] = []
        self.cases_ever: set[Case] = set()
        self._files: dict[str, int] = {}
        self._plain: dict[LineRef, Outcome] = {}  # outcomes that never change by themselves
        self._receipts: dict[LineRef, Receipt] = {}
        self._records = Records()
        self._event_cases: set[Case] = set()
        self._timed_cases: set[Case] = set()

    # -- what goes in ---------------------------------------------------------------------------

    def assess(self, lines: Iterable[Any]) -> None:
        """調定: take in lines with the columns of files.md 3.5 as attributes."""
        for line in lines:
            self.books.assess(line)
        self._remember_cases()

    def register_slips(self, lines: Iterable[Any]) -> bool:
        """納付書台帳 (files.md 3.6); False when a line has no instalment: the file is rejected."""
        lines = list(lines)
        places = self.books.instalments
        for line in lines:
            notice = (line.item_code, str(line.levy_year), line.notice_no)
            if line.term != "00" and (*notice, line.term) not in places:
                return False
            if line.term == "00" and not any(
                place[:3] == notice and instalment.whole_year_group
                for place, instalment in places.items()
            ):
                return False
        for line in lines:
            self.books.register(line)
        return True

    def intake(
        self,
        file_name: str,
        sha256: str,
        channel: Channel,
        lines: Sequence[ReportLine],
        *,
        bank_lines: Sequence[BankLine] = (),
        advice_lines: Sequence[AdviceLine] = (),
        counts_equal_lines: bool = True,
        received_on: date,
        agent: str = "",
    ) -> str:
        """One parsed file or notification; ``accepted``, ``duplicate_file`` or ``refused``."""
        if sha256 in self._files:  # section 3: nil reports are byte-identical and excepted
            return "duplicate_file" if lines else "accepted"
        if any(self.profile.account(bank.account_key) is None for bank in bank_lines):
            return "refused"  # section 9: an account that no profile names
        self._files[sha256] = len(self._files)
        file = Intake(
            sha256,
            self._files[sha256],
            channel,
            counts_equal_lines,
            received_on,
            agent,
            {bank.line_no: bank for bank in bank_lines},
            {advice.line_no: advice for advice in advice_lines},
        )
        known = self._records.known(channel.value, lines, counts_equal_lines=counts_equal_lines)
        for line in sorted(lines, key=lambda line: (stage_rank(line), line.line_no)):
            if line.line_no in known:
                self._say(file, line, known[line.line_no])
            else:
                self._take(file, line)
        self.treasury.reopen_late()
        self.treasury.settle()
        self._remember_cases()
        return "accepted"

    def reconcile(self, as_of: date) -> None:
        """照合: everything that is waiting, as it stands on this day."""
        self.treasury.decide_strangers()
        self.treasury.settle()
        self._timed_cases = {
            *confirmations_overdue(self.books, as_of),
            *remittances_overdue(self.treasury, as_of),
            *wrong_instalments(self.books, as_of),
        }
        self._remember_cases()

    def place(self, ref: LineRef, parts: Sequence[tuple[Place, int]]) -> bool:
        """充当先の決定 of the receipt that a line booked; False when it is refused."""
        receipt = self._receipts[ref]
        named = [(self.books.instalments[place], yen) for place, yen in parts]
        if not self.books.may_place(receipt, named):
            return False
        self.books.place(receipt, named)
        # What two people have looked at is answered, whatever it was about.
        answered = {"closed_year", "confirmed_after_withdrawal"}
        self._event_cases -= {(kind, subject_of(ref)) for kind in answered}
        self._remember_cases()
        return True

    # -- what comes out -------------------------------------------------------------------------

    @property
    def outcomes(self) -> dict[LineRef, Outcome]:
        """Every line's outcome as it stands now (section 8)."""
        found = dict(self._plain)
        for ref, receipt in self._receipts.items():
            money = (receipt.applied_yen, receipt.suspense_yen)
            found[ref] = (receipt.outcome, *money, receipt.row)
        for entry in self.treasury.entries:
            found[entry.ref] = (entry.outcome, 0, 0, 0)
        for advice in self.treasury.advice:
            found[advice.ref] = (advice.outcome, 0, 0, 0)
        return found

    @property
    def cases(self) -> set[Case]:
        """Cases whose ground holds now; ``cases_ever`` also has those that time has answered."""
        found = set(self._event_cases | self._timed_cases)
        for ref, (outcome, _, suspense_yen, _) in self.outcomes.items():
            if outcome in CASE_OUTCOMES or (outcome in PLACED_OUTCOMES and suspense_yen > 0):
                found.add((outcome, subject_of(ref)))
        for place, instalment in self.books.instalments.items():
            if instalment.surplus_yen > 0:
                found.add(("overpaid_by_correction", "/".join(place)))
        for key, group in self.treasury.groups.items():
            if group.reopened:
                found.add(("late_confirmation", "/".join(key)))
        return found

    @property
    def balances(self) -> dict[Place, tuple[int, int, int]]:
        """Per instalment: current amount, applied, outstanding."""
        return {
            place: (i.amount_yen, i.applied_yen, i.outstanding_yen)
            for place, i in self.books.instalments.items()
        }

    @property
    def suspense_yen(self) -> int:
        """仮受金 of reports: waiting receipts, malformed lines and surpluses of corrections."""
        return self.books.suspense_yen

    @property
    def groups(self) -> dict[GroupKey, tuple[int, int, int]]:
        """Per remittance group: confirmed, fees, credited."""
        return {
            key: (group.confirmed_yen, group.fee_yen, group.credited_yen)
            for key, group in self.treasury.groups.items()
        }

    # -- one line -------------------------------------------------------------------------------

    def _say(self, file: Intake, line: ReportLine, outcome: str, row: int = 0) -> None:
        """An outcome that books nothing."""
        self._plain[file.sha256, line.line_no] = (outcome, 0, 0, row)

    def _take(self, file: Intake, line: ReportLine) -> None:
        """A line that is neither repeat nor conflict."""
        if line.fault is not None:
            self._take_malformed(file, line)
        elif file.channel == Channel.BANK:
            bank, order = file.bank_lines[line.line_no], (file.number, line.line_no)
            ref = (file.sha256, line.line_no)
            self.treasury.take(ref, order, bank, line.amount_yen or 0)
        elif file.channel == Channel.ADVICE:
            ref = (file.sha256, line.line_no)
            self.treasury.advise(ref, file.advice_lines[line.line_no])
        elif file.channel == Channel.DEBIT and line.kind in DEBIT_FAILED:
            self._say(file, line, "debit_failed")  # section 6
        elif line.stage == Stage.PROVISIONAL:
            self._take_early(file, line)
        elif line.stage == Stage.WITHDRAWAL:
            self._take_withdrawal(file, line)
        else:
            self._take_confirmed(file, line)

    def _take_malformed(self, file: Intake, line: ReportLine) -> None:
        """Row 1 of section 4: readable money is held, unless the line stands for none (9)."""
        no_money = (
            file.channel in {Channel.BANK, Channel.ADVICE}
            or line.stage == Stage.WITHDRAWAL
            or (file.channel == Channel.DEBIT and line.kind != DEBIT_DONE)
        )
        if no_money:
            self._say(file, line, "malformed", row=1)
        else:
            self._book(file, line)

    def _book(self, file: Intake, line: ReportLine) -> Receipt:
        """A receipt of this line, decided by section 4."""
        ref = (file.sha256, line.line_no)
        order = (file.number, stage_rank(line), line.line_no)
        receipt = Receipt(ref, order, line, stage=line.stage)
        self._receipts[ref] = receipt
        self.books.book(receipt)
        if line.fault is None and line.paid_on and year_closed(line.paid_on, file.received_on):
            self._event_cases.add(("closed_year", subject_of(ref)))
        return receipt

    # -- section 5: stages ----------------------------------------------------------------------

    def _payments_of(self, line: ReportLine) -> list[Payment]:
        """The payments of this line's key in occurrence order."""
        return [payment for payment in self.payments if payment.key == line.payment_key]

    def _take_early(self, file: Intake, line: ReportLine) -> None:
        """速報 (01, 81, kind 1)."""
        report = line.kind
        for payment in self._payments_of(line):
            if not file.counts_equal_lines:
                # A transaction id is unique: a notification or a 確報 was here before.
                self._say(file, line, "repeat" if payment.same_as(line) else "conflict")
                return
            if report not in payment.early_reports:  # 01 after 81, or 速報 after its 確報
                payment.early_reports.add(report)
                self._say(file, line, "repeat")
                return
        receipt = self._book(file, line)
        payment = Payment(
            line.payment_key or "", line.amount_yen, line.slip_key, "provisional", receipt
        )
        payment.early_reports.add(report)
        self.payments.append(payment)

    def _take_withdrawal(self, file: Intake, line: ReportLine) -> None:
        """取消 (03, kind 3): the first 速報 in occurrence order that nothing has confirmed."""
        payments = self._payments_of(line)
        live = [payment for payment in payments if payment.state == "provisional"]
        if live:
            live[0].state = "withdrawn"
            self._say(file, line, "withdraws")
            self.books.decide_waiting_again(self.books.withdraw(live[0].receipt))
        elif any(payment.state == "confirmed" for payment in payments):
            self._say(file, line, "withdrawal_after_confirmation")
        else:
            self._say(file, line, "withdrawal_unmatched")

    def _take_confirmed(self, file: Intake, line: ReportLine) -> None:
        """確報 (02, 12, 22, kind 2, debit code 0)."""
        corrected = self._corrected_by(line)
        if corrected is not None:
            # Section 9: the 22 takes the place of its 12, then those waiting are decided again.
            corrected.state = "withdrawn"
            opened = self.books.withdraw(corrected.receipt)
            self.treasury.left(corrected.receipt)
            self._new_confirmed(file, line)
            self.books.decide_waiting_again(opened)
            return
        payments = self._payments_of(line)
        if payments and not file.counts_equal_lines:
            payment = payments[0]
            if not payment.same_as(line):
                self._say(file, line, "conflict")  # section 9: 速報 and 確報 differ
                return
            if payment.state == "confirmed":
                self._say(file, line, "repeat")
                return
        for payment in payments:
            if payment.state == "provisional":
                payment.state = "confirmed"
                payment.receipt.stage = Stage.CONFIRMED
                self._join_group(file, line, payment.receipt)
                self._say(file, line, "confirms")
                return
        for payment in payments:
            if payment.state == "withdrawn" and payment.receipt.line.kind != POSTAL:
                payment.receipt = self._book(file, line)
                payment.state = "confirmed"
                self._join_group(file, line, payment.receipt)
                ref = (file.sha256, line.line_no)
                self._event_cases.add(("confirmed_after_withdrawal", subject_of(ref)))
                return
        self._new_confirmed(file, line)

    def _new_confirmed(self, file: Intake, line: ReportLine) -> None:
        """A 確報 that stands alone: section 4, stage confirmed."""
        receipt = self._book(file, line)
        self._join_group(file, line, receipt)
        self.payments.append(
            Payment(line.payment_key or "", line.amount_yen, line.slip_key, "confirmed", receipt)
        )

    def _corrected_by(self, line: ReportLine) -> Payment | None:
        """郵便振替訂正: the 12 that a 22 corrects, by agent, 収納日 and key (section 9)."""
        if line.key_kind != "konbini" or line.kind != POSTAL_CORRECTION:
            return None
        for payment in self.payments:
            first = payment.receipt.line
            if (
                payment.state == "confirmed"
                and first.kind == POSTAL
                and (first.operator, first.paid_on, first.slip_key, first.reissue)
                == (line.operator, line.paid_on, line.slip_key, line.reissue)
            ):
                return payment
        return None

    def _join_group(self, file: Intake, line: ReportLine, receipt: Receipt) -> None:
        """A remittance group is what one credit should contain (section 7)."""
        if not line.remittance_ref:
            return
        if file.channel in {Channel.ELTAX, Channel.DEBIT}:
            agent = file.channel.value
        else:
            agent = file.agent or line.operator
        remitted_on = line.remitted_on or line.paid_on or ""
        self.treasury.confirm(receipt, (agent, line.remittance_ref), remitted_on)

    def _remember_cases(self) -> None:
        """Whatever has been a case once stays known."""
        self.cases_ever |= self.cases
