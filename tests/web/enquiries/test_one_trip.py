"""A question on PostgreSQL: the same answers in one message, behind the same wall."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.store.one_trip import OneTrip, executed
from payments.store.unit_of_work import reading
from reconcile.status import (
    UNKNOWN,
    Found,
    prepared_for_postgresql,
    slip_status,
    status_from,
    status_of_slip,
)
from web.app import create_app
from web.commands.setup import sample_profile

pytestmark = pytest.mark.postgres
M = "99999"
BY_NUMBER, BY_ID = (executed(by, ("m", "key")) for by in ("number", "id"))
PID = "SELECT pg_backend_pid()"


@pytest.fixture
def trip(postgres_city):
    found = OneTrip(postgres_city.engine, prepared_for_postgresql())
    yield found
    found.close()


def _numbers(engine):
    with reading(engine, M) as connection:
        return connection.execute(
            text("SELECT slip_id, el_number FROM slip WHERE el_number IS NOT NULL")
        ).all()


def test_every_slip_of_the_city_is_answered_as_by_one_statement_after_the_other(
    trip, postgres_city
):
    profile, today, states = sample_profile(), postgres_city.day, set()
    slips = _numbers(postgres_city.engine)
    with reading(postgres_city.engine, M) as connection:
        for slip_id, number in slips:
            key = {"m": M, "key": f"E{number}"}
            ((row,), (again,)) = trip.run(
                M, f"{BY_NUMBER}; EXECUTE kokin_id (%(m)s, %(id)s)", {**key, "id": slip_id}
            )
            told = status_from(Found(*row), profile, today=today)
            assert told == slip_status(connection, profile, number, today=today)
            by_id = status_from(Found(*again), profile, today=today)
            assert by_id == status_of_slip(connection, profile, slip_id, today=today)
            states.add(told.state)
    assert len(slips) > 100
    assert len(states) >= 3


def test_nobodys_number_is_told_as_such(trip, postgres_city):
    ((row,),) = trip.run(M, BY_NUMBER, {"m": M, "key": "E" + "9" * 34})
    assert status_from(Found(*row), sample_profile(), today=postgres_city.day).state == UNKNOWN


def test_the_second_wall_stands_before_a_wrong_statement(trip, postgres_city):
    slip_id, number = _numbers(postgres_city.engine)[0]
    ((row,),) = trip.run("99998", BY_NUMBER, {"m": M, "key": f"E{number}"})
    assert Found(*row).slip_id is None
    ((row,),) = trip.run(M, BY_NUMBER, {"m": M, "key": f"E{number}"})
    assert Found(*row).slip_id == slip_id


def test_a_municipality_is_five_digits_and_nothing_else(trip):
    with pytest.raises(ValueError, match="x'"):
        trip.run("x'; --", "SELECT 1", {})


def test_a_value_is_a_value_whatever_it_says(trip):
    said = "E'; DROP TABLE slip; --"
    assert trip.run(M, "SELECT %(key)s::text", {"key": said}) == [[(said,)]]


def test_a_connection_that_was_lost_is_made_anew(trip, postgres_cluster):
    ((first,),) = trip.run(M, PID, {})
    postgres_cluster.execute(f"SELECT pg_terminate_backend({first[0]}, 60000)")
    ((second,),) = trip.run(M, PID, {})
    assert second != first


def test_after_an_error_the_connection_is_as_before(trip):
    ((before,),) = trip.run(M, PID, {})
    with pytest.raises(DBAPIError) as caught:
        trip.run(M, "SELECT 1 / 0", {})
    assert isinstance(caught.value.orig, psycopg.errors.DivisionByZero)
    ((after,),) = trip.run(M, PID, {})
    assert after == before


def test_wrong_and_unknown_are_the_same_messages_here_too(postgres_city, monkeypatch):
    free = {"TESTING": True, "WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": False}
    client = create_app(postgres_city.settings, postgres_city.engine, **free).test_client()
    sent: list[str] = []
    run = OneTrip.run

    def noted(trip, code, said, values):
        sent.append(said)
        return run(trip, code, said, values)

    monkeypatch.setattr(OneTrip, "run", noted)
    known = _numbers(postgres_city.engine)[0].el_number
    client.post("/", data={"collecting_body_code": known[:5], "case_key": known[5:25],
                           "confirmation_no": known[25:31], "item_code": known[31:]})  # fmt: skip
    other = "0" if known[30] != "0" else "1"
    seen, pages = {}, {}
    for name, number in {
        "known": known,
        "wrong": known[:30] + other + known[31:],
        "unknown": known[:20] + "99999" + known[25:],
    }.items():
        sent.clear()
        form = {"collecting_body_code": number[:5], "case_key": number[5:25],
                "confirmation_no": number[25:31], "item_code": number[31:]}  # fmt: skip
        pages[name] = client.post("/", data=form).get_data(as_text=True)
        seen[name] = list(sent)
    assert seen["known"] == seen["wrong"] == seen["unknown"]
    assert len(seen["known"]) == 2  # the question, and the record of it
    assert "確認できません" in pages["wrong"]
    assert "確認できません" not in pages["known"]
