"""統計: what the files hold is what the day report says, less what is small; and only that."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import duckdb
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.domain.errors import ConfigurationError, InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.report.period import day_report
from web.cli import main
from web.commands.session import Session
from web.jobs.contract import JobContext
from web.jobs.statistics import DAYS_AGAIN, statistics
from web.open_data.small_cells import SMALL
from web.statistics.cells import StatisticsRow, cells_of, rows_of
from web.statistics.files import QUERIES, ask, write_day

M = "99999"
BOOKED = """
SELECT CAST(j.booked_on AS VARCHAR(10)),
    SUM(CASE WHEN p.credit_account = 'receivable' THEN 1 ELSE -1 END),
    SUM(CASE WHEN p.credit_account = 'receivable' THEN p.amount_yen ELSE -p.amount_yen END)
FROM posting p JOIN journal j ON j.municipality_code = p.municipality_code
    AND j.journal_id = p.journal_id
WHERE p.municipality_code = '99999'
  AND 'receivable' IN (p.debit_account, p.credit_account)
  AND 'assessed' NOT IN (p.debit_account, p.credit_account)
  AND 'written_off' NOT IN (p.debit_account, p.credit_account)
GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
def small(city, tmp_path):
    """The small city, its booked days, and a folder for the files."""
    with reading(city.engine, M) as connection:
        booked = {
            date.fromisoformat(day): (number, yen)
            for day, number, yen in connection.execute(text(BOOKED)).all()
        }
    assert booked
    return SimpleNamespace(city=city, booked=booked, folder=tmp_path / "statistics")


def _report(small, day):
    with reading(small.city.engine, M) as connection:
        profile = load_profile(connection, M)
        return day_report(connection, profile, day)


def test_nothing_is_lost_between_postings_report_and_file(small):
    for day, (number, yen) in small.booked.items():
        report = _report(small, day)
        cells = cells_of(report)
        assert (sum(c[0] for c in cells.values()), sum(c[1] for c in cells.values())) == (
            number,
            yen,
        )
        rows = rows_of(M, report)
        write_day(small.folder, M, day, rows)
        told = {(r.levy_code, r.channel): (r.number, r.amount_yen) for r in rows if not r.withheld}
        for (levy, channel), cell in told.items():
            if "all" not in {levy, channel}:
                assert cells.get((levy, channel), (0, 0)) == cell
            assert cell == (0, 0) or (cell[0] or 0) >= SMALL
        if ("all", "all") in told:
            assert told["all", "all"] == (number, yen)
        names, found = ask(
            small.folder,
            f"SELECT levy_code, channel, number, amount_yen FROM collections "
            f"WHERE booked_on = '{day}' AND NOT withheld",
        )
        assert names == ["levy_code", "channel", "number", "amount_yen"]
        assert {(levy, channel): (n, y) for levy, channel, n, y in found} == told


def test_a_file_holds_figures_and_nothing_about_people(small):
    day = max(small.booked)
    path = write_day(small.folder, M, day, rows_of(M, _report(small, day)))
    with duckdb.connect() as books:
        columns = [row[0] for row in books.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        values = {
            value for row in books.execute(f"SELECT * FROM '{path}'").fetchall() for value in row
        }
    assert tuple(columns) == StatisticsRow._fields
    with reading(small.city.engine, M) as connection:
        people = connection.execute(
            text("SELECT obligor_no, name FROM obligor WHERE municipality_code = '99999'")
        ).all()
    assert people
    assert not values & {each for row in people for each in row}


def test_a_day_written_again_replaces_itself_and_nothing_else(small):
    one, other = date(2026, 6, 1), date(2026, 6, 2)
    row = StatisticsRow(M, one, "all", "all", 20, 2000, False, False)
    path = write_day(small.folder, M, one, [row])
    write_day(small.folder, M, other, [row._replace(booked_on=other)])
    before = path.read_bytes()
    assert write_day(small.folder, M, other, [row._replace(booked_on=other)]) == path
    assert path.read_bytes() == before
    write_day(small.folder, M, one, [row._replace(number=30, closed=True)])
    _names, found = ask(small.folder, "SELECT booked_on, number FROM collections ORDER BY 1")
    assert found == [(one, 30), (other, 20)]
    assert list(small.folder.iterdir()) == [path]


def test_questions_see_many_bodies_and_nothing_else_of_the_machine(small, tmp_path):
    day = date(2026, 6, 1)
    for number, code in enumerate(("11111", "22222", "33333"), 1):
        rows = [
            StatisticsRow(code, day, "all", "all", 10 * number, 1000 * number, False, True),
            StatisticsRow(code, day, "11", "konbini", 10 * number, 1000 * number, False, True),
            StatisticsRow(code, day, "12", "konbini", None, None, True, True),
        ]
        write_day(small.folder, code, day, rows)
    assert ask(small.folder, "months")[1] == [("2026-06", 60, 6000, 3, 0)]
    assert [row[0] for row in ask(small.folder, "bodies")[1]] == ["11111", "22222", "33333"]
    assert ask(small.folder, "channels")[1] == [("2026-06", "konbini", 60, 6000, 3)]
    assert len(ask(small.folder, "levies")[1]) == 2
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for wrong in (f"SELECT * FROM '{secret}'", "SELECT", f"COPY collections TO '{tmp_path}/x.csv'"):
        with pytest.raises(InvalidValueError) as refused:
            ask(small.folder, wrong)
        assert refused.value.error_code == "statistics_query"
    assert not (tmp_path / "x.csv").exists()
    with pytest.raises(InvalidValueError) as refused:
        ask(tmp_path / "empty", "months")
    assert refused.value.error_code == "statistics_none"


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(ConfigurationError) as refused:
        write_day(tmp_path / "taken", M, date(2026, 6, 1), [])
    assert refused.value.error_code == "output_unwritable"


def _run(small, *words):
    return CliRunner().invoke(main, ["statistics", *words], obj=Session(small.city.settings))


def test_the_command_exports_and_asks(small):
    first, last = min(small.booked), max(small.booked)
    words = ("export", "--day", f"{first}", "--until", f"{last}", "--all", "--json")
    answer = _run(small, *words)
    assert answer.exit_code == 0, answer.output
    done = json.loads(answer.stdout)
    assert len(done) == (last - first).days + 1
    found = json.loads(_run(small, "query", "bodies", "--json").stdout)
    assert [row["municipality_code"] for row in found] == [M]
    shown = _run(small, "query")
    assert (shown.exit_code, "month" in shown.stdout) == (0, True)
    assert _run(small, "query", "DELETE FROM collections").exit_code == 1
    assert (
        _run(small, "export", "--day", f"{last}", "--until", f"{first - timedelta(1)}").exit_code
        == 2
    )
    assert set(QUERIES) == {"months", "bodies", "channels", "levies"}


def test_the_nightly_job_writes_the_week_before(small):
    said = []
    day = max(small.booked)
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC) + timedelta(days=1)
    context = JobContext(small.city.settings, small.city.engine, M, at, "schedule", said.append)
    assert statistics(context).totals == {"days_written": DAYS_AGAIN}
    folder = small.city.settings.statistics_folder
    _names, rows = ask(folder, "SELECT DISTINCT booked_on FROM collections ORDER BY 1")
    assert rows[-1] == (day,)
    shutil.rmtree(folder)
