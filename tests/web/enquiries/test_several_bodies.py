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
    said = _state(nobodys)
    assert (nobodys.status_code, said) == (unknown.status_code, _state(unknown))
    assert _asked(city) == [(OTHER, "unknown")] * 2


def test_each_answer_of_several_rests_on_the_reports_of_its_own_body(client, slips):
    number = slips["paid"].el_number
    page = _page(client.post("/several", data={"numbers": f"{OTHER}{number[5:]}\n{number}"}))[1]
    other, own = re.findall(r'<section>\s*<h2 id="cutoff.*?</section>', page, re.DOTALL)
    assert "となり市" in other
    assert other.count("まだ届いていません") == 2  # nothing has been reported to the neighbour
    assert "みほん市" in own
    assert "まだ届いていません" not in own
    alone = _page(client.post("/several", data={"numbers": number}))[1]
    assert "みほん市" not in alone.partition("<main")[2].partition("お問い合わせ先")[0]


def test_who_leads_to_no_body_is_told_of_the_reports_and_the_contact_of_none(
    client, slips, form_of
):
    page = _page(client.post("/", data=form_of("11111" + slips["paid"].el_number[5:])))[1]
    assert "この結果のもとになった資料" not in page
    assert "お問い合わせ先" not in page
