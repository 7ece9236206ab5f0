from __future__ import annotations

import importlib.util

import pytest
from pages import without_token
from sqlalchemy import text

from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError, RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff

PASSWORD = "kaikei-no-himitsu"


def _try(client, name, password):
    return client.post("/staff/sign-in", data={"user_name": name, "password": password})


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(client):
    wrong_name, wrong_password = _try(client, "dareka", PASSWORD), _try(client, "kaikei", "x" * 12)
    assert wrong_name.status_code == wrong_password.status_code == 401
    pages = [
        without_token(a.get_data(as_text=True)).replace("dareka", "kaikei")
        for a in (wrong_name, wrong_password)
    ]
    assert pages[0] == pages[1]


def test_guessing_ends_after_ten_attempts(client):
    assert {_try(client, "kaikei", f"guess number {n}").status_code for n in range(10)} == {401}
    assert _try(client, "kaikei", PASSWORD).status_code == 429


def test_the_cookie_is_for_the_server_alone(client):
    cookie = _try(client, "kaikei", PASSWORD).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_signing_out_closes_the_session(treasurer):
    assert treasurer.get("/staff/cases").status_code == 200
    assert treasurer.post("/staff/sign-out").status_code == 303
    assert treasurer.get("/staff/cases").status_code == 303


@pytest.mark.parametrize("change", ["disable", "set_password"])
def test_a_disabled_person_and_an_old_password_are_out_at_once(treasurer, city, change):
    with unit_of_work(city.engine, "99999") as connection:
        if change == "disable":
            staff.disable(connection, "99999", "kaikei")
        else:
            staff.set_password(connection, "99999", "kaikei", "another password")
    assert treasurer.get("/staff/cases").status_code == 303


def test_a_session_ends_after_an_idle_hour(treasurer, monkeypatch):
    from datetime import timedelta  # noqa: PLC0415

    from web import clock  # noqa: PLC0415

    late = clock.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert treasurer.get("/staff/cases").status_code == 303


def test_every_attempt_is_recorded(client, city):
    _try(client, "kaikei", "x" * 12)
    _try(client, "kaikei", PASSWORD)
    with reading(city.engine, "99999") as connection:
        events = connection.execute(
            text("SELECT actor, event FROM staff_event ORDER BY happened_at")
        ).all()
    assert events == [("kaikei", "sign_in_failed"), ("kaikei", "signed_in")]


def test_staff_are_entered_with_care(books):
    with unit_of_work(books.engine, "99999") as connection:

        def add(name="a", roles=("slips", "collection"), password=PASSWORD):
            staff.add(connection, "99999", name, roles=roles, display_name="A", password=password)

        add()
        for wrong in (
            {"name": "あ"},
            {"name": ""},
            {"roles": ("chief",)},
            {"roles": ()},
            {"password": "short"},
        ):
            with pytest.raises(InvalidValueError):
                add(**{"name": "b", **wrong})
        with pytest.raises(ConflictError):
            add()
        with pytest.raises(NotFoundError):
            staff.set_password(connection, "99999", "nobody", PASSWORD)
        add(name="boss", roles=("admin",))
        with pytest.raises(RefusedError, match="user_last_admin"):
            staff.disable(connection, "99999", "boss")
        found = staff.authenticate(connection, "99999", "a", PASSWORD)
        assert found is not None
        assert found.roles == ("slips", "collection")
        stored = connection.execute(text("SELECT password_hash FROM staff_user")).scalars().all()
        assert all(value.startswith("$argon2id$") for value in stored)


def test_a_password_costs_what_the_standard_recommends():
    spec = importlib.util.find_spec("web.accounts.staff")
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)  # as it is outside of the tests, which sign in cheaply
    hasher = fresh._hasher
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (65_536, 3, 4)  # RFC 9106
    assert fresh._nobody().startswith("$argon2id$v=19$m=65536,t=3,p=4$")
