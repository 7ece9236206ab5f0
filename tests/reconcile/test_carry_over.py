"""滞納繰越: what is open passes on as an event, to the yen, whatever comes before and after."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from years_town import YearsTown, claim, lines

from payments.domain.errors import RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import carry_over
from reconcile.audit.scope import day_scope
from reconcile.audit.seal import seal_pending
from reconcile.day_totals import summarise
from reconcile.report.data import canonical_json, report_as_data, report_from_data
from reconcile.report.period import day_report
from reconcile.verify.everything import verify

M = "99999"


@pytest.fixture
def town(database_url):
    """Claims of two years; what was paid until 出納閉鎖 of 2025, and what was paid after it."""
    made = YearsTown(database_url)
    made.assess(claim(4, 2024, 40_000), on="2024-06-03")
    made.assess(
        claim(1, 2025, 10_000),
        claim(2, 2025, 20_000),
        claim(3, 2025, 30_000),
        claim(5, 2025, 50_000, item="904"),
        claim(6, 2025, 60_000),
        on="2025-06-02",
    )
    made.assess(claim(7, 2026, 70_000), on="2026-04-10")
    made.pay(1, 10_000, "2025-06-30", on="2025-07-02")
    made.pay(2, 5_000, "2026-03-31", on="2026-04-03")
    # 出納整理期間 of 2025: 領収日 decides, also where the report comes after 5/31.
    made.pay(3, 12_000, "2026-04-20", on="2026-04-22")
    made.pay(4, 1_000, "2026-05-31", on="2026-06-04")
    # One day too late for 2025: 滞納繰越分 of 2026.
    made.pay(6, 6_000, "2026-06-01", on="2026-06-03")
    made.pay(7, 7_000, "2026-06-01", on="2026-06-03")
    yield made
    made.close()


OPEN = {
    ("2", "01"): 15_000,
    ("3", "01"): 18_000,
    ("4", "01"): 39_000,
    ("5", "01"): 50_000,
    ("6", "01"): 60_000,  # what came on 1 June is no money of 2025 any more
}


def _close(town):
    town.close_day("2026-05-31")
    return town.close_year(2025)


def _clean(town):
    seal_pending(town.engine, M)
    return verify(town.engine, M)


def test_what_is_open_at_the_close_is_carried_into_the_next_year(town):
    seen = town.preview(2025)
    closure = _close(town)
    assert town.carried(2025) == OPEN
    assert seen == {
        ("901", 2024): (1, 39_000),
        ("901", 2025): (3, 93_000),
        ("904", 2025): (1, 50_000),
    }
    with reading(town.engine, M) as connection:
        run = carry_over.run_of(connection, M, 2025)
    assert (run.count, run.amount_yen) == (5, sum(OPEN.values()))
    assert (run.closure_no, run.actor, run.booked_on) == (
        closure.closure_no,
        "ito",
        date(2026, 6, 1),
    )
    old, new = lines(town.year(2025)), lines(town.year(2026))
    # 調定, of it 繰越, 収入済, 収入未済
    assert old == {
        ("901", False): (120_000, 0, 27_000, 93_000),
        ("901", True): (40_000, 40_000, 1_000, 39_000),
        ("904", False): (50_000, 0, 0, 50_000),
    }
    assert new == {
        ("901", False): (70_000, 0, 7_000, 63_000),
        ("901", True): (132_000, 132_000, 6_000, 126_000),
        ("904", True): (50_000, 50_000, 0, 50_000),
    }
    assert sum(line[3] for line in old.values()) == run.amount_yen
    assert _clean(town) == []


def test_carrying_again_changes_nothing(town):
    _close(town)
    with unit_of_work(town.engine, M) as connection:
        once = carry_over.carry(connection, M, 2025)
        again = carry_over.carry(connection, M, 2025)
    assert once == again
    assert [row[0] for row in town.rows("SELECT COUNT(*) FROM carry_run")] == [1]
    assert len(town.rows("SELECT 1 FROM carry_over")) == len(OPEN)


def test_a_year_that_is_open_carries_nothing(town):
    with (
        unit_of_work(town.engine, M) as connection,
        pytest.raises(RefusedError, match="carry_open"),
    ):
        carry_over.carry(connection, M, 2025)
    assert carry_over_of(town) == ()
    # Until the close the next year shows what would be carried.
    assert lines(town.year(2026))["901", True] == (132_000, 132_000, 6_000, 126_000)
    assert "carry_over" not in {check.code for check in town.year(2026).checks}


def carry_over_of(town):
    """Every run."""
    with reading(town.engine, M) as connection:
        return carry_over.runs(connection, M)


def test_a_correction_after_the_close_is_an_event_of_the_new_year(town):
    _close(town)
    signed = town.year(2025)
    town.close_day("2026-06-03")
    town.close_day("2026-06-04")
    # The file is dated on a closed day: it is booked on the next open one.
    town.assess(claim(2, 2025, 12_000, kind="correction"), on="2026-06-02")
    town.assess(claim(5, 2025, 0, kind="cancellation", item="904"), on="2026-06-08")
    town.assess(claim(4, 2024, 44_000, kind="correction"), on="2026-06-08")
    booked = town.rows(
        "SELECT CAST(booked_on AS VARCHAR(10)) FROM journal WHERE kind = 'assessments' "
        "AND journal_id > (SELECT MIN(journal_id) FROM carry_run) ORDER BY journal_id"
    )
    assert [row[0] for row in booked] == ["2026-06-05", "2026-06-08", "2026-06-08"]
    assert town.year(2025).year_lines == signed.year_lines
    assert town.carried(2025) == OPEN
    assert lines(town.year(2026)) == {
        ("901", False): (70_000, 0, 7_000, 63_000),
        # carried 132,000; lowered by 8,000 and raised by 4,000 since
        ("901", True): (128_000, 132_000, 6_000, 122_000),
        ("904", True): (0, 50_000, 0, 0),
    }
    assert town.year(2026).differing == ()
    assert _clean(town) == []


def test_money_for_a_carried_claim_is_arrears_of_the_new_year(town):
    _close(town)
    town.pay(3, 18_000, "2026-05-31", on="2026-06-12")  # in time, but reported after the close
    town.pay(5, 50_000, "2026-07-01", on="2026-07-03")
    new = town.year(2026)
    assert lines(new)["901", True] == (132_000, 132_000, 24_000, 108_000)
    assert lines(new)["904", True] == (50_000, 50_000, 50_000, 0)
    revenue = {(r.item_code, r.fiscal_year, r.carried): r.amount_yen for r in new.revenue}
    assert revenue == {
        ("901", 2026, False): 7_000,
        ("901", 2026, True): 24_000,
        ("904", 2026, True): 50_000,
    }
    assert town.carried(2025) == OPEN
    assert _clean(town) == []


def test_a_reopened_year_takes_its_carry_over_back_and_the_next_close_makes_another(town):
    _close(town)
    town.pay(3, 18_000, "2026-05-31", on="2026-06-12")  # arrears of 2026, as the year is closed
    town.reopen_year(2025)
    assert town.carried(2025) == {}
    assert [(run.event, run.reverses_no) for run in carry_over_of(town)] == [
        ("carried", None),
        ("reversed", 1),
    ]
    assert "carry_over" not in {check.code for check in town.year(2025).checks}
    # While it is open again, late money of 領収日 before 出納閉鎖 belongs to it.
    town.pay(2, 15_000, "2026-05-30", on="2026-06-15")
    assert _clean(town) == []
    town.close_year(2025)
    assert town.carried(2025) == {key: yen for key, yen in OPEN.items() if key != ("2", "01")}
    assert [run.event for run in carry_over_of(town)] == ["carried", "reversed", "carried"]
    assert lines(town.year(2026))["901", True] == (117_000, 117_000, 24_000, 93_000)
    assert _clean(town) == []


def test_what_is_never_paid_is_carried_year_after_year(town):
    _close(town)
    for day in ("2026-06-03", "2026-06-04", "2027-05-31"):
        town.close_day(day)
    town.close_year(2026)
    assert town.carried(2026) == {**OPEN, ("6", "01"): 54_000, ("7", "01"): 63_000}
    assert town.carried(2025) == OPEN
    report = town.year(2027)
    assert lines(report) == {
        ("901", True): (189_000, 189_000, 0, 189_000),
        ("904", True): (50_000, 50_000, 0, 50_000),
    }
    assert _clean(town) == []


def test_the_day_of_the_carry_over_lists_it_and_the_check_holds_it_to_the_ledger(town):
    _close(town)
    with reading(town.engine, M) as connection:
        report = day_report(connection, town.profile, date(2026, 6, 1))
        before = day_report(connection, town.profile, date(2026, 5, 31))
    assert [(e.item_code, e.from_year, e.count, e.amount_yen) for e in report.carried] == [
        ("901", 2025, 4, 132_000),
        ("904", 2025, 1, 50_000),
    ]
    assert before.carried == ()
    check = next(c for c in report.checks if c.code == "carry_over")
    assert (check.left, check.right) == (182_000, 182_000)
    data = report_as_data(report)
    assert report_from_data(data) == report
    assert canonical_json(report_as_data(report_from_data(data))) == canonical_json(data)
    del data["carried"]  # as signed before there were carry-overs
    assert report_from_data(data).carried == ()


@pytest.mark.parametrize("table", ["carry_run", "carry_over"])
@pytest.mark.parametrize("change", ["UPDATE {} SET amount_yen = 1", "DELETE FROM {}"])
def test_a_carry_over_is_only_ever_added_to(town, table, change):
    _close(town)
    with pytest.raises(DBAPIError, match="append_only"):
        town.run(change.format(table))


ALTERED = [
    ("UPDATE carry_over SET amount_yen = amount_yen + 1 WHERE amount_yen = 15000", "carry_over"),
    ("DELETE FROM carry_over WHERE amount_yen = 50000", "carry_over"),
    ("UPDATE carry_over SET carry_no = 9 WHERE amount_yen = 50000", "carry_run"),
    ("UPDATE carry_run SET amount_yen = 1", "carry_run"),
    ("UPDATE carry_run SET from_year = 2024, to_year = 2025", "carry_run"),
    ("DELETE FROM carry_run", "carry_run"),
    ("UPDATE instalment SET dunning_hold = TRUE WHERE notice_id = 1", "hold_flag"),
]


@pytest.mark.parametrize(("damage", "name"), ALTERED)
def test_what_was_altered_is_named(sqlite_url, damage, name):
    town = YearsTown(sqlite_url)
    for notice, yen in ((1, 15_000), (2, 50_000)):
        town.assess(claim(notice, 2025, yen), on="2025-06-02")
    _close(town)
    assert _clean(town) == []
    for row in town.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
        town.run(f"DROP TRIGGER {row.name}")
    town.run(damage)
    assert name in {difference.name for difference in verify(town.engine, M)}
    town.close()


def test_the_pack_of_the_day_holds_the_carry_over(sqlite_url):
    town = YearsTown(sqlite_url)
    town.assess(claim(1, 2025, 15_000), on="2025-06-02")
    _close(town)
    seal_pending(town.engine, M)
    with reading(town.engine, M) as connection:
        scope = day_scope(connection, M, date(2026, 6, 1))
        assert len(scope.entries) == 1
        (entry,) = connection.execute(
            text("SELECT kind, subject_id FROM seal_entry WHERE entry_no = :no"),
            {"no": next(iter(scope.entries))},
        ).all()
    assert tuple(entry) == ("carry_run", 1)
    town.close()


def test_a_report_lists_what_was_assessed_corrected_and_cancelled(town):
    _close(town)
    town.assess(claim(2, 2025, 12_000, kind="correction"), on="2026-06-08")
    town.assess(claim(5, 2025, 0, kind="cancellation", item="904"), on="2026-06-08")
    town.assess(claim(8, 2026, 3_000), on="2026-06-08")
    expected = [
        (2026, "901", False, "assessment", 1, 3_000),
        (2026, "901", True, "correction", 1, -8_000),
        (2026, "904", True, "cancellation", 1, -50_000),
    ]
    for _summed_up in (False, True):
        with reading(town.engine, M) as connection:
            report = day_report(connection, town.profile, date(2026, 6, 8))
        found = [
            (c.fiscal_year, c.item_code, c.carried, c.reason, c.count, c.amount_yen)
            for c in report.claimed
        ]
        assert found == expected
        assert report_from_data(report_as_data(report)) == report
        summarise(town.engine, M)
    # Of a year: everything that belongs to it, whenever it was booked.
    for year in (2024, 2025, 2026):
        report = town.year(year)
        assessed = sum(line.amount_yen for line in report.claimed)
        assert assessed == sum(line[0] - line[1] for line in lines(report).values())


def test_a_claim_that_was_paid_in_a_closed_year_and_lowered_later_leaves_nothing_open(town):
    _close(town)
    town.assess(claim(1, 2025, 8_000, kind="correction"), on="2026-06-08")
    # 2,000 of what came in 2025 wait in suspense; the new year's arrears owe and hold 2,000 less.
    assert lines(town.year(2026))["901", True] == (130_000, 132_000, 4_000, 126_000)
    assert town.rows("SELECT amount_yen FROM posting WHERE reason = 'surplus'") == [(2_000,)]
    assert town.year(2026).differing == ()
    assert _clean(town) == []
