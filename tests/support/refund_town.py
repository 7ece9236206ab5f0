"""還付の町: the town of placing with money that must go back, and two people who send it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from placing_town import DAY, NOTICES, M, PlacingTown, row
from reference_rows import sample_profile
from reference_town import assessment

from payments import approve
from payments.domain.overpayment import Refunds
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import zengin_statement
from reconcile.model import Delivery
from reconcile.refunds import appropriate, bank, batches, decide, payees, release, withdraw
from reconcile.refunds.classing import Grounds, classify
from reconcile.refunds.events import Refund, refund
from reconcile.refunds.found import Overpayment, overpayment, overpayments

if TYPE_CHECKING:
    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.refunds.batches import Batch

MONDAY = date(2026, 6, 22)
TRANSFER = date(2026, 6, 24)
EFFECTS: dict[str, Any] = {
    appropriate.KIND: appropriate.carry_out,
    decide.KIND: decide.carry_out,
    decide.CANCEL: decide.cancel,
    release.KIND: release.release,
    withdraw.KIND: withdraw.withdraw,
}


def refund_profile() -> Profile:
    """The sample profile with somebody who transfers."""
    terms = Refunds(orderer_code="1234567890", orderer_name="ﾐﾎﾝｼ")
    return replace(sample_profile(), refunds=terms)


class RefundTown(PlacingTown):
    """還付の町."""

    def __init__(self, url: str) -> None:
        """The town as it is, with the settings of refunds."""
        super().__init__(url, refund_profile())
        self.on_account_yen = 1_000_000

    # ---- money that must go back ----

    def twice(self, notice: int = 1, name: str = "second.csv", **other: Any) -> str:
        """A first instalment paid twice, both confirmed; the subject of the second payment."""
        paid = {"kind": "02", **other}
        if not self.files.get(f"first{notice}.csv"):
            self.shop(f"first{notice}.csv", row(notice, **paid))
        self.shop(name, row(notice, paid_at="1300", shop_code="000002", **paid))
        return "line:{}:{}".format(*self.line(name))

    def lowered(self, notice: int = 1, yen: int = 4_000) -> str:
        """A first instalment that was paid and then lowered; the subject of what is left over."""
        self.shop(f"paid{notice}.csv", row(notice, kind="02"))
        number = NOTICES[notice - 1]
        line = assessment(
            "01", yen, kind="correction", notice_no=number, whole_year_group=f"G{number}"
        )
        self.assess(line, name=f"lowered{notice}.csv")
        return f"claim:{self.notice[number]}/01"

    # ---- what people do ----

    def classed(self, subject: str, reason: str = "paid_twice", as_of: date = DAY) -> int:
        """認定."""
        with unit_of_work(self.engine, M) as connection:
            return classify(
                connection, load_profile(connection, M), subject, Grounds(reason), by="hanako",
                at=self.moment, as_of=as_of,
            )  # fmt: skip

    def account(self, obligor_no: str, number: str = "1111111", holder: str = "ﾐﾎﾝ ﾀﾛｳ") -> int:
        """口座, given on paper and confirmed."""
        given = payees.payee_of("9998", "002", "1", number, holder)
        with unit_of_work(self.engine, M) as connection:
            account_no = payees.register(
                connection, M, obligor_no, given, source=payees.PAPER, by="hanako", on=DAY,
                at=self.moment,
            )  # fmt: skip
            payees.confirm(connection, M, account_no, by="jiro", at=self.moment)
        return account_no

    def approve(self, approval: Approval, on: date = DAY) -> None:
        """The second person agrees, and it is done."""
        with unit_of_work(self.engine, M) as connection:
            decided = approve.decide(
                connection, M, approval.approval_id, "approved", decided_by="jiro", at=self.moment
            )
            EFFECTS[decided.kind](connection, load_profile(connection, M), decided, on=on)

    def asked(self, what: Any, *args: Any, **more: Any) -> Any:
        """One person asks."""
        with unit_of_work(self.engine, M) as connection:
            return what(
                connection, load_profile(connection, M), *args, asked_by="hanako", at=self.moment,
                reason="書類を確かめた", **more,
            )  # fmt: skip

    def ready(self, subject: str, reason: str = "paid_twice") -> Overpayment:
        """Classed, and with an account."""
        self.classed(subject, reason)
        found = self.found(subject)
        if found.account_no is None:
            self.account(found.obligor_no)
        return self.found(subject)

    def refunded(self, subject: str, yen: int | None = None, on: date = DAY) -> int:
        """Decided by two people; the number of the refund."""
        self.ready(subject, "reassessed" if subject.startswith("claim") else "paid_twice")
        self.approve(self.asked(decide.ask_refund, subject, yen, as_of=on), on)
        return int(self.rows("SELECT MAX(refund_no) FROM refund")[0][0])

    def built(self, transfer_on: date = TRANSFER, reason: str = "") -> Batch:
        """振込データ."""
        with unit_of_work(self.engine, M) as connection:
            return batches.build(
                connection, load_profile(connection, M), transfer_on, by="hanako",
                at=self.moment, today=DAY, reason=reason,
            )  # fmt: skip

    def released(self, found: Batch) -> bytes:
        """引渡し."""
        self.approve(self.asked(release.ask_release, found.batch_no))
        return self.taken(found)

    def taken(self, found: Batch, reason: str = "", by: str = "hanako") -> bytes:
        """振込ファイルの取出し."""
        with unit_of_work(self.engine, M) as connection:
            return release.hand_out(
                connection, M, found.batch_no, by=by, at=self.moment, reason=reason
            )

    def statement(self, name: str, *entries: tuple[str, int, str], on: date = TRANSFER) -> None:
        """入出金明細: (``in`` or ``out``, yen, words) each."""
        account = sample_profile().accounts[0]
        rows = [
            zengin_statement.Movement(
                number, on, yen, direction={"in": "1", "out": "2"}[way], remarks=words
            )
            for number, (way, yen, words) in enumerate(entries, start=1)
        ]
        made = zengin_statement.Statement(account, "ﾐﾎﾝｼ", on, on, on, self.on_account_yen, rows)
        self.on_account_yen += sum(yen if way == "in" else -yen for way, yen, _words in entries)
        self.take(Delivery(name, zengin_statement.write([made])), on)

    def matched(self, on: date = TRANSFER) -> bank.Matched:
        """What the bank did, in the books."""
        with unit_of_work(self.engine, M) as connection:
            return bank.match_statement(
                connection, load_profile(connection, M), on=on, by="hanako", at=self.moment
            )

    # ---- what stands ----

    def found(self, subject: str, as_of: date = DAY) -> Overpayment:
        """過誤納."""
        with reading(self.engine, M) as connection:
            return overpayment(connection, load_profile(connection, M), subject, as_of)

    def listed(self, as_of: date = DAY) -> list[Overpayment]:
        """過誤納の一覧."""
        with reading(self.engine, M) as connection:
            return overpayments(connection, load_profile(connection, M), as_of)

    def refund(self, number: int) -> Refund:
        """還付."""
        with reading(self.engine, M) as connection:
            return refund(connection, M, number)

    def conserve(self) -> None:
        """Received = applied + suspense + what is decided to go back; and so says the ledger."""
        received = self.rows(
            "SELECT COALESCE(SUM(amount_yen), 0) AS came FROM receipt WHERE stage <> 'withdrawn'"
        )[0].came
        applied = self.rows(
            "SELECT SUM(term_yen + whole_yen - surplus_yen) FROM instalment_account"
        )[0][0]
        paid = self.rows(
            "SELECT COALESCE(SUM(CASE reason WHEN 'refund_paid' THEN amount_yen "
            "WHEN 'refund_returned' THEN CASE credit_account WHEN 'refund_due' THEN -amount_yen "
            "ELSE 0 END ELSE 0 END), 0) FROM posting"
        )[0][0]
        suspense, due = -self.balance("suspense"), -self.balance("refund_due")
        assert suspense >= 0
        assert due >= 0
        assert received == applied + suspense + due + paid
