"""猶予・停止の画面: set and lifted by who may, listed by day and kind, with what was typed kept."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import text

from payments import holds
from payments.store.unit_of_work import reading
from web import clock

M = "99999"
PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def collector(app):
    found = app.test_client()
    found.post("/staff/sign-in", data={"user_name": "shuno", "password": PASSWORD})
    return found


@pytest.fixture
def claim(city):
    with reading(city.engine, M) as connection:
        return connection.execute(
            text(
                "SELECT n.notice_id, i.term, n.item_code || '/' || n.levy_year || '/' || "
                "n.notice_no AS name FROM notice n JOIN instalment i ON i.notice_id = n.notice_id "
                "ORDER BY n.notice_id, i.term LIMIT 1"
            )
        ).one()


def _held(city, notice_id):
    with reading(city.engine, M) as connection:
        return [h for h in holds.holds_of(connection, M, notice_id) if h.by == "person"]


def _form(of, **more):
    return {"claim": f"{of.name}/{of.term}", "kind": "conversion_hold",
            "from_on": clock.today().isoformat(), "reason": "換価の猶予の決定 12号"} | more  # fmt: skip


def test_a_hold_is_set_listed_and_lifted(city, collector, claim):
    set_ = collector.post("/staff/holds", data=_form(claim))
    assert set_.headers["Location"] == f"/staff/holds/notices/{claim.notice_id}"
    (hold,) = _held(city, claim.notice_id)
    assert (hold.term, hold.kind, hold.actor) == (claim.term, "conversion_hold", "shuno")
    page = collector.get("/staff/holds").get_data(as_text=True)
    assert "換価の猶予の決定 12号" in page
    assert "▲ 効力中" in page
    other = collector.get("/staff/holds?kind=dunning_hold").get_data(as_text=True)
    assert "換価の猶予の決定 12号" not in other
    assert "換価の猶予の決定 12号" not in collector.get(
        "/staff/holds?on=2026-01-01"
    ).get_data(as_text=True)  # fmt: skip
    lifted = collector.post(
        f"/staff/holds/{hold.hold_no}/lift",
        data={"on": clock.today().isoformat(), "reason": "完納"},
    )
    assert lifted.status_code == 303
    history = collector.get(lifted.headers["Location"]).get_data(as_text=True)
    assert "解除: 完納" in history
    assert "換価の猶予の決定 12号" not in collector.get("/staff/holds").get_data(as_text=True)
    assert "換価の猶予の決定 12号" in collector.get("/staff/holds?all=1").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(
        collector.get("/staff/holds/all.csv?all=1").get_data().decode("utf-8-sig")
    )))  # fmt: skip
    assert [row["解除の理由"] for row in rows] == ["完納"]
    again = collector.post(f"/staff/holds/{hold.hold_no}/lift", data={"reason": "もう一度"})
    assert again.status_code == 409
    assert "すでに解かれています" in again.get_data(as_text=True)


def test_a_day_that_is_none_lifts_nothing_and_stays_with_its_hold(city, collector, claim):
    for reason in ("一つ目", "二つ目"):
        collector.post("/staff/holds", data=_form(claim, reason=reason))
    first, second = _held(city, claim.notice_id)
    typed = {"on": "0026-12-01", "reason": "年を二けたで"}
    answer = collector.post(f"/staff/holds/{first.hold_no}/lift", data=typed)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "日付「0026-12-01」は読めません" in page
    assert page.count("年を二けたで") == page.count('value="0026-12-01"') == 1
    assert [hold.span.lifted_on for hold in _held(city, claim.notice_id)] == [None, None]
    assert f"/staff/holds/{second.hold_no}/lift" in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"claim": "901/2026/9999999999"}, "調定にありません"),
        ({"kind": "whatever"}, "種類を選んでください"),
        ({"until_on": "2020-01-01"}, "始まりの日"),
        ({"until_on": "いつか"}, "読めません"),
        ({"reason": ""}, "理由"),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_typed_is_lost(city, collector, claim, change, said):
    answer = collector.post("/staff/holds", data=_form(claim, **change))
    page = answer.get_data(as_text=True)
    assert answer.status_code in {404, 422}
    assert said in page
    kept = (_form(claim) | change)["reason"] or (_form(claim) | change)["claim"]
    assert kept in page
    assert _held(city, claim.notice_id) == []


def test_the_history_of_a_notice_is_found_by_its_name(collector, claim):
    found = collector.post("/staff/holds/find", data={"claim": claim.name})
    assert found.headers["Location"] == f"/staff/holds/notices/{claim.notice_id}"
    page = collector.get(found.headers["Location"]).get_data(as_text=True)
    assert "この通知書に猶予・停止はありません。" in page
    lost = collector.post("/staff/holds/find", data={"claim": "わからない"})
    assert lost.status_code == 422
    assert 'value="わからない"' in lost.get_data(as_text=True)


def test_who_only_looks_sets_and_lifts_nothing(city, treasurer, auditor, claim):
    for client in (treasurer, auditor):
        assert client.get("/staff/holds").status_code == 200
        assert "新しい猶予・停止" not in client.get("/staff/holds").get_data(as_text=True)
        assert client.post("/staff/holds", data=_form(claim)).status_code == 403
        assert client.post("/staff/holds/1/lift", data={"reason": "x"}).status_code == 403
    assert _held(city, claim.notice_id) == []
    assert treasurer.get("/staff/holds/notices/999999999").status_code == 404


def test_a_page_goes_on_where_the_one_before_it_ended(city, collector, claim, monkeypatch):
    monkeypatch.setattr("web.holds.routes.PAGE", 2)
    for number in range(5):
        collector.post("/staff/holds", data=_form(claim, reason=f"理由{number}"))
    first = collector.get("/staff/holds").get_data(as_text=True)
    assert ("理由4" in first, "理由3" in first, "理由2" in first) == (True, True, False)
    with reading(city.engine, M) as connection:
        pages = [
            [h.reason for h in holds.holds_on(connection, M, clock.today(), limit=2, below=below)]
            for below in (0, 4, 2)
        ]
    assert pages == [["理由4", "理由3"], ["理由2", "理由1"], ["理由0"]]
