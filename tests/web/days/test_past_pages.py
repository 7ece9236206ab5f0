"""過去の日計 on the page and by the command: exact, unlike its copy, or of before it was kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape

import pytest
import time_machine
from click.testing import CliRunner
from sqlalchemy import text
from years_town import M, YearsTown, claim

from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close, day_copies
from web.accounts import staff
from web.app import create_app
from web.cli import main
from web.commands.session import Session
from web.config import Settings
from web.typed_days import moment_of_address

DAY, PASSWORD = date(2026, 6, 10), "kaikei-no-himitsu"
START = datetime(2026, 6, 10, 1, tzinfo=UTC)  # ten o'clock in Japan
OTHERWISE = "に表示した控えとは異なります"
UNKNOWN = "前の値を残し始める前の時点です"
WAYS = (  # what a page that cannot show a moment leads to, and what was typed
    'href="/staff/days/2026-06-10"',
    'href="/staff/days/latest"',
    'action="/staff/days/2026-06-10/then"',
)


@pytest.fixture
def told(sqlite_url, tmp_path):
    """A town of which a copy was kept at eleven; how its past is told on the page and here."""
    with time_machine.travel(START, tick=False) as clock:
        town = YearsTown(sqlite_url)
        town.assess(claim(1, 2026, 10_000), on="2026-04-10")
        with unit_of_work(town.engine, M) as connection:
            staff.add(
                connection, M, "kansa", roles=("auditor",), display_name="監査", password=PASSWORD
            )
        settings = Settings(
            home=tmp_path, database_url=sqlite_url, municipality=M,
            secret_key="a secret of the tests, long enough",
        )  # fmt: skip
        clock.move_to(START.replace(hour=5))
        client = create_app(
            settings, town.engine, TESTING=True, WTF_CSRF_ENABLED=False
        ).test_client()
        client.post("/staff/sign-in", data={"user_name": "kansa", "password": PASSWORD})

        def ask(at):
            page = client.get(f"/staff/days/2026-06-10/then?at=2026-06-10T{at}")
            words = ("day", "show", "2026-06-10", "--as-of", f"2026-06-10T{at}")
            said = CliRunner().invoke(main, words, obj=Session(settings))
            return unescape(page.get_data(as_text=True)), said.output

        yield town, ask
        town.close()


def _keep(town, **changed):
    with unit_of_work(town.engine, M) as connection:
        report, _closure = day_close.shown_day(connection, town.profile, DAY)
        eleven = START.replace(hour=2)
        day_copies.keep(connection, M, replace(report, **changed), at=eleven, by="abe")


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("2026-06-10", "2026-06-11T00:00+09:00"),
        ("2026-06-10T00:00", "2026-06-10T00:00+09:00"),
        ("2026-06-10T18:30", "2026-06-10T18:30+09:00"),
    ],
)
def test_a_day_alone_is_its_end_and_a_moment_is_what_was_typed(typed, at):
    assert moment_of_address(typed) == datetime.fromisoformat(at)


def test_a_moment_is_told_without_a_word_where_all_is_known(told):
    town, ask = told
    _keep(town)
    for said in ask("12:00"):
        assert OTHERWISE not in said
        assert UNKNOWN not in said


def test_a_copy_that_says_something_else_is_named(told):
    town, ask = told
    _keep(town, collected_yen=1)
    for said in ask("12:00"):
        assert OTHERWISE in said
    for said in ask("10:30"):  # before it was kept
        assert OTHERWISE not in said


def test_before_former_rows_were_kept_it_says_what_is_not_known(told):
    town, ask = told
    with unit_of_work(town.engine, M) as connection:
        connection.execute(
            text(
                "INSERT INTO former_row (municipality_code, table_name, row_key, former_no, "
                "until_at, row_json) VALUES (:m, 'books', '', 1, '2026-06-10 02:00:00.000000', "
                "'null')"
            ),
            {"m": M},
        )
    assert all(UNKNOWN in said for said in ask("10:30"))
    assert not any(UNKNOWN in said for said in ask("11:00"))


def test_before_the_books_began_there_is_no_report(told):
    town, ask = told
    page, said = ask("09:00")
    assert "まだ何も記帳されていない" in page
    assert "まだ何も記帳されていない" in said
    assert "コード: day_copy（404）" in page
    assert all(way in page for way in WAYS)
    with reading(town.engine, M) as connection:
        assert not day_copies.moments(connection, M, DAY)


def test_a_moment_that_has_not_come_is_refused(told):
    _town, ask = told
    assert "まだ来ていません" not in ask("14:00")[0]  # it is two o'clock
    for said in ask("14:01"):
        assert "2026-06-10 14:01はまだ来ていません。いま（2026-06-10 14:00）まで" in said
    page = ask("14:01")[0]
    assert "コード: moment_ahead（422）" in page
    assert all(way in page for way in (*WAYS, 'value="2026-06-10T14:01"'))


def test_a_file_of_a_moment_that_has_not_come_is_refused(treasurer):
    answer = treasurer.get("/staff/days/2026-06-10/report.csv?at=9999-01-01T00:00")
    assert answer.status_code == 404  # of no year that has a calendar
    answer = treasurer.get("/staff/days/2026-06-10/report.csv?at=2049-01-01T00:00")
    assert (answer.status_code, "moment_ahead" in answer.get_data(as_text=True)) == (422, True)
