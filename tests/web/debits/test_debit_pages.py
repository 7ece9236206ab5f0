"""口座振替の画面: built, released by another, sent, acknowledged, and read by its reader."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from browser import fits, served, violations
from debit_town import BANKS, DEBIT_ON, DebitTown

from reconcile.debit import counts
from web import clock
from web.accounts import staff
from web.app import create_app
from web.commands.setup import sample_profile
from web.config import Settings
from web.debits import routes, view

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "kaikei-no-himitsu"
NOW = datetime(2026, 5, 11, 3, tzinfo=UTC)


@pytest.fixture
def desk(sqlite_url, tmp_path, monkeypatch) -> Iterator[SimpleNamespace]:
    """A town with four payers, two people of the treasury and an auditor, on a day in May."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    town = DebitTown(sqlite_url)
    town.settle(4)
    with town.write() as connection:
        for name, role in (("kaikei", "treasury"), ("shonin", "approver"), ("kansa", "auditor")):
            staff.add(
                connection, town.code, name, roles=(role,), display_name=name, password=PASSWORD
            )
    settings = Settings(
        home=tmp_path, database_url=sqlite_url, secret_key="a secret of the tests, long enough",
        municipality=town.code,
    )  # fmt: skip
    app = create_app(settings, town.engine, TESTING=True, WTF_CSRF_ENABLED=False)

    def sign_in(name):
        client = app.test_client()
        client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
        return client

    yield SimpleNamespace(town=town, app=app, sign_in=sign_in, settings=settings)
    town.close()


def text_of(answer):
    assert answer.status_code == 200, answer.get_data(as_text=True)[:800]
    return answer.get_data(as_text=True)


def approve_last(desk, location):
    """The second person agrees."""
    page = text_of(desk.sign_in("shonin").get(location))
    shown = re.search(r'name="shown" value="(\w+)"', page)
    data = {"decision": "approved", "note": "", "shown": shown.group(1) if shown else ""}
    assert desk.sign_in("shonin").post(f"{location}/decision", data=data).status_code == 303


def test_a_batch_goes_its_way(desk):
    treasurer = desk.sign_in("kaikei")
    assert "束はまだありません" in text_of(treasurer.get("/staff/debits"))
    made = treasurer.post("/staff/debits", data={"debit_on": "2026-05-28"})
    assert made.headers["Location"] == "/staff/debits/days/2026-05-28"
    day = text_of(treasurer.get("/staff/debits/days/2026-05-28"))
    assert "まだ確かめられていない銀行があります: 9998、9999" in day
    asked = treasurer.post("/staff/debits/1/release", data={"reason": "5月28日分"})
    page = text_of(treasurer.get("/staff/debits/1"))
    following = page.split('id="next"')[1].split("</section>")[0]
    assert f'href="{asked.headers["Location"]}"' in following
    assert "承認を待っています。" in following
    approve_last(desk, asked.headers["Location"])
    assert "承認を待っています。" not in text_of(treasurer.get("/staff/debits/1"))
    taken = treasurer.post("/staff/debits/1/file")
    assert taken.mimetype == "application/octet-stream"
    assert taken.data.startswith(b"19101234567890")
    again = treasurer.post("/staff/debits/1/file")
    assert again.status_code == 422  # only with a reason
    assert treasurer.post("/staff/debits/1/file", data={"reason": "届かず"}).data == taken.data
    answer = {"count": "1", "amount_yen": "10,002"}
    treasurer.post("/staff/debits/1/acknowledge", data=answer)
    assert "受付の相違" in text_of(treasurer.get("/staff/debits/1"))
    treasurer.post("/staff/debits/1/acknowledge", data={"count": "2", "amount_yen": "20006"})
    page = text_of(treasurer.get("/staff/debits/1"))
    assert "受付済" in page
    assert "****" not in page  # no account numbers at all
    rows = treasurer.get("/staff/debits/1/rows.csv").get_data(as_text=True)
    assert rows.count("\r\n") == 3
    desk.town.results(taken.data, "01")
    day = text_of(treasurer.get("/staff/debits/days/2026-05-28"))
    assert "再振替の作成" in day


@pytest.mark.parametrize(
    ("debit_on", "last_on"),
    [("2026-12-22", "2026-12-11"), ("2026-11-30", "2026-11-18"), ("2027-01-08", "2026-12-28")],
)
def test_the_last_day_to_send_is_one_on_which_banks_are_open(debit_on, last_on):
    profile = replace(sample_profile(), debit=replace(sample_profile().debit, lead_days=7))
    assert view.send_until(profile, date.fromisoformat(debit_on)).isoformat() == last_on


def test_a_file_that_did_not_go_out_in_time_says_so(desk, monkeypatch):
    treasurer = desk.sign_in("kaikei")
    treasurer.post("/staff/debits", data={"debit_on": "2026-05-28"})
    pages = ("/staff/debits/days/2026-05-28", "/staff/debits/1")
    for at, late in ((NOW, False), (datetime(2026, 5, 27, 3, tzinfo=UTC), True)):
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        treasurer = desk.sign_in("kaikei")
        assert ["送付していません" in text_of(treasurer.get(page)) for page in pages] == [late] * 2


def test_the_rows_of_a_batch_are_read_page_by_page(desk, monkeypatch):
    treasurer = desk.sign_in("kaikei")
    treasurer.post("/staff/debits", data={"debit_on": "2026-05-28"})
    monkeypatch.setattr(view, "ROWS_SHOWN", 1)

    def rows(address):
        page = text_of(treasurer.get(address))
        return re.findall(r"/staff/debits/1\?after=(\d+)#rows", page), re.findall(r"\d{10}", page)

    following, first = rows("/staff/debits/1")
    assert following == ["1"]
    last, second = rows("/staff/debits/1?after=1")
    assert last == []
    assert set(first) != set(second)


def test_the_second_debit_is_shown_before_it_is_made(desk):
    treasurer = desk.sign_in("kaikei")
    for batch, data in desk.town.whole_way().values():
        desk.town.results(data, "01" if batch.bank_code == "9998" else "00")
    form = {"debit_on": "2026-06-15", "do": "look"}
    look = treasurer.post("/staff/debits/days/2026-05-28/second", data=form)
    assert "初回に振替不能だったものだけ" in text_of(look)
    made = treasurer.post("/staff/debits/days/2026-05-28/second", data=form | {"do": "make"})
    assert made.headers["Location"] == "/staff/debits/days/2026-06-15"
    assert "1件" in text_of(treasurer.get("/staff/debits/days/2026-06-15"))
    refused = treasurer.post("/staff/debits/days/2026-05-28/second", data=form | {"do": "make"})
    assert refused.status_code == 409


def test_a_batch_is_replaced_and_withdrawn_by_two(desk):
    treasurer = desk.sign_in("kaikei")
    desk.town.build()
    desk.town.pay(2, 1, 10_002)
    page = text_of(treasurer.get("/staff/debits/1"))
    assert "変わりました" in page
    changed = page.split('id="changes"')[1].split("</section>")[0]
    # As people know it, not by a number of the database.
    assert " 2026 0000000002 第1期<" in changed
    refused = treasurer.post("/staff/debits/1/release", data={"reason": "送付"})
    assert refused.status_code == 409
    asked = treasurer.post("/staff/debits/1/replace", data={"reason": "納付があった"})
    approve_last(desk, asked.headers["Location"])
    assert "作り直し済" in text_of(treasurer.get("/staff/debits/1"))
    asked = treasurer.post("/staff/debits/3/withdraw", data={"reason": "口座振替をしない"})
    approve_last(desk, asked.headers["Location"])
    assert "取消済" in text_of(treasurer.get("/staff/debits/3"))


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("", {"debit_on": "2026-05-30"}, 422),
        ("", {"debit_on": "xx"}, 422),
        ("/1/acknowledge", {"count": "x", "amount_yen": "1"}, 422),
        ("/1/unknown", {}, 404),
        ("/99/release", {"reason": "x"}, 404),
        ("/1/file", {}, 409),
        ("/1/release", {"reason": "x", "shown": "0000"}, 409),
        ("/accounts", {"obligor_no": "'"}, 422),
        ("/accounts/new", {"obligor_no": "000000000001", "from_on": "2026-06-01"}, 422),
    ],
)
def test_what_cannot_be_is_said_on_the_page(desk, path, data, status):
    desk.town.build()
    assert desk.sign_in("kaikei").post(f"/staff/debits{path}", data=data).status_code == status


def test_accounts_are_looked_at_and_changed(desk):
    treasurer = desk.sign_in("kaikei")
    text_of(treasurer.get("/staff/debits/accounts"))
    payer = {"obligor_no": "000000000001"}
    page = text_of(treasurer.post("/staff/debits/accounts", data=payer))
    assert "****001" in page
    assert "0000001" not in page.replace("000000000001", "")
    new = payer | {
        "event": "set", "from_on": "2026-07-01", "bank_code": "9998", "bank_name": "ﾐﾎﾝ",
        "branch_code": "002", "branch_name": "ﾎﾝﾃﾝ", "account_type": "1", "account_no": "7654321",
        "holder_name": "ｾﾞｲﾓｸ", "reason": "届出", "item_code": "901",
    }  # fmt: skip
    assert "****321" in text_of(treasurer.post("/staff/debits/accounts/new", data=new))
    end = payer | {"event": "ended", "from_on": "2026-09-01", "reason": "廃止"}
    assert "廃止" in text_of(treasurer.post("/staff/debits/accounts/new", data=end))


def test_an_auditor_looks_and_changes_nothing(desk):
    desk.town.build()
    auditor = desk.sign_in("kansa")
    assert "次にすること" not in text_of(auditor.get("/staff/debits/1"))
    assert auditor.post("/staff/debits/1/release", data={"reason": "x"}).status_code == 403


@pytest.mark.browser
def test_the_pages_are_for_everybody(desk, page):
    """Keyboard and screen reader, small and large; the page as its reader sees it."""
    sent = desk.town.whole_way()
    desk.town.results(sent[BANKS[0]][1], "01")
    app = create_app(desk.settings, desk.town.engine)
    with served(app) as address:
        page.goto(f"{address}/staff/sign-in")
        page.fill("#user_name", "kaikei")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/staff/")
        for path in ("", f"/days/{DEBIT_ON}", "/1", "/accounts"):
            page.goto(f"{address}/staff/debits{path}")
            for width in (360, 1366):
                page.set_viewport_size({"width": width, "height": 900})
                assert violations(page) == []
                assert fits(page)
        page.goto(f"{address}/staff/debits?lang=en")
        assert violations(page) == []


def test_a_large_day_is_told_as_it_was_counted_and_counted_again_when_asked(desk, monkeypatch):
    monkeypatch.setattr(counts, "LIVE_MAX", 0)
    monkeypatch.setattr(view, "LIVE_MAX", 0)
    monkeypatch.setattr(view, "ROWS_AT_ONCE", 1)
    treasurer, day = desk.sign_in("kaikei"), "/staff/debits/days/2026-05-28"
    assert "まだ数えていません" in text_of(treasurer.get(day))
    treasurer.post("/staff/debits", data={"debit_on": "2026-05-28"})  # counts what it has made
    kept = text_of(treasurer.get(day))
    assert "に数えたものです" in kept
    assert "その後に帳簿が動いています" not in kept
    asked = treasurer.post("/staff/debits/1/release", data={"reason": "5月28日分"})
    approve_last(desk, asked.headers["Location"])
    treasurer.post("/staff/debits/1/file")
    moved = text_of(treasurer.get(day))
    assert "その後に帳簿が動いています" in moved
    assert "未着" in text_of(treasurer.get("/staff/debits/1"))
    assert treasurer.post(f"{day}/count").headers["Location"] == day
    assert "その後に帳簿が動いています" not in text_of(treasurer.get(day))
    rows = desk.sign_in("kansa").get("/staff/debits/1/rows.csv").get_data(as_text=True)
    assert rows.count("\r\n") == 1 + int(
        desk.town.rows("SELECT count FROM debit_batch WHERE batch_no = 1")[0][0]
    )


def test_what_is_kept_is_what_is_counted(desk, monkeypatch):
    desk.sign_in("kaikei").post("/staff/debits", data={"debit_on": "2026-05-28"})
    with desk.town.write() as connection:
        live = counts.counts_of(connection, desk.town.profile, DEBIT_ON)
        monkeypatch.setattr(counts, "LIVE_MAX", 0)
        assert counts.counts_of(connection, desk.town.profile, DEBIT_ON) is None
        counts.keep(connection, desk.town.profile, DEBIT_ON, NOW)
        kept = counts.counts_of(connection, desk.town.profile, DEBIT_ON)
    for name in ("plans", "sums", "changed", "nowhere", "moved"):
        assert getattr(kept, name) == getattr(live, name), name


def test_a_file_of_answers_may_be_large_but_not_anything(desk, monkeypatch):
    monkeypatch.setattr(routes, "ANSWER_MAX", 200_000)
    treasurer = desk.sign_in("kaikei")
    for size, code, said in (
        (100_000, 422, "様式"),  # larger than a form may be; no layout is set, and that is said
        (200_001, 422, "受付結果のファイルが大きすぎます"),
        (300_000, 413, "送られた内容が大きすぎます"),
    ):
        given = {"file": (io.BytesIO(b"1" * size), "uketsuke.csv")}
        answer = treasurer.post("/staff/debits/answers", data=given)
        assert (answer.status_code, said in answer.get_data(as_text=True)) == (code, True), size
