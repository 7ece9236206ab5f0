"""Every kind of approval there is opens its page, in both languages, before and after it is decided."""

from __future__ import annotations

from sqlalchemy import text
from worked_city import M, frozen, work_everything

from payments import approve
from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff
from web.approval_roles import DUTIES
from web.duties import ROLES
from web.language import LANGUAGES


def test_every_kind_opens_its_page(city, app, monkeypatch):
    frozen(monkeypatch)
    work_everything(city.settings, city.engine)
    with unit_of_work(city.engine, M) as connection:
        staff.add(connection, M, "zen", roles=tuple(ROLES), display_name="全",
                  password="kaikei-no-himitsu")  # fmt: skip
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": "zen", "password": "kaikei-no-himitsu"})
    with reading(city.engine, M) as connection:
        asked = approve.approvals(connection, M, limit=200)
    assert {each.kind for each in asked} == DUTIES.keys()
    for each in asked:
        for language in LANGUAGES:
            answer = client.get(f"/staff/approvals/{each.approval_id}?lang={language}")
            assert answer.status_code == 200, (each.kind, each.state, language)


def test_the_pages_around_an_appropriation_open_while_it_waits(city, app, monkeypatch):
    frozen(monkeypatch)
    work_everything(city.settings, city.engine)
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": "kaikei", "password": "kaikei-no-himitsu"})
    with reading(city.engine, M) as connection:
        (waits,) = approve.approvals(connection, M, kind="appropriation", limit=1)
    line = f"{waits.content['file_id']}/{waits.content['line_no']}"
    for page in (f"/staff/placements/{line}", f"/staff/explain/lines/{line}"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "過誤納の充当" in answer.get_data(as_text=True)
    with reading(city.engine, M) as connection:
        cases = connection.execute(
            text("SELECT case_no FROM review_case WHERE municipality_code = :m"), {"m": M}
        ).scalars()
        for case_no in list(cases):
            assert client.get(f"/staff/cases/{case_no}").status_code == 200
