"""充当の町: three notices with real files behind them, and two people who place money by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reference_rows import barcode, csv_bytes, sample_profile
from reference_town import assessment, slip
from sqlalchemy import text

from payments import approve
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.export import outcome_rows
from reconcile.formats import konbini_dsk
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.placement.ask import ask_placement, placement_view
from reconcile.placement.placing import carry_out
from reconcile.placement_model import Part, Placement
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.model import FileReport

M = "99999"
NOTICES = ("0000000001", "0000000002", "0000000003")
YEN = {"01": 10_000, "02": 8_000}
DAY = date(2026, 6, 20)
Line = tuple[int, int]


class PlacingTown:
    """町: 10,000 yen in term 01, 8,000 in term 02 of three notices, also payable as 全期."""

    def __init__(self, url: str, profile: Profile | None = None) -> None:
        """Assess, and enter the slips."""
        self.url = url
        self.engine = open_engine(url)
        self.moment = datetime(2026, 6, 20, 1, tzinfo=UTC)
        self.files: dict[str, int] = {}
        with unit_of_work(self.engine, M) as connection:
            save_profile(connection, profile or sample_profile())
        self.assess(
            *(
                assessment(term, yen, notice_no=notice, whole_year_group=f"G{notice}")
                for notice in NOTICES
                for term, yen in YEN.items()
            )
        )
        slips = [
            _slip(notice, term, yen)
            for notice in NOTICES
            for term, yen in {**YEN, "00": sum(YEN.values())}.items()
        ]
        report = import_slips(
            self.engine, M, Delivery("slips.csv", csv_bytes(slips)), received_on=DAY
        )
        assert report.status is FileStatus.ACCEPTED, report.findings
        with reading(self.engine, M) as connection:
            self.notice = {
                str(number): int(notice_id)
                for number, notice_id in connection.execute(
                    text("SELECT notice_no, notice_id FROM notice")
                )
            }

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()

    # ---- what comes in ----

    def assess(self, *rows: Any, name: str = "assessments.csv") -> None:
        """調定 as a file of its own."""
        report = import_assessments(
            self.engine, M, Delivery(name, csv_bytes(list(rows))), received_on=DAY
        )
        assert report.status is FileStatus.ACCEPTED, report.findings

    def shop(self, name: str, *rows: konbini_dsk.DskRow, on: date = DAY) -> FileReport:
        """コンビニ収納データ under a name of its own."""
        return self.take(Delivery(name, konbini_dsk.write(rows)), on)

    def take(self, delivery: Delivery, on: date = DAY) -> FileReport:
        """Take a file in."""
        report = take_in(self.engine, M, delivery, received_on=on)
        self.files[delivery.name] = report.file_id or 0
        return report

    def line(self, name: str, line_no: int = 2) -> Line:
        """A line of a file; the first record of a DSK file is line 2."""
        return self.files[name], line_no

    # ---- what people do ----

    def part(self, notice: int, term: str, yen: int) -> Part:
        """A part on the first, second or third notice."""
        return Part(self.notice[NOTICES[notice - 1]], term, yen)

    def ask(self, line: Line, *parts: Part, case_no: int | None = None) -> Approval:
        """One person asks."""
        self.moment += timedelta(minutes=1)
        with unit_of_work(self.engine, M) as connection:
            return ask_placement(
                connection, load_profile(connection, M), Placement(*line, parts), asked_by="hanako",
                at=self.moment, reason="納付者に確かめた", case_no=case_no,
            )  # fmt: skip

    def decide(self, approval: Approval, decision: str = "approved", on: date = DAY) -> None:
        """Another decides; an approval is carried out at once."""
        self.moment += timedelta(minutes=1)
        with unit_of_work(self.engine, M) as connection:
            decided = approve.decide(
                connection, M, approval.approval_id, decision, decided_by="jiro", at=self.moment,
                note="" if decision == "approved" else "不要",
            )  # fmt: skip
            if decision == "approved":
                carry_out(connection, load_profile(connection, M), decided, on=on)

    def place(self, line: Line, *parts: Part, case_no: int | None = None, on: date = DAY) -> None:
        """Both of them."""
        self.decide(self.ask(line, *parts, case_no=case_no), on=on)

    # ---- what stands ----

    def outcome(self, line: Line) -> tuple[str, str, int, int]:
        """照合結果: outcome, rule, applied and suspense yen."""
        row = self.rows(
            "SELECT outcome, rule, applied_yen, suspense_yen FROM line_outcome "
            "WHERE file_id = :file_id AND line_no = :line_no ORDER BY revision DESC LIMIT 1",
            file_id=line[0],
            line_no=line[1],
        )[0]
        return row[0], row[1], row[2], row[3]

    def open_yen(self, notice: int, term: str) -> int:
        """未納."""
        row = self.rows(
            "SELECT amount_yen - term_yen - whole_yen + surplus_yen FROM instalment_account "
            "WHERE notice_id = :notice_id AND term = :term",
            notice_id=self.notice[NOTICES[notice - 1]],
            term=term,
        )[0]
        return int(row[0])

    def cases(self, state: str = "open") -> set[tuple[str, str]]:
        """確認事項: kind and subject."""
        rows = self.rows("SELECT kind, subject FROM review_case WHERE state = :state", state=state)
        return {(row.kind, row.subject) for row in rows}

    def view(self, line: Line) -> Any:
        """充当の現状."""
        with reading(self.engine, M) as connection:
            return placement_view(connection, M, *line)

    def rows(self, statement: str, **values: object) -> list[Any]:
        """Rows of any statement."""
        with reading(self.engine, M) as connection:
            return list(connection.execute(text(statement), values))

    def export(self) -> list[str]:
        """照合結果の出力."""
        with reading(self.engine, M) as connection:
            return [",".join(map(str, row)) for row in outcome_rows(connection, M)]

    def check(self) -> None:
        """Everything follows from the evidence, and money is neither lost nor made."""
        seal_pending(self.engine, M)
        differences = verify(self.engine, M)
        assert differences == [], differences
        self.conserve()

    def conserve(self) -> None:
        """調定 = applied + outstanding; received = applied + suspense, and so says the ledger."""
        claims = self.rows(
            "SELECT SUM(amount_yen) AS assessed, SUM(term_yen + whole_yen) AS applied, "
            "SUM(amount_yen - term_yen - whole_yen + surplus_yen) AS open, "
            "SUM(surplus_yen) AS surplus FROM instalment_account"
        )[0]
        received = self.rows(
            "SELECT COALESCE(SUM(amount_yen), 0) AS came, COALESCE(SUM(applied_yen), 0) AS applied, "
            "COALESCE(SUM(suspense_yen), 0) AS suspense FROM receipt WHERE stage <> 'withdrawn'"
        )[0]
        assert claims.applied == received.applied
        assert received.came == received.applied + received.suspense
        ledger = {
            account: self.balance(account)
            for account in ("assessed", "receivable", "suspense", "reported", "confirmed_due")
        }
        assert (
            ledger["receivable"]
            == claims.open
            == claims.assessed - received.applied + (claims.surplus)
        )
        assert -ledger["assessed"] == claims.assessed
        assert -ledger["suspense"] == received.suspense + claims.surplus
        assert ledger["reported"] + ledger["confirmed_due"] == received.came

    def balance(self, account: str) -> int:
        """残高: debit minus credit."""
        found = self.rows(
            "SELECT COALESCE(SUM(CASE WHEN debit_account = :account THEN amount_yen "
            "WHEN credit_account = :account THEN -amount_yen ELSE 0 END), 0) FROM posting",
            account=account,
        )
        return int(found[0][0])


def row(
    notice: int,
    term: str = "01",
    kind: str = "01",
    yen: int | None = None,
    **other: Any,
) -> konbini_dsk.DskRow:
    """A shop's line for the slip of a notice (notice 9: nobody's)."""
    number = NOTICES[notice - 1] if notice <= len(NOTICES) else "0000000777"
    asked = YEN.get(term, sum(YEN.values()))
    values: dict[str, Any] = {
        "kind": kind,
        "paid_on": "20260610",
        "paid_at": "0000" if kind in {"12", "22"} else "1200",
        "barcode": barcode(f"{number}{term}", "0", asked),
        "amount_yen": asked if yen is None else yen,
        "cvs_code": "030",
        "cvs_name": "ﾐﾎﾝﾏｰﾄ",
        "shop_code": "000001",
        "remitted_on": "20260625" if kind in {"02", "12", "22"} else "0",
        "created_on": "20260619",
    }
    return konbini_dsk.DskRow(**values | other)


def slip_no(notice: int, term: str = "01") -> str:
    """The 納付書番号 of a notice's slip."""
    return f"S{NOTICES[notice - 1]}-{term}-1"


def _slip(notice: str, term: str, yen: int) -> Any:
    return slip(
        term,
        yen,
        notice_no=notice,
        slip_no=f"S{notice}-{term}-1",
        case_key=f"{notice}{term}".rjust(20, "0"),
        konbini_barcode=barcode(f"{notice}{term}", "0", yen),
    )
