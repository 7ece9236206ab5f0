"""対応づけた台帳の取込: from a core system's file to the books, and read again by the check."""

from __future__ import annotations

from datetime import date

import pytest
from mapped_samples import EXAMPLES, description, example, with_registers
from sqlalchemy import text

from payments.names import names_of
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import obligors
from reconcile.model import Delivery, FileStatus
from reconcile.registers import import_assessments, import_obligors
from reconcile.verify.everything import verify

M = "99999"
DAY = date(2026, 6, 10)
NAMES, CLAIMS = (example(name) for name in EXAMPLES)
PERSON = ("99999", "7", "葛\U000e0100 太郎", "カツラ タロウ", "1000001", "町")


@pytest.fixture
def engine(database_url):
    """A municipality whose settings describe both examples."""
    engine = open_engine(database_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, with_registers(*map(description, EXAMPLES)))
    yield engine
    engine.dispose()


def take(engine, importer, data, name="a.csv"):
    return importer(engine, M, Delivery(name, data), received_on=DAY)


def rows(engine, query):
    with reading(engine, M) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def people(engine, *numbers):
    with reading(engine, M) as connection:
        return names_of(connection, M, numbers)


def test_names_then_claims_and_the_books_agree_with_the_evidence(engine):
    report = take(engine, import_obligors, NAMES)
    assert (report.status, report.format_code) == (FileStatus.ACCEPTED, "sample_obligors")
    assert report.label_ja == "宛名（見本の基幹システム）"
    assert people(engine, "000000000124") == {
        "000000000124": (
            "葛\U000e0100城 花子",
            "カツラギ ハナコ",
            "1000002",
            "未来市二丁目2-2見本荘101",
        )
    }
    report = take(engine, import_assessments, CLAIMS)
    assert (report.status, report.count, report.amount_yen) == (FileStatus.ACCEPTED, 4, 42_300)
    accounts = "SELECT term, amount_yen FROM instalment_account ORDER BY notice_id, term"
    assert rows(engine, accounts) == [("01", 12_300), ("02", 10_000), ("01", 8_000)]
    # The claims carried no names: those of the register stand.
    assert people(engine, "000000000124")["000000000124"][0] == "葛\U000e0100城 花子"
    assert verify(engine, M) == []
    assert take(engine, import_assessments, CLAIMS).status is FileStatus.DUPLICATE


def test_claims_of_somebody_without_a_name_are_not_taken(engine):
    report = take(engine, import_assessments, CLAIMS)
    assert report.status is FileStatus.QUARANTINED
    finding = report.findings[0]
    assert (finding.code, finding.line_no, finding.found) == ("obligor_unnamed", 1, "000000000123")
    assert rows(engine, "SELECT COUNT(*) FROM notice") == [(0,)]
    assert rows(engine, "SELECT COUNT(*) FROM source_file") == [(1,)]


def test_the_latest_line_about_a_person_counts(engine):
    first = obligors.write([obligors.ObligorRow(*PERSON), obligors.ObligorRow(*PERSON)])
    report = take(engine, import_obligors, first)
    assert {code: total.count for code, total in report.outcomes.items()} == {
        "applied": 1, "repeat": 1,
    }  # fmt: skip
    moved = obligors.write([obligors.ObligorRow(*PERSON[:-1], "となり町")])
    take(engine, import_obligors, moved, "b.csv")
    assert people(engine, "7")["7"] == ("葛\U000e0100 太郎", "カツラ タロウ", "1000001", "となり町")
    with reading(engine, M) as connection:
        folded = connection.execute(text("SELECT kana_folded FROM obligor")).scalar_one()
    assert folded == "カツラタロウ"
    assert verify(engine, M) == []


def test_names_of_another_body_are_not_ours(engine):
    other = obligors.write([obligors.ObligorRow("12345", *PERSON[1:])])
    report = take(engine, import_obligors, other)
    assert [finding.code for finding in report.findings] == ["other_municipality"]
    assert people(engine, "7") == {}


def test_a_file_that_two_mappings_fit_is_refused(engine):
    shape = description("sample_obligors")
    with unit_of_work(engine, M) as connection:
        save_profile(connection, with_registers(shape, shape | {"code": "twin"}))
    report = take(engine, import_obligors, NAMES)
    assert (report.findings[0].code, report.findings[0].found) == (
        "several_formats", "sample_obligors, twin",
    )  # fmt: skip


def test_the_check_sees_a_person_who_has_gone(engine):
    take(engine, import_obligors, NAMES)
    with unit_of_work(engine, M) as connection:
        connection.execute(text("DELETE FROM obligor WHERE obligor_no = '000000000125'"))
    (found,) = verify(engine, M)
    assert (found.name, found.expected) == ("obligor", "000000000125")


def test_payments_are_not_taken_for_a_register(engine):
    report = take(engine, import_obligors, CLAIMS)
    assert report.status is FileStatus.REFUSED
    assert report.findings[0].code == "unknown_format"
