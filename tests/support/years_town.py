"""A small town over the end of a fiscal year: claims, payments by 領収日, closings of days and years.

Everything comes in as files and is closed by two people, so that what the tests look at is what
the service does.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from reference_rows import AssessmentRow, SlipRow, barcode, csv_bytes, sample_profile
from sqlalchemy import text

from payments import approve
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import carry_over, day_close
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.report.period import year_report

if TYPE_CHECKING:
    from reconcile.closures import Closure
    from reconcile.model import FileReport
    from reconcile.report.period import DayReport

M = "99999"
AT = datetime(2026, 6, 10, 3, tzinfo=UTC)
_HEAD = (
    "種別,収納日,収納時刻,バーコード情報,ユーザー使用欄1,ユーザー使用欄2,印紙フラグ,金額,"
    "コンビニ本部コード,コンビニ名,店舗コード,振込日,データ作成日"
)


def claim(
    notice: int, year: int, yen: int, *, term: str = "01", kind: str = "initial", item: str = "901",
    due: str = "", flags: str = "",
) -> AssessmentRow:  # fmt: skip
    """調定の一行; the statutory due date lies in the year unless said otherwise."""
    return AssessmentRow(
        M, item, str(year), str(year), f"{notice:010d}", term, f"{notice:012d}", "見本 太郎",
        "ミホン タロウ", "", "", yen, due or f"{year}-06-30", kind, "", flags,
    )  # fmt: skip


def _slip(row: AssessmentRow) -> SlipRow:
    return SlipRow(
        M, row.item_code, row.levy_year, row.notice_no, row.term, f"S{row.notice_no}-{row.term}", 1,
        "", "", "", _barcode(row.notice_no, row.term, row.amount_yen), row.amount_yen,
        row.due_on_statutory, "2049-12-31", row.due_on_statutory, "new",
    )  # fmt: skip


def _barcode(notice_no: str, term: str, yen: int) -> str:
    """The free area names the instalment; item codes share the numbers of their notices."""
    return barcode(f"{notice_no[-10:]}{term}", "0", yen)


class YearsTown:
    """One municipality in a migrated database."""

    def __init__(self, url: str) -> None:
        """Set the municipality up."""
        self.engine = open_engine(url)
        self.profile = sample_profile()
        self.numbers = count(1)
        with unit_of_work(self.engine, M) as connection:
            save_profile(connection, self.profile)

    def assess(self, *rows: AssessmentRow, on: str) -> FileReport:
        """調定の取込, and slips for what is new."""
        name = f"assessments-{next(self.numbers)}.csv"
        report = import_assessments(
            self.engine, M, Delivery(name, csv_bytes(rows)), received_on=date.fromisoformat(on)
        )
        slips = [_slip(row) for row in rows if row.kind == "initial" and row.amount_yen]
        if slips:
            delivery = Delivery(f"slips-{name}", csv_bytes(slips))
            import_slips(self.engine, M, delivery, received_on=date.fromisoformat(on))
        return report

    def pay(self, notice: int, yen: int, paid_on: str, *, on: str, term: str = "01",
            kind: str = "02") -> FileReport:  # fmt: skip
        """コンビニ収納 of one payment, reported on a later day than it was paid on."""
        number = next(self.numbers)
        code = _barcode(f"{notice:010d}", term, yen)
        day, reported = paid_on.replace("-", ""), on.replace("-", "")
        line = (
            f"{kind},{day},{number:04d},EAN{code},{code[13:19]},{code[19:30]},0,{yen},030,"
            f"ファミリーマート,001234,{reported if kind == '02' else 0},{reported}"
        )
        data = f"{_HEAD}\r\n{line}\r\n".encode("cp932")
        return take_in(
            self.engine, M, Delivery(f"dsk-{number}.csv", data),
            received_on=date.fromisoformat(on),
        )  # fmt: skip

    def close_day(self, day: str) -> Closure:
        """締め of a day, whatever is missing."""
        return self._decide(day_close.CLOSE, day, despite=True)

    def close_year(self, year: int) -> Closure:
        """年度の締め."""
        return self._decide(day_close.YEAR_CLOSE, str(year), despite=True)

    def reopen_year(self, year: int) -> Closure:
        """年度の締めの取消."""
        return self._decide(day_close.YEAR_REOPEN, str(year))

    def _decide(self, kind: str, subject: str, *, despite: bool = False) -> Closure:
        """One person asks, another agrees."""
        at = AT + timedelta(seconds=next(self.numbers))
        with unit_of_work(self.engine, M) as connection:
            asked = day_close.ask(
                connection, M, kind, subject, asked_by="abe", reason="試験", at=at, despite=despite
            )
            decided = approve.decide(
                connection, M, asked.approval_id, "approved", decided_by="ito", at=at
            )
            return day_close.carry_out(connection, M, decided)

    def year(self, year: int) -> DayReport:
        """年度 as the books stand."""
        with reading(self.engine, M) as connection:
            return year_report(connection, self.profile, year)

    def preview(self, year: int) -> dict[tuple[str, int], tuple[int, int]]:
        """繰越の見込み: (科目, 会計年度) → number and yen."""
        with reading(self.engine, M) as connection:
            found = carry_over.preview(connection, M, year)
        return {(t.item_code, t.claim_year): (t.count, t.amount_yen) for t in found}

    def carried(self, year: int) -> dict[tuple[str, str], int]:
        """What stands carried out of a year: (notice, term) → yen."""
        with reading(self.engine, M) as connection:
            run = carry_over.run_of(connection, M, year)
            if run is None:
                return {}
            found = carry_over.lines_of(connection, M, run.carry_no)
            return {(line.notice_no.lstrip("0"), line.term): line.amount_yen for line in found}

    def rows(self, statement: str, **values: object) -> list[Any]:
        """All rows of a statement about this municipality."""
        with reading(self.engine, M) as connection:
            return list(connection.execute(text(statement), {"m": M, **values}))

    def run(self, statement: str, **values: object) -> None:
        """Carry a statement out."""
        with unit_of_work(self.engine, M) as connection:
            connection.execute(text(statement), {"m": M, **values})

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()


def lines(report: DayReport) -> dict[tuple[str, bool], tuple[int, int, int, int]]:
    """歳入: (科目, 滞繰) → 調定, of it 繰越, 収入済, 収入未済."""
    return {
        (line.item_code, line.carried): (
            line.assessed_yen, line.carried_in_yen, line.collected_yen, line.outstanding_yen,
        )
        for line in report.year_lines
    }  # fmt: skip
