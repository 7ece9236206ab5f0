"""資料の明細とバイト列: every line with its outcome, every byte, all findings."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from payments.store.unit_of_work import reading
from reconcile.file_lines import findings_of, lines_of
from reconcile.file_view import Wanted, list_files, show_file
from web.files.places import STRETCH, stretch_of

M = "99999"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_city(request):
    """The small city on both kinds of database."""
    return request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")


def _largest(city):
    with reading(city.engine, M) as connection:
        return connection.execute(
            text("SELECT file_id FROM line_outcome GROUP BY file_id ORDER BY COUNT(*) DESC")
        ).scalar()


def test_the_pages_of_the_lines_add_up_to_the_file(either_city):
    file_id = _largest(either_city)
    with reading(either_city.engine, M) as connection:
        view = show_file(connection, M, file_id)
        found, after = [], 0
        while page := lines_of(connection, M, file_id, after=after, limit=7):
            found += page
            after = page[-1].line_no
        assert [line.line_no for line in found] == sorted({line.line_no for line in found})
        for outcome, total in view.outcomes.items():
            of_one = lines_of(connection, M, file_id, outcome=outcome, limit=10_000)
            assert of_one == [line for line in found if line.outcome == outcome]
            assert len(of_one) == total.count
            assert sum(line.amount_yen or 0 for line in of_one) == total.amount_yen
            assert sum(line.applied_yen or 0 for line in of_one) == total.applied_yen


def test_files_are_found_by_name_and_day(either_city):
    with reading(either_city.engine, M) as connection:
        every = list_files(connection, M, Wanted(), limit=100).files
        days = {file.received_on for file in every}
        for day in days:
            of_day = list_files(connection, M, Wanted(since=day, until=day), limit=100)
            assert of_day.files == [file for file in every if file.received_on == day]
            assert of_day.total == len(of_day.files)
        part = every[0].name[2:7]
        named = list_files(connection, M, Wanted(name=part), limit=100).files
        assert named == [file for file in every if part in file.name]
        assert list_files(connection, M, Wanted(name="%")).total == 0


@given(st.binary(max_size=1_500), st.integers(0, 2_000), st.integers(0, 40))
def test_every_byte_is_in_one_stretch_and_the_marked_ones_are_marked(data, first, length):
    at: int | None = 0
    shown: bytes = b""
    marked: list[bool] = []
    while at is not None:
        stretch = stretch_of(data, at, first, length)
        cells = [cell for row in stretch.rows for cell in row.cells]
        assert len(cells) <= STRETCH
        shown += bytes(int(cell.hex, 16) for cell in cells)
        marked += [cell.marked for cell in cells]
        at = stretch.behind
    assert shown == data
    assert marked == [first <= n < first + length for n, _byte in enumerate(data)]


def test_the_way_back_leads_to_the_beginning():
    data = bytes(range(256)) * 8
    at = len(data)
    for _ in range(10):
        stretch = stretch_of(data, at)
        if stretch.before is None:
            break
        at = stretch.before
    assert (at, stretch.rows[0].offset) == (0, 0)


def test_a_line_leads_to_its_explanation_and_its_bytes(treasurer, city):
    file_id = _largest(city)
    page = treasurer.get(f"/staff/files/{file_id}/lines").text
    (line, *_) = re.findall(r"/staff/explain/lines/\d+/\d+", page)
    assert treasurer.get(line).status_code == 200
    (place, *_) = re.findall(r'href="(/staff/files/\d+/bytes\?[^"]+)"', page)
    seen = treasurer.get(place.replace("&amp;", "&")).text
    assert "<mark>" in seen
    matched = treasurer.get(f"/staff/files/{file_id}/lines?outcome=matched").text
    assert matched.count("/staff/explain/lines/") <= page.count("/staff/explain/lines/")
    none = treasurer.get(f"/staff/files/{file_id}/lines?after={2**62}").text
    assert "該当する明細はありません" in none
    with reading(city.engine, M) as connection:
        events = connection.execute(text("SELECT event FROM staff_event")).scalars().all()
    assert {"file_lines_viewed", "file_bytes_viewed"} <= set(events)


def test_of_a_large_file_only_a_window_is_read(treasurer, city, monkeypatch):
    """The same bytes, and a sentence that the hash of the whole was not checked."""
    file_id = _largest(city)
    paths = [f"/staff/files/{file_id}/bytes?at={at}&length=9" for at in (0, 2_000, 10**9)]
    whole = [treasurer.get(path).text for path in paths]
    monkeypatch.setattr("web.files.routes.WHOLE_BYTES", 0)
    monkeypatch.setattr("web.files.routes.WINDOW_BYTES", 1_024)
    for path, page in zip(paths, whole, strict=True):
        part = treasurer.get(path).text
        assert "ハッシュを確かめていません" in part
        assert "ハッシュを確かめていません" not in page
        assert _table(part) == _table(page)


def _table(page: str) -> str:
    (found,) = re.findall(r"<table class=\"bytes.*?</table>", page, re.DOTALL)
    return str(found)


def test_all_findings_are_a_list_for_a_spreadsheet(treasurer, city):
    with reading(city.engine, M) as connection:
        file_id = connection.execute(text("SELECT MIN(file_id) FROM finding")).scalar_one()
        expected = list(findings_of(connection, M, file_id))
    answer = treasurer.get(f"/staff/files/{file_id}/findings.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert head[:3] == ["重さ", "行", "バイト"]
    assert [row[5] for row in rows] == [finding.code for finding in expected]


def test_the_filter_of_the_list_is_kept_in_the_form(treasurer):
    page = treasurer.get("/staff/files?name=eltax&since=2026-06-01&until=soon").text
    assert 'value="eltax"' in page
    assert 'value="2026-06-01"' in page


def test_who_may_not_read_files_sees_no_line_and_no_byte(app):
    client = app.test_client()
    form = {"user_name": "joho", "password": "kaikei-no-himitsu"}
    assert client.post("/staff/sign-in", data=form).status_code == 303
    for page in ("lines", "bytes", "findings.csv"):
        assert client.get(f"/staff/files/1/{page}").status_code == 403


def test_a_file_that_there_is_not_is_not_found(treasurer):
    for page in ("lines", "bytes", "findings.csv"):
        assert treasurer.get(f"/staff/files/999999/{page}").status_code == 404
