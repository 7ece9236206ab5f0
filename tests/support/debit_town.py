"""A small town that debits at two banks: accounts, batches, two people, and results as files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from slip_town import SlipTown

from payments import approve
from reconcile.debit import batches as books
from reconcile.debit import build, release
from reconcile.debit.accounts import Account, Wish, register_one
from reconcile.debit.acknowledge import acknowledge
from reconcile.debit.build import Act
from reconcile.formats import debit_request, debit_result
from reconcile.model import Delivery
from reconcile.pipeline import take_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payments.approve import Approval
    from reconcile.debit.batches import Batch
    from reconcile.model import FileReport

DEBIT_ON = date(2026, 5, 28)
SECOND_ON = date(2026, 6, 15)
TODAY = date(2026, 5, 11)
AT = datetime(2026, 5, 11, 3, tzinfo=UTC)
BANKS = ("9998", "9999")
ACT = Act("abe", AT, TODAY)
OTHER = Act("baba", AT, TODAY)


class DebitTown(SlipTown):
    """Notices of two instalments on direct debit; the payer's number says the bank."""

    def settle(self, count: int) -> None:
        """So many payers, one notice each, their accounts at the two banks in turn."""
        for number in range(1, count + 1):
            self.notice(number, (10_000 + number, 12_000), flags="direct_debit", grouped=False)
            self.account(number)

    def account(self, number: int, **changes: Any) -> int:
        """The account of a payer."""
        usual = Account(
            BANKS[number % 2], "ﾃｽﾄ", "001", "ﾎﾝﾃﾝ", "1", f"{number:07d}", f"ｾﾞｲﾓｸ {number}"
        )
        event = changes.pop("event", "set")
        from_on = changes.pop("from_on", date(2026, 4, 1))
        account = usual._replace(**changes) if event == "set" else Account()
        wish = Wish(f"{number:012d}", "", event, from_on, account, "届出")
        with self.write() as connection:
            return register_one(connection, self.code, wish, actor="abe", at=AT)

    def build(self, debit_on: date = DEBIT_ON, **asked: Any) -> list[Batch]:
        """The batches of a day that were not built yet."""
        with self.write() as connection:
            return build.build(connection, self.profile, debit_on, ACT, **asked)[1]

    def ask(self, kind: str, batch_no: int, stopped: str = "") -> Approval:
        """The first of two people."""
        with self.write() as connection:
            if kind == release.RELEASE:
                content = release.release_content(connection, self.profile, batch_no, today=TODAY)
            elif kind == release.REPLACE:
                content = release.replace_content(
                    connection, self.profile, batch_no, stopped, today=TODAY
                )
            else:
                content = release.withdraw_content(connection, self.profile, batch_no, stopped)
            return approve.ask(
                connection, self.code, kind, release.subject_of(batch_no), content,
                asked_by="abe", at=AT, reason="確認済",
            )  # fmt: skip

    def decide(self, approval: Approval) -> Batch:
        """The second of two people."""
        with self.write() as connection:
            decided = approve.decide(
                connection, self.code, approval.approval_id, "approved", decided_by="baba", at=AT
            )
            now = release.content_now(connection, self.profile, decided, today=TODAY)
            assert approve.canonical(now) == approve.canonical(decided.content)
            return release.carry_out(connection, self.profile, decided, OTHER)

    def released(self, batch: Batch) -> Batch:
        """Released by two people."""
        return self.decide(self.ask(release.RELEASE, batch.batch_no))

    def send(self, batch: Batch, act: Act = ACT, reason: str = "") -> tuple[Batch, bytes]:
        """Its bytes, taken."""
        with self.write() as connection:
            return release.send(connection, self.profile, batch.batch_no, act, reason=reason)

    def acknowledge(self, batch: Batch, count: int | None = None, yen: int | None = None) -> Batch:
        """The bank's word, that it took the batch whole unless told otherwise."""
        with self.write() as connection:
            return acknowledge(
                connection, self.code, batch.batch_no, batch.count if count is None else count,
                batch.amount_yen if yen is None else yen, ACT,
            )  # fmt: skip

    def batch(self, batch_no: int) -> Batch:
        """A batch as it stands."""
        with self.read() as connection:
            return books.batch_of(connection, self.code, batch_no)

    def whole_way(self) -> dict[str, tuple[Batch, bytes]]:
        """Built, released, sent and acknowledged at every bank."""
        sent = {}
        for batch in self.build():
            taken, data = self.send(self.released(batch))
            sent[batch.bank_code] = (self.acknowledge(taken), data)
        return sent

    def results(
        self, data: bytes, codes: Sequence[str], debit_on: date = DEBIT_ON, name: str = ""
    ) -> FileReport:
        """The result of a request, code by code, taken in as a file."""
        (asked,) = debit_request.read(data, debit_on)
        debits = [
            debit._replace(result_code=code)
            for debit, code in zip(asked.debits, codes, strict=True)
        ]
        answer = debit_result.write([asked._replace(debits=debits)])
        delivery = Delivery(name or f"{asked.bank_code}-{debit_on}.dat", answer)
        received_on = date(2026, 6, 4) if debit_on == DEBIT_ON else date(2026, 6, 22)
        return take_in(self.engine, self.code, delivery, received_on=received_on)
