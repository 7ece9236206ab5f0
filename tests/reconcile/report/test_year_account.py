"""決算の歳入 over a close: it agrees with the year's report, the carry-over and the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import event, text
from years_town import M, YearsTown, claim

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.day_totals import ledger, summarise
from reconcile.delays import delays
from reconcile.report import held_rows
from reconcile.report.fees import by_agent, fee_lines
from reconcile.report.figures import (
    by_month,
    collected_cells,
    delays_by_channel,
    months_of,
    percentile,
    rates,
    total_rate,
)
from reconcile.report.held import bucket_of, held
from reconcile.report.rows import Figure, days, postings
from reconcile.report.year_account import year_account
from reconcile.verify.everything import verify

TODAY = date(2026, 7, 1)


@pytest.fixture
def town(database_url):
    """2025年度 closed with one claim open; paid in the closing period, after it, and too much."""
    found = YearsTown(database_url)
    found.assess(
        claim(1, 2025, 10_000), claim(2, 2025, 20_000), claim(3, 2025, 30_000),
        claim(4, 2024, 7_000), on="2025-04-10",
    )  # fmt: skip
    found.pay(1, 10_000, "2025-06-20", on="2025-06-25")
    found.pay(1, 10_000, "2025-06-21", on="2025-06-26")  # twice: 還付未済
    found.pay(2, 20_000, "2026-05-20", on="2026-05-25")  # 出納整理期間
    found.assess(claim(5, 2026, 40_000), on="2026-04-10")
    found.pay(5, 40_000, "2026-05-28", on="2026-06-02")
    found.close_day("2026-06-02")
    found.close_year(2025)
    found.pay(3, 30_000, "2026-05-30", on="2026-06-05")  # after the close: 滞繰 of 2026
    found.assess(
        claim(2, 2025, 15_000, kind="correction"), on="2026-06-08"
    )  # a correction after the close: the next open year, and 更正による過納
    yield found
    found.close()


def _lines(account):
    return {
        (line.item_code, line.carried): (
            line.assessed_yen, line.carried_in_yen, line.collected_yen, line.closing_period_yen,
            line.refundable_yen, line.outstanding_yen,
        )
        for line in account.lines
    }  # fmt: skip


def _account(town, year):
    with reading(town.engine, M) as connection:
        return year_account(connection, town.profile, year)


def test_the_columns_of_the_year_over_its_close_agree_with_its_report(town):
    old, new = _account(town, 2025), _account(town, 2026)
    assert old.closed
    assert not new.closed
    assert _lines(old) == {
        ("901", False): (60_000, 0, 30_000, 20_000, 10_000, 30_000),
        ("901", True): (7_000, 7_000, 0, 0, 0, 7_000),
    }
    assert old.carried_out_yen == 37_000
    assert _lines(new)["901", False] == (40_000, 0, 40_000, 0, 0, 0)
    # Carried in 37,000, lowered by 5,000 since; 30,000 came, of what was paid before 5,000 went back.
    assert _lines(new)["901", True][1] == 37_000
    assert new.lines[0].before_collected_yen == 30_000
    for year in (2025, 2026):
        report, account = town.year(year), _account(town, year)
        assert sum(line.assessed_yen for line in report.year_lines) == sum(
            line.assessed_yen for line in account.lines
        )
        assert sum(line.outstanding_yen for line in report.year_lines) == sum(
            line.outstanding_yen for line in account.lines
        )
        assert sum(line.amount_yen for line in report.revenue) == sum(
            line.collected_yen for line in account.lines
        )


def test_days_and_postings_add_up_to_every_figure(town):
    _adds_up(town)
    summarise(town.engine, M)
    _adds_up(town)
    figure = Figure("assessed", "901", year=2025)
    with reading(town.engine, M) as connection:
        whole = list(postings(connection, M, figure, date(2025, 4, 10)))
        rest = list(
            postings(connection, M, figure, date(2025, 4, 10), after=[int(k) for k in whole[0].key])
        )
    assert len(whole) > 2
    assert rest == whole[1:]


def test_a_day_without_the_figure_is_not_read(town):
    asked = []
    event.listen(town.engine, "before_cursor_execute", lambda *words: asked.append(words[2]))
    figure = Figure("assessed", "901", year=2025)
    with reading(town.engine, M) as connection:
        (found, *_) = days(connection, M, figure)
        asked.clear()
        assert list(postings(connection, M, figure, date(2025, 4, 9))) == []
        assert not [words for words in asked if "FROM posting p" in words and "LIMIT" in words]
        assert list(postings(connection, M, figure, date.fromisoformat(found.booked_on)))
        assert [words for words in asked if "FROM posting p" in words and "LIMIT" in words]


def _adds_up(town):
    with reading(town.engine, M) as connection:
        for year in (2025, 2026):
            for line in year_account(connection, town.profile, year).lines:
                for what, yen in (
                    ("collected", line.collected_yen),
                    ("assessed", line.assessed_yen - line.carried_in_yen),
                ):
                    figure = Figure(what, line.item_code, year=year, carried=line.carried)
                    found = days(connection, M, figure)
                    assert sum(day.amount_yen for day in found) == yen
                    for day in found:
                        rows = list(
                            postings(connection, M, figure, date.fromisoformat(day.booked_on))
                        )
                        assert sum(row.amount_yen for row in rows) == day.amount_yen


def test_money_that_waits_is_the_balance_of_the_ledger_and_lists_follow_keys(town):
    with reading(town.engine, M) as connection:
        found = held(connection, town.profile, TODAY)
        rows = ledger(connection, M, TODAY, TODAY)
        listed = sum(
            row.amount_yen
            for name in ("suspense", "surplus")
            for row in held_rows.rows(connection, M, name)
        )
    balance = sum(
        row.amount_yen * ((row.credit == "suspense") - (row.debit == "suspense")) for row in rows
    )
    assert found.suspense_yen == balance == listed == 15_000
    assert sum(line.total_yen for line in found.suspense) == balance
    assert {(line.kind, line.total_yen) for line in found.overpaid} == {
        ("duplicate", 10_000), ("surplus", 5_000)
    }  # fmt: skip
    assert found.overpaid[0].yen[-1] == 10_000  # older than a year
    assert found.overpaid[1].yen[1] == 5_000  # since 2026-06-08

    with reading(town.engine, M) as connection:
        still = list(held_rows.rows(connection, M, "open_older", year=2026, item="901"))
        carried = list(held_rows.rows(connection, M, "carried", carry_no=1, item="901"))
        later = list(
            held_rows.rows(
                connection, M, "carried", carry_no=1, item="901",
                after=held_rows.key_of("carried", carried[0]),
            )
        )  # fmt: skip
    assert [(row.claim_year, row.amount_yen) for row in still] == [(2024, 7_000)]
    assert sorted(row.amount_yen for row in carried) == [7_000, 30_000]
    assert later == carried[1:]


def test_rates_delays_and_fees_are_the_same_with_and_without_the_summary(town):
    found = []
    for summed_up in (False, True):
        if summed_up:
            assert summarise(town.engine, M)
        with reading(town.engine, M) as connection:
            rows = by_month(connection, M)
            found.append((rows, delays(connection, M, "2025-04", "2026-06")))
    assert found[0] == found[1]
    rows, waits = found[1]
    by = rates(rows, 2025)["901"]
    assert by["2025-04"].assessed_yen == 60_000
    assert by["2025-06"].collected_yen == 10_000
    assert by["2026-05"].collected_yen == 30_000
    assert (by["2026-05"].hundredths, by["2025-04"].hundredths) == (5_000, 0)
    assert total_rate({"901": by}) == by
    assert set(by) == set(months_of(2025))
    counted = delays_by_channel(waits)["konbini"]
    assert counted == {5: 3, 6: 1}  # 出納整理期間 and after it: 5 and 6 days
    assert (percentile(counted, 50), percentile(counted, 90), percentile({}, 50)) == (5, 6, None)
    cells = collected_cells(rows, "2026-04", "2027-03")
    assert cells["2026-06", "901", "konbini"][0] == 2
    assert list(verify(town.engine, M)) == []
    with reading(town.engine, M) as connection:
        lines = fee_lines(connection, town.profile, date(2025, 4, 1), date(2027, 3, 31))
        groups = [
            row
            for agent in {line.agent for line in lines}
            for row in held_rows.rows(
                connection, M, "groups", agent=agent, first="", last="", unpaid=0, net=0
            )
        ]
    assert sum(line.gross_yen for line in lines) == sum(row.confirmed_yen for row in groups) > 0
    assert sum(line.count for line in lines) == sum(row.confirmed_count for row in groups)
    assert all(cost is None for _count, cost in by_agent(lines).values())  # no price entered


def test_what_is_paid_too_much_for_a_later_year_is_not_of_the_year_before(sqlite_url):
    found = YearsTown(sqlite_url)
    found.assess(claim(1, 2026, 40_000), on="2026-04-10")
    found.pay(1, 40_000, "2026-05-10", on="2026-05-12")
    found.pay(1, 40_000, "2026-05-11", on="2026-05-13")  # twice, while 2025 is still open
    assert _account(found, 2025).lines == ()
    assert [line.refundable_yen for line in _account(found, 2026).lines] == [40_000]
    found.close()


@pytest.mark.parametrize(("fee", "open_yen"), [("gross", 30), ("agreed", 0)])
def test_a_fee_that_an_agent_may_not_keep_back_is_still_due(sqlite_url, fee, open_yen):
    found = YearsTown(sqlite_url)
    found.assess(claim(1, 2026, 40_000), on="2026-04-10")
    found.pay(1, 40_000, "2026-05-10", on="2026-05-12")
    with unit_of_work(found.engine, M) as connection:
        connection.execute(
            text("UPDATE remittance_group SET fee_yen = 30, credited_yen = confirmed_yen - 30")
        )
    agents = tuple(replace(agent, fee=fee) for agent in found.profile.agents)
    with reading(found.engine, M) as connection:
        due = held(connection, replace(found.profile, agents=agents), TODAY).due
        (agent,) = connection.execute(text("SELECT agent FROM remittance_group")).scalars()
        rows = held_rows.rows(
            connection,
            M,
            "groups",
            agent=agent,
            first="",
            last="",
            unpaid=1,
            net=int(fee != "gross"),
        )
        assert sum(row.confirmed_yen - row.credited_yen for row in rows) == open_yen
    assert sum(line.total_yen for line in due) == open_yen
    found.close()


@pytest.mark.parametrize(
    ("since", "place"),
    [("2026-07-01", 0), ("2026-06-24", 0), ("2026-06-23", 1), ("2025-06-30", 4), ("2026-01-01", 3)],
)
def test_ages(since, place):
    assert bucket_of(date.fromisoformat(since), TODAY) == place
    assert bucket_of(None, TODAY) == 4
