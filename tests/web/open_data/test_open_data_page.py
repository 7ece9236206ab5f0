from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from payments import approve
from payments.domain.publishing import OpenData
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.report.figures import by_month, collected_cells
from web.open_data.small_cells import is_small, with_totals

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
    "path", ["", "collections.csv", "collections.json", "collections.csv-metadata.json"]
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
        for path in ("", "collections.csv", "collections.json")
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
