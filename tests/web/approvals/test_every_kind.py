"""Every kind of approval there is opens its page, in both languages, before and after it is decided."""

from __future__ import annotations

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
