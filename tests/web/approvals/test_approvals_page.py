"""承認の画面: what waits, what it would do, who may decide, and what a decision answers."""

from __future__ import annotations

from datetime import UTC, datetime

from payments import approve
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from web import messages
from web.accounts import staff
from web.approval_effects import EFFECTS, LIVE, live_content
from web.approval_roles import DUTIES
from web.approvals import story
from web.commands.setup import sample_profile
from web.texts import approvals as words

M = "99999"
PASSWORD = "kaikei-no-himitsu"
AT = datetime(2026, 6, 3, 9, tzinfo=UTC)
LIST = "/staff/approvals"


def _ask_close(city, kind=day_close.CLOSE, subject="2026-06-01", by="kaikei", **more):
    with unit_of_work(city.engine, M) as connection:
        return day_close.ask(
            connection, M, kind, subject, asked_by=by, reason="日次の締め", at=AT, **more
        ).approval_id


def _ask_live(city, by="kaikei"):
    with unit_of_work(city.engine, M) as connection:
        return approve.ask(
            connection, M, LIVE, f"municipality:{M}", live_content(sample_profile()),
            asked_by=by, at=AT, reason="本番開始",
        ).approval_id  # fmt: skip


def _person(app, name, role):
    with unit_of_work(app.extensions["kokin"].engine, M) as connection:
        if not any(user.user_name == name for user in staff.everybody(connection, M)):
            staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
    return client


def _text(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def _decide(client, number, decision="approved", note=""):
    return client.post(f"{LIST}/{number}/decision", data={"decision": decision, "note": note})


def _state(city, number):
    with reading(city.engine, M) as connection:
        return approve.show(connection, M, number).state


def test_every_kind_tells_its_story():
    assert EFFECTS.keys() <= story.KINDS.keys()
    assert story.KINDS.keys() <= DUTIES.keys()


def test_the_list_shows_what_waits_first_and_can_be_narrowed(treasurer, city, app):
    assert "承認はまだありません" in _text(treasurer, LIST)
    _ask_close(city)
    admin = _person(app, "kanri", "admin")
    _ask_live(city)
    assert _decide(admin, 2, "rejected", "まだ早い").status_code == 303
    page = _text(treasurer, LIST)
    assert page.index(f'{LIST}/1"') < page.index(f'{LIST}/2"')
    assert "2026年6月1日（月）" in page
    assert "あなたが決定できます" not in page
    assert "あなたが決定できます" in _text(admin, LIST)
    assert f'{LIST}/1"' not in _text(treasurer, f"{LIST}?state=rejected")
    assert f'{LIST}/2"' not in _text(treasurer, f"{LIST}?kind=day_close")
    assert "該当する承認はありません" in _text(treasurer, f"{LIST}?state=approved")
    assert f'{LIST}/2"' in _text(treasurer, f"{LIST}?state=nonsense&kind=nonsense&page=-1")
    assert "該当する承認はありません" in _text(treasurer, f"{LIST}?state=mine")
    mine = _text(admin, f"{LIST}?state=mine")
    assert f'{LIST}/1"' in mine
    assert f'{LIST}/2"' not in mine
    assert f'{LIST}/1"' not in _text(admin, f"{LIST}?state=mine&kind=placement")


def test_the_way_to_the_page_says_how_many_wait(treasurer, city):
    assert "承認待ち</span>" not in _text(treasurer, "/staff/cases")
    _ask_close(city)
    assert '<span class="hidden">承認待ち</span>1件' in _text(treasurer, "/staff/cases")


def test_pages_of_the_list(treasurer, city, monkeypatch):
    monkeypatch.setattr("web.approvals.routes.PAGE", 1)
    _ask_close(city)
    _ask_live(city)
    first, second = _text(treasurer, LIST), _text(treasurer, f"{LIST}?page=2")
    assert "次の1件" in first
    assert "前の1件" in second
    assert f'{LIST}/2"' in first
    assert f'{LIST}/1"' in second


def test_a_closing_says_what_it_does_and_is_done_by_another(treasurer, app, city):
    number = _ask_close(city)
    own = _text(treasurer, f"{LIST}/{number}")
    for said in ("未締め", "締め済", "次の営業日", "勘定の動き", "日次の締め", "日計を開く"):
        assert said in own
    assert "あなたが依頼したものなので、あなたは決定できません。会計・承認者の役割" in own
    assert 'value="approved"' not in own
    refused = _decide(treasurer, number)
    assert refused.status_code == 403
    assert "依頼した本人（kaikei）は決定できません" in refused.get_data(as_text=True)
    assert "コード: approval_same_person" in refused.get_data(as_text=True)
    admin = _person(app, "kanri", "admin")
    assert 'value="approved"' in _text(admin, f"{LIST}/{number}")
    done = _decide(admin, number)
    assert (done.status_code, done.headers["Location"]) == (303, f"{LIST}/{number}#decision")
    assert "kanri が" in _text(treasurer, f"{LIST}/{number}")
    again = _decide(admin, number)
    assert again.status_code == 409
    assert "すでに「承認済」です" in again.get_data(as_text=True)
    reopening = _ask_close(city, day_close.REOPEN, by="kanri")
    assert "締めを取り消し、この日に記帳できるようにします" in _text(
        treasurer, f"{LIST}/{reopening}"
    )


def test_a_role_that_may_not_decide_reads_who_may(app, city):
    number = _ask_close(city)
    clerk, auditor = _person(app, "kazei", "slips"), _person(app, "kansa", "auditor")
    for client in (clerk, auditor):
        page = _text(client, f"{LIST}/{number}")
        assert "この種類の承認は、会計・承認者の役割を持つ職員が決めます。" in page
        assert 'name="decision"' not in page
        assert _decide(client, number).status_code == 403
    assert _state(city, number) == "waiting"


def test_a_rejection_without_a_reason_keeps_what_was_chosen(app, city):
    number = _ask_close(city)
    admin = _person(app, "kanri", "admin")
    for note, code in (("  ", "reason_missing"), ("あ" * 201, "reason_long")):
        answer = _decide(admin, number, "rejected", note)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert messages.error(code, {"found": 201, "expected": 200}) in page
        assert 'aria-describedby="note-error"' in page
        assert f">{note}</textarea>" in page
    wrong = _decide(admin, number, "perhaps")
    assert wrong.status_code == 422
    assert _decide(admin, 99).status_code == 404
    assert admin.get(f"{LIST}/99").status_code == 404
    assert _decide(admin, number, "rejected", "確認中").status_code == 303
    assert "確認中" in _text(admin, f"{LIST}/{number}")


def test_what_has_changed_since_is_said_before_anybody_decides(app, city):
    number = _ask_close(city, subject="2026-06-02", despite=True)
    admin = _person(app, "kanri", "admin")
    page = _text(admin, f"{LIST}/{number}")
    assert "T3 資金化（確報合計＝入金＋差引手数料）" in page
    assert words.SENTENCES["stale"] not in page
    with unit_of_work(city.engine, M) as connection:
        first = day_close.ask(
            connection, M, day_close.CLOSE, "2026-06-01", asked_by="kaikei", reason="x", at=AT
        )
        approve.decide(connection, M, first.approval_id, "approved", decided_by="kanri", at=AT)
        day_close.carry_out(connection, M, approve.show(connection, M, first.approval_id))
    stale = _text(admin, f"{LIST}/{number}")
    assert words.SENTENCES["stale"] in stale
    assert 'value="approved"' not in stale
    assert 'value="rejected"' in stale
    answer = _decide(admin, number)
    assert answer.status_code == 409
    assert "数字が、依頼のときから変わりました" in answer.get_data(as_text=True)
    assert _state(city, number) == "waiting"


def test_years_and_going_live_are_told_too(app, city):
    with unit_of_work(city.engine, M) as connection:
        for kind in (day_close.YEAR_CLOSE, day_close.YEAR_REOPEN):
            approve.ask(
                connection, M, kind, "2025", {"closure_no": 1, "blockers": ["T3"], "figures": "0"},
                asked_by="kaikei", at=AT, reason="年度末",
            )  # fmt: skip
    live = _ask_live(city)
    admin = _person(app, "kanri", "admin")
    closing = _text(admin, f"{LIST}/1")
    for said in ("2025年度", "T3", "年度の表を開く", words.SENTENCES["stale"]):
        assert said in closing
    assert "締めと滞納繰越を取り消します" in _text(admin, f"{LIST}/2")
    page = _text(admin, f"{LIST}/{live}")
    assert "印字しない" in page
    assert _decide(admin, live).status_code == 303


def test_a_kind_that_nobody_has_described_is_shown_as_it_was_written(app, city):
    with unit_of_work(city.engine, M) as connection:
        number = approve.ask(
            connection, M, "something", "s", {"amount_yen": 5, "slip_no": "S1"}, asked_by="x",
            at=AT, reason="y",
        ).approval_id  # fmt: skip
    page = _text(_person(app, "kanri", "admin"), f"{LIST}/{number}")
    assert "S1" in page
    assert 'name="decision"' not in page


def test_who_asked_takes_the_request_back_on_the_page(app, city):
    number = _ask_close(city)
    asker = _person(app, "kaikei", "treasury")
    page = f"{LIST}/{number}"
    assert "依頼を取り下げる" in _text(asker, page)
    empty = asker.post(f"{page}/recall", data={"note": " "})
    assert (empty.status_code, "理由を" in empty.text) == (422, True)
    assert asker.post(f"{page}/recall", data={"note": "日を誤った"}).status_code == 303
    assert words.ENDINGS["recalled"] in _text(asker, page)
    again = asker.post(f"{page}/recall", data={"note": "もう一度"})
    assert (again.status_code, "すでに" in again.text) == (409, True)
    assert _state(city, number) == "recalled"


def test_who_did_not_ask_cannot_take_it_back(app, city):
    number = _ask_close(city)
    other = _person(app, "kanri", "admin")
    assert "依頼を取り下げる" not in _text(other, f"{LIST}/{number}")
    refused = other.post(f"{LIST}/{number}/recall", data={"note": "いらない"})
    assert (refused.status_code, "本人だけ" in refused.text) == (409, True)
    assert _state(city, number) == "waiting"


def test_who_looked_and_who_decided_is_on_record(app, city):
    number = _ask_close(city)
    admin = _person(app, "kanri", "admin")
    _text(admin, f"{LIST}/{number}")
    _decide(admin, number)
    with reading(city.engine, M) as connection:
        found = connection.execute(
            staff.events.select().where(staff.events.c.event.like("approval_%"))
        ).all()
    assert {(row.event, row.subject, row.actor, row.source) for row in found} == {
        ("approval_shown", "1", "kanri", "127.0.0.1"),
        ("approval_approved", "1", "kanri", "127.0.0.1"),
    }
