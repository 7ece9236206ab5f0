"""独自様式の取込: a layout that only the profile knows, from the profile's file to the yen."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from own_layouts import (
    KYODO_PAYER,
    LAYOUTS,
    debit_shape,
    kyodo,
    kyodo_line,
    own_debits,
    unified,
    with_layouts,
)
from reference_rows import csv_bytes
from reference_town import MONEY_DAY, NOTICE, assessment, slip
from sqlalchemy import text

from payments.domain.errors import InvalidValueError
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import assessments, slip_register, zengin_statement
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.report.arrivals import arrivals
from reconcile.verify.everything import verify
from web.commands.setup import read_profile
from web.texts.errors import ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from payments.domain.profile import Profile

RECEIVED = date(2026, 6, 26)
SAMPLE = LAYOUTS.parents[1] / "web" / "profiles" / "99999.toml"
AGENT = """
[[agents]]
code = "konbini_kyodo"
payer_code = "{}"
payer_name = "{}"

[[layouts]]
file = "konbini_kyodo.toml"
""".format(*KYODO_PAYER)


def profile_beside(folder: Path, layout: str, more: str = AGENT) -> Profile:
    """The sample profile with a layout in a file beside it, as ``kokin init --profile`` reads it."""
    (folder / "konbini_kyodo.toml").write_text(layout, encoding="utf-8")
    path = folder / "profile.toml"
    path.write_text(SAMPLE.read_text("utf-8") + more, encoding="utf-8")
    return read_profile(path)


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """A municipality with the layout, two instalments and their slips."""
    layout = (LAYOUTS / "konbini_kyodo.toml").read_text("utf-8")
    engine = open_engine(database_url)
    with unit_of_work(engine, "99999") as connection:
        save_profile(connection, profile_beside(tmp_path, layout))
    bills = [assessment("01", 10_000), assessment("02", 8_000)]
    slips = [slip("01", 10_000), slip("02", 8_000)]
    for name, rows, take in (
        (assessments.LAYOUT.code, bills, import_assessments),
        (slip_register.LAYOUT.code, slips, import_slips),
    ):
        delivery = Delivery(f"{name}.csv", csv_bytes(rows))
        assert take(engine, "99999", delivery, received_on=RECEIVED).status.is_good
    yield engine
    engine.dispose()


def free_area(term: str) -> str:
    """The 21 digits on the slip of a term."""
    return slip(term, {"01": 10_000, "02": 8_000}[term]).konbini_barcode[8:29]


def outcomes(engine: Engine, file_id: int | None) -> list[str]:
    """The outcomes of a file in line order."""
    with reading(engine, "99999") as connection:
        found = connection.execute(
            text(
                "SELECT outcome FROM line_outcome WHERE file_id = :f AND revision = (SELECT "
                "MAX(n.revision) FROM line_outcome n WHERE n.file_id = line_outcome.file_id "
                "AND n.line_no = line_outcome.line_no) ORDER BY line_no"
            ),
            {"f": file_id},
        )
        return [str(outcome) for outcome in found.scalars()]


def test_from_the_first_report_to_the_money(engine: Engine) -> None:
    """速報, 確報, equal lines, a stranger, the credit; and the books agree with the evidence."""
    first, second = free_area("01"), free_area("02")
    early = Delivery(
        "kyodo1.csv",
        kyodo(
            kyodo_line("1", first, 10_000),
            kyodo_line("1", second, 8_000),
            kyodo_line("9", second, 8_000),
            kyodo_line("1", free_area("01")[:-1] + "9", 500),
        ),
    )
    report = take_in(engine, "99999", early, received_on=RECEIVED)
    assert (report.status, report.format_code) == (FileStatus.ACCEPTED, "konbini_kyodo")
    assert report.label_ja == "コンビニ収納データ（共同収納サービス）"
    assert outcomes(engine, report.file_id) == [
        "matched", "withdrawn", "withdraws", "unknown_slip",
    ]  # fmt: skip

    late = Delivery(
        "kyodo2.csv",
        kyodo(
            kyodo_line("2", first, 10_000, MONEY_DAY),
            kyodo_line("2", second, 8_000, MONEY_DAY, paid_at="13:00"),
            kyodo_line("2", second, 8_000, MONEY_DAY, paid_at="13:00"),
        ),
    )
    report = take_in(engine, "99999", late, received_on=RECEIVED)
    assert outcomes(engine, report.file_id) == ["confirms", "matched", "duplicate"]
    again = Delivery("kyodo3.csv", late.data.replace(b"2026-06-11", b"2026-06-12"))
    report = take_in(engine, "99999", again, received_on=RECEIVED)
    assert outcomes(engine, report.file_id) == ["repeat"] * 3

    with reading(engine, "99999") as connection:
        profile = load_profile(connection, "99999")
        (arrival,) = (
            each
            for each in arrivals(connection, profile, RECEIVED)
            if each.source.code == "konbini_kyodo"
        )
    assert (arrival.state, arrival.count) == ("received", 10)

    day = date(2026, 6, 25)
    movement = zengin_statement.Movement(
        1, day, 26_000, payer_code=KYODO_PAYER[0], payer_name=KYODO_PAYER[1]
    )
    statement = zengin_statement.Statement(
        profile.accounts[0], "ﾐﾎﾝｼ", day, day, day, 1_000, [movement]
    )
    report = take_in(
        engine, "99999", Delivery("03.txt", zengin_statement.write([statement])),
        received_on=RECEIVED,
    )  # fmt: skip
    assert outcomes(engine, report.file_id) == ["settled"]
    assert verify(engine, "99999") == []


def test_the_joint_channel_and_debits_by_layouts_of_their_own(engine: Engine) -> None:
    """A described 納付情報 pays an eL number, a described result an instalment; the books agree."""
    shapes = (unified(), debit_shape())
    with unit_of_work(engine, "99999") as connection:
        save_profile(connection, with_layouts(*shapes))
    first = slip("01", 10_000).el_key
    head = ",".join(field["label"] for field in shapes[0]["records"][0]["fields"])
    line = f"2,10000,20260610,{first},app,0820,T1,20260625,R20260625-01"
    data = f"{head}\r\n{line}\r\n".encode()
    report = take_in(engine, "99999", Delivery("el.csv", data), received_on=RECEIVED)
    assert (report.format_code, report.channel) == ("eltax_town", "eltax")
    assert outcomes(engine, report.file_id) == ["matched"]

    debit_no = f"2026901{NOTICE.rjust(11, '0')}02"
    data = own_debits(f"{debit_no},8000,OK", f"{debit_no[:-2]}03,500,NG")
    report = take_in(engine, "99999", Delivery("debit.csv", data), received_on=RECEIVED)
    assert report.findings == ()
    assert (report.format_code, report.channel) == ("debit_town", "debit")
    assert outcomes(engine, report.file_id)[0] == "matched"
    assert verify(engine, "99999") == []


@pytest.mark.parametrize(
    ("data", "code", "line_no", "field"),
    [
        (kyodo(kyodo_line(), announced=2), "total_mismatch", 1, "件数"),
        (kyodo(kyodo_line(), trailer="TR,1,12301,0"), "total_mismatch", 3, "合計金額"),
        (kyodo(kyodo_line(), trailer="TR,1,12300,1"), "total_mismatch", 3, "うち確報金額"),
        (kyodo(kyodo_line())[:-16], "trailer_missing", 2, ""),
    ],
)
def test_a_file_that_does_not_tie_is_put_aside_whole(
    engine: Engine, data: bytes, code: str, line_no: int, field: str
) -> None:
    report = take_in(engine, "99999", Delivery("warui.csv", data), received_on=RECEIVED)
    assert report.status is FileStatus.QUARANTINED
    assert outcomes(engine, report.file_id) == []
    found = report.findings[0]
    assert (found.code, found.line_no, found.field) == (code, line_no, field)


def test_a_mistake_in_a_layout_is_told_before_anything_is_stored(tmp_path: Path) -> None:
    layout = (LAYOUTS / "konbini_kyodo.toml").read_text("utf-8")
    with pytest.raises(InvalidValueError) as stopped:
        profile_beside(tmp_path, layout.replace('"yyyy-mm-dd"', '"yyyy/mm/dd"', 1))
    assert stopped.value.error_code == "layout_value"
    details = stopped.value.details
    assert (details["file"], details["key"]) == (
        "konbini_kyodo.toml", "records[1].fields[2].kind",
    )  # fmt: skip
    assert details["found"] == "yyyy/mm/dd"
    assert "yyyymmdd" in str(details["expected"])


def test_a_layout_without_its_agent_is_refused(tmp_path: Path) -> None:
    layout = (LAYOUTS / "konbini_kyodo.toml").read_text("utf-8")
    with pytest.raises(InvalidValueError) as stopped:
        profile_beside(tmp_path, layout, '\n[[layouts]]\nfile = "konbini_kyodo.toml"\n')
    assert stopped.value.error_code == "layout_agent"
    assert "konbini_kyodo" in ERRORS["layout_agent"].format(**stopped.value.details)
