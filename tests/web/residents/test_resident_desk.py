"""結び付けの確認: one person where the name agrees, two where it does not."""

from __future__ import annotations

import pytest
from resident_walk import M, form_of, shown
from sqlalchemy import text

from payments.store.unit_of_work import reading
from web.accounts import staff

PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def desk(app):
    """Somebody of the staff, signed in."""

    def begin(name):
        client = app.test_client()
        answer = client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
        assert answer.status_code == 303
        return client

    return begin


@pytest.fixture
def asked(enter, person):
    """A request to be linked that waits: its resident."""

    def ask(sub="card-1", **claims):
        said = {"name": person.name, "address": person.address} | claims
        client, _ = enter(sub, **said)
        answer = client.post("/my/link", data=form_of(person.el_number))
        assert answer.headers["Location"] == "/my/link"
        return client

    return ask


def _rows(city, table):
    with reading(city.engine, M) as connection:
        return connection.execute(text(f"SELECT * FROM {table}")).all()


def test_one_person_links_where_only_the_address_differs(asked, desk, city, person):
    resident = asked(address="前の住所1-1")
    nofu = desk("nofu")
    assert "確認待ち" in shown(nofu.get("/staff/residents"))
    page = shown(nofu.get("/staff/residents/1"))
    assert "前の住所1-1" in page
    assert person.address in page
    done = nofu.post("/staff/residents/1/decision", data={"decision": "link", "note": "転居届"})
    assert done.status_code == 303
    assert resident.get("/my/account").status_code == 200
    (row,) = _rows(city, "resident_request")
    assert (row.state, row.decided_by, bytes(row.sealed)) == ("linked", "nofu", b"")
    assert "前の住所1-1" not in shown(nofu.get("/staff/residents/1"))
    assert nofu.post("/staff/residents/1/decision", data={"decision": "link"}).status_code == 409
    with reading(city.engine, M) as connection:
        events = connection.execute(staff.events.select()).all()
    assert {"resident_request_shown", "resident_request_link"} <= {each.event for each in events}


def test_two_people_link_where_the_name_differs(asked, desk, city, person):
    resident = asked(name="別の 名前")
    nofu, shuno = desk("nofu"), desk("shuno")
    ask = {"decision": "link", "note": ""}
    assert nofu.post("/staff/residents/1/decision", data=ask).status_code == 422
    ask["note"] = "旧姓。戸籍で確認"
    assert nofu.post("/staff/residents/1/decision", data=ask).status_code == 303
    assert nofu.post("/staff/residents/1/decision", data=ask).status_code == 409
    assert resident.get("/my/account").headers["Location"] == "/my/link"
    page = shown(shuno.get("/staff/approvals/1"))
    assert "申出 1 の住民" in page
    assert person.name not in page
    assert shuno.get("/staff/residents/1").status_code == 200
    own = nofu.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert own.status_code == 403
    agreed = shuno.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert agreed.status_code == 303
    assert resident.get("/my/account").status_code == 200
    (row,) = _rows(city, "resident_link")
    assert (row.how, row.actor) == ("desk", "shuno")


def test_what_was_withdrawn_meanwhile_links_nobody(asked, desk, city):
    resident = asked(name="別の 名前")
    nofu, shuno = desk("nofu"), desk("shuno")
    nofu.post("/staff/residents/1/decision", data={"decision": "link", "note": "旧姓"})
    resident.post("/my/link/drop")
    agreed = shuno.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert agreed.status_code == 409
    assert _rows(city, "resident_link") == []


def test_a_second_one_takes_the_place_of_the_first(linked, asked, desk, city):
    second = asked("card-8")
    nofu, shuno = desk("nofu"), desk("shuno")
    assert "すでに別の人が結び付いています" in shown(nofu.get("/staff/residents/1"))
    nofu.post("/staff/residents/1/decision", data={"decision": "link", "note": "機種変更"})
    shuno.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert second.get("/my/account").status_code == 200
    assert linked.get("/my/account").headers["Location"] == "/my/link"
    assert [row.event for row in _rows(city, "resident_link")] == ["linked", "unlinked", "linked"]


def test_a_refusal_has_its_reason_and_says_nothing_of_the_person(asked, desk, person):
    resident = asked(name="別の 名前")
    nofu = desk("nofu")
    refuse = {"decision": "refuse", "note": ""}
    assert nofu.post("/staff/residents/1/decision", data=refuse).status_code == 422
    refuse["note"] = "本人ではない"
    assert nofu.post("/staff/residents/1/decision", data=refuse).status_code == 303
    page = shown(resident.get("/my/link"))
    assert "確かめられませんでした" in page
    assert "本人ではない" not in page
    assert person.name not in page


def test_the_staff_end_a_link(linked, desk):
    nofu = desk("nofu")
    assert "結び付きを解く" in shown(nofu.get("/staff/residents"))
    assert nofu.post("/staff/residents/links/1/end").status_code == 303
    assert linked.get("/my/account").headers["Location"] == "/my/link"
    assert nofu.post("/staff/residents/links/1/end").status_code == 409
    assert nofu.post("/staff/residents/links/9/end").status_code == 404


def test_who_may_only_look_decides_nothing(asked, desk):
    asked(name="別の 名前")
    kansa = desk("kansa")
    assert kansa.get("/staff/residents/1").status_code == 200
    assert kansa.post("/staff/residents/1/decision", data={"decision": "link"}).status_code == 403
    assert desk("joho").get("/staff/residents").status_code == 403
    assert desk("nofu").get("/staff/residents/9").status_code == 404
    answer = desk("nofu").post("/staff/residents/9/decision", data={"decision": "link"})
    assert answer.status_code == 404
    odd = desk("nofu").post("/staff/residents/1/decision", data={"decision": "perhaps"})
    assert odd.status_code == 422
