"""A person's account: opened by a number, for a purpose that is written down first."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.person_account import person_account
from reconcile.person_letters import Letter
from web import clock
from web.certificates import confirmation
from web.certificates.confirmation import Paper
from web.cli import main
from web.commands.session import Session
from web.people.account import page_of
from web.people.timeline import LETTER, timeline

PASSWORD = "kaikei-no-himitsu"
FOR = {"purpose": "counter", "note": ""}


def _rows(city, statement, **values):
    with reading(city.engine, "99999") as connection:
        return connection.execute(text(statement), values).all()


@pytest.fixture
def paid(city):
    """Somebody who has paid something, with a slip of theirs."""
    return _rows(
        city,
        "SELECT n.obligor_no, s.slip_no, s.el_number, n.notice_no, n.notice_id, o.name FROM receipt r "
        "JOIN slip s ON s.slip_id = r.slip_id JOIN notice n ON n.notice_id = r.notice_id "
        "JOIN obligor o ON o.obligor_no = n.obligor_no "
        "WHERE r.applied_yen > 0 AND s.el_number IS NOT NULL "
        "ORDER BY r.file_id, r.line_no LIMIT 1",
    )[0]  # fmt: skip


def _open(client, number, **form):
    answer = client.post("/staff/people", data=FOR | {"number": number} | form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


@pytest.mark.parametrize("which", ["obligor_no", "slip_no", "el_number", "notice_no"])
def test_any_number_in_hand_opens_the_account(treasurer, paid, which):
    page = treasurer.get(_open(treasurer, getattr(paid, which))).get_data(as_text=True)
    assert paid.name in page
    assert "窓口照会" in page


def test_the_address_holds_no_number_of_the_person(treasurer, paid):
    place = _open(treasurer, paid.obligor_no)
    assert paid.obligor_no not in place
    assert len(place.rpartition("/")[2]) == 32


def test_the_purpose_is_written_down_before_anything_is_shown(treasurer, city, paid):
    for purpose, note in (("", ""), ("curiosity", ""), ("other", " ")):
        answer = treasurer.post(
            "/staff/people", data={"number": paid.obligor_no, "purpose": purpose, "note": note}
        )
        assert answer.status_code == 422
        assert paid.name not in answer.get_data(as_text=True)
        assert f'value="{paid.obligor_no}"' in answer.get_data(
            as_text=True
        )  # nothing typed is lost
    assert _rows(city, "SELECT 1 FROM account_view") == []
    _open(treasurer, paid.slip_no, purpose="other", note="議会の質問")
    found = _rows(city, "SELECT actor, obligor_no, purpose, note, source FROM account_view")
    assert [tuple(row) for row in found] == [
        ("kaikei", paid.obligor_no, "other", "議会の質問", "127.0.0.1")
    ]


@pytest.mark.parametrize("statement", ["UPDATE account_view SET note = ''", "DELETE FROM account_view"])  # fmt: skip
def test_what_was_written_down_stays(treasurer, city, paid, statement):
    _open(treasurer, paid.obligor_no)
    with (
        pytest.raises(DatabaseError, match="append_only"),
        unit_of_work(city.engine, "99999") as connection,
    ):
        connection.execute(text(statement))


def test_a_purpose_holds_half_an_hour_in_its_own_session(app, treasurer, paid, monkeypatch):
    place = _open(treasurer, paid.obligor_no)
    again = treasurer.get(f"/staff/people/notices/{paid.notice_id}")
    assert (again.status_code, again.headers["Location"]) == (303, place)
    other = app.test_client()
    other.post("/staff/sign-in", data={"user_name": "shuno", "password": PASSWORD})
    assert other.get(place).status_code == 404  # somebody else's handle opens nothing
    mine = app.test_client()
    mine.post("/staff/sign-in", data={"user_name": "kaikei", "password": PASSWORD})
    assert mine.get(place).status_code == 403  # the same person, another session
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=31))
    lapsed = treasurer.get(place)
    assert lapsed.status_code == 403
    assert paid.name not in lapsed.get_data(as_text=True)
    for part in ("/account.csv", f"/late-charge/{paid.notice_id}/01"):
        assert treasurer.get(place + part).status_code == 403
    view_id = place.rpartition("/")[2]
    renewed = treasurer.post("/staff/people", data=FOR | {"view_id": view_id})
    assert treasurer.get(renewed.headers["Location"]).status_code == 200


def test_a_number_of_nobody_and_of_several(treasurer, city, paid):
    for number in ("0", "no such number", "a:1", f"{paid.slip_no}9"):
        answer = treasurer.post("/staff/people", data=FOR | {"number": number})
        assert answer.status_code == 404
        assert "見つかりません" in answer.get_data(as_text=True)
    other = _rows(city, "SELECT MAX(obligor_no) FROM obligor")[0][0]
    assert other != paid.obligor_no
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(
            text("UPDATE slip SET slip_no = :other WHERE slip_no = :slip_no"),
            {"other": other, "slip_no": paid.slip_no},
        )
    answer = treasurer.post("/staff/people", data=FOR | {"number": other})
    assert answer.status_code == 409
    assert "番号の種類" in answer.get_data(as_text=True)
    page = treasurer.get(_open(treasurer, other, kind="slip")).get_data(as_text=True)
    assert paid.name in page


@pytest.mark.parametrize("part", ["instalments", "timeline", "receipts", "slips", "holds", "cases"])
def test_every_part_is_shown_and_narrowed(treasurer, paid, part):
    place = _open(treasurer, paid.obligor_no)
    assert treasurer.get(f"{place}?part={part}").status_code == 200
    empty = treasurer.get(f"{place}?part={part}&year=1999").get_data(as_text=True)
    assert "該当するものはありません" in empty


def test_letters_stand_on_the_timeline_of_the_claims_that_are_shown(city, paid):
    day = date(2026, 7, 24)
    letters = (
        Letter("dunning", 3, day, paid.notice_id, "01", 1_000),
        Letter("dunning", 4, day, 10**9, "01", 1_000),  # of a claim that is not shown
        Letter("refund", 7, day, subject="claim:1/01"),
    )
    with reading(city.engine, "99999") as connection:
        account = person_account(connection, "99999", paid.obligor_no)
    found = [entry for entry in timeline(account, letters) if entry.kind == LETTER]
    assert [(entry.said, entry.endpoint) for entry in found] == [
        ("督促状（督促リスト 3）", "dunning.explain_notice"),
        ("過誤納金還付通知書", "refunds.show"),
    ]
    assert found[0].place.notice_no == paid.notice_no


def test_the_late_charge_of_any_day_shows_its_working(treasurer, city):
    late = _rows(
        city,
        "SELECT n.obligor_no, n.notice_id, a.term FROM notice n "
        "JOIN instalment_account a ON a.notice_id = n.notice_id "
        "WHERE a.amount_yen >= 20000 AND a.term_yen + a.whole_yen = 0 ORDER BY 1, 2, 3 LIMIT 1",
    )[0]
    place = _open(treasurer, late.obligor_no)
    said = treasurer.get(f"{place}/late-charge/{late.notice_id}/{late.term}?on=2026-12-01")
    assert "円未満切捨て" in said.get_data(as_text=True)
    assert treasurer.get(f"{place}?on=2026-12-01").status_code == 200
    wrong = treasurer.get(f"{place}?on=tomorrow")
    assert wrong.status_code == 422
    assert treasurer.get(f"{place}?on=2099-01-01").status_code == 422
    assert treasurer.get(f"{place}?levy=nothing").status_code == 422
    assert treasurer.get(f"{place}/late-charge/1/99").status_code == 404


def test_the_account_as_csv(treasurer, city, paid):
    place = _open(treasurer, paid.obligor_no)
    answer = treasurer.get(f"{place}/account.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    claims = [row for row in rows if row["区分"] == "期別"]
    assert claims
    for row in claims:
        assert int(row["調定額"]) == int(row["消込額"]) + int(row["未納額"])
    assert {"収納", "調定"} <= {row["区分"] for row in rows}
    assert _rows(city, "SELECT 1 FROM staff_event WHERE event = 'account_exported'")


def test_auditors_list_the_views_and_nobody_else(treasurer, auditor, paid):
    _open(treasurer, paid.obligor_no)
    assert treasurer.get("/staff/people/views").status_code == 403
    page = auditor.get("/staff/people/views").get_data(as_text=True)
    assert paid.obligor_no in page
    for form, there in (
        ({"obligor_no": paid.obligor_no}, True),
        ({"obligor_no": "0"}, False),
        ({"actor": "shuno"}, False),
        ({"from_on": f"{clock.today()}", "until_on": f"{clock.today()}"}, True),
        ({"until_on": "2020-01-01"}, False),
    ):
        answer = auditor.post("/staff/people/views", data=form).get_data(as_text=True)
        assert ("窓口照会" in answer) is there
    assert auditor.post("/staff/people/views", data={"from_on": "x"}).status_code == 422
    told = auditor.post("/staff/people/views", data={"form": "csv"}).get_data().decode("utf-8-sig")
    assert [row["宛名番号"] for row in csv.DictReader(io.StringIO(told))] == [paid.obligor_no]


def test_the_views_are_told_on_the_command_line_too(treasurer, city, paid, tmp_path):
    _open(treasurer, paid.obligor_no)

    def run(*words):
        answer = CliRunner().invoke(main, ["people", "views", *words], obj=Session(city.settings))
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert "窓口照会" in run("--obligor", paid.obligor_no)
    assert json.loads(run("--json", "--by", "kaikei"))[0]["purpose"] == "counter"
    assert "ありません" in run("--until", "2020-01-01")
    run("--from", f"{clock.today()}", "--csv", str(tmp_path / "views.csv"))
    assert paid.obligor_no in (tmp_path / "views.csv").read_text("utf-8-sig")


def test_a_long_account_is_told_page_by_page_or_whole():
    rows = list(range(250))
    assert page_of(rows, 3).rows == tuple(range(200, 250))
    assert page_of(rows, 9).number == page_of(rows, 9).pages == 3
    assert page_of(rows, -1).rows == tuple(range(100))
    assert page_of(rows, 2, everything=True).rows == tuple(rows)
    assert page_of([], 1).pages == 1


def test_certificates_stand_on_the_timeline_of_their_person(treasurer, city, paid):
    paper = Paper(
        "tax", "納税証明書", "みほん市", "税目 太郎", clock.now(), "証明します。", ("年度",), (("2026",),),
    )  # fmt: skip
    with unit_of_work(city.engine, "99999") as connection:
        for whose in (paid.obligor_no, "1"):
            confirmation.issue(
                connection, city.settings, "99999", paper, issued_to="shuno", obligor_no=whose
            )
    place = _open(treasurer, paid.obligor_no)
    assert treasurer.get(f"{place}?part=timeline").get_data(as_text=True).count("を発行") == 1
    assert "納税証明の書面を発行" in treasurer.get(f"{place}/account.csv").get_data(as_text=True)
