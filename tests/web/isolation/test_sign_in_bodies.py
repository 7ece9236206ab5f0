"""Signing in where there are several bodies: who is asked what, and what a session opens."""

from __future__ import annotations

import pytest
from pages import without_token
from sqlalchemy import text
from two_bodies import OTHER, OWN, PASSWORDS

from payments.store.municipalities import set_disabled
from payments.store.unit_of_work import reading, unit_of_work
from web.app import create_app
from web.commands.setup import enter, sample_profile

NAME = "kaikei"  # there is one in each of the two


@pytest.fixture
def app(bodies):
    bodies.visited |= {"staff_event", "staff_session", "staff_attempt"}
    bodies.visited |= {"enquiry_log", "enquiry_count"}
    made = create_app(bodies.settings, bodies.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    yield made
    made.extensions["kokin"].close()


@pytest.fixture
def client(app):
    return app.test_client()


def _try(client, body, password, name=NAME):
    form = {"body": body, "user_name": name, "password": password}
    return client.post("/staff/sign-in", data=form)


def _page(answer):
    return without_token(answer.get_data(as_text=True))


def test_the_same_name_opens_in_each_body_with_its_own_password_only(client):
    for code, password in PASSWORDS.items():
        assert _try(client, code, password).status_code == 303
    assert _try(client, OWN, PASSWORDS[OTHER]).status_code == 401
    assert _try(client, OTHER, PASSWORDS[OWN]).status_code == 401


def test_a_wrong_body_a_wrong_name_and_a_wrong_password_get_the_same_answer(client):
    wrong = [
        _try(client, "12345", PASSWORDS[OWN]),
        _try(client, "", PASSWORDS[OWN]),
        _try(client, OWN, PASSWORDS[OWN], name="dareka"),
        _try(client, OWN, "x" * 12),
    ]
    assert {answer.status_code for answer in wrong} == {401}
    pages = {_page(answer).replace("dareka", NAME).replace(" selected", "") for answer in wrong}
    assert len(pages) == 1


def test_the_address_of_a_body_chooses_it_and_is_remembered(client):
    chosen = f'value="{OWN}" selected'
    assert chosen not in _page(client.get("/staff/sign-in"))
    assert chosen in _page(client.get(f"/staff/sign-in?body={OWN}"))
    assert chosen in _page(client.get("/staff/sign-in"))
    cookie = client.get_cookie("kokin-body", path="/staff/sign-in")
    assert (cookie.value, cookie.http_only, cookie.same_site) == (OWN, True, "Lax")
    assert "kokin-body=x" not in str(client.get("/staff/sign-in?body=x").headers)


def test_whose_books_are_shown_stands_on_every_page(client):
    _try(client, OWN, PASSWORDS[OWN])
    page = _page(client.get("/staff/cases"))
    assert '<span class="body-name">となり町</span>' in page
    assert "隣 kaikei" in page


def test_a_session_is_one_of_its_body_whatever_else_is_chosen(client, bodies):
    _try(client, OWN, PASSWORDS[OWN])
    client.get(f"/staff/sign-in?body={OTHER}")
    last = bodies.numbers["case_no"][1]
    assert client.get(f"/staff/cases/{last}").status_code == 404
    _try(client, OTHER, PASSWORDS[OTHER])
    assert client.get(f"/staff/cases/{last}").status_code == 200


def test_a_process_for_one_body_takes_no_session_of_another(client, bodies):
    _try(client, OWN, PASSWORDS[OWN])
    session = client.get_cookie("kokin").value
    settings = bodies.settings.model_copy(update={"municipality": OTHER})
    alone = create_app(settings, bodies.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    visitor = alone.test_client()
    visitor.set_cookie("kokin", session)
    assert visitor.get("/staff/cases").status_code == 303
    assert _try(visitor, OWN, PASSWORDS[OWN]).status_code == 401
    page = _page(visitor.get("/staff/sign-in"))
    assert '<span class="body-name">みほん市</span>' in page
    assert "<select" not in page  # There is nothing to choose.
    assert "となり町" not in page


def test_attempts_at_one_body_lock_nobody_out_of_another(client):
    assert {_try(client, OTHER, f"guess number {n}").status_code for n in range(10)} == {401}
    assert _try(client, OTHER, PASSWORDS[OTHER]).status_code == 429
    assert _try(client, OWN, PASSWORDS[OWN]).status_code == 303


def test_attempts_are_recorded_in_the_body_they_were_made_at(client, bodies):
    _try(client, OWN, "x" * 12, name="nanashi")
    found = {}
    for code in (OWN, OTHER):
        with reading(bodies.engine, code) as connection:
            rows = connection.execute(
                text(
                    "SELECT event FROM staff_event WHERE municipality_code = :m "
                    "AND actor = 'nanashi'"
                ),
                {"m": code},
            )
            found[code] = rows.scalars().all()
    assert found == {OWN: ["sign_in_failed"], OTHER: []}


def test_the_figures_are_of_the_installation_and_of_nobody(client):
    assert client.get("/readyz").json["status"] == "ready"
    figures = client.get("/metrics").get_data(as_text=True)
    assert "kokin_municipalities 2.0\n" in figures
    assert f'"{OWN}"' not in figures  # no label is a body; digits may stand in any number


def test_a_resident_is_answered_by_the_body_of_the_number_and_told_of_no_other(client, bodies):
    number = bodies.numbers["el_number"][1]
    names = ("collecting_body_code", "case_key", "confirmation_no", "item_code")
    parts = (number[:5], number[5:25], number[25:31], number[31:])
    page = _page(client.post("/", data=dict(zip(names, parts, strict=True))))
    assert "納付書は見つかりません" not in page
    elsewhere = ("00000", *parts[1:])
    nowhere = _page(client.post("/", data=dict(zip(names, elsewhere, strict=True))))
    assert 'class="state"' in nowhere
    # Whom to ask is said by the body of the number alone.
    assert "みほん市" not in nowhere
    assert "となり町" not in page + nowhere


@pytest.fixture
def stopped(bodies):
    """The neighbour is not served for the length of a test."""
    for disabled in (True, False):
        with unit_of_work(bodies.engine, OWN) as connection:
            set_disabled(connection, OWN, disabled=disabled)
        if disabled:
            yield


def test_a_body_that_was_stopped_ends_its_sessions_at_once(app, client, bodies, request):
    _try(client, OWN, PASSWORDS[OWN])
    assert bodies.ask(app, OWN, "/x").status_code == 404
    request.getfixturevalue("stopped")
    app.extensions["kokin_gate"].keys.forget()  # Keys are looked up again every two seconds.
    assert client.get("/staff/cases").status_code == 303
    assert _try(client, OWN, PASSWORDS[OWN]).status_code == 401
    assert bodies.ask(app, OWN, "/x").status_code == 401
    assert "<select" not in _page(client.get("/staff/sign-in"))  # one is left
    assert bodies.ask(app, OTHER, "/x").status_code == 404


def test_an_installation_whose_bodies_are_all_stopped_says_so(database_url, tmp_path):
    from web.commands.session import Session  # noqa: PLC0415
    from web.config import Settings  # noqa: PLC0415

    settings = Settings(home=tmp_path, database_url=database_url, secret_key="s" * 32)
    session = Session(settings)
    enter(session, sample_profile())
    with unit_of_work(session.engine, OTHER) as connection:
        set_disabled(connection, OTHER, disabled=True)
    client = create_app(settings, session.engine, TESTING=True).test_client()
    answer = client.get("/staff/sign-in")
    assert answer.status_code == 503
    assert "municipality_disabled" in answer.get_data(as_text=True)
    session.close()
