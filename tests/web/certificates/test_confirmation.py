"""確認書: a code that nobody guesses, and a page that shows what the paper said and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pages import without_token
from resident_walk import M, shown
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.certificates import confirmation
from web.certificates.confirmation import Basis, Issued, Paper, plain_code, shown_code
from web.certificates.paper import paper_pdf

AT = datetime(2026, 6, 3, 1, 2, 3, tzinfo=UTC)


def _paper(**changes):
    values: dict[str, Any] = {
        "kind": "payment", "title": "納付確認書", "municipality": "みほん市",
        "holder": "見本 みほん", "as_of": AT, "sentence": "次のとおり納付を確認しました。",
        "columns": ("科目", "納付を確認した額"), "rows": (("軽自動車税", "7,200円"),),
        "facts": (("合計", "7,200円"),),
    } | changes  # fmt: skip
    return Paper(**values)


@pytest.fixture
def issued(city):
    with unit_of_work(city.engine, M) as connection:
        return confirmation.issue(connection, city.settings, M, _paper(), issued_to="r")


def _ask(client, code, name=""):
    return client.post("/verify", data={"code": code, "name": name})


def test_the_page_shows_what_the_paper_said_but_the_name(client, issued):
    page = shown(_ask(client, shown_code(issued.code).lower()))
    for said in ("納付確認書（みほん市）", "軽自動車税", "7,200円", "2026-06-03 10:02"):
        assert said in page
    assert "見本 みほん" not in page
    assert "氏名も確かめるときは" in page
    assert "書面の氏名と同じです" in shown(_ask(client, issued.code, "見本　みほん"))
    wrong = shown(_ask(client, issued.code, "見本 ほみん"))
    assert "書面の氏名と違います" in wrong
    assert "見本 みほん" not in wrong


def test_wrong_unknown_foreign_and_run_out_get_one_answer(client, issued, monkeypatch):
    number = issued.code
    other = number[:-1] + ("0" if number[-1] != "0" else "1")
    answers = [_ask(client, code) for code in (other, "00001" + number[5:], "no code at all")]
    later = clock.now() + timedelta(days=181)
    monkeypatch.setattr(clock, "now", lambda: later)
    answers.append(_ask(client, number))
    assert {answer.status_code for answer in answers} == {200}
    pages = {
        without_token(answer.get_data(as_text=True)).replace(code, "…")
        for answer, code in zip(
            answers, (other, "00001" + number[5:], "no code at all", number), strict=True
        )
    }
    assert len(pages) == 1
    assert "確認できません" in pages.pop()


def test_asking_is_limited(client):
    answers = [_ask(client, "99999").status_code for _time in range(11)]
    assert answers == [200] * 10 + [429]


def test_neither_code_nor_content_lies_in_clear(city, issued):
    with reading(city.engine, M) as connection:
        row = str(connection.execute(text("SELECT * FROM confirmation")).one())
    assert issued.code not in row
    assert "見本" not in row
    assert "7,200" not in row


def test_codes_are_drawn_from_a_hundred_and_twenty_five_bits(city):
    with unit_of_work(city.engine, M) as connection:
        codes = {
            confirmation.issue(connection, city.settings, M, _paper(), issued_to="r").code
            for _time in range(50)
        }
    assert len(codes) == 50
    assert {len(code) for code in codes} == {30}
    assert {digit for code in codes for digit in code[5:]} <= set(confirmation.ALPHABET)
    assert 32**confirmation.RANDOM == 2**125


def test_a_code_is_read_however_it_was_typed():
    assert plain_code(" 99999-abcde fghio－ｌ１ ") == "99999ABCDEFGH1011"
    assert shown_code("9999912345") == "99999-12345"


def test_what_the_books_say_otherwise_now_is_said(client, city):
    with unit_of_work(city.engine, M) as connection:
        row = connection.execute(
            text(
                "SELECT notice_id, term, term_yen + whole_yen AS yen FROM instalment_account "
                "WHERE term_yen > 0 LIMIT 1"
            )
        ).one()
        paper = _paper(basis=(Basis(row.notice_id, row.term, row.yen),))
        issued = confirmation.issue(connection, city.settings, M, paper, issued_to="r")
    assert "記録が変わった" not in shown(_ask(client, issued.code))
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            text(
                "UPDATE instalment_account SET term_yen = term_yen - 1 "
                "WHERE notice_id = :notice AND term = :term"
            ),
            {"notice": row.notice_id, "term": row.term},
        )
    assert "記録が変わった" in shown(_ask(client, issued.code))


def test_what_was_given_up_after_a_payment_fell_away_is_not_still_paid(client, city):
    with unit_of_work(city.engine, M) as connection:
        row = connection.execute(
            text(
                "SELECT notice_id, term, term_yen AS yen FROM instalment_account "
                "WHERE term_yen = amount_yen AND amount_yen > 0 LIMIT 1"
            )
        ).one()
        paper = _paper(basis=(Basis(row.notice_id, row.term, row.yen),))
        issued = confirmation.issue(connection, city.settings, M, paper, issued_to="r")
        connection.execute(
            text(
                "UPDATE instalment_account SET written_off_yen = term_yen "
                "WHERE notice_id = :notice AND term = :term"
            ),
            {"notice": row.notice_id, "term": row.term},
        )
    assert "記録が変わった" in shown(_ask(client, issued.code))


def test_the_pdf_is_the_same_every_time_and_names_where_to_check():
    issued = Issued("99999" + "A" * 25, AT, AT.date())
    first, second = (
        paper_pdf(_paper(notes=("注",)), issued, "https://nofu.example.jp/verify") for _ in range(2)
    )
    assert first == second
    assert first.startswith(b"%PDF-")
    other = paper_pdf(_paper(rows=(("軽自動車税", "7,201円"),)), issued, "https://x.example")
    assert other != first
