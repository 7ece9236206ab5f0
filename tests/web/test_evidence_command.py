from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.sealed_bytes import new_key_text
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts import totp
from web.certificates import confirmation
from web.certificates.confirmation import Paper
from web.cli import main
from web.commands import evidence
from web.commands.session import Session
from web.config import load_settings
from web.events.kinds import KINDS, NUMBERS
from web.events.subscribers import Wish, rotate, secrets_of, subscribe
from web.notifications import keys as senders
from web.residents import contacts
from web.residents.identity import arrive


class KilledError(Exception):
    """The process dies here."""


OUTSIDE = {"webhook_hosts": "*.example.jp"}
FIRST, SECOND = new_key_text("2026"), new_key_text("2027")


@pytest.fixture
def run(city):
    """Run a command on the small city with these keys."""

    def invoke(*words, keys=""):
        settings = city.settings.model_copy(update={"encryption_keys": keys})
        return CliRunner().invoke(main, list(words), obj=Session(settings))

    return invoke


def test_the_keys_of_a_city_are_turned_and_its_books_still_prove_themselves(run):
    assert run("evidence", "rekey").exit_code == 1  # encryption_key_none
    for keys in (FIRST, f"{FIRST} {SECOND}"):
        pending = json.loads(run("evidence", "status", "--json", keys=keys).stdout)["pending"]
        answer = json.loads(run("evidence", "rekey", "--json", keys=keys).stdout)
        assert answer["finished"]
        assert answer["pieces"] == pending["pieces"] > 0
        assert "0片" in run("evidence", "status", keys=keys).stdout
    assert run("verify", keys=SECOND).exit_code == 0
    assert "2027" in run("evidence", "status", keys=SECOND).stdout
    assert run("day", "show", "2026-06-01", keys=SECOND).exit_code == 0  # balances of statements
    back = run("evidence", "rekey", "--clear", keys=SECOND)
    assert (back.exit_code, "片" in back.stdout) == (0, True)
    assert run("verify").exit_code == 0


@pytest.mark.parametrize(
    ("keys", "code"),
    [("", "ありません"), (new_key_text("2026"), "開けません")],
    ids=["no key", "another key"],  # a new one at every start would be another test for each worker
)
def test_the_doctor_and_the_commands_name_the_key_that_fails(run, keys, code):
    assert run("evidence", "rekey", keys=FIRST).exit_code == 0
    found = {each["code"]: each for each in json.loads(run("doctor", "--json", keys=keys).stdout)}
    assert not found["evidence_keys"]["ok"]
    assert "2026" in found["evidence_keys"]["problem"]
    assert code in found["evidence_keys"]["problem"]
    for words in (["verify"], ["serve", "--port", "0"], ["schedule"]):
        answer = run(*words, keys=keys)
        assert (answer.exit_code, "2026" in answer.stderr) == (1, True)
    again = {each["code"]: each for each in json.loads(run("doctor", "--json", keys=FIRST).stdout)}
    assert again["evidence_keys"]["ok"]
    assert run("verify", keys=FIRST).exit_code == 0


def test_the_secrets_of_those_who_are_told_turn_with_the_keys(run, city):
    old, both = (
        city.settings.model_copy(update=OUTSIDE | {"encryption_keys": keys})
        for keys in (FIRST, f"{FIRST} {SECOND}")
    )
    wish = Wish("portal", "webhook", "https://portal.example.jp/events", KINDS, NUMBERS)
    with unit_of_work(city.engine, "99999") as connection:
        subscribe(connection, old, "99999", wish, actor="kanri")
        new = rotate(connection, old, "99999", "portal", overlap=timedelta(hours=1))
        before = secrets_of(connection, old, "99999", 1, clock.now())
        assert (len(before), before[0]) == (2, new)
    assert run("evidence", "rekey", keys=both.encryption_keys).exit_code == 0
    only_new = city.settings.model_copy(update={"encryption_keys": SECOND})
    with reading(city.engine, "99999") as connection:
        assert secrets_of(connection, only_new, "99999", 1, clock.now()) == before
    assert run("evidence", "rekey", "--clear", keys=SECOND).exit_code == 0
    with reading(city.engine, "99999") as connection:
        assert secrets_of(connection, city.settings, "99999", 1, clock.now()) == before


def test_a_run_that_dies_at_its_end_leaves_no_secret_under_a_key_that_nothing_needs(
    run, city, monkeypatch
):
    wish = Wish("portal", "webhook", "https://portal.example.jp/events", KINDS, NUMBERS)
    old = city.settings.model_copy(update=OUTSIDE | {"encryption_keys": FIRST})
    assert run("evidence", "rekey", keys=FIRST).exit_code == 0
    with unit_of_work(city.engine, "99999") as connection:
        subscribe(connection, old, "99999", wish, actor="kanri")
        senders.add(connection, old, "99999", "pay", operator_name="見本決済")
    both = f"{FIRST} {SECOND}"

    def state():
        found = json.loads(run("evidence", "status", "--json", keys=both).stdout)
        return found["needed"], found["personal_pending"]

    def die(*_arguments, **_options):
        raise KilledError

    before = state()
    assert before[1] >= 2
    for name in ("reseal", "reseal_secrets"):
        with monkeypatch.context() as patch:
            patch.setattr(evidence, name, die)
            assert isinstance(run("evidence", "rekey", keys=both).exception, KilledError)
        assert "2026" in state()[0]
        assert state()[1] == 2
    assert run("evidence", "rekey", keys=both).exit_code == 0
    assert state() == (["2027"], 0)
    found = {each["code"]: each for each in json.loads(run("doctor", "--json", keys=SECOND).stdout)}
    assert found["notification_keys"]["ok"]


def test_what_residents_and_staff_have_told_turns_with_the_keys(run, city):
    old, only_new = (
        city.settings.model_copy(update={"encryption_keys": keys}) for keys in (FIRST, SECOND)
    )
    paper = Paper("payment", "題", "見本市", "見本 太郎", clock.now(), "文", (), ())
    with unit_of_work(city.engine, "99999") as connection:
        who = arrive(connection, old, "99999", "https://id.example.jp", "card-1")
        contacts.ask(connection, old, "99999", who, "hanako@example.jp", ["received"], "ja")
        issued = confirmation.issue(connection, old, "99999", paper, issued_to="r")
        totp.begin(connection, old, "99999", "kaikei")
    with pytest.raises(ConfigurationError):
        told(city, only_new, who, issued.code)
    for keys, settings in (
        (f"{FIRST} {SECOND}", only_new),
        (SECOND, only_new),
    ):
        assert run("evidence", "rekey", keys=keys).exit_code == 0
        mail, checked, begun = told(city, settings, who, issued.code)
        assert (mail, checked.paper) == ("h***@example.jp", paper)
        assert begun == told(city, settings, who, issued.code)[2]
    assert run("evidence", "rekey", "--clear", keys=SECOND).exit_code == 0
    assert told(city, city.settings, who, issued.code)[0] == "h***@example.jp"


def test_a_row_that_does_not_open_stays_and_keeps_the_run_unfinished(run, city):
    def pending():
        found = run("evidence", "status", "--json", keys=FIRST).stdout
        return json.loads(found)["personal_pending"]

    others = pending()
    with unit_of_work(city.engine, "99999") as connection:
        settings = city.settings.model_copy(update={"encryption_keys": new_key_text("2025")})
        totp.begin(connection, settings, "99999", "kaikei")
        before = connection.execute(text("SELECT sealed FROM staff_totp")).scalar_one()
    assert pending() == others + 1
    answer = run("evidence", "rekey", keys=FIRST)
    assert (answer.exit_code, "住所・口座など: 1" in answer.stdout) == (1, True)
    with reading(city.engine, "99999") as connection:
        assert connection.execute(text("SELECT sealed FROM staff_totp")).scalar_one() == before


def told(city, settings, who, code):
    """What is read with these keys: the masked address, the paper, the seed of an app."""
    with unit_of_work(city.engine, "99999") as connection:
        mail = contacts.contact_of(connection, settings, "99999", who)
        checked = confirmation.check(connection, settings, "99999", code)
        return mail.shown, checked, totp.begin(connection, settings, "99999", "kaikei")


def test_the_doctor_says_what_lies_in_clear_until_it_is_sealed(run):
    def says(keys):
        found = json.loads(run("doctor", "--json", keys=keys).stdout)
        return next(each["note"] for each in found if each["code"] == "evidence_keys")

    assert "平文" in says("")
    assert "まだこの鍵でない住所など" in says(FIRST)
    assert "住所・口座など: 0件" not in run("evidence", "status", keys=FIRST).stdout
    assert run("evidence", "rekey", keys=FIRST).exit_code == 0
    assert "まだ" not in says(FIRST)
    assert "住所・口座など: 0件" in run("evidence", "status", keys=FIRST).stdout


def test_a_new_key_is_a_line_of_a_key_file(run, tmp_path):
    line = run("evidence", "new-key", "2028").stdout
    file = tmp_path / "keys"
    file.write_text(f"# 鍵\n{FIRST}\n{line}", "utf-8")
    settings = load_settings(encryption_key_file=file, encryption_keys=SECOND)
    assert settings.key_ring().newest == "2027"
    assert "2028" in settings.key_ring()
    assert run("evidence", "new-key", "a b").exit_code == 1


def test_a_key_file_that_is_not_there_is_named(city, tmp_path):
    settings = city.settings.model_copy(update={"encryption_key_file": tmp_path / "none"})
    answer = CliRunner().invoke(main, ["verify"], obj=Session(settings))
    assert (answer.exit_code, "encryption_key_file" in answer.stderr) == (1, True)
