from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from sqlalchemy import Connection, text

from payments import approve
from payments.domain.publishing import OpenData
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.delays import Delay
from reconcile.report.figures import MonthRow, by_month, collected_cells
from web.open_data import measures
from web.open_data.small_cells import Published, is_small, with_totals

M = "99999"
TERMS = OpenData(
    published=True, licence="CC BY 4.0", licence_url="https://creativecommons.org/licenses/by/4.0/",
    contact="みほん市 会計課",
)  # fmt: skip
AT = datetime(2026, 7, 1, 3, tzinfo=UTC)


def _publish(city, terms=TERMS):
    with unit_of_work(city.engine, M) as connection:
        save_profile(connection, replace(load_profile(connection, M), open_data=terms))


def _close(city, kind, day):
    with unit_of_work(city.engine, M) as connection:
        asked = day_close.ask(
            connection, M, kind, day, asked_by="abe", reason="試験", at=AT, despite=True
        )
        decided = approve.decide(
            connection, M, asked.approval_id, "approved", decided_by="ito", at=AT
        )
        day_close.carry_out(connection, M, decided)


@pytest.fixture
def published(city):
    """The figures are public, and June is closed."""
    _publish(city)
    _close(city, day_close.CLOSE, "2026-06-30")
    return city


def _rows(client):
    data = client.get(f"/open-data/{M}/collections.csv").data
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize(
    "path",
    ["", "collections.csv", "rates.csv", "collections.json", "collections.csv-metadata.json"],
)
def test_a_body_that_publishes_nothing_is_as_unknown_as_none(client, path):
    answers = [client.get(f"/open-data/{code}/{path}") for code in (M, "12345", "nobody")]
    assert {answer.status_code for answer in answers} == {404}
    assert "公開しているデータはありません" in client.get("/open-data/").get_data(as_text=True)


def test_nothing_of_a_month_is_told_before_it_is_closed(client, city):
    _publish(city)
    assert _rows(client) == []
    _close(city, day_close.CLOSE, "2026-06-29")
    assert _rows(client) == []
    _close(city, day_close.CLOSE, "2026-06-30")
    assert {row["period"] for row in _rows(client)} == {"2026-06"}
    _close(city, day_close.REOPEN, "2026-06-30")
    assert _rows(client) == []


def test_what_is_told_is_the_ledger_and_nothing_small(client, published):
    rows = _rows(client)
    with reading(published.engine, M) as connection:
        cells = collected_cells(by_month(connection, M), "2026-06", "2026-06")
    full = with_totals({(item, channel): cell for (_month, item, channel), cell in cells.items()})
    assert len(rows) == len(full)
    told = 0
    for row in rows:
        place = tuple("" if row[name] == "all" else row[name] for name in ("levy_code", "channel"))
        if row["withheld"] == "1":
            assert (row["count"], row["amount_yen"]) == ("", "")
        else:
            assert (int(row["count"]), int(row["amount_yen"])) == full[place]
            assert not is_small(full[place])
            told += 1
    assert told
    assert any(row["withheld"] == "1" for row in rows)


@pytest.mark.usefixtures("published")
def test_the_json_says_when_what_and_under_which_licence(client):
    data = client.get(f"/open-data/{M}/collections.json").json
    assert (data["as_of"], data["licence"]) == ("2026-06-30", "CC BY 4.0")
    assert list(data["rows"][0]) == list(data["columns"])
    described = client.get(f"/open-data/{M}/collections.csv-metadata.json").get_json(force=True)
    named = [column["name"] for column in described["tableSchema"]["columns"]]
    assert named == list(_rows(client)[0])


def test_nobody_is_in_it(client, published):
    with reading(published.engine, M) as connection:
        people = connection.execute(text("SELECT obligor_no, name, address FROM obligor")).all()
    shown = "".join(
        client.get(f"/open-data/{M}/{path}").get_data(as_text=True)
        for path in (
            "",
            "collections.csv",
            "collections.json",
            "rates.csv",
            "channels.csv",
            "delays.csv",
        )
    )
    for person in people:
        assert not any(str(value) in shown for value in person)


@pytest.mark.usefixtures("published")
def test_it_is_kept_for_an_hour_and_asked_for_again_by_its_version(client):
    first = client.get(f"/open-data/{M}/collections.csv")
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    again = client.get(
        f"/open-data/{M}/collections.csv", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    page = client.get(f"/open-data/{M}/")
    assert "Cookie" in page.headers["Vary"]
    assert page.headers["Cache-Control"] == "public, max-age=3600"
    # A choice of language sets a cookie: nobody else is to get it.
    assert client.get(f"/open-data/{M}/?lang=en").headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("published")
def test_the_page_in_both_languages(client):
    japanese = client.get(f"/open-data/{M}/").get_data(as_text=True)
    assert "収納の状況" in japanese
    assert "×" in japanese
    english = client.get(f"/open-data/{M}/?lang=en").get_data(as_text=True)
    assert "Withheld" in english
    assert "Direct debit" in english


@pytest.mark.usefixtures("published")
def test_whoever_asks_too_often_waits(client):
    answers = [client.get("/open-data/").status_code for _ in range(61)]
    assert answers[0] == 200
    assert answers[-1] == 429


def _table(client, name):
    data = client.get(f"/open-data/{M}/{name}.csv").data
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", ["rates", "channels", "delays"])
def test_each_table_is_there_as_csv_and_json_and_described(client, name):
    rows = _table(client, name)
    assert rows
    # So small a city tells no channel by itself.
    assert any(row["withheld"] == "0" for row in rows) == (name == "rates")
    data = client.get(f"/open-data/{M}/{name}.json").json
    assert [list(row) for row in data["rows"]] == [list(rows[0])] * len(rows)
    described = client.get(f"/open-data/{M}/{name}.csv-metadata.json").get_json(force=True)
    assert [column["name"] for column in described["tableSchema"]["columns"]] == list(rows[0])
    assert described["url"] == f"{name}.csv"
    assert client.get(f"/open-data/{M}/people.csv").status_code == 404


@pytest.mark.usefixtures("published")
def test_shares_are_those_of_what_is_told(client):
    told = {
        row["channel"]: row for row in _rows(client)
        if (row["levy_code"], row["period"], row["withheld"]) == ("all", "2026-06", "0")
    }  # fmt: skip
    for row in _table(client, "channels"):
        assert (row["withheld"] == "1") == (row["channel"] not in told)
        if row["withheld"] == "0":
            part, whole = (int(told[name]["count"]) for name in (row["channel"], "all"))
            assert row["count_percent"] == str(part * 1_000 // whole / 10)


def _withholding(*places):
    """A table of two levies and two channels in which these places are withheld."""
    cells = {(levy, channel): (100, 1_000) for levy in ("1", "2", "") for channel in ("a", "b", "")}
    return Published(dict.fromkeys(places) | {p: c for p, c in cells.items() if p not in places})


def test_a_rate_is_told_until_the_first_month_that_withholds_its_levy():
    rows = [
        MonthRow(month, levy, 2026, 2026, "a", *accounts, 100, yen)
        for month in ("2026-04", "2026-05", "2026-06")
        for levy in ("1", "2")
        for accounts, yen in (
            (("receivable", "assessed"), 10_000), (("suspense", "receivable"), 5_000),
        )
    ]  # fmt: skip
    tables = measures.Tables(
        {"2026-04": _withholding(), "2026-05": _withholding(("1", "")), "2026-06": _withholding()}
    )
    told = {(row.period, row.levy_code): row for row in measures._rates(tuple(rows), 2026, tables)}
    assert told["2026-04", "1"].tenths == told["2026-06", "2"].tenths == 500
    assert told["2026-06", "all"].tenths == 500
    assert told["2026-05", "1"].tenths is told["2026-06", "1"].tenths is None
    assert all(row.last_year_tenths is None for row in told.values())
    later = measures._rates(tuple(r._replace(month=r.month.replace("2026", "2027"), claim_year=2027,
                                             open_year=2027) for r in rows) + tuple(rows), 2027,
                            measures.Tables({**tables.months, "2027-04": _withholding(),
                                             "2027-05": _withholding()}))  # fmt: skip
    before = {(row.period, row.levy_code): row.last_year_tenths for row in later}
    assert (before["2027-04", "1"], before["2027-05", "1"]) == (500, None)


def test_days_of_few_payments_and_shares_of_withheld_cells_are_not_told(monkeypatch):
    found = [Delay("2026-06", "a", days, 1, 100) for days in range(9)]
    monkeypatch.setattr(measures, "delays", lambda *_given: tuple(found))
    tables = measures.Tables({"2026-06": _withholding(("", "b"))})
    (few,) = measures._delays(Mock(spec=Connection), M, tables)
    assert (few.median_days, few.slow_days) == (None, None)
    found += [Delay("2026-06", "a", 1, 11, 100), Delay("2026-06", "b", 1, 99, 100)]
    enough, hidden = measures._delays(Mock(spec=Connection), M, tables)
    assert (enough.median_days, enough.slow_days) == (1, 6)
    assert (hidden.median_days, hidden.slow_days) == (None, None)
    shares = {row.channel: row.count_tenths for row in
              measures._shares("2026-06", "month", tables.months["2026-06"])}  # fmt: skip
    assert shares == {"a": 1_000, "b": None}
