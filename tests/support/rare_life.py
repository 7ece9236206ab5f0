"""稀な一生: all that staff, shops, banks and registers can do to a town, in any order.

A step is a name and a seed; what a rule forbids does nothing. Requests may wait for their second
person while other things happen, so that each is tried upon books that have moved on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from charge_town import CHARGES
from placing_town import DAY, NOTICES, YEN, M, row, slip_no
from reference_rows import barcode, csv_bytes
from reference_town import assessment, slip
from refund_town import EFFECTS, RefundTown, refund_profile

from payments import approve
from payments.domain.errors import KokinError
from payments.domain.profile import Account
from payments.domain.write_off import Ground
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.audit.seal import seal_pending
from reconcile.charges import waiving, write_offs
from reconcile.charges.booking import FeeLetter, book_charges, book_fees
from reconcile.formats import debit_result, konbini_dsk, zengin_credit, zengin_statement
from reconcile.formats.debit_records import Batch, Debit
from reconcile.model import Delivery
from reconcile.pipeline import reconcile_waiting, take_in
from reconcile.placement import credit_placing, placing
from reconcile.placement.ask import ask_placement, open_yen, placement_view, room_yen
from reconcile.placement.credit_ask import (
    KIND as CREDIT,
)
from reconcile.placement.credit_ask import (
    CreditPlacement,
    GroupShare,
    ask_credit_placement,
)
from reconcile.placement_model import KIND as PLACEMENT
from reconcile.placement_model import Part, Placement
from reconcile.refunds import another_account, appropriate, bank, batches, decide, release, withdraw
from reconcile.refunds.classing import Grounds, classify
from reconcile.registers import import_assessments, import_slips
from reconcile.report.period import day_report
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from payments.approve import Approval
    from payments.domain.profile import Profile

NOTIFIED = Account("9999", "ﾃｽﾄ", "998", "ｼﾃﾝ", "1", "7654321", "01")
REASONS = ("paid_twice",) * 4 + ("reassessed", "too_much", "not_owed", "wrong_instalment")
# Checks of the day report that hold whatever happens; the others wait for what has not come.
ALWAYS = {"T1", "T5", "T6", "T7", "T11", "receivable", "written_off", "carry_over"}
OF_THIRD = {"due_on_statutory": "2023-06-30", "obligor_no": "000000000999"}
LAST = "0000000004"  # of the fiscal year before, whose books may be closed
OF_LAST = {
    "fiscal_year": "2025", "levy_year": "2025", "due_on_statutory": "2026-03-31",
    "obligor_no": "000000000888",
}  # fmt: skip
OFTEN = 0.8
LATER = 0.25  # so many requests wait for a later step


def rare_profile() -> Profile:
    """Refunds, late charges, and a second account whose money is what the bank notifies."""
    plain = refund_profile()
    return replace(plain, charges=CHARGES, accounts=(*plain.accounts, NOTIFIED))


class RareLife:
    """一生 of one town."""

    def __init__(self, url: str) -> None:
        """Three notices; the third of a year before, and due long ago."""
        self.town = RefundTown(url)
        with unit_of_work(self.town.engine, M) as connection:
            from payments.store.municipalities import save_profile  # noqa: PLC0415

            save_profile(connection, rare_profile())
        self.chance = Random(0)
        self.number = 0
        self.day = DAY
        self.payments: list[konbini_dsk.DskRow] = []
        self.files: list[bytes] = []
        self.notices: list[zengin_credit.Notice] = []
        self.waiting: list[Approval] = []
        self.versions: Counter[tuple[int, str]] = Counter()
        self.done: Counter[str] = Counter()
        self.on_account_yen = 1_000_000
        self.log: list[str] = []
        rows = [
            assessment(
                term, yen, "correction", notice_no=NOTICES[2], whole_year_group=f"G{NOTICES[2]}",
                **OF_THIRD,
            )
            for term, yen in YEN.items()
        ]  # fmt: skip
        self.town.assess(*rows, name="due.csv")
        last = [
            assessment(term, yen, notice_no=LAST, whole_year_group=f"G{LAST}", **OF_LAST)
            for term, yen in YEN.items()
        ]
        self.town.assess(*last, name="last.csv")
        slips = [
            slip(
                term, yen, notice_no=LAST, slip_no=f"S{LAST}-{term}-1", levy_year="2025",
                case_key=f"{LAST}{term}".rjust(20, "0"),
                konbini_barcode=barcode(f"{LAST}{term}", "0", yen),
            )
            for term, yen in {**YEN, "00": sum(YEN.values())}.items()
        ]  # fmt: skip
        delivery = Delivery("last-slips.csv", csv_bytes(slips))
        report = import_slips(self.town.engine, M, delivery, received_on=self.day)
        assert report.status == "accepted", report.findings

    def close(self) -> None:
        """Let the database go."""
        self.town.close()

    # ---- steps ----

    def step(self, what: str, seed: int) -> str:
        """One of :data:`STEPS`; the error code of what forbade it, or an empty text."""
        self.chance = Random(seed)
        self.number += 1
        self.town.moment += timedelta(minutes=1)
        try:
            getattr(self, f"_{what}")()
        except KokinError as error:
            self.done[f"{what}: {error.error_code}"] += 1
            self.log.append(f"{what} {seed}: {error.error_code}")
            return error.error_code
        self.done[what] += 1
        self.log.append(f"{what} {seed}")
        return ""

    def _take(self, data: bytes, name: str) -> None:
        self.files.append(data)
        report = take_in(
            self.town.engine, M, Delivery(f"{self.number}-{name}", data), received_on=self.day
        )
        self.town.files[f"{self.number}-{name}"] = report.file_id or 0
        self.log.append(f"  {report.status} {[f.code for f in report.findings]}")

    # -- payments --

    def _place_of(self) -> tuple[int, str]:
        return self.chance.choice((1, 1, 1, 2, 3, 4, 4)), self.chance.choice(
            ("01", "01", "02", "00")
        )

    def _shop(self, *rows: konbini_dsk.DskRow) -> None:
        self._take(konbini_dsk.write(rows), "shop.csv")

    def _pay(self) -> None:
        notice, term = self._place_of()
        kind = self.chance.choice(("01", "02", "02", "02", "12"))
        yen = self.chance.choice((None, None, None, 3_000, 12_000))
        paid = row(
            notice, term, kind, yen, paid_at="0000" if kind == "12" else f"12{self.number:02d}",
            paid_on=self.chance.choice(("20260610", "20260529", "20260612")),
            remitted_on=self._remitted(kind),
        )  # fmt: skip
        if notice == 4:
            asked = YEN.get(term, sum(YEN.values()))
            paid = paid._replace(
                barcode=barcode(f"{LAST}{term}", "0", asked), amount_yen=yen or asked
            )
        version = self.versions[notice, term]
        if version and self.chance.random() < 0.5:
            number = NOTICES[notice - 1]
            asked = YEN.get(term, sum(YEN.values()))
            code = barcode(f"{number}{term}", str(version), asked)
            paid = paid._replace(barcode=code)
        self.payments.append(paid)
        self._shop(paid)

    def _twice(self) -> None:
        """Once more what was paid before, at another time: money that must go back."""
        some = [paid for paid in self.payments if paid.kind in {"01", "02"}]
        if some:
            paid = self.chance.choice(some)._replace(
                kind="02", paid_at=f"13{self.number:02d}", remitted_on=self._remitted("02")
            )
            self.payments.append(paid)
            self._shop(paid)

    def _remitted(self, kind: str) -> str:
        if kind in {"01", "03"}:
            return "0"
        return self.chance.choice(("20260625", "20260626"))

    def _again(self, kinds: tuple[str, ...], kind: str, **other: Any) -> None:
        some = [paid for paid in self.payments if paid.kind in kinds]
        if some:
            paid = self.chance.choice(some)
            self._shop(
                paid._replace(
                    kind=kind, remitted_on=self._remitted(kind),
                    created_on=f"202607{self.number % 28 + 1:02d}", **other,
                )
            )  # fmt: skip

    def _confirm(self) -> None:
        self._again(("01",), "02")

    def _withdraw(self) -> None:
        self._again(("01",), "03")

    def _postal(self) -> None:
        yen = self.chance.choice((9_000, 10_000, 8_000))
        self._again(("12",), "22", amount_yen=yen)

    def _resend(self) -> None:
        if self.files:
            self._take(self.chance.choice(self.files), "again.dat")

    def _debit(self) -> None:
        notice, term = self.chance.choice((1, 2, 3)), self.chance.choice(("01", "02"))
        number = f"2026901{NOTICES[notice - 1]}{term}".ljust(20, "0")
        number = f"2026901{int(NOTICES[notice - 1]):011d}{term}"
        debit = Debit(
            number, self.chance.choice((YEN[term], YEN[term], 4_000)),
            self.chance.choice(("0", "0", "1")),
        )  # fmt: skip
        on = self.chance.choice((date(2026, 6, 15), date(2026, 6, 29)))
        batch = Batch(
            "1234567890", "ﾐﾎﾝｼ", on, "9999", "ﾃｽﾄ", "999", "ﾎﾝﾃﾝ", "1", "1234567", [debit]
        )
        self._take(debit_result.write([batch]), "debit.dat")

    # -- claims --

    def _correct(self) -> None:
        notice, term = self.chance.choice((1, 1, 2, 3, 4)), self.chance.choice(("01", "01", "02"))
        yen = self.chance.choice((0, 4_000, 6_000, 10_000, 12_000))
        number = (*NOTICES, LAST)[notice - 1]
        line = assessment(
            term, yen, "correction" if yen else "cancellation", notice_no=number,
            whole_year_group=f"G{number}", obligor_name=f"税目 {self.number}",
            **{3: OF_THIRD, 4: OF_LAST}.get(notice, {}),
        )  # fmt: skip
        delivery = Delivery(f"{self.number}-correct.csv", csv_bytes([line]))
        import_assessments(self.town.engine, M, delivery, received_on=self.day)

    def _slip(self) -> None:
        notice, term = self.chance.choice((1, 2)), self.chance.choice(("01", "00"))
        version = self.versions[notice, term] + 1
        number = NOTICES[notice - 1]
        yen = YEN.get(term, sum(YEN.values()))
        made = slip(
            term, yen, version + 1, notice_no=number, slip_no=f"{slip_no(notice, term)[:-1]}{version + 1}",
            case_key=f"{number}{term}".rjust(20, "0"),
            konbini_barcode=barcode(f"{number}{term}", str(version), yen),
        )  # fmt: skip
        if version > 8:
            return
        delivery = Delivery(f"{self.number}-slips.csv", csv_bytes([made]))
        report = import_slips(self.town.engine, M, delivery, received_on=self.day)
        if report.status == "accepted":
            self.versions[notice, term] = version

    # -- the bank --

    def _statement(self) -> None:
        words, yen, code = self.chance.choice((
            ("ｾﾞｲﾓｸ ﾀﾛｳ", 10_000, ""), ("ｾﾞｲﾓｸ ﾀﾛｳ", 18_000, ""), ("ﾀﾞﾚｶ", 777, ""),
            ("ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ", 10_000, ""), ("ｸﾐﾓﾄﾞｼ", 6_000, ""),
            ("ﾐﾎﾝｼﾕｳﾉｳA", self._group_yen(), "9000000001"), ("ﾐﾎﾝｼﾕｳﾉｳA", 10_000, "9000000001"),
            ("ﾐﾎﾝﾌﾘｶｴ", 10_000, "9000000005"), ("ﾐﾎﾝﾌﾘｶｴ", 8_000, "9000000005"),
        ))  # fmt: skip
        self._on_account(zengin_statement.CREDIT, yen, words, code)

    def _group_yen(self) -> int:
        rows = self.town.rows(
            "SELECT confirmed_yen - credited_yen AS yen FROM remittance_group "
            "WHERE agent = 'konbini_dsk' AND confirmed_yen > credited_yen ORDER BY group_id"
        )
        return int(self.chance.choice(rows).yen) if rows else 10_000

    def _on_account(self, way: str, yen: int, words: str, code: str = "") -> None:
        account = refund_profile().accounts[0]
        on = date(2026, 6, 26)
        movement = zengin_statement.Movement(
            self.number, on, yen, direction=way, payer_code=code,
            payer_name=words if code or "ｸﾐﾓﾄﾞｼ" not in words else "",
            remarks="" if code else words,
        )  # fmt: skip
        made = zengin_statement.Statement(
            account, "ﾐﾎﾝｼ", on, on, on, self.on_account_yen, [movement]
        )
        self.on_account_yen += yen if way == zengin_statement.CREDIT else -yen
        self._take(zengin_statement.write([made]), "bank.txt")

    def _notified(self) -> None:
        words, yen = self.chance.choice((
            ("ｾﾞｲﾓｸ ﾀﾛｳ", 10_000), ("ﾀﾞﾚｶ", 555), ("ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ", self._refund_yen()),
            ("ﾐﾎﾝｼﾕｳﾉｳA", self._group_yen()),
        ))  # fmt: skip
        code = "9000000001" if words.startswith("ﾐﾎﾝｼ") else ""
        notice = zengin_credit.Notice(
            self.number, date(2026, 6, 26), yen, payer_name=words, payer_code=code
        )
        self.notices.append(notice)
        self._notify(notice)

    def _refund_yen(self) -> int:
        rows = self.town.rows("SELECT amount_yen + interest_yen AS yen FROM refund")
        return int(self.chance.choice(rows).yen) if rows else 10_000

    def _cancelled(self) -> None:
        if self.notices:
            self._notify(self.chance.choice(self.notices)._replace(cancels=True))

    def _notify(self, notice: zengin_credit.Notice) -> None:
        on = notice.booked_on
        group = zengin_credit.NoticeGroup(NOTIFIED, "ﾐﾎﾝｼ", on, on, on, [notice])
        self._take(zengin_credit.write([group]), "notice.txt")

    def _reconcile(self) -> None:
        reconcile_waiting(
            self.town.engine, M, as_of=self.day + timedelta(days=self.chance.choice((0, 30)))
        )

    def _matched(self) -> None:
        with unit_of_work(self.town.engine, M) as connection:
            bank.match_statement(
                connection, load_profile(connection, M), on=self.day, by="hanako",
                at=self.town.moment,
            )  # fmt: skip

    # -- two people --

    def _asked(self, what: Callable[..., Any], *args: Any, **more: Any) -> None:
        asked = self.town.asked(what, *args, **more)
        for approval in asked if isinstance(asked, list) else [asked]:
            self._second(approval)

    def _second(self, approval: Approval) -> None:
        if self.chance.random() < LATER:
            self.waiting.append(approval)
        else:
            self._carry_out(approval)

    def _agree(self) -> None:
        if self.waiting:
            self._carry_out(self.waiting.pop(self.chance.randrange(len(self.waiting))))

    def _carry_out(self, approval: Approval) -> None:
        with unit_of_work(self.town.engine, M) as connection:
            decided = approve.decide(
                connection, M, approval.approval_id, "approved", decided_by="jiro",
                at=self.town.moment,
            )  # fmt: skip
            profile = load_profile(connection, M)
            kind = decided.kind
            if kind in EFFECTS:
                EFFECTS[kind](connection, profile, decided, on=self.day)
            elif kind == PLACEMENT:
                placing.carry_out(connection, profile, decided, on=self.day)
            elif kind == CREDIT:
                credit_placing.carry_out(connection, profile, decided, on=self.day)
            elif kind == write_offs.KIND:
                write_offs.carry_out(connection, profile, decided, on=self.day)
            elif kind == write_offs.REVERSAL_KIND:
                write_offs.carry_out_reversal(connection, M, decided, on=self.day)
            elif kind == waiving.KIND:
                waiving.carry_out(connection, M, decided)
            else:
                day_close.carry_out(connection, M, decided)

    def _place(self) -> None:
        rows = self.town.rows(
            "SELECT file_id, line_no FROM receipt WHERE stage <> 'withdrawn' "
            "ORDER BY file_id, line_no"
        )
        if not rows:
            return
        line = self.chance.choice(rows)
        with reading(self.town.engine, M) as connection:
            view = placement_view(connection, M, *line)
        self._asked(
            ask_placement, Placement(line.file_id, line.line_no, self._parts(view, view.amount_yen))
        )

    def _open_places(self) -> list[Any]:
        return self.town.rows(
            "SELECT notice_id, term FROM instalment_account ORDER BY notice_id, term"
        )

    def _parts(self, view: Any, left: int) -> tuple[Part, ...]:
        places = self._open_places()
        parts = []
        for place in self.chance.sample(places, self.chance.choice((0, 1, 1, 2, 3))):
            with reading(self.town.engine, M) as connection:
                room = (
                    room_yen(connection, M, view, *place) if view is not None
                    else open_yen(connection, M, *place)
                )  # fmt: skip
            yen = min(left, room, self.chance.choice((2_500, 10**9)))
            left -= yen
            if yen > 0:
                parts.append(Part(place.notice_id, place.term, yen))
        return tuple(parts)

    def _credit(self) -> None:
        rows = self.town.rows(
            "SELECT file_id, line_no, amount_yen FROM deposit ORDER BY file_id, line_no"
        )
        if not rows:
            return
        found = self.chance.choice(rows)
        groups: tuple[GroupShare, ...] = ()
        parts: tuple[Part, ...] = ()
        way = self.chance.choice(("parts", "parts", "groups", "undo"))
        if way == "parts":
            parts = self._parts(None, found.amount_yen)
        elif way == "groups":
            some = self.town.rows("SELECT group_id FROM remittance_group ORDER BY group_id")
            if some:
                groups = (GroupShare(self.chance.choice(some).group_id, found.amount_yen),)
        self._asked(
            ask_credit_placement, CreditPlacement(found.file_id, found.line_no, parts, groups)
        )

    # -- money that goes back --

    def _subject(self) -> str:
        some = self.town.listed(self.day)
        free = [each for each in some if not each.due_yen]
        some = free if free and self.chance.random() < OFTEN else some
        return self.chance.choice(some).subject if some else "line:0:0"

    def _class(self, subject: str = "") -> None:
        subject = subject or self._subject()
        reason = self.chance.choice(REASONS)
        with unit_of_work(self.town.engine, M) as connection:
            classify(
                connection, load_profile(connection, M), subject,
                Grounds(reason, paid_on=date(2026, 6, 10)), by="hanako", at=self.town.moment,
                as_of=self.day,
            )  # fmt: skip
        found = self.town.found(subject)
        if found.account_no is None:
            self.town.account(found.obligor_no)

    def _refund(self) -> None:
        subject = self._subject()
        self._class(subject)
        yen = self.chance.choice((None, None, 1_000))
        # What is due comes first; the law is looked at elsewhere, here the money.
        self._asked(decide.ask_refund, subject, yen, as_of=date(2026, 6, 20))

    def _interest(self) -> None:
        rows = self.town.rows("SELECT DISTINCT subject FROM overpayment ORDER BY subject")
        if rows:
            self._asked(decide.ask_interest, self.chance.choice(rows).subject, as_of=self.day)

    def _refund_no(self) -> int:
        rows = self.town.rows("SELECT refund_no FROM refund ORDER BY refund_no")
        return int(self.chance.choice(rows).refund_no) if rows else 0

    def _cancel(self) -> None:
        self._asked(decide.ask_cancel, self._refund_no())

    def _appropriate(self) -> None:
        subject = self._subject()
        self._class(subject)
        later = self.chance.choice((self.day, date(2026, 9, 1)))
        self._asked(appropriate.ask_appropriation, subject, as_of=later)

    def _build(self) -> None:
        with unit_of_work(self.town.engine, M) as connection:
            batches.build(
                connection, load_profile(connection, M), date(2026, 6, 24), by="hanako",
                at=self.town.moment, today=DAY, reason="もう一度",
            )  # fmt: skip

    def _batch(self) -> Any:
        with reading(self.town.engine, M) as connection:
            some = batches.batches(connection, M)
        return self.chance.choice(some) if some else None

    def _release(self) -> None:
        found = self._batch()
        if found is not None:
            self._asked(release.ask_release, found.batch_no)

    def _hand_out(self) -> None:
        found = self._batch()
        if found is not None:
            self.town.taken(found, "もう一度")

    def _withdraw_batch(self) -> None:
        found = self._batch()
        if found is not None:
            self._asked(withdraw.ask_withdraw, found.batch_no, stopped="みほん銀行 田中氏")

    def _paid_out(self) -> None:
        found = self._batch()
        if found is not None and found.state in {"released", "handed_out"}:
            self._on_account(zengin_statement.DEBIT, found.total_yen, "ﾌﾘｺﾐ")
            self._matched()

    def _came_back(self) -> None:
        rows = self.town.rows("SELECT refund_no FROM refund ORDER BY refund_no")
        some = [self.town.refund(int(each.refund_no)) for each in rows]
        paid = [each for each in some if each.state == "paid"]
        if paid:
            words = self.chance.choice(("ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ", "ｸﾐﾓﾄﾞｼ"))
            self._on_account(zengin_statement.CREDIT, self.chance.choice(paid).total_yen, words)
            self._matched()

    def _take_back(self) -> None:
        with reading(self.town.engine, M) as connection:
            lines = bank.returns(connection, M)
        if lines:
            line = self.chance.choice(lines)
            with unit_of_work(self.town.engine, M) as connection:
                bank.take_back(
                    connection, load_profile(connection, M), self._refund_no(),
                    (line.file_id, line.line_no), on=self.day, by="hanako", at=self.town.moment,
                )  # fmt: skip

    def _payee(self) -> None:
        number = self._refund_no()
        found = self.town.refund(number)
        self.town.account(found.obligor_no, f"{2_222_000 + self.number}")
        with unit_of_work(self.town.engine, M) as connection:
            another_account.change_payee(
                connection, load_profile(connection, M), number, by="hanako",
                at=self.town.moment, on=self.day,
            )  # fmt: skip

    # -- charges, write-offs --

    def _charges(self) -> None:
        book_charges(self.town.engine, M, on=self.day, actor="schedule")

    def _fee(self) -> None:
        third = self.town.notice[NOTICES[2]]
        place = self.chance.choice([p for p in self._open_places() if p.notice_id == third])
        letters = [FeeLetter(place.notice_id, place.term, date(2023, 7, 20))]
        book_fees(self.town.engine, M, letters, on=self.day, actor="schedule")

    def _waive(self) -> None:
        place = self.chance.choice(self._open_places())
        wish = waiving.Waiving(
            (place.notice_id, place.term), self.chance.choice(("whole", "part", "withdraw")), 500
        )
        self._asked(self._waiver, wish)

    def _waiver(self, connection: Any, _profile: Profile, wish: waiving.Waiving, **who: Any) -> Any:
        return waiving.ask_waiver(connection, M, wish, **who)

    def _write_off(self) -> None:
        place = self.chance.choice(self._open_places())
        wish = write_offs.GivingUp(
            ((place.notice_id, place.term),), Ground.AT_ONCE, date(2026, 6, 1),
            and_charges=self.chance.choice((True, False)),
        )  # fmt: skip
        self._asked(write_offs.ask_write_off, wish, on=self.day)

    def _take_up(self) -> None:
        place = self.chance.choice(self._open_places())
        self._asked(self._reversal, (place.notice_id, place.term))

    def _reversal(self, connection: Any, _profile: Profile, place: Any, **who: Any) -> Any:
        return write_offs.ask_reversal(connection, M, place, **who)

    # -- closing --

    def _tomorrow(self) -> None:
        self.day += timedelta(days=1)

    def _closing(self, kind: str, subject: str, *, despite: bool = False) -> None:
        with unit_of_work(self.town.engine, M) as connection:
            asked = day_close.ask(
                connection, M, kind, subject, asked_by="hanako", reason="試験",
                at=self.town.moment, despite=despite,
            )  # fmt: skip
        self._second(asked)

    def _close_day(self) -> None:
        day = self.day - timedelta(days=self.chance.choice((0, 1)))
        self._closing(day_close.CLOSE, day.isoformat(), despite=True)

    def _reopen_day(self) -> None:
        rows = self.town.rows(
            "SELECT CAST(MAX(ends_on) AS VARCHAR(10)) FROM day_closure WHERE period = 'day'"
        )
        if rows[0][0]:
            self._closing(day_close.REOPEN, rows[0][0])

    def _close_year(self) -> None:
        self._closing(day_close.YEAR_CLOSE, "2025", despite=True)

    def _reopen_year(self) -> None:
        self._closing(day_close.YEAR_REOPEN, "2025")

    # ---- what always holds ----

    def conserve(self) -> None:
        """Assessed = applied + given up + outstanding; received = applied + held + paid back."""
        town = self.town
        claims = town.rows(
            "SELECT SUM(amount_yen) AS assessed, SUM(term_yen + whole_yen) AS settled, "
            "SUM(amount_yen - term_yen - whole_yen + surplus_yen) AS open, "
            "SUM(surplus_yen) AS surplus, SUM(written_off_yen) AS given_up, "
            "MIN(amount_yen - term_yen - whole_yen + surplus_yen) AS least_open, "
            "MIN(surplus_yen) AS least_surplus, MIN(term_yen) AS least_term, "
            "MIN(whole_yen) AS least_whole, MIN(term_yen + whole_yen - surplus_yen) AS least_net, "
            "MIN(written_off_yen) AS least_given FROM instalment_account"
        )[0]
        for name in ("open", "surplus", "term", "whole", "net", "given"):
            assert getattr(claims, f"least_{name}") >= 0, name
        held = town.rows(
            "SELECT COALESCE(SUM(amount_yen), 0) AS came, COALESCE(SUM(applied_yen), 0) AS applied, "
            "COALESCE(SUM(suspense_yen), 0) AS suspense FROM receipt WHERE stage <> 'withdrawn'"
        )[0]
        refunds = [
            town.refund(int(each.refund_no))
            for each in town.rows("SELECT refund_no FROM refund ORDER BY refund_no")
        ]
        decided = sum(r.amount_yen for r in refunds if r.state != "cancelled")
        gone = sum(r.amount_yen for r in refunds if r.state == "paid")
        assert held.came == held.applied + held.suspense
        assert claims.settled == held.applied + claims.given_up
        assert claims.assessed == claims.settled - claims.surplus + claims.open
        balance = {
            name: town.balance(name)
            for name in ("assessed", "receivable", "suspense", "reported", "confirmed_due",
                         "written_off", "refund_due", "bank", "unidentified", "outgoing", "fee")
        }  # fmt: skip
        assert -balance["assessed"] == claims.assessed
        assert balance["receivable"] == claims.open
        assert balance["written_off"] == claims.given_up
        assert -balance["suspense"] == held.suspense + claims.surplus - decided
        assert -balance["refund_due"] == decided - gone
        assert -balance["suspense"] >= 0
        assert -balance["unidentified"] >= 0
        came = -sum(balance[n] for n in ("unidentified", "suspense", "refund_due", "outgoing"))
        came += claims.settled - claims.surplus - claims.given_up
        assert sum(balance[n] for n in ("bank", "reported", "confirmed_due", "fee")) == came
        assert sum(balance.values()) == 0
        with reading(town.engine, M) as connection:
            from reconcile.refunds.found import short  # noqa: PLC0415

            gone_short = short(connection, load_profile(connection, M), self.day)
        assert gone_short == [], gone_short

    def report(self) -> None:
        """突合 of today."""
        with reading(self.town.engine, M) as connection:
            found = day_report(connection, load_profile(connection, M), self.day)
        wrong = [each for each in found.checks if each.code in ALWAYS and not each.ok]
        assert wrong == [], wrong

    def check(self) -> None:
        """検算."""
        seal_pending(self.town.engine, M)
        found = verify(self.town.engine, M)
        assert found == [], found


STEPS = tuple(sorted(
    name[1:] for name in vars(RareLife)
    if name[0] == "_" and name[1] != "_" and name not in {
        "_take", "_place_of", "_shop", "_remitted", "_again", "_group_yen", "_on_account",
        "_refund_yen", "_notify", "_asked", "_second", "_carry_out", "_open_places", "_parts",
        "_subject", "_refund_no", "_batch", "_waiver", "_reversal", "_closing",
    }
))  # fmt: skip
