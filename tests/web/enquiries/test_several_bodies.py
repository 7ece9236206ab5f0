"""One service for several bodies: a number leads to its own, and to nobody else's answer."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading
from web.app import create_app
from web.commands.session import Session
from web.commands.setup import enter, sample_profile
from web.config import Settings
from web.enquiries.slip_code import code_of

SECRET = "a secret of the tests, long enough"
OTHER = "88888"


@pytest.fixture
def client(city, tmp_path):
    """The service of the city and of a neighbour without a slip."""
    settings = Settings(home=tmp_path, database_url=str(city.engine.url), secret_key=SECRET)
    neighbour = replace(
        sample_profile(), municipality_code=OTHER, collecting_body_code=OTHER, name="となり市"
    )
    session = Session(settings)
    enter(session, neighbour)
    session.close()
    app = create_app(settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    yield app.test_client()
    app.extensions["kokin"].close()


def _page(answer):
    page = re.sub(r'name="(csrf_token|task)" value="[^"]*"', "", answer.get_data(as_text=True))
    return answer.status_code, page


def _state(answer):
    return re.findall(r'class="state">([^<]*)<', answer.get_data(as_text=True))


def _asked(city):
    with reading(city.engine) as connection:
        rows = connection.execute(
            text("SELECT municipality_code, answer FROM enquiry_log ORDER BY municipality_code")
        )
        return [tuple(row) for row in rows]


def test_a_number_leads_to_its_body(client, city, slips, form_of):
    number = slips["paid"].el_number
    assert _state(client.post("/", data=form_of(number))) == ["納付済"]
    assert _state(client.post("/", data=form_of(OTHER + number[5:]))) == ["確認できません"]
    code = code_of(SECRET.encode(), "99999", slips["paid"].slip_id)
    assert _state(client.post("/code", data={"code": code})) == ["納付済"]
    elsewhere = code_of(SECRET.encode(), OTHER, slips["paid"].slip_id)
    assert _state(client.post("/code", data={"code": elsewhere})) == ["確認できません"]
    assert _asked(city) == [
        (OTHER, "unknown"), (OTHER, "unknown"), ("99999", "paid"), ("99999", "paid"),
    ]  # fmt: skip


def test_a_number_of_nobody_is_answered_and_counted_as_any_other(client, city, slips, form_of):
    nobodys = client.post("/", data=form_of("11111" + slips["paid"].el_number[5:]))
    unknown = client.post("/", data=form_of(OTHER + slips["paid"].el_number[5:]))
    said = _page(nobodys)[1].replace(
        "<li>収納機関番号が、こちらの納付書のものと違います。</li>", ""
    )
    assert re.sub(r"\s+", "", said) == re.sub(r"\s+", "", _page(unknown)[1])
    assert _asked(city) == [(OTHER, "unknown")] * 2
