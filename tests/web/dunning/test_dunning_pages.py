"""The pages of dunning: drawn, agreed to by two, pulled, sent, told; and refused where they must."""

from __future__ import annotations

from datetime import UTC, datetime
from html import unescape

import pytest
import time_machine
from dunning_town import DunningTown, M
from years_town import claim

from payments.store.unit_of_work import unit_of_work
from reconcile.dunning.record import Happening, append
from web.accounts import staff
from web.app import create_app

NOW = datetime(2026, 7, 20, 3, tzinfo=UTC)
TERMS = {"wait_days": "10", "minimum_yen": "1", "item_code": "", "due_from": "", "due_to": ""}


@pytest.fixture(autouse=True)
def _on_the_day():
    with time_machine.travel(NOW, tick=False):
        yield


def _text(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.get_data(as_text=True))


def _good(client, path, **form):
    answer = client.post(path, data=form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def test_a_list_from_the_form_to_the_post(town, desk):
    abe, ito = desk("abe"), desk("ito")
    assert "すべて届いています" in _text(abe, "/staff/dunning")
    at = _good(abe, "/staff/dunning", **TERMS)
    assert at == "/staff/dunning/1"
    asked = _good(abe, f"{at}/ask", reason="第一期")
    assert "督促状の作成" in _text(ito, asked)
    page = _text(abe, at)
    assert f'href="{asked}"' in page
    assert "督促状の作成の承認を依頼する" not in page
    own = abe.post(f"{asked}/decision", data={"decision": "approved"})
    assert own.status_code == 403
    early = abe.post(f"{at}/pull")
    assert (early.status_code, "dunning_state" in early.get_data(as_text=True)) == (409, True)
    _good(ito, f"{asked}/decision", decision="approved")
    letters = abe.get(f"{at}/letters.csv").get_data(as_text=True)
    assert letters.count("\r\n") == 4
    assert "督促状を印刷します" in _text(abe, at)
    with unit_of_work(town.engine, M) as connection:
        append(connection, M, 1, Happening("printing", NOW.date(), "abe", NOW, 3, 7))
    page = _text(abe, at)  # printed once, it is not to be done again
    assert "督促状を印刷します" not in page
    assert "で督促状を作りました" in page
    town.pay(2, 10_000, "2026-07-18", on="2026-07-20")
    _good(abe, f"{at}/pull")
    page = _text(abe, at)
    assert "納付済" in page
    assert "抜き取った枚数（引抜きリストは1通）" in page
    assert abe.get(f"{at}/pull.pdf").data.startswith(b"%PDF")
    assert "納付済" in abe.get(f"{at}/pull.csv").get_data(as_text=True)
    assert abe.post(f"{at}/confirm", data={"count": "x"}).status_code == 422
    _good(abe, f"{at}/confirm", count="1")
    _good(abe, f"{at}/dispatch", count="2")
    shown = _text(desk("kansa"), at)
    assert "発送済" in shown
    assert "次にすること" not in shown
    (row,) = town.rows("SELECT notice_id FROM notice WHERE notice_no = '0000000002'")
    story = _text(abe, f"{at}/notices/{row.notice_id}")
    assert "納付済（残り 0円）" in story
    again = abe.post("/staff/dunning/recheck", data={"number": "000000000001", "kind": "any"})
    said = unescape(again.get_data(as_text=True))
    assert "発送から10日以内" in said
    assert "（000000000001）" in said  # whose answer it is, for the file
    nobody = abe.post("/staff/dunning/recheck", data={"number": "000000000099", "kind": "any"})
    assert nobody.status_code == 404


def test_figures_open_their_rows_and_rows_what_was_known(town, desk):
    abe = desk("abe")
    at = _good(abe, "/staff/dunning", **TERMS)
    held = _text(abe, f"{at}/rows?ground=held")
    assert "0000000004" in held
    assert "0000000001" not in held
    listed = _text(abe, f"{at}/rows")
    assert [number for number in range(1, 5) if f"000000000{number}" in listed] == [1, 2, 3]
    (row,) = town.rows("SELECT notice_id FROM notice WHERE notice_no = '0000000004'")
    assert "猶予・停止中" in _text(abe, f"{at}/notices/{row.notice_id}")
    assert town.rows("SELECT sha256 FROM dunning_file ORDER BY file_id")[0].sha256 in _text(
        abe, f"{at}/files"
    )
    assert abe.get(f"{at}/notices/99999").status_code == 404
    assert "留保" in abe.get(f"{at}/rows.csv").get_data(as_text=True)


def test_those_near_the_end_of_their_period_are_said_first(town, desk):
    town.assess(
        *(claim(n, 2021, 10_000, due=due) for n, due in ((7, "2021-07-30"), (8, "2021-07-26"))),
        claim(9, 2021, 10_000, due="2021-06-30"),
        on="2021-04-10",
    )
    abe = desk("abe")
    at = _good(abe, "/staff/dunning", **TERMS)
    page = _text(abe, at)
    assert "督促の対象のうち2件（20,000円）は、時効の完成が近づいています。" in page
    assert "時効の完成" in page
    near = _text(abe, f"{at}/near")
    assert near.index("0000000008") < near.index("0000000007")
    assert "0000000009" not in near
    (row,) = town.rows("SELECT notice_id FROM notice WHERE notice_no = '0000000008'")
    behind = _text(abe, f"{at}/near?behind=2026-07-26&after={row.notice_id}&term=01")
    assert "0000000007" in behind
    assert "0000000008" not in behind
    story = _text(abe, f"{at}/notices/{row.notice_id}")
    assert "時効の満了日" in story
    assert "7月26日" in story


def test_a_stale_page_changes_nothing(town, desk):
    abe = desk("abe")
    at = _good(abe, "/staff/dunning", **TERMS)
    old = abe.post(f"{at}/drop", data={"reason": "誤り", "shown": "0" * 16})
    assert (old.status_code, town.list(1).state) == (409, "drawn")
    _good(abe, f"{at}/drop", reason="誤り")
    assert town.list(1).state == "dropped"


def test_terms_that_cannot_be_are_said_beside_the_form(desk):
    abe = desk("abe")
    for wrong in ({"wait_days": "61"}, {"wait_days": "-1"}, {"due_from": "昨日"}):
        answer = abe.post("/staff/dunning", data=TERMS | wrong)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.get_data(as_text=True)


def test_over_a_missing_file_two_people_decide_before_anything_is_drawn(sqlite_url, settings):
    town = DunningTown(sqlite_url, konbini_dsk="dates:2026-07-17")
    town.assess(claim(1, 2026, 10_000), on="2026-04-10")
    with unit_of_work(town.engine, M) as connection:
        for name, role in (("abe", "collection"), ("ito", "treasury")):
            staff.add(
                connection, M, name, roles=(role,), display_name=name, password="himitsu-no-kotoba"
            )
    app = create_app(settings, town.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    abe, ito = app.test_client(), app.test_client()
    for client, name in ((abe, "abe"), (ito, "ito")):
        client.post("/staff/sign-in", data={"user_name": name, "password": "himitsu-no-kotoba"})
    assert "7月17日" in _text(abe, "/staff/dunning")
    blocked = abe.post("/staff/dunning", data=TERMS)
    said = blocked.get_data(as_text=True)
    assert (blocked.status_code, "dunning_blocked" in said) == (409, True)
    assert "konbini_dsk" not in said.partition('role="alert"')[2].partition("</p>")[0]
    unanswered = abe.post("/staff/dunning/recheck", data={"number": "000000000001", "kind": "any"})
    assert unanswered.status_code == 409
    alert = unanswered.get_data(as_text=True).partition('role="alert"')[2].partition("</div>")[0]
    assert 'href="/staff/arrivals"' in alert
    asked = _good(abe, "/staff/dunning/despite", reason="システム障害のため")
    page = _text(abe, "/staff/dunning")
    assert "承認を待っています。" in page
    assert "二人で決める" not in page
    _good(ito, f"{asked}/decision", decision="approved")
    page = _text(abe, "/staff/dunning")
    assert "今日は抽出できます。" in page
    assert "抽出できません" not in page
    at = _good(abe, "/staff/dunning", **TERMS)
    assert "未着のままの抽出" in _text(abe, at)
    town.close()


def test_money_of_nobody_is_said_before_a_list_is_drawn(town, desk):
    """I1, I5: it names nobody, so that it holds no letter back; people are told to look first."""
    abe = desk("abe")
    assert "誰のものか" not in _text(abe, "/staff/dunning")
    town.pay(99, 10_000, "2026-07-15", on="2026-07-17")
    page = _text(abe, "/staff/dunning")
    assert "誰のものか分からない納付・入金が1件（10,000円）あります。" in page
    assert 'href="/staff/reports/suspense"' in page
    assert "10,000" in _text(abe, "/staff/reports/suspense")
