"""``kokin refunds``: the same at the command line, by people who sign for it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import appropriate, payees
from reconcile.refunds.found import overpayments
from web import clock, formatting
from web.cli import main

M = "99999"
TODAY = date(2026, 6, 3)
NOW = datetime(2026, 6, 3, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _moment(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(clock, "today", lambda: TODAY)


@pytest.fixture
def kokin(city, monkeypatch) -> Any:
    """Run a command as people do."""
    settings = city.settings
    monkeypatch.setenv("KOKIN_HOME", str(settings.home))
    monkeypatch.setenv("KOKIN_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("KOKIN_SECRET_KEY", settings.secret_key)
    monkeypatch.setenv("KOKIN_MUNICIPALITY", M)
    monkeypatch.setenv("KOKIN_PASSWORD", "kaikei-no-himitsu")

    def run(*args: str, code: int = 0) -> str:
        answer = CliRunner().invoke(main, ["refunds", *args])
        assert answer.exit_code == code, (args, answer.output)
        return answer.output

    return run


def _subject(city: Any) -> tuple[str, str]:
    with reading(city.engine, M) as connection:
        found = overpayments(connection, load_profile(connection, M), TODAY, limit=500)
    mine = next(e for e in found if e.stage == "confirmed" and e.due_yen == 0)
    return mine.subject, mine.obligor_no


def test_the_whole_way_of_a_refund(city, kokin, tmp_path):
    subject, obligor_no = _subject(city)
    assert subject in kokin("list")
    assert any(each["subject"] == subject for each in json.loads(kokin("list", "--json")))
    person = ("--user", "kaikei", "--json")
    known = json.loads(kokin("class", subject, "--reason", "paid_twice", *person))
    assert known["state"] == "payee"
    assert "obligor_no" not in known
    with unit_of_work(city.engine, M) as connection:
        given = payees.payee_of("9998", "002", "1", "7654321", "ﾐﾎﾝ")
        number = payees.register(
            connection, M, obligor_no, given, source=payees.PAPER, by="shuno", on=TODAY, at=NOW
        )
        payees.confirm(connection, M, number, by="kaikei", at=NOW)
    assert json.loads(kokin("propose", subject, "--json"))["parts"] == []
    assert "還付" in kokin("propose", subject)
    kokin("ask", subject, "--appropriate", "--reason", "先に充当", *person, code=1)
    asked = json.loads(kokin("ask", subject, "--reason", "書類を確かめた", *person))
    _agree(city, asked["approvals"][0])
    assert json.loads(kokin("show", "1", "--json"))["state"] == "decided"
    assert "還付決定" in kokin("show", "1")
    assert "還付決定" in kokin("paid")
    kokin("file", "1", "--out", str(tmp_path / "early.txt"), "--user", "kaikei", code=1)
    made = json.loads(kokin("batch", "--on", "2026-06-04", *person))
    assert (made["count"], made["build_no"]) == (1, 1)
    kokin("file", "1", "--out", str(tmp_path / "early.txt"), "--user", "kaikei", code=1)
    asked = json.loads(kokin("release", "1", "--reason", "予定のとおり", *person))
    _agree(city, asked["approvals"][0])
    kokin("file", "1", "--out", str(tmp_path / "one.txt"), "--user", "kaikei")
    again = ("file", "1", "--out", str(tmp_path / "two.txt"), "--user", "kaikei")
    kokin(*again, code=1)
    assert not (tmp_path / "two.txt").exists()
    kokin(*again, "--reason", "届かず")
    assert (tmp_path / "one.txt").read_bytes() == (tmp_path / "two.txt").read_bytes()
    assert "引渡済" in kokin("batches")
    assert "同じファイルの取出し  kaikei  届かず" in kokin("batches", "--batch", "1")
    told = json.loads(kokin("batches", "--batch", "1", "--json"))
    assert [each["note"] for each in told["history"]] == ["", "", "届かず"]
    kokin("batches", "--batch", "3", code=1)
    _withdrawn_and_sent_again(city, kokin, again)
    assert json.loads(kokin("match", *person)) == {"paid": [], "returned": []}
    kokin("returned", "1", "nothing:1", *person, code=1)
    kokin("payee", "1", *person, code=1)
    kokin("cancel", "1", "--reason", "取りやめ", *person, code=1)
    assert json.loads(kokin("notice", subject, *person)) == {"notice_no": 1}
    assert json.loads(kokin("ageing", "--json")) is not None


def _withdrawn_and_sent_again(city: Any, kokin: Any, again: tuple[str, ...]) -> None:
    """The bank got nothing of the first batch; the same refund goes with a second one."""
    person = ("--user", "kaikei", "--json")
    why = ("withdraw", "1", "--reason", "ファイルが届かず", *person)
    kokin(*why, code=1)
    asked = json.loads(kokin(*why, "--stopped", "みほん銀行 田中氏"))
    _agree(city, asked["approvals"][0])
    assert "取消" in kokin("batches")
    assert "取消  shonin  ファイルが届かず" in kokin("batches", "--batch", "1")
    kokin(*again, "--reason", "届かず", code=1)
    assert "振込の取消 shonin ファイルが届かず" in kokin("show", "1")
    assert json.loads(kokin("show", "1", "--json"))["state"] == "decided"
    made = json.loads(kokin("batch", "--on", "2026-06-04", "--reason", "もう一度", *person))
    assert (made["batch_no"], made["count"]) == (2, 1)
    asked = json.loads(kokin("release", "2", "--reason", "予定のとおり", *person))
    _agree(city, asked["approvals"][0])


def test_what_grows_old_is_said_with_the_day_on_which_the_right_ends(city, kokin, monkeypatch):
    with reading(city.engine, M) as connection:
        every = overpayments(connection, load_profile(connection, M), TODAY, limit=500)
    found = min(every, key=lambda each: (each.arose_on, each.expires_on))
    for on, words in (
        (found.arose_on + timedelta(30), ""),
        (found.arose_on + timedelta(31), "未通知"),
        (found.expires_on, "時効が近い"),
        (found.expires_on + timedelta(1), "時効完成"),
    ):
        monkeypatch.setattr(clock, "today", lambda on=on: on)
        said = [each for each in json.loads(kokin("ageing", "--json"))
                if each["subject"] == found.subject]  # fmt: skip
        assert len(said) == bool(words)
        end = formatting.long_day(found.expires_on)
        line = f"{words}（時効 {end}、{(on - found.arose_on).days}日経過）"
        assert (line in kokin("ageing")) is bool(words)


def test_an_instalment_to_come_is_paid_as_the_person_agreed(city, kokin):
    with reading(city.engine, M) as connection:
        found = overpayments(connection, load_profile(connection, M), TODAY, limit=500)
        mine, later = next(
            (each, later[0].place)
            for each in found
            if each.stage == "confirmed" and each.due_yen == 0
            for later in (appropriate.not_due(connection, M, each, TODAY),)
            if later
        )
    person = ("--user", "kaikei", "--json")
    kokin("class", mine.subject, "--reason", "paid_twice", *person)
    words = ("entrust", mine.subject, later, "--reason", "窓口で署名", *person)
    kokin(*words, "--consented-on", "2026-06-04", code=1)
    assert len(json.loads(kokin(*words, "--consented-on", "2026-06-02"))["approvals"]) == 1


def test_who_may_not_send_is_told_so(kokin):
    kokin("batch", "--on", "2026-06-04", "--user", "shuno", code=1)
    kokin("match", "--user", "shonin", code=1)


def _agree(city: Any, number: int) -> None:
    answer = CliRunner().invoke(main, ["approvals", "approve", str(number), "--user", "shonin"])
    assert answer.exit_code == 0, answer.output
    with reading(city.engine, M) as connection:
        (state,) = connection.execute(
            text("SELECT decision FROM approval WHERE approval_id = :n"), {"n": number}
        ).one()
    assert state == "approved"
