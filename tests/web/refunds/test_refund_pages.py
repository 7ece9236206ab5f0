"""The pages of money that goes back: from why to the file of the bank, by two people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from payments.domain.overpayment import Refunds
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import bank, batches, counting
from reconcile.refunds.found import overpayments
from web import clock, messages

if TYPE_CHECKING:
    from reconcile.refunds.found import Overpayment

M = "99999"
PASSWORD = "kaikei-no-himitsu"
TODAY = date(2026, 6, 3)
SECOND = ("decision", "approved")


@pytest.fixture(autouse=True)
def _moment(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 3, 3, tzinfo=UTC))
    monkeypatch.setattr(clock, "today", lambda: TODAY)


@pytest.fixture
def signed(app) -> Any:
    """Sign in as somebody."""

    def sign_in(name: str) -> Any:
        found = app.test_client()
        answer = found.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
        assert answer.status_code == 303
        return found

    return sign_in


def waiting(city: Any, which: Any = lambda _each: True) -> Overpayment:
    """An overpayment of the city, confirmed and with nothing due beside it."""
    with reading(city.engine, M) as connection:
        found = overpayments(connection, load_profile(connection, M), TODAY, limit=500)
    return next(e for e in found if e.stage == "confirmed" and e.due_yen == 0 and which(e))


def posted(client: Any, address: str, status: int = 303, **form: str) -> Any:
    """A form that is sent."""
    answer = client.post(f"/staff/refunds{address}", data=form)
    assert answer.status_code == status, answer.get_data(as_text=True)[:3_000]
    return answer


def agreed(signed: Any, city: Any, name: str = "shonin") -> None:
    """The second person agrees to what was asked last."""
    with reading(city.engine, M) as connection:
        number = connection.execute(text("SELECT MAX(approval_id) FROM approval")).scalar_one()
    desk = signed(name)
    page = desk.get(f"/staff/approvals/{number}").get_data(as_text=True)
    assert "承認する" in page
    shown = page.split('name="shown" value="')[1].split('"')[0]
    answer = desk.post(
        f"/staff/approvals/{number}/decision",
        data={"decision": "approved", "shown": shown, "note": ""},
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)[:2_000]


ACCOUNT = {
    "bank_code": "9998",
    "branch_code": "002",
    "account_type": "1",
    "account_no": "7654321",
    "holder": "ミホン タロウ",
}


def with_account(signed: Any, found: Overpayment) -> None:
    """Classed, and an account that two people stand behind."""
    desk = signed("kaikei")
    subject, obligor_no = found.subject, found.obligor_no
    page = f"/staff/refunds/overpayments/{subject}"
    assert "理由を認定すると、還付を依頼できます。" in desk.get(page).get_data(as_text=True)
    posted(desk, f"/overpayments/{subject}/reason", reason="paid_twice")
    assert "口座を登録し、別の職員が確認すると" in desk.get(page).get_data(as_text=True)
    posted(desk, f"/overpayments/{subject}/accounts", 303, **ACCOUNT)
    other = signed("shuno")
    page = other.get("/staff/refunds/accounts").get_data(as_text=True)
    number = page.split("/staff/refunds/accounts/")[1].split('"')[0]
    looked = other.get(f"/staff/refunds/accounts/{number}").get_data(as_text=True)
    assert "7654321" in looked
    assert f"（{obligor_no}）" in looked  # whose it is, to be held against the paper
    assert posted(desk, f"/accounts/{number}/confirm", 403)
    posted(other, f"/accounts/{number}/confirm")


def test_the_list_tells_what_waits_and_leads_to_each(city, signed):
    found = waiting(city)
    page = signed("kansa").get("/staff/refunds").get_data(as_text=True)
    assert f"/staff/refunds/overpayments/{found.subject}" in page
    assert "過誤納" in page
    for state in ("new", "owed", "nonsense"):
        assert signed("kansa").get(f"/staff/refunds?state={state}").status_code == 200
    csv = signed("kansa").get("/staff/refunds/overpayments.csv").get_data(as_text=True)
    assert found.subject in csv


@pytest.mark.parametrize(
    ("days", "left", "age", "words"),
    [
        (30, None, 0, ""),
        (31, None, 1, "31日たちますが、通知していません"),
        (None, 181, 4, "日たちますが、通知していません"),
        (None, 180, 4, "に時効が完成します"),
        (None, 0, 4, "に時効が完成します"),
        (None, -1, 4, "時効が完成しています"),
    ],
)
def test_what_grows_old_is_warned_of_and_stands_under_its_age(
    city, signed, monkeypatch, days, left, age, words
):
    with reading(city.engine, M) as connection:
        every = overpayments(connection, load_profile(connection, M), TODAY, limit=500)
    found = min(every, key=lambda each: (each.arose_on, each.expires_on))
    on = found.expires_on - timedelta(left) if days is None else found.arose_on + timedelta(days)
    monkeypatch.setattr(clock, "now", lambda: datetime(on.year, on.month, on.day, 3, tzinfo=UTC))
    monkeypatch.setattr(clock, "today", lambda: on)
    page = signed("kansa").get(f"/staff/refunds?age={age}").get_data(as_text=True)
    warned, rows = page.split("経過の表")
    mine = [line for line in warned.splitlines() if found.subject in line]
    assert [words in line for line in mine] == ([True] if words else [])
    assert found.subject in rows


def test_many_are_told_as_they_were_counted_last(city, signed, monkeypatch):
    monkeypatch.setattr(counting, "LIVE_MAX", 0)
    client = signed("kansa")
    assert "数え直す" not in client.get("/staff/refunds").get_data(as_text=True)
    posted(client, "/count")
    page = client.get("/staff/refunds").get_data(as_text=True)
    assert "件数と金額は 2026-06-03 12:00 に数えたものです。" in page
    assert "その後に帳簿が動いています。" not in page
    found = waiting(city)
    posted(signed("kaikei"), f"/overpayments/{found.subject}/reason", reason="paid_twice")
    page = client.get("/staff/refunds").get_data(as_text=True)
    assert "その後に帳簿が動いています。" in page
    posted(client, "/count")
    assert "その後に帳簿が動いています。" not in client.get("/staff/refunds").get_data(as_text=True)


def test_the_list_comes_as_a_file_piece_by_piece(city, signed, monkeypatch):
    monkeypatch.setattr("reconcile.refunds.pages._PORTION", 2)
    monkeypatch.setattr("web.csv_download.ROWS_AT_ONCE", 2)
    with reading(city.engine, M) as connection:
        found = overpayments(connection, load_profile(connection, M), TODAY, limit=500)
    answer = signed("kansa").get("/staff/refunds/overpayments.csv", buffered=False)
    pieces = list(answer.response)
    assert len(pieces) > len(found) // 2
    assert b"".join(pieces).count(b"\r\n") == len(found) + 1
    assert max(piece.count(b"\r\n") for piece in pieces) <= 2


def test_from_the_reason_to_the_file_of_the_bank(city, signed):
    found = waiting(city)
    with_account(signed, found)
    desk = signed("kaikei")
    posted(desk, f"/overpayments/{found.subject}/notices")
    page = desk.get(f"/staff/refunds/overpayments/{found.subject}").get_data(as_text=True)
    pdf = desk.get("/staff/refunds/notices/1.pdf")
    assert pdf.get_data()[:5] == b"%PDF-"
    assert "の還付を依頼する" in page
    posted(desk, f"/overpayments/{found.subject}/refund", 422, why=" ")
    posted(desk, f"/overpayments/{found.subject}/refund", why="書類を確かめた")
    agreed(signed, city)
    page = desk.get(f"/staff/refunds/overpayments/{found.subject}").get_data(as_text=True)
    assert "還付を決定済" in page
    assert "の還付を依頼する" not in page  # of 0 yen
    one = desk.get("/staff/refunds/refunds/1").get_data(as_text=True)
    assert "還付決定" in one
    assert one.count(f'href="/staff/refunds/overpayments/{found.subject}"') == 1
    assert one.partition("<main")[2].count('href="/staff/refunds/batches"') == 1
    assert "振り込む還付の表" in desk.get("/staff/refunds/batches").get_data(as_text=True)
    posted(desk, "/batches", 422, transfer_on="2026-06-06")
    posted(desk, "/batches", transfer_on="2026-06-04")
    assert "/staff/refunds/refunds/1" in desk.get("/staff/refunds/batches/1").get_data(as_text=True)
    behind = desk.get("/staff/refunds/batches/1?after=1").get_data(as_text=True)
    assert "/staff/refunds/refunds/1" not in behind
    posted(desk, "/batches/1/file", 409)
    posted(desk, "/batches/1/release", why="振込日のとおり")
    agreed(signed, city)
    assert "二重に送らない" not in desk.get("/staff/refunds/batches/1").get_data(as_text=True)
    taken = posted(desk, "/batches/1/file", 200).get_data()
    assert "二重に送らないでください" in desk.get("/staff/refunds/batches/1").get_data(as_text=True)
    page = posted(desk, "/batches/1/file", 422).get_data(as_text=True)
    assert "理由" in page.split('role="alert"')[1].split("</div>")[0]
    long = "あ" * 201
    assert f'value="{long}"' in posted(desk, "/batches/1/file", 422, why=long).get_data(
        as_text=True
    )
    again = posted(desk, "/batches/1/file", 200, why="銀行の受付に届かず")
    assert again.get_data() == taken
    story = desk.get("/staff/refunds/batches/1").get_data(as_text=True).split('id="story"')[1]
    assert "同じファイルの取出し（kaikei）" in story.split("</section>")[0]
    assert "銀行の受付に届かず" in story.split("</section>")[0]
    with reading(city.engine, M) as connection:
        made = batches.batch(connection, M, 1)
        assert made.file_sha256 == sha256(taken).hexdigest()
        assert bank.returns(connection, M) is not None
    page = desk.get("/staff/refunds/bank").get_data(as_text=True)
    assert "出金を待つ" in page
    assert "摘要に「クミモドシ」のある入金" in page
    posted(desk, "/bank/match")
    posted(desk, "/batches", 409, transfer_on="2026-06-04")
    again = posted(desk, "/batches", 409, transfer_on="2026-06-04", why="念のため")
    assert "振り込む還付はありません" in again.get_data(as_text=True)


def test_what_is_wrong_is_said_on_the_page_and_nothing_is_done(city, signed):
    found = waiting(city)
    desk, place = signed("kaikei"), f"/overpayments/{found.subject}"
    posted(desk, f"{place}/reason", 422, reason="unknown")
    posted(desk, f"{place}/reason", 422, reason="income_tax", event_on="2026-13-01")
    posted(desk, f"{place}/refund", 409, why="早すぎる")
    posted(desk, f"{place}/accounts", 422, **{**ACCOUNT, "bank_code": "99"})
    posted(desk, f"{place}/appropriation", 409, why="早すぎる")
    posted(desk, f"{place}/reason", 409, reason="paid_twice", shown="something else")
    posted(desk, "/bank/paid", 404, batch_no="9", file_id="1", line_no="1")
    posted(desk, "/bank/returned", 404, refund_no="9", file_id="x", line_no="1")
    assert desk.get("/staff/refunds/overpayments/line:0:0").status_code == 404
    assert desk.get("/staff/refunds/notices/9.pdf").status_code == 404
    auditor = signed("kansa")
    assert auditor.get(f"/staff/refunds/overpayments/{found.subject}").status_code == 200
    assert auditor.post(f"/staff/refunds{place}/reason", data={}).status_code == 403


def test_a_body_without_an_orderer_is_told_so(city, signed):
    with unit_of_work(city.engine, M) as connection:
        from dataclasses import replace  # noqa: PLC0415

        save_profile(connection, replace(load_profile(connection, M), refunds=Refunds()))
    page = signed("kaikei").get("/staff/refunds/batches").get_data(as_text=True)
    assert "振込依頼人" in page


def test_an_account_is_revoked_with_a_reason(city, signed):
    found = waiting(city)
    with_account(signed, found)
    posted(signed("shuno"), "/accounts/1/revoke", why="名義が違う")
    page = signed("kaikei").get("/staff/refunds/accounts/1").get_data(as_text=True)
    assert "名義が違う" in page


def test_a_refund_whose_account_was_revoked_is_held_back_until_it_has_another(city, signed):
    found = waiting(city)
    with_account(signed, found)
    desk = signed("kaikei")
    posted(desk, f"/overpayments/{found.subject}/refund", why="書類を確かめた")
    agreed(signed, city)
    posted(desk, "/batches", transfer_on="2026-06-04")
    posted(signed("shuno"), "/accounts/1/revoke", why="名義が違う")
    built = desk.get("/staff/refunds/batches/1").get_data(as_text=True)
    assert "この振込データは引き渡せません" in built
    assert "この日の振込データを作り直す" in built
    assert "引渡しを依頼する" not in built
    posted(desk, "/batches/1/release", 409, why="振込日のとおり")
    draft = desk.get("/staff/refunds/batches").get_data(as_text=True)
    assert "振込に含めない還付があります" in draft
    assert "/staff/refunds/refunds/1" in draft
    assert "還付先の口座が取り消された" in desk.get("/staff/refunds/refunds/1").get_data(
        as_text=True
    )
    posted(desk, "/refunds/1/payee", 409)  # there is no other one yet
    other: Any = {**ACCOUNT, "account_no": "7654322"}
    posted(desk, f"/overpayments/{found.subject}/accounts", **other)
    page = desk.get("/staff/refunds/refunds/1").get_data(as_text=True)
    assert "別の職員の確認を待っています" in page
    assert 'href="/staff/refunds/accounts/2"' in page
    posted(signed("shuno"), "/accounts/2/confirm")
    posted(desk, "/refunds/1/payee")
    assert "この口座へ" not in desk.get("/staff/refunds/refunds/1").get_data(as_text=True)
    posted(desk, "/batches", transfer_on="2026-06-05")
    english = desk.get("/staff/refunds/batches?lang=en").get_data(as_text=True)
    assert "left out" not in english


def _sent(city: Any, signed: Any) -> Any:
    """A refund whose batch was released; who looks at it."""
    found = waiting(city)
    with_account(signed, found)
    desk = signed("kaikei")
    posted(desk, f"/overpayments/{found.subject}/refund", why="書類を確かめた")
    agreed(signed, city)
    posted(desk, "/batches", transfer_on="2026-06-04")
    posted(desk, "/batches/1/release", why="振込日のとおり")
    agreed(signed, city)
    return desk


def _main(client: Any, address: str) -> str:
    page: str = client.get(address).get_data(as_text=True)
    return page.partition("<main")[2]


def test_a_released_batch_is_withdrawn_by_two_and_its_refund_goes_with_the_next(city, signed):
    desk = _sent(city, signed)
    page = _main(desk, "/staff/refunds/batches/1")
    assert "ファイルは二度と取り出せません" in page
    assert "振込を依頼する前の状態に戻ります" in page
    assert "止めたと確認した銀行の相手" not in page
    assert "振込データの取消" not in _main(signed("kansa"), "/staff/refunds/batches/1")
    assert desk.post("/staff/refunds/batches/9/withdrawal", data={"why": "x"}).status_code == 404
    # Somebody takes the file beside the open page: what was typed stays, and the bank is asked for.
    posted(desk, "/batches/1/file", 200)
    again = posted(desk, "/batches/1/withdrawal", 409, why="銀行に届かず").get_data(as_text=True)
    assert "確認した相手を書いてください" in again.split('role="alert"')[1].split("</div>")[0]
    assert 'value="銀行に届かず"' in again
    assert 'name="stopped"' in again
    posted(desk, "/batches/1/withdrawal", why="銀行に届かず", stopped="みほん銀行 田中氏")
    english = desk.get("/staff/approvals?lang=en").get_data(as_text=True)
    assert "Batch of refunds withdrawn" in english
    desk.get("/staff/approvals?lang=ja")
    with reading(city.engine, M) as connection:
        number = connection.execute(text("SELECT MAX(approval_id) FROM approval")).scalar_one()
    story = _main(signed("shonin"), f"/staff/approvals/{number}")
    for words in ("振込データ 1", "を取り消します", "みほん銀行 田中氏", "銀行が振込を止めたこと"):
        assert words in story
    agreed(signed, city)
    page = _main(desk, "/staff/refunds/batches/1")
    assert "銀行に届かず" in page.split('id="story"')[1].split("</section>")[0]
    assert "取り消す（理由と二人の承認）" not in page
    posted(desk, "/batches/1/file", 409, why="もう一度")
    # What was typed for a batch that has ended is still to be read.
    late = posted(desk, "/batches/1/withdrawal", 409, why="二度目の取消", stopped="田中氏")
    assert 'value="二度目の取消"' in late.get_data(as_text=True)
    one = _main(desk, "/staff/refunds/refunds/1")
    assert "還付決定" in one.split("</dl>")[0]
    assert "振込の取消" in one
    posted(desk, "/batches", transfer_on="2026-06-04", why="銀行に届かず")
    posted(desk, "/batches/2/release", why="振込日のとおり")
    agreed(signed, city)
    assert posted(desk, "/batches/2/file", 200).get_data()


def test_a_withdrawal_that_was_overtaken_is_said_to_be_stale(city, signed):
    desk = _sent(city, signed)
    posted(desk, "/batches/1/withdrawal", why="取りやめ")
    with reading(city.engine, M) as connection:
        number = connection.execute(text("SELECT MAX(approval_id) FROM approval")).scalar_one()
    posted(desk, "/batches/1/file", 200)
    page = _main(signed("shonin"), f"/staff/approvals/{number}")
    assert "依頼のあとに内容が変わった" in page
    assert "確認した相手を書いてください" in page


def test_a_decision_is_taken_back(city, signed):
    found = waiting(city)
    with_account(signed, found)
    desk = signed("kaikei")
    posted(desk, f"/overpayments/{found.subject}/refund", why="書類を確かめた")
    agreed(signed, city)
    posted(desk, "/refunds/1/payee", 409)
    posted(desk, "/refunds/1/cancellation", why="取りやめ")
    agreed(signed, city)
    assert "取消" in desk.get("/staff/refunds/refunds/1").get_data(as_text=True)
    assert waiting(city, lambda each: each.subject == found.subject)


def test_the_case_of_a_transfer_that_came_back_leads_to_the_statement(city, signed):
    with reading(city.engine, M) as connection:
        number = connection.execute(
            text("SELECT MIN(case_no) FROM review_case WHERE kind = 'refund_returned'")
        ).scalar_one()
    page = signed("kaikei").get(f"/staff/cases/{number}").get_data(as_text=True)
    assert page.partition("<main")[2].count('href="/staff/refunds/bank"') == 1


def test_what_ended_a_case_is_said_in_words():
    for code in ("decided_again", "acknowledged", "payee_changed"):
        assert messages.label("case_note", code).endswith("ました。")
    assert messages.label("case_note", "本人に電話した") == "本人に電話した"
