"""台帳の指摘: what a register says of a line that cannot be, and what becomes of the file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from reference_rows import AssessmentRow, SlipRow, barcode, csv_bytes, sample_profile
from reference_town import assessment, slip

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.case_list import list_cases
from reconcile.formats import notification
from reconcile.model import Delivery, FileStatus, ReadContext, Severity
from reconcile.registers import import_assessments, import_slips
from web import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from reconcile.model import FileReport

M = "99999"
DAY = date(2026, 6, 10)


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """One instalment of 10,000 yen with its slip."""
    engine = open_engine(sqlite_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
    assert _assess(engine, assessment("01", 10_000)).status is FileStatus.ACCEPTED
    assert _enrol(engine, slip("01", 10_000)).status is FileStatus.ACCEPTED
    yield engine
    engine.dispose()


def _assess(engine: Engine, *rows: AssessmentRow) -> FileReport:
    return import_assessments(engine, M, Delivery("a.csv", csv_bytes(rows)), received_on=DAY)


def _enrol(engine: Engine, *rows: SlipRow) -> FileReport:
    return import_slips(engine, M, Delivery("s.csv", csv_bytes(rows)), received_on=DAY)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (assessment("01", 9_000), "initial_twice"),
        (assessment("02", 9_000, "correction"), "correction_without_initial"),
    ],
)
def test_an_assessment_that_cannot_be_changes_nothing_and_asks_a_person(
    engine: Engine, row: AssessmentRow, code: str
) -> None:
    """The other lines of the file count; this one has a finding and a case with words."""
    report = _assess(engine, row, assessment("02", 8_000, notice_no="0000000002"))
    assert report.status is FileStatus.ACCEPTED
    assert [(f.code, f.severity, f.line_no) for f in report.findings] == [
        (code, Severity.WARNING, 2)
    ]
    assert report.outcomes["applied"].count == 1
    with unit_of_work(engine, M) as connection:
        (case,) = list_cases(connection, M).cases
    assert case.kind == code
    assert messages.case(code).next != messages.UNKNOWN_NEXT


OTHER_PLACE: dict[str, Any] = {
    "notice_no": "0000000002",
    "slip_no": "S2",
    "case_key": "2".rjust(20, "0"),
}


@pytest.mark.parametrize(
    ("rows", "code", "line_no"),
    [
        ([slip("02", 8_000)], "slip_without_instalment", 2),
        ([slip("01", 10_000, issued_on="2026-06-02")], "slip_changed", 2),
        ([slip("01", 10_000, state="revoked"), slip("01", 10_000)], "slip_state", 3),
        (
            [
                slip(
                    "01",
                    10_000,
                    konbini_barcode=barcode("000000000101", "0", 10_000),
                    **OTHER_PLACE,
                )
            ],
            "slip_key_taken",
            None,
        ),
    ],
)
def test_one_bad_slip_rejects_the_register(
    engine: Engine, rows: list[SlipRow], code: str, line_no: int | None
) -> None:
    """And says which line, and why."""
    _assess(engine, assessment("01", 10_000, notice_no="0000000002"))
    report = _enrol(engine, *rows)
    assert report.status is FileStatus.QUARANTINED
    assert [(f.code, f.line_no) for f in report.findings] == [(code, line_no)]
    assert messages.finding(code) != messages.UNKNOWN_FINDING


def test_another_register_than_asked_for_is_refused(engine: Engine) -> None:
    """The finding says which one it is."""
    data = csv_bytes([replace(assessment("01", 10_000), term="02")])
    report = import_slips(engine, M, Delivery("s.csv", data), received_on=DAY)
    assert report.status is FileStatus.REFUSED
    assert [(f.code, f.found) for f in report.findings] == [("wrong_register", "assessments")]


def test_a_notification_of_an_agent_that_nobody_knows_is_malformed() -> None:
    """The agent is one of those whose files report the payment again."""
    members = {
        "konbini_barcode": slip("01", 10_000).konbini_barcode, "agent": "somebody",
        "cvs_code": "030", "shop_code": "001234", "amount_yen": 10_000, "paid_on": "2026-06-10",
    }  # fmt: skip
    context = ReadContext(DAY, sample_profile())
    reading = notification.FORMAT.read(json.dumps(members).encode(), context)
    assert [line.fault for line in reading.lines] == ["agent"]
