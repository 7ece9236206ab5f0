"""団体設定の画面, as a treasurer and an administrator use it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import timedelta
from html import unescape
from io import BytesIO

import pytest
from PIL import Image

from payments.store.municipalities import is_live, load_profile
from payments.store.unit_of_work import reading
from web import clock, messages
from web.admin import forms, toml

M = "99999"
PASSWORD = "kaikei-no-himitsu"
_CARRIED = re.compile(r'name="profile" value="([^"]*)"')


def _signed(app, name):
    client = app.test_client()
    answer = client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
    assert answer.status_code == 303
    return client


@pytest.fixture
def administrator(app):
    """Somebody who looks after the machine and is no approver."""
    return _signed(app, "joho")


def _profile(city):
    with reading(city.engine, M) as connection:
        return load_profile(connection, M)


def _fields(city, section, entry="", **changes):
    values = forms.values_of(asdict(_profile(city)), section, entry) | changes
    return {"section": section, "entry": entry, **values}


def _text(answer):
    return answer.get_data(as_text=True)


def test_the_page_shows_every_section_and_where_nothing_was_changed_yet(treasurer):
    page = _text(treasurer.get("/staff/admin"))
    for word in (
        "みほん市",
        "見本",
        "固定資産税・都市計画税",
        "1234567",
        "変更はまだありません",
        "翌年度の4月30日",
    ):
        assert word in page


def test_a_change_is_checked_asked_for_and_decided_by_another_person(app, city, treasurer):
    sent = _fields(city, "items", "903", name="軽自動車税")
    page = _text(treasurer.post("/staff/admin/check", data=sent))
    assert "科目 903" in page
    assert "軽自動車税（種別割）" in page
    carried = unescape(_CARRIED.search(page).group(1))
    assert json.loads(carried)["items"][2]["name"] == "軽自動車税"
    slip = treasurer.post("/staff/admin/slip", data={"profile": carried, "item_code": "903"})
    assert Image.open(BytesIO(slip.data)).format == "PNG"
    today = clock.today().isoformat()
    asked = treasurer.post(
        "/staff/admin/ask", data={"profile": carried, "effective_on": today, "reason": "名称変更"}
    )
    assert asked.status_code == 303
    assert _profile(city).item("903").name == "軽自動車税（種別割）"
    approver = _signed(app, "shonin")
    story = _text(approver.get(asked.headers["Location"]))
    assert "軽自動車税" in story
    assert "すぐに新しい設定になります" in story
    path = asked.headers["Location"].split("#")[0] + "/decision"
    assert approver.post(path, data={"decision": "approved", "note": ""}).status_code == 303
    assert _profile(city).item("903").name == "軽自動車税"
    assert "名称変更" in _text(treasurer.get("/staff/admin"))


def test_every_section_opens_as_a_form_and_the_file_too(treasurer):
    page = _text(treasurer.get("/staff/admin"))
    links = [unescape(each) for each in re.findall(r'href="(/staff/admin/edit[^"]*)"', page)]
    assert {link.partition("section=")[2].split("&")[0] for link in links} == {
        "file",
        *forms.SECTIONS,
    }
    for link in links:
        assert treasurer.get(link).status_code == 200, link


def test_a_bank_of_the_direct_debit_is_added_by_two_people(app, city, treasurer):
    bank = {
        "bank_code": "9997", "bank_name": "ﾐﾎﾝ", "branch_code": "001", "branch_name": "ﾎﾝﾃﾝ",
        "account_type": "1", "account_no": "7654321", "line_ends": "none",
    }  # fmt: skip
    wrong = treasurer.post(
        "/staff/admin/check", data=_fields(city, "debit.banks", **(bank | {"account_no": "12"}))
    )
    assert wrong.status_code == 422
    assert "口座番号" in _text(wrong)
    assert 'aria-invalid="true"' in _text(wrong)
    page = _text(treasurer.post("/staff/admin/check", data=_fields(city, "debit.banks", **bank)))
    assert "口座振替の取扱金融機関 9997" in page
    asked = treasurer.post(
        "/staff/admin/ask",
        data={
            "profile": unescape(_CARRIED.search(page).group(1)),
            "effective_on": clock.today().isoformat(),
            "reason": "取扱金融機関の追加",
        },
    )
    path = asked.headers["Location"].split("#")[0]
    approver = _signed(app, "shonin")
    assert "7654321" in _text(approver.get(path))
    assert approver.post(f"{path}/decision", data={"decision": "approved"}).status_code == 303
    assert [each.bank_code for each in _profile(city).debit.banks] == ["9999", "9998", "9997"]
    assert "7654321" in _text(treasurer.get("/staff/admin"))


def test_what_is_wrong_is_said_and_what_was_typed_is_kept(city, treasurer):
    sent = _fields(city, "body", confirmation_days="many", contact="新しい窓口")
    answer = treasurer.post("/staff/admin/check", data=sent)
    assert answer.status_code == 422
    assert "many" in _text(answer)
    assert "新しい窓口" in _text(answer)
    assert 'aria-invalid="true"' in _text(answer)


def test_a_request_without_a_reason_or_for_a_day_that_is_over_is_mended_on_the_page(
    city, treasurer
):
    page = _text(treasurer.post("/staff/admin/check", data=_fields(city, "body", contact="新")))
    carried = unescape(_CARRIED.search(page).group(1))
    for day, reason, word in (
        (clock.today().isoformat(), "", "理由"),
        ("2026-01-01", "委託先の変更", "2026-01-01"),
        ("soon", "委託先の変更", "soon"),
    ):
        data = {"profile": carried, "effective_on": day, "reason": reason}
        answer = treasurer.post("/staff/admin/ask", data=data)
        assert answer.status_code == 422
        assert word in _text(answer)
        assert "変わるところ" in _text(answer)


@pytest.mark.parametrize("carried", ["", "[]", "{}", '{"items": 1}'])
def test_a_profile_that_is_none_is_refused(treasurer, carried):
    data = {"profile": carried, "effective_on": "2999-01-01", "reason": "試し"}
    assert treasurer.post("/staff/admin/ask", data=data).status_code == 422


def test_a_settings_file_goes_out_and_comes_back(city, treasurer):
    answer = treasurer.get("/staff/admin/file")
    assert "profile-99999.toml" in answer.headers["Content-Disposition"]
    text = _text(answer)
    assert toml.read(text) == _profile(city)
    same = treasurer.post("/staff/admin/check", data={"section": "file", "toml": text})
    assert same.status_code == 422
    assert "変わるところがありません" in _text(same)
    changed = text.replace("confirmation_days = 15", "confirmation_days = 16")
    sent = {"section": "file", "file": (BytesIO(changed.encode()), "profile.toml")}
    assert "確報を待つ日数" in _text(treasurer.post("/staff/admin/check", data=sent))
    broken = treasurer.post("/staff/admin/check", data={"section": "file", "toml": "name = x"})
    assert broken.status_code == 422
    assert "name = x" in _text(broken)


def test_an_entry_is_removed_when_nothing_names_it(city, treasurer):
    sent = _fields(city, "agents", "debit") | {"do": "remove"}
    assert "削除" in _text(treasurer.post("/staff/admin/check", data=sent))
    sent = _fields(city, "items", "953") | {"do": "remove"}
    answer = treasurer.post("/staff/admin/check", data=sent)
    assert answer.status_code == 422
    assert "調定に使われている" in _text(answer)


def test_the_slip_of_an_item_is_a_picture(treasurer):
    answer = treasurer.get("/staff/admin/slip/901")
    assert (answer.mimetype, answer.data[:4]) == ("image/png", b"\x89PNG")
    assert treasurer.get("/staff/admin/slip/000").status_code == 422


def test_the_calendar_tells_bank_days_from_due_dates(treasurer):
    page = _text(treasurer.get("/staff/admin/calendar?year=2026"))
    assert "2026年12月31日" in page
    assert "年末年始" in page
    assert treasurer.get("/staff/admin/calendar?year=1900").status_code == 422


def test_a_key_is_made_shown_once_changed_and_ended(administrator):
    data = {"key_id": "pay-9", "operator": "見本決済"}
    page = _text(administrator.post("/staff/admin/keys", data=data))
    secret = re.search(r'<p class="mono breakable">([^<]+)</p>', page).group(1)
    again = administrator.post("/staff/admin/keys", data=data)
    assert again.status_code == 409
    assert 'value="見本決済"' in _text(again)
    assert secret not in _text(administrator.get("/staff/admin/keys"))
    page = _text(administrator.post("/staff/admin/keys/pay-9/rotate", data={"overlap_days": "7"}))
    assert "古い秘密は" in page
    wrong = administrator.post("/staff/admin/keys/pay-9/rotate", data={"overlap_days": "-1"})
    assert wrong.status_code == 422
    assert administrator.post("/staff/admin/keys/pay-9/disable").status_code == 303
    assert "無効" in _text(administrator.get("/staff/admin/keys"))


def test_who_looks_on_changes_nothing(auditor, treasurer):
    assert auditor.get("/staff/admin").status_code == 200
    assert "変更する" not in _text(auditor.get("/staff/admin"))
    for path in ("check", "ask", "slip"):
        assert auditor.post(f"/staff/admin/{path}").status_code == 403
    assert auditor.get("/staff/admin/edit").status_code == 403
    assert treasurer.get("/staff/admin/keys").status_code == 403
    assert treasurer.post("/staff/admin/keys/pay-1/disable").status_code == 403


def test_a_body_goes_live_by_two_people_and_back_by_one(app, city, administrator):
    asked = administrator.post("/staff/admin/live", data={"reason": "運用開始"})
    assert asked.status_code == 303
    path = asked.headers["Location"].split("#")[0] + "/decision"
    assert _signed(app, "shonin").post(path, data={"decision": "approved"}).status_code == 303
    with reading(city.engine, M) as connection:
        assert is_live(connection, M)
    assert "見本に戻す" in _text(administrator.get("/staff/admin"))
    assert administrator.post("/staff/admin/sample", data={"reason": ""}).status_code == 422
    assert administrator.post("/staff/admin/sample", data={"reason": "試行"}).status_code == 303
    with reading(city.engine, M) as connection:
        assert not is_live(connection, M)


def test_a_change_needs_a_fresh_proof_and_loses_nothing_for_it(city, treasurer, monkeypatch):
    page = _text(treasurer.post("/staff/admin/check", data=_fields(city, "body", contact="新")))
    carried = unescape(_CARRIED.search(page).group(1))
    request = {"profile": carried, "effective_on": "2999-01-01", "reason": "委託先の変更"}
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=11))
    sent = _fields(city, "body", contact="新しい窓口")
    pasted = {"section": "file", "toml": "name = '貼り付けた設定'"}
    handed = {"section": "file", "file": (BytesIO("name = '送った設定'".encode()), "a.toml")}
    for data, kept in ((sent, "新しい窓口"), (pasted, "貼り付けた設定"), (handed, "送った設定")):
        answer = treasurer.post("/staff/admin/check", data=data)
        assert answer.status_code == 409
        assert messages.error("proof_needed", {}) in _text(answer)
        assert kept in unescape(_text(answer))
    refused = treasurer.post("/staff/admin/ask", data=request)
    assert refused.status_code == 409
    assert "/staff/prove" in _text(refused)
    assert unescape(_CARRIED.search(_text(refused)).group(1)) == carried
    assert "委託先の変更" in _text(refused)
    treasurer.post("/staff/prove", data={"password": PASSWORD, "back": "/staff/admin"})
    assert treasurer.post("/staff/admin/ask", data=request).status_code == 303
