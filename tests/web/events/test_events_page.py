"""/staff/events: who may look, who may tell it again, and what stands there."""

from __future__ import annotations

import browser
import pytest
from placing_town import M, row

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.app import create_app

PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def database_url(sqlite_url):
    """One kind of database is enough for what a page shows."""
    return sqlite_url


@pytest.fixture
def signed_in(listening):
    """A client of somebody with a role."""
    app = create_app(
        listening.settings, listening.town.engine, TESTING=True, WTF_CSRF_ENABLED=False
    )

    def enter(role):
        with unit_of_work(listening.town.engine, M) as connection:
            staff.add(connection, M, role, roles=(role,), display_name=role, password=PASSWORD)
        client = app.test_client()
        client.post("/staff/sign-in", data={"user_name": role, "password": PASSWORD})
        return client

    return enter


def text_of(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_an_empty_page_says_how_to_begin(signed_in):
    said = text_of(signed_in("auditor"), "/staff/events")
    assert "購読者は登録されていません" in said
    assert "通知はまだありません" in said


def test_everything_that_happened_and_what_became_of_telling_it(listening, receiver, signed_in):
    listening.subscribe(address=receiver.url + "?token=secret", with_amounts=True)
    listening.town.shop("a.csv", row(1))
    receiver.answers = [500] * 6 + [200]
    for _ in range(6):
        listening.tell(days=3)
    auditor, admin = signed_in("auditor"), signed_in("admin")
    listed = text_of(auditor, "/staff/events")
    assert "納付済（速報）" in listed
    assert "納付書 S0000000001-01-1" in listed
    assert "断念" in listed
    assert "token=secret" not in listed
    assert "外部通知</a>" in listed
    shown = text_of(auditor, "/staff/events/1")
    assert "受信側が成功以外の応答を返しました" in shown
    assert "&#34;amount_yen&#34;: 10000" in shown
    assert ">再送" not in shown
    for path in ("/staff/events/1/replay", "/staff/events/replay-failed"):
        assert auditor.post(path, data={"name": "portal"}).status_code == 403
    assert ">再送" in text_of(admin, "/staff/events/1")
    assert "断念分を再送" in text_of(admin, "/staff/events")
    answer = admin.post("/staff/events/replay-failed", data={"name": "portal"})
    assert answer.status_code == 303
    assert "送信待ち" in text_of(admin, answer.location)
    listening.tell()
    assert "受け取られました" in text_of(admin, "/staff/events/1")
    answer = admin.post("/staff/events/1/replay", data={"name": "portal"})
    assert answer.status_code == 303
    listening.tell()
    assert len(receiver.heard) == 8
    assert admin.post("/staff/events/9/replay", data={"name": "portal"}).status_code == 409
    assert admin.post("/staff/events/1/replay", data={"name": "nobody"}).status_code == 404


def test_filters_and_pages(listening, signed_in, monkeypatch, tmp_path):
    monkeypatch.setattr("web.events.routes.PAGE", 2)
    listening.subscribe("tax", str(tmp_path / "out"), channel="folder")
    listening.town.shop("a.csv", row(1), row(2))
    listening.town.shop("c.csv", row(1, kind="03"))
    auditor = signed_in("auditor")
    first = text_of(auditor, "/staff/events")
    assert "/staff/events/3" in first
    assert "before=2" in first
    assert "/staff/events/1" in text_of(auditor, "/staff/events?before=2")
    only = text_of(auditor, "/staff/events?kind=slip.payment_withdrawn")
    assert "/staff/events/3" in only
    assert "/staff/events/2" not in only
    assert "該当する通知はありません" in text_of(auditor, "/staff/events?state=failed")
    assert "まとめてファイルに書き出します" in text_of(auditor, "/staff/events/1")
    for odd in ("?before=x", "?before=-1", "?kind=x&state=y", f"?before={10**30}"):
        text_of(auditor, f"/staff/events{odd}")
    text_of(auditor, "/staff/events/9", 404)


@pytest.mark.parametrize("role", ["slips", "treasury"])
def test_who_has_no_business_there_stays_out(signed_in, role):
    client = signed_in(role)
    text_of(client, "/staff/events", 403)
    assert "外部通知</a>" not in client.get("/staff/cases").get_data(as_text=True)


@pytest.mark.browser
def test_the_pages_can_be_read_by_everybody(listening, receiver, page, signed_in):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1), row(2))
    receiver.answers = [500, 200]
    listening.tell()
    signed_in("admin")
    app = create_app(listening.settings, listening.town.engine)
    with browser.served(app) as address:
        page.set_viewport_size({"width": 1366, "height": 768})
        page.goto(f"{address}/staff/sign-in")
        page.get_by_label("利用者名").fill("admin")
        page.get_by_label("パスワード").fill(PASSWORD)
        page.get_by_role("button", name="サインイン", exact=True).click()
        for path in ("/staff/events", "/staff/events/1"):
            page.goto(f"{address}{path}")
            assert browser.violations(page) == []
            assert browser.fits(page)
