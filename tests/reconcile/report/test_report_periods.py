"""月計・年度: which year money belongs to, what is carried over, and that every sum adds up."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_rows import sample_profile
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.day_totals import (
    LedgerRow,
    collected_by_day,
    collects,
    summarise,
    summarise_now,
)
from reconcile.report.period import month_report, year_report
from reconcile.report.revenue import assesses, revenue, year_lines

M = "99999"
PROFILE = sample_profile()
NOTICE = (
    "INSERT INTO notice VALUES (:m, :id, :item, 2024, CAST(:id AS VARCHAR(20)), '', '1')",
    "INSERT INTO instalment VALUES (:m, :id, '01', :year, :due, :due, FALSE, FALSE, FALSE, '')",
    "INSERT INTO instalment_account VALUES (:m, :id, '01', FALSE, :yen, :paid, 0, 0, 0)",
)
JOURNAL = (
    "INSERT INTO journal (municipality_code, journal_id, kind, booked_on, made_at, actor, reason) "
    "VALUES (:m, :j, 'x', :day, '2025-04-01 00:00:00.000000', 'a', '')"
)
POSTING = (
    "INSERT INTO posting (municipality_code, journal_id, subject_file_id, subject_line_no, leg, "
    "debit_account, credit_account, amount_yen, reason, notice_id, term) "
    "VALUES (:m, :j, :file, 1, 1, :debit, :credit, :yen, 'x', :id, '01')"
)
RECEIPT = (
    "INSERT INTO receipt (municipality_code, file_id, line_no, stage, seen, amount_yen, paid_on, "
    "notice_id, term, superseded, applied_yen, suspense_yen, journal_id, leg) VALUES "
    "(:m, :file, 1, 'confirmed', 4, :yen, :paid_on, :id, '01', FALSE, :yen, 0, :j, 0)"
)
# What was paid on which 領収日, and when it was booked; the claims are 100,000 yen each.
PAID = [
    # claim of, 領収日, 会計日, yen
    (2024, "2025-03-10", "2025-03-12", 10_000),
    (2024, "2025-05-31", "2025-06-10", 20_000),  # 出納閉鎖日, reported ten days later
    (2024, "2025-06-01", "2025-06-10", 5_000),  # a day too late: 滞納繰越 of 2025
    (2024, "2026-04-20", "2026-04-22", 4_000),  # 出納整理期間 of 2025
    (2024, "2026-06-01", "2026-06-02", 3_000),  # carried into 2026
    (2025, "2025-06-30", "2025-07-01", 30_000),
    (2025, "2026-04-20", "2026-04-22", 7_000),
]  # fmt: skip


@pytest.fixture(params=["bare", "summed up"])
def books(database_url, request):
    """Two claims with payments around the ends of three fiscal years."""
    engine = open_engine(database_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, PROFILE)
        run = lambda sql, **values: connection.execute(text(sql), {"m": M, **values})  # noqa: E731
        for notice, year in ((1, 2024), (2, 2025)):
            paid = sum(yen for claim, *_days, yen in PAID if claim == year)
            for statement in NOTICE:
                values = {"id": notice, "item": "901", "year": year, "due": f"{year}-06-30",
                          "yen": 100_000, "paid": paid}  # fmt: skip
                run(statement, **{k: v for k, v in values.items() if f":{k}" in statement})
            run(JOURNAL, j=notice, day=f"{year}-04-01")
            run(POSTING, j=notice, file=0, id=notice, yen=100_000, debit="receivable",
                credit="assessed")  # fmt: skip
        for number, (claim, paid_on, booked_on, yen) in enumerate(PAID, start=3):
            notice = claim - 2023
            run(JOURNAL, j=number, day=booked_on)
            run(POSTING, j=number, file=number, id=notice, yen=yen, debit="confirmed_due",
                credit="receivable")  # fmt: skip
            run(RECEIPT, j=number, file=number, id=notice, yen=yen, paid_on=paid_on)
    if request.param == "summed up":
        assert summarise(engine, M)
    yield engine
    engine.dispose()


def _year(books, year):
    with reading(books, M) as connection:
        return year_report(connection, PROFILE, year)


@pytest.mark.parametrize(
    ("year", "lines"),
    [
        # carried, 調定, 収入済, うち出納整理期間
        (2024, [(False, 100_000, 30_000, 0)]),
        (2025, [(False, 100_000, 37_000, 7_000), (True, 70_000, 9_000, 4_000)]),
        (2026, [(True, 124_000, 3_000, 0)]),
    ],
)
def test_a_year_holds_what_belongs_to_it_whenever_it_was_booked(books, year, lines):
    report = _year(books, year)
    found = [
        (line.carried, line.assessed_yen, line.collected_yen, line.closing_period_yen)
        for line in report.year_lines
    ]
    assert found == lines
    assert sum(line.amount_yen for line in report.revenue) == sum(line[2] for line in lines)
    assert {line.fiscal_year for line in report.revenue} == {year}
    assert report.differing == ()


def test_a_month_shows_what_was_booked_in_it_by_the_year_it_belongs_to(books):
    with reading(books, M) as connection:
        june = month_report(connection, PROFILE, date(2025, 6, 15))
        april = month_report(connection, PROFILE, date(2026, 4, 1))
        days = collected_by_day(connection, M, date(2025, 1, 1), date(2026, 12, 31))
    assert [(r.fiscal_year, r.carried, r.before_yen, r.amount_yen) for r in june.revenue] == [
        (2025, True, 0, 5_000),
        (2024, False, 10_000, 20_000),
    ]
    assert [(r.fiscal_year, r.carried, r.before_yen, r.amount_yen) for r in april.revenue] == [
        (2025, False, 30_000, 7_000),
        (2025, True, 5_000, 4_000),
    ]
    assert june.days == ((date(2025, 6, 10), 2, 25_000),)
    assert (june.first, june.day) == (date(2025, 6, 1), date(2025, 6, 30))
    assert sum(yen for _number, yen in days.values()) == sum(yen for *_rest, yen in PAID)
    assert (june.collected_before_yen, june.collected_yen) == (10_000, 25_000)


CLOSURE = (
    "INSERT INTO day_closure VALUES (:m, 1, 'year', 'closed', '2026-05-31', '2026-05-31', 2025, "
    ":j, '{}', 'h', 1, 'abe', 'ito', '', '2026-06-10 00:00:00.000000')"
)


def test_a_year_that_two_people_closed_takes_no_more_money(database_url):
    engine = open_engine(database_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, PROFILE)
        run = lambda sql, **values: connection.execute(text(sql), {"m": M, **values})  # noqa: E731
        run(NOTICE[0], id=2, item="901")
        run(NOTICE[1], id=2, year=2025, due="2025-06-30")
        for number in (1, 2):  # paid on the last day of 2025; the second is reported too late
            run(JOURNAL, j=number, day="2026-06-11")
            run(POSTING, j=number, file=number, id=2, yen=number * 1_000, debit="confirmed_due",
                credit="receivable")  # fmt: skip
            run(RECEIPT, j=number, file=number, id=2, yen=number * 1_000, paid_on="2026-05-31")
            if number == 1:
                summarise_now(connection, M)
                run(CLOSURE, j=1)
    for _summed_up in (False, True):
        found = {
            year: [(line.carried, line.amount_yen) for line in _year(engine, year).revenue]
            for year in (2025, 2026)
        }
        assert found == {2025: [(False, 1_000)], 2026: [(True, 2_000)]}
        summarise(engine, M)
    engine.dispose()


YEARS = st.integers(2023, 2026)
ACCOUNTS = st.sampled_from([
    ("receivable", "assessed"), ("assessed", "receivable"), ("reported", "receivable"),
    ("receivable", "reported"), ("confirmed_due", "receivable"), ("receivable", "suspense"),
    ("reported", "suspense"), ("bank", "unidentified"),
])  # fmt: skip
ROWS = st.lists(
    st.builds(
        lambda when, item, claim, opened, channel, accounts, count, yen: LedgerRow(
            when, item, claim, opened, channel, accounts[0], accounts[1], count, yen
        ),
        st.sampled_from([-2, -1, 0, 1]),
        st.sampled_from(["901", "904", "777"]),
        YEARS,
        YEARS,
        st.sampled_from(["konbini", "eltax", ""]),
        ACCOUNTS,
        st.integers(1, 9),
        st.integers(1, 10**12),
    ),
    max_size=30,
).map(tuple)


@given(ROWS)
def test_the_sums_of_every_dimension_equal_the_plain_sums(rows):
    plain = {
        when: sum(r.amount_yen * collects(r.debit, r.credit) for r in rows if r.when == when)
        for when in (-2, -1, 0)
    }
    lines = revenue(rows, PROFILE, date(2000, 4, 1))  # every year is open to this day
    assert sum(line.before_yen for line in lines) == plain[-2] + plain[-1]
    assert sum(line.amount_yen for line in lines) == plain[0]
    assert sum(line.month_yen for line in lines) == plain[-1] + plain[0]
    assert sum(line.total_yen for line in lines) == sum(plain.values())
    for name in ("fund", "fiscal_year", "item_code", "carried", "channel"):
        parts: dict[object, int] = {}
        for line in lines:
            key = getattr(line, name)
            parts[key] = parts.get(key, 0) + line.total_yen
        assert sum(parts.values()) == sum(plain.values()), name


@given(ROWS)
def test_what_a_year_leaves_open_is_what_the_next_one_begins_with(rows):
    rows = tuple(row._replace(when=0) for row in rows if row.claim_year <= row.open_year)
    for year in range(2023, 2027):
        ends = sum(line.outstanding_yen for line in year_lines(rows, (), PROFILE, year))
        following = tuple(row for row in rows if max(row.claim_year, row.open_year) <= year)
        begins = sum(line.assessed_yen for line in year_lines(following, (), PROFILE, year + 1))
        assert ends == begins
    assessed = sum(row.amount_yen * assesses(row) for row in rows)
    collected = sum(row.amount_yen * collects(row.debit, row.credit) for row in rows)
    last = year_lines(rows, (), PROFILE, 2026)
    assert sum(line.outstanding_yen for line in last) == assessed - collected
