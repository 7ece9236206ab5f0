"""本人のページ: signing in with a real provider, the link, and what is shown to its person alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from pydantic import ValidationError
from resident_walk import ITEMS, M, form_of, shown
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts.oidc_settings import ResidentClient
from web.app import create_app
from web.residents import sessions
from web.residents.identity import Agreement, Claims, claims_of, compare


def _all(city, table):
    with reading(city.engine, M) as connection:
        return connection.execute(text(f"SELECT * FROM {table}")).all()


# ---- the way in ----


def test_without_a_provider_a_clear_page_says_so(app, city):
    city.settings.residents = {}
    client = app.test_client()
    page = client.get("/my")
    assert page.status_code == 200
    assert "ただいま使えません" in shown(page)
    assert client.get(f"/my/sign-in?body={M}").status_code == 404
    assert client.get("/my/account").headers["Location"] == "/my"


def test_the_provider_is_asked_as_the_authentication_app_is(enter, provider):
    provider.asked.clear()
    enter(name="見本 太郎")
    asked = provider.asked[-1]
    assert asked["response_type"] == "code"
    assert asked["scope"] == "openid name address"
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 40


def test_who_the_provider_does_not_vouch_for_stays_outside(app, enter):
    client = app.test_client()
    client.get(f"/my/sign-in?body={M}")
    for query in ("error=access_denied", "code=made-up&state=made-up", ""):
        answer = client.get(f"/my/back?{query}")
        assert answer.status_code == 401
        assert 'role="alert"' in answer.get_data(as_text=True)
    _client, answer = enter()
    again = app.test_client().get("/my/back", query_string=answer.request.query_string.decode())
    assert again.status_code == 401


def test_a_provider_that_is_not_there_says_so(app, city):
    lost = city.settings.residents[M].model_copy(update={"issuer": "http://127.0.0.1:9"})
    city.settings.residents = {M: lost}
    answer = app.test_client().get(f"/my/sign-in?body={M}")
    assert answer.status_code == 401
    assert "接続できません" in shown(answer)


def test_a_client_whose_key_is_gone_or_another_one_stays_outside(city, enter):
    path = city.settings.residents[M].key_file
    key = path.read_text()
    path.write_text("{}")
    assert enter()[1].status_code == 401
    path.unlink()
    _client, answer = enter()
    assert answer.status_code == 401
    assert "client-key" not in answer.get_data(as_text=True)
    path.write_text(key)
    assert enter()[1].status_code == 303


# ---- sessions ----


def test_a_session_is_short_and_ends_where_it_should(linked, monkeypatch):
    begun = clock.now()
    for minutes, inside in ((9, True), (18, True), (29, False)):
        monkeypatch.setattr(clock, "now", lambda at=begun + timedelta(minutes=minutes): at)
        assert (linked.get("/my/account").status_code == 200) is inside


def test_a_session_lasts_no_longer_than_an_hour_however_busy(linked, monkeypatch):
    begun, seen = clock.now(), []
    for minutes in range(5, 70, 5):
        monkeypatch.setattr(clock, "now", lambda at=begun + timedelta(minutes=minutes): at)
        seen.append(linked.get("/my/account").status_code)
    assert seen.index(303) == 11


def test_signing_out_ends_every_session_of_the_person(enter, linked):
    other, _ = enter()
    assert other.get("/my/account").status_code == 200
    with other.session_transaction() as cookie:
        kept = dict(cookie)
    assert other.post("/my/sign-out").headers["Location"] == "/my"
    assert linked.get("/my/account").headers["Location"] == "/my"
    with other.session_transaction() as cookie:
        cookie.update(kept)
    assert other.get("/my/account").headers["Location"] == "/my"


def test_it_is_no_session_of_the_staff_and_theirs_is_none_of_it(linked, treasurer):
    assert linked.get("/staff/cases").headers["Location"] == "/staff/sign-in"
    assert treasurer.get("/my/account").headers["Location"] == "/my"


def test_switched_off_it_lets_nobody_in_any_more(linked, city):
    city.settings.residents = {}
    assert linked.get("/my/account").headers["Location"] == "/my"


def test_forms_of_ones_own_need_their_token(linked, app):
    app.config["WTF_CSRF_ENABLED"] = True  # the fixture signed in without
    for path in ("unlink", "confirmation", "refund-account", "notices", "sign-out"):
        assert linked.post(f"/my/{path}").status_code == 400
    assert app.test_client().post("/verify").status_code == 400


# ---- the link ----


def test_a_slip_with_the_same_name_and_address_links_at_once(enter, city, person):
    client, answer = enter(name=person.name, address=f"見本県{person.address}")
    assert answer.headers["Location"] == "/my/link"
    answer = client.post("/my/link", data=form_of(person.el_number))
    assert answer.headers["Location"] == "/my/account"
    assert client.get("/my/link").headers["Location"] == "/my/account"
    assert client.get("/my").headers["Location"] == "/my/account"
    (row,) = _all(city, "resident_link")
    assert (row.event, row.obligor_no, row.how) == ("linked", person.obligor_no, "slip")


def test_what_the_provider_says_is_kept_for_the_link_only(enter, city, person):
    client, _ = enter(name=person.name, address=person.address)
    (row,) = _all(city, "resident_session")
    assert row.sealed
    assert person.name.encode() not in bytes(row.sealed)
    client.post("/my/link", data=form_of(person.el_number))
    assert [bytes(row.sealed) for row in _all(city, "resident_session")] == [b""]
    (row,) = _all(city, "resident")
    assert "card-1" not in str(row)
    enter(name=person.name, address=person.address)
    assert {bytes(row.sealed) for row in _all(city, "resident_session")} == {b""}


def test_a_wrong_and_an_unknown_number_get_the_same_answer(enter, person):
    client, _ = enter(name=person.name, address=person.address)
    number = person.el_number
    wrong = number[:25] + ("000000" if number[25:31] != "000000" else "111111") + number[31:]
    answers = [
        client.post("/my/link", data=form_of(each))
        for each in (wrong, number[:5] + "9" * 20 + number[25:])
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    said = [re.sub(r'value="[^"]*"', "", answer.get_data(as_text=True)) for answer in answers]
    assert said[0] == said[1]
    assert "番号をもう一度お確かめください" in said[0]


@pytest.mark.parametrize("claims", [{"name": "別人 花子"}, {"address": "別の市1-1"}, {}])
def test_what_does_not_agree_waits_for_the_staff_and_shows_nothing(enter, city, person, claims):
    client, _ = enter(**({"name": person.name, "address": person.address} | claims or {"x": ""}))
    if not claims:
        client, _ = enter("card-2")  # the provider says nothing of them
    answer = client.post("/my/link", data=form_of(person.el_number))
    assert answer.headers["Location"] == "/my/link"
    page = client.get("/my/link")
    assert "職員が確かめています" in shown(page)
    assert person.name not in shown(page)
    assert client.get("/my/account").headers["Location"] == "/my/link"
    again = client.post("/my/link", data=form_of(person.el_number))
    assert again.status_code == 409
    (row,) = _all(city, "resident_request")
    assert (row.state, row.obligor_no) == ("waiting", person.obligor_no)
    assert client.post("/my/link/drop").headers["Location"] == "/my"
    (row,) = _all(city, "resident_request")
    assert (row.state, bytes(row.sealed)) == ("dropped", b"")


def test_a_person_has_one_page(enter, linked, person):
    second, _ = enter("card-7", name=person.name, address=person.address)
    answer = second.post("/my/link", data=form_of(person.el_number))
    assert answer.headers["Location"] == "/my/link"  # the staff look first
    assert linked.post("/my/link", data=form_of(person.el_number)).status_code == 409


def test_a_link_ends_and_begins_again_and_all_of_it_is_on_record(enter, linked, city, person):
    assert linked.post("/my/unlink").headers["Location"] == "/my"
    client, answer = enter(name=person.name, address=person.address)
    assert answer.headers["Location"] == "/my/link"
    client.post("/my/link", data=form_of(person.el_number))
    assert [row.event for row in _all(city, "resident_link")] == ["linked", "unlinked", "linked"]


def test_typed_numbers_are_explained(enter):
    client, _ = enter()
    answer = client.post("/my/link", data=form_of("9" * 34) | {"confirmation_no": "12"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.get_data(as_text=True)


def test_after_an_hour_the_claims_are_gone(enter, city, person):
    client, _ = enter(name=person.name, address=person.address)
    with unit_of_work(city.engine, M) as connection:
        sessions.forget_claims(connection, M, _all(city, "resident")[0].resident_id)
    assert "サインインし直して" in shown(client.get("/my/link"))
    answer = client.post("/my/link", data=form_of(person.el_number))
    assert answer.status_code == 409


def test_unlinking_what_is_not_linked_is_refused(enter):
    client, _ = enter()
    assert client.post("/my/unlink").status_code == 409


@pytest.mark.parametrize(
    ("claims", "agreed"),
    [
        (Claims("見本　太郎", "", "見本県みほん市見本一丁目１７番９号"), Agreement(True, True)),
        (Claims("見本太郎", "", "みほん市見本1-17-9"), Agreement(True, True)),
        (Claims("見本 太朗", "ミホン タロウ", ""), Agreement(True, False)),
        (Claims("見本 太朗", "", "みほん市見本1-17-90"), Agreement(False, False)),
        (Claims("", "", "みほん市見本十一丁目17-9"), Agreement(False, False)),
        (Claims(), Agreement(False, False)),
        (Claims(" ", "・", "-"), Agreement(False, False)),  # nothing, however it is written
    ],
)
def test_names_and_addresses_are_equal_or_not(claims, agreed):
    assert compare(claims, "見本 太郎", "ミホン タロウ", "みほん市見本一丁目17-9") == agreed
    assert not compare(claims, "", "", "").whole


def test_an_address_comes_as_text_or_in_parts():
    parts = {"region": "見本県", "locality": "みほん市", "street_address": "見本1"}
    assert claims_of({"address": parts}).address == "見本県みほん市見本1"
    assert claims_of({"address": {"formatted": "みほん市"}}).address == "みほん市"
    assert claims_of({"address": "みほん市", "name": None}) == Claims("", "", "みほん市")


# ---- what is shown ----


def test_every_page_shows_ones_own_and_nobody_elses(linked, city, person):
    """The whole answer of each page, beside the names and numbers of everybody in the books."""
    with reading(city.engine, M) as connection:
        others = connection.execute(
            text("SELECT obligor_no, name, kana, address FROM obligor WHERE obligor_no <> :me"),
            {"me": person.obligor_no},
        ).all()
        foreign = set(
            connection.execute(
                text("SELECT notice_no FROM notice WHERE obligor_no <> :me"),
                {"me": person.obligor_no},
            ).scalars()
        )
    hidden = foreign | {value for row in others for value in row} | {person.obligor_no}
    own = {person.name, person.kana, person.address}
    for path in ("account", "late-charge", "link", "notices", "refund-account"):
        page = linked.get(f"/my/{path}", follow_redirects=True).get_data(as_text=True)
        assert [value for value in hidden - own if len(value) > 3 and value in page] == [], path
        assert person.address not in page
        assert not re.search("滞納|未納", page), path


def test_what_is_owed_as_an_employer_or_jointly_is_on_nobodys_page(linked, city, person):
    """特別徴収・共有: the body names the levies; neither page nor paper nor mail speaks of them."""
    client = city.settings.residents[M]
    with reading(city.engine, M) as connection:
        items = connection.execute(
            text("SELECT item_code, notice_no FROM notice WHERE obligor_no = :me"),
            {"me": person.obligor_no},
        ).all()
    assert all(row.notice_no in shown(linked.get("/my/account")) for row in items)
    mine = {row.item_code for row in items}
    named = tuple(each for each in ITEMS if each not in mine)
    city.settings.residents = {M: client.model_copy(update={"shown_items": named})}
    page = shown(linked.get("/my/account"))
    assert not any(row.notice_no in page for row in items)
    assert "納めすぎ" not in page
    assert "このページに出ない科目もあります" in page  # nobody takes silence for an answer
    assert linked.post("/my/confirmation").status_code == 404
    preview = shown(linked.get("/my/late-charge"))
    assert not any(row.notice_no in preview for row in items)


def test_no_levy_is_shown_before_the_body_has_named_it():
    for unsaid in ({}, {"shown_items": []}):
        with pytest.raises(ValidationError, match="shown_items"):
            ResidentClient(issuer="https://op.example", client_id="RP1", **unsaid)


def test_every_view_is_written_down_and_its_person_may_read_it(linked, city, person):
    linked.get("/my/account")
    linked.get("/my/late-charge")
    linked.post("/my/confirmation")
    rows = _all(city, "resident_view")
    assert [row.page for row in rows if row.obligor_no == person.obligor_no].count("overview") == 1
    assert {row.page for row in rows} == {"overview", "preview", "confirmation"}
    assert "127.0.0.1" not in str(rows)
    assert "延滞金の試算" in shown(linked.get("/my/account"))


def test_a_day_that_is_none_is_explained(linked):
    answer = linked.get("/my/late-charge?on=never")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_nothing_of_the_person_is_in_a_log(linked, caplog, person):
    linked.get("/my/account")
    linked.post("/my/confirmation")
    assert person.obligor_no not in caplog.text
    assert person.name not in caplog.text


def test_trying_numbers_is_limited_for_each_person(city, linked, person):
    limited = create_app(city.settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    client = limited.test_client()
    with linked.session_transaction() as mine, client.session_transaction() as cookie:
        cookie.update(dict(mine))
    answers = [
        client.post("/my/link", data=form_of(person.el_number)).status_code for _time in range(6)
    ]
    assert answers == [409] * 5 + [429]
