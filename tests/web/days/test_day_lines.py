"""照合結果の明細: every figure of the table opens its lines, and they add up to it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading
from reconcile.day_lines import START, chosen, lines_of_day
from reconcile.report.period import day_report
from web.commands.setup import sample_profile

M = "99999"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_city(request):
    """The small city on both kinds of database."""
    return request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")


def _pages(connection, wanted, limit):
    """Every page of the list, and the lines of them all."""
    found, after = [], START
    while page := lines_of_day(connection, M, wanted, after=after, limit=limit):
        assert len(page) <= limit
        found += page
        after = page[-1].place
    return found


def _sums(rows):
    lines = [row.line for row in rows]
    amounts = (sum(line.amount_yen or 0 for line in lines),)
    names = ("applied_yen", "suspense_yen")
    return (len(lines), *amounts, *(sum(getattr(each, name) for each in lines) for name in names))


def test_every_figure_of_the_day_is_the_sum_of_its_lines(either_city):
    with reading(either_city.engine, M) as connection:
        report = day_report(connection, sample_profile(), either_city.day)
        assert len({o.outcome for o in report.outcomes}) > 3
        every = []
        for o in report.outcomes:
            asked = {"channel": o.channel, "outcome": o.outcome}
            wanted = chosen(connection, M, either_city.day, **asked)
            rows = _pages(connection, wanted, 7)
            assert wanted.total == _sums(rows) == o[2:6]
            assert {(row.channel, row.line.outcome) for row in rows} == {o[:2]}
            every += rows
        whole = chosen(connection, M, either_city.day)
        assert _pages(connection, whole, 50) == sorted(every, key=lambda row: row.place)
        assert whole.total == _sums(every)


def test_what_was_decided_again_stands_under_its_last_outcome(either_city):
    """Also while the summary by file is behind, and after it was made up."""
    with reading(either_city.engine, M) as connection:
        again = connection.execute(
            text(
                "SELECT o.file_id, o.line_no, f.received_on FROM line_outcome o "
                "JOIN source_file f ON f.municipality_code = o.municipality_code "
                "AND f.file_id = o.file_id WHERE o.municipality_code = :m AND o.revision > 1"
            ),
            {"m": M},
        ).all()
        report = day_report(connection, sample_profile(), either_city.day)
        rows = _pages(connection, chosen(connection, M, either_city.day), 1_000)
    places = [row.place for row in rows]
    assert len(places) == len(set(places)) == sum(o.count for o in report.outcomes)
    of_day = {each[:2] for each in again if str(each[2]) == either_city.day.isoformat()}
    assert of_day <= set(places)


def _links(page):
    (part,) = re.findall(r'<section aria-labelledby="outcomes">.*?</section>', page, re.DOTALL)
    rows = re.findall(r"<tr>.*?</tr>", part, re.DOTALL)
    return [
        [(unescape(to), figure) for to, figure in re.findall(r'<a href="([^"]+)">([^<]+)</a>', row)]
        for row in rows
    ]


def test_every_figure_leads_to_its_lines_and_every_line_to_its_evidence(treasurer, city):
    page = treasurer.get(f"/staff/days/{city.day}").text
    rows = [row for row in _links(page) if row]
    with reading(city.engine, M) as connection:
        report = day_report(connection, sample_profile(), city.day)
    assert len(rows) == len(report.outcomes) + 1
    for row in rows:
        addresses = {address for address, _figure in row}
        (address,) = addresses
        count, amount = row[0][1], row[1][1]
        opened = treasurer.get(address)
        assert opened.status_code == 200
        assert f"<strong>{count}件</strong> <strong>{amount}</strong>" in opened.text
        lines = re.findall(r'href="(/staff/explain/lines/\d+/\d+)"', opened.text)
        assert len(lines) == min(int(count.replace(",", "")), 100)
    assert treasurer.get(lines[-1]).status_code == 200


def test_the_pages_and_the_spreadsheet_have_every_line_once(treasurer, city, monkeypatch):
    monkeypatch.setattr("web.days.lines.PAGE", 20)
    monkeypatch.setattr("web.days.lines._CSV_PAGE", 13)
    place = f"/staff/days/{city.day}/lines?outcome=matched"
    rows = list(
        csv.DictReader(io.StringIO(treasurer.get(place + "&form=csv").data.decode("utf-8-sig")))
    )
    with reading(city.engine, M) as connection:
        total = chosen(connection, M, city.day, outcome="matched").total
    assert (len(rows), sum(int(row["金額"]) for row in rows)) == total[:2]
    seen, at = [], place
    while at:
        page = treasurer.get(at).text
        seen += re.findall(r"/staff/explain/lines/(\d+)/(\d+)", page)
        following = re.search(r'<a href="([^"]+)">次のページ</a>', page)
        assert ("最初のページ" in page) == (at != place)
        at = unescape(following[1]) if following else ""
    assert seen == [(row["資料番号"], row["行"]) for row in rows]


def test_a_closed_day_tells_where_its_lines_were_decided_again(treasurer, city, monkeypatch):
    """The signed figure stands beside the one of now; without a difference nothing is said."""
    with reading(city.engine, M) as connection:
        report = day_report(connection, sample_profile(), city.day)
    monkeypatch.setattr("reconcile.closures.signed_report", lambda *_: (report, None))
    page = f"/staff/days/{city.day}/lines?outcome=matched"
    assert "締めた日計では" not in treasurer.get(page).text
    first = next(o for o in report.outcomes if o.outcome == "matched")
    fewer = first._replace(count=first.count - 1, amount_yen=first.amount_yen - 100)
    rows = tuple(fewer if o is first else o for o in report.outcomes)
    report = replace(report, outcomes=rows)
    with reading(city.engine, M) as connection:
        now = chosen(connection, M, city.day, outcome="matched").total
    said = f"締めた日計では {now.count - 1:,}件 {now.amount_yen - 100:,}円"
    assert said in treasurer.get(page).text


@pytest.mark.parametrize(
    "asked",
    ["channel=nothing", "outcome=nothing", "after=1", "after=1-x", "after=1-9999999999999999999"],
)
def test_what_cannot_be_is_not_found(treasurer, asked):
    assert treasurer.get(f"/staff/days/2026-06-01/lines?{asked}").status_code == 404


def test_a_day_without_lines_says_so(treasurer):
    page = treasurer.get("/staff/days/2020-01-01/lines").text
    assert "該当する明細はありません" in page
    assert "<strong>0件</strong> <strong>0円</strong>" in page


def test_who_sees_nobodys_tax_sees_figures_that_lead_nowhere(app):
    client = app.test_client()
    form = {"user_name": "joho", "password": "kaikei-no-himitsu"}
    assert client.post("/staff/sign-in", data=form).status_code == 303
    page = client.get("/staff/days/2026-06-01").text
    assert not any(_links(page))
    assert client.get("/staff/days/2026-06-01/lines").status_code == 403
