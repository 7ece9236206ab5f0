"""横持ち・増減の台帳の取込: into the books, and proved again from the bytes and the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapped_samples import SHAPES, description, example, with_registers
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_list import list_cases
from reconcile.cases import show_case
from reconcile.model import Delivery, FileStatus
from reconcile.registers import import_assessments
from reconcile.verify.everything import verify

M = "99999"
DAY = date(2026, 6, 10)
WIDE, CHANGES = (example(name) for name in SHAPES)
HEAD, *LINES, END = CHANGES.decode("cp932").splitlines()
ACCOUNTS = """SELECT n.notice_no, a.term, a.amount_yen FROM instalment_account a
    JOIN notice n ON n.municipality_code = a.municipality_code AND n.notice_id = a.notice_id
    ORDER BY 1, 2"""


@pytest.fixture
def engine(database_url):
    """A municipality whose settings describe both examples, with the claims of the wide one."""
    engine = open_engine(database_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, with_registers(*map(description, SHAPES)))
    assert take(engine, WIDE).status is FileStatus.ACCEPTED
    yield engine
    engine.dispose()


def take(engine, data, name="a.csv"):
    return import_assessments(engine, M, Delivery(name, data), received_on=DAY)


def changes(*lines: str) -> bytes:
    """A file of changes with its last line of totals."""
    text_ = "\r\n".join([HEAD, *lines])
    yen = sum(int(line.split(",")[9]) for line in lines)
    return f"{text_}\r\n計,{len(lines)},{yen}\r\n".encode("cp932")


def change(notice: int, term: int, kind: str, yen: int, before: Any = "", number: str = "") -> str:
    due = "2026/06/30"
    return f"999997,03,2026,{notice:010},{term},000000000123,{number},{kind},{before},{yen},{due}"


def rows(engine, query):
    with reading(engine, M) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def alter(engine, statement):
    """Behind the guards of the database, as somebody with its file could."""
    with unit_of_work(engine, M) as connection:
        guards = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in guards.scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        assert connection.execute(text(statement)).rowcount == 1


def test_wide_claims_and_then_differences_become_what_is_owed(engine):
    report = take(engine, CHANGES, "b.csv")
    assert (report.status, report.count, report.amount_yen) == (FileStatus.ACCEPTED, 5, 14_000)
    assert {name: total.count for name, total in report.outcomes.items()} == {"applied": 5}
    assert rows(engine, ACCOUNTS) == [
        ("0000020001", "01", 7_000), ("0000020001", "02", 8_000), ("0000020001", "03", 10_000),
        ("0000020001", "04", 10_000), ("0000020002", "01", 0), ("0000020003", "11", 8_000),
        ("0000020004", "01", 9_000),
    ]  # fmt: skip
    assert verify(engine, M) == []
    assert take(engine, CHANGES, "again.csv").status is FileStatus.DUPLICATE


def test_a_difference_sent_again_in_another_file_counts_once(engine):
    take(engine, CHANGES, "b.csv")
    before = rows(engine, ACCOUNTS)
    again = change(20001, 2, "増減", 500, number="K-3").replace("2026/06/30", "2026/08/31")
    assert again in LINES
    report = take(engine, changes(again), "c.csv")
    assert {name: total.count for name, total in report.outcomes.items()} == {"difference_twice": 1}
    assert [(each.code, each.line_no) for each in report.findings] == [("difference_twice", 2)]
    assert rows(engine, ACCOUNTS) == before
    report = take(engine, changes(again.replace("K-3", "K-9")), "d.csv")
    assert report.outcomes["applied"].count == 1
    assert verify(engine, M) == []


def outcomes(report):
    return {name: total.count for name, total in report.outcomes.items()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (change(20001, 2, "増減", -3_000, number="K-7"), ("2026/06/30", "2026/09/30")),
        (change(20001, 2, "増減", -3_000, number="K-7"), (",-3000,", ",-2000,")),
        (change(20001, 2, "取消", 10_000, number="K-7"), (",10000,", ",9000,")),
        (change(20001, 2, "取消", 10_000, number="K-7"), ("000123", "000124")),
    ],
    ids=["due date", "difference", "cancellation", "person"],
)
def test_under_one_number_there_is_one_change(engine, before, after):
    """R3: the same identity with other content is not applied, and both are shown."""
    assert outcomes(take(engine, changes(before), "b.csv")) == {"applied": 1}
    stands = rows(engine, ACCOUNTS)
    other = before.replace(*after)
    report = take(engine, changes(change(20002, 1, "増減", 1), other), "c.csv")
    assert outcomes(report) == {"applied": 1, "change_conflict": 1}
    assert [(each.code, each.line_no) for each in report.findings] == [("change_conflict", 3)]
    with reading(engine, M) as connection:
        (case,) = list_cases(connection, M).cases
        assert show_case(connection, M, case.case_no).details == {"first_change": "2:2"}
    assert set(rows(engine, ACCOUNTS)) - set(stands) == {("0000020002", "01", 5_001)}
    # Both in one file, and the same one once more: still one change.
    again = take(engine, changes(before, other, change(20002, 1, "増減", 2)), "d.csv")
    said = "difference_twice" if "増減" in before else "repeat"
    assert outcomes(again) == {"applied": 1, "change_conflict": 1, said: 1}
    assert set(rows(engine, ACCOUNTS)) - set(stands) == {("0000020002", "01", 5_003)}
    assert verify(engine, M) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (change(20001, 1, "増減", -1_000, 9_999), "before_differs"),
        (change(20001, 1, "取消", 9_000), "before_differs"),
        (change(20001, 1, "減額", 10_001), "difference_below_zero"),
        (change(29999, 1, "増減", 1_000), "correction_without_initial"),
    ],
)
def test_a_change_that_does_not_follow_from_the_books_asks_a_person(engine, line, code):
    before = rows(engine, ACCOUNTS)
    good = change(20001, 2, "増減", 100, 10_000)
    report = take(engine, changes(line, good), "b.csv")
    assert report.status is FileStatus.ACCEPTED
    assert [(each.code, each.line_no) for each in report.findings] == [(code, 2)]
    with reading(engine, M) as connection:
        (case,) = list_cases(connection, M).cases
    assert case.kind == code
    changed = set(rows(engine, ACCOUNTS)) ^ set(before)
    assert changed == {("0000020001", "02", 10_000), ("0000020001", "02", 10_100)}
    assert verify(engine, M) == []


def test_an_instalment_of_a_line_that_is_there_already_is_named_by_the_line_of_the_file(engine):
    data = WIDE.replace(b'"5,000","5,000"', b'"6,000","6,000"')
    report = take(engine, data, "b.csv")
    assert [(each.code, each.line_no) for each in report.findings] == [("initial_twice", 3)]
    assert report.outcomes["repeat"].count == 5


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE assessment_event SET amount_yen = 8501 WHERE file_id = 2 AND line_no = 4",
         {"amount_yen=8500"}),
        ("UPDATE posting SET amount_yen = 3001 WHERE subject_file_id = 2 AND subject_line_no = 2",
         {"amount_yen=6999", "change_yen=-3000"}),
    ],
)  # fmt: skip
def test_a_difference_altered_in_the_books_is_named(engine, statement, expected):
    """Also where a later line about the same instalment hides it from the sums."""
    lines = [change(20001, 1, "増減", -3_000), change(20001, 2, "減額", 2_000)]
    lines += [change(20001, 2, "増減", 500), change(20001, 2, "増減", 1)]
    assert take(engine, changes(*lines), "b.csv").status is FileStatus.ACCEPTED
    assert verify(engine, M) == []
    alter(engine, statement)
    said = {each.expected for each in verify(engine, M) if each.name == "assessment_event"}
    assert said == expected


AMOUNTS = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.integers(-12_000, 12_000)), min_size=1, max_size=12
)


@given(AMOUNTS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_differences_add_up_in_any_order_of_files(engine, given_):
    """Whatever is sent, what is owed is the sum of what was applied, never below zero."""
    number = rows(engine, "SELECT COUNT(*) FROM assessment_event")[0][0]
    owed = {int(term): yen for no, term, yen in rows(engine, ACCOUNTS) if no == "0000020001"}
    lines = []
    for place, (term, yen) in enumerate(given_):
        lines.append(change(20001, term, "増減", yen, number=f"{number}-{place}"))
        if owed[term] + yen >= 0:
            owed[term] += yen
    half = len(lines) // 2
    for name, part in (("first", lines[:half]), ("second", lines[half:])):
        if part:
            report = take(engine, changes(*part), f"{number}{name}.csv")
            assert report.status is FileStatus.ACCEPTED
    now = {int(term): yen for no, term, yen in rows(engine, ACCOUNTS) if no == "0000020001"}
    assert now == owed
    assert verify(engine, M) == []
