"""PostgreSQL gives the same answers as SQLite, page by page and command by command."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
from click.testing import CliRunner
from signed_requests import URL, headers
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_list import list_cases
from reconcile.export import write_outcomes
from reconcile.report.period import day_report
from web.app import create_app
from web.cli import main
from web.commands.session import Session
from web.commands.setup import sample_profile
from web.notifications import keys

pytestmark = pytest.mark.postgres
PASSWORD = "kaikei-no-himitsu"


def _export(engine):
    stream = io.StringIO(newline="")
    with reading(engine, "99999") as connection:
        write_outcomes(connection, "99999", stream)
    return stream.getvalue()


def test_both_databases_give_the_same_answers(city, postgres_city):
    assert _export(city.engine) == _export(postgres_city.engine)
    for day in (date(2026, 6, 1), date(2026, 6, 2)):
        reports = []
        for engine in (city.engine, postgres_city.engine):
            with reading(engine, "99999") as connection:
                reports.append(day_report(connection, sample_profile(), day))
        assert reports[0] == reports[1]
    lists = []
    for engine in (city.engine, postgres_city.engine):
        with reading(engine, "99999") as connection:
            lists.append(list_cases(connection, "99999", limit=1000))
    assert lists[0] == lists[1]


def test_the_pages_and_commands_work_on_postgresql(postgres_city):
    city = postgres_city
    app = create_app(city.settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    with reading(city.engine, "99999") as connection:
        some = text("SELECT el_number FROM slip WHERE el_number IS NOT NULL LIMIT 5")
        numbers = list(connection.execute(some).scalars())
        cases = list_cases(connection, "99999", limit=1000).cases
        files = list(connection.execute(text("SELECT file_id FROM source_file")).scalars())
    for number in numbers:
        parts = (number[:5], number[5:25], number[25:31], number[31:])
        names = ("collecting_body_code", "case_key", "confirmation_no", "item_code")
        assert client.post("/", data=dict(zip(names, parts, strict=True))).status_code == 200
    client.post("/staff/sign-in", data={"user_name": "kaikei", "password": PASSWORD})
    paths = [f"/staff/cases/{case.case_no}" for case in cases]
    paths += [f"/staff/files/{file_id}" for file_id in files]
    for path in ("/readyz", "/staff/days/2026-06-01", "/staff/cases", *paths):
        assert client.get(path).status_code == 200, path
    note = {"note": "確認済"}
    assert client.post(f"/staff/cases/{cases[0].case_no}/accept", data=note).status_code == 303

    def run(*words):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    for words in (
        ("doctor",), ("verify",), ("reconcile", "--as-of", "2026-06-02"), ("cases", "list"),
        ("slips", "issue", "--out", city.settings.home / "out", "--limit", 1), ("user", "list"),
    ):  # fmt: skip
        answer = run(*words)
        assert answer.exit_code == (1 if words == ("doctor",) else 0), (words, answer.output)
    assert run("doctor").stdout.count("[不備]") == 1  # the test has made no inbox folder


def test_a_notification_is_booked_on_postgresql(postgres_city):
    city = postgres_city
    with unit_of_work(city.engine, "99999") as connection:
        secret = keys.add(connection, city.settings, "99999", "pay-1", operator_name="見本決済")
    app = create_app(city.settings, city.engine, TESTING=True)
    client = app.test_client()
    body = json.dumps(
        {
            "el_number": "99999" + "9" * 20 + "123456901", "amount_yen": 100, "paid_on": "2026-06-02", "channel": "app",
            "operator_code": "0820", "transaction_id": "TX-PG",
        }
    ).encode()  # fmt: skip
    answers = [
        client.post(
            URL, data=body, headers=headers("pay-1", secret, body) | {"Idempotency-Key": "n-1"}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json["outcome"] == "unknown_slip"
    assert answers[0].data == answers[1].data
    app.extensions["kokin"].close()
