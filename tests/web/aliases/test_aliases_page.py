"""振込名義の画面: what was learned, found by a part of the name, and forgotten with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from payments import approve
from payments.domain.kana import fold_name
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.placement.credit_ask import KIND
from reconcile.suggest import aliases
from web import clock
from web.commands.setup import sample_profile

M = "99999"


@pytest.fixture
def learned(city):
    """Two names for one person, by a decision of two people; the older name has lapsed."""
    with unit_of_work(city.engine, M) as connection:
        obligor_no = connection.execute(text("SELECT MIN(obligor_no) FROM obligor")).scalar_one()
        approval = approve.ask(
            connection, M, KIND, "credit:1:2", {}, asked_by="kaikei", at=clock.now(), reason="入金"
        )
        return approval.approval_id, [
            aliases.learn(
                connection, sample_profile(), fold_name(name), obligor_no,
                approval_id=approval.approval_id, on=clock.today() - timedelta(days=back),
                actor="kaikei", reason="入金から",
            )
            for name, back in (("ｶ)ﾐﾎﾝｼﾖｳｼﾞ", 10), ("ﾔﾏﾀﾞ ﾊﾅｺ", 5_000))
        ]  # fmt: skip


def test_what_is_remembered_is_listed_with_its_end_and_its_ground(city, learned, treasurer):
    page = treasurer.get("/staff/aliases").get_data(as_text=True)
    assert "覚えている名義 1件" in page  # the older one has lapsed
    assert f"/staff/approvals/{learned[0]}" in page
    found = treasurer.post("/staff/aliases/find", data={"name": "ミホン"})
    assert "覚えている名義 1件" in found.get_data(as_text=True)
    none = treasurer.post("/staff/aliases/find", data={"name": "いない"})
    assert "この名義は覚えていません。" in none.get_data(as_text=True)
    with reading(city.engine, M) as connection:  # who has seen a name, and nothing of the name
        seen = connection.execute(
            text("SELECT actor, subject FROM staff_event WHERE event = 'aliases_seen'")
        ).all()
    assert [tuple(row) for row in seen] == [("kaikei", "1"), ("kaikei", "1")]


def test_one_person_forgets_a_name_with_a_reason(city, learned, treasurer, auditor):
    number = learned[1][0]
    path = f"/staff/aliases/{number}/forget"
    assert auditor.post(path, data={"reason": "x"}).status_code == 403
    without = treasurer.post(path, data={"reason": ""})
    assert without.status_code == 422
    assert "<details open>" in without.get_data(as_text=True)
    assert treasurer.post(path, data={"reason": "別の会社"}).status_code == 303
    page = treasurer.get("/staff/aliases").get_data(as_text=True)
    assert "覚えている名義はまだありません" in page
    again = treasurer.post(path, data={"reason": "もう一度"})
    assert again.status_code == 404
    with reading(city.engine, M) as connection:
        said = connection.execute(
            text("SELECT actor, subject FROM staff_event WHERE event = 'alias_revoked'")
        ).all()
    assert [tuple(row) for row in said] == [("kaikei", str(number))]
