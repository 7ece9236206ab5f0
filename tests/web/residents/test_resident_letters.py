"""お知らせ: asked for, confirmed from the mailbox, told once, and stopped with one press."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from resident_mail import SITE, give_letters, path_in
from resident_walk import M, shown
from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.jobs.contract import JobContext, JobState
from web.jobs.letters import any_consent, consent_letters, letters
from web.residents import contacts

MAIL = "hanako@example.jp"
KINDS = ["received", "confirmed", "expires"]


@pytest.fixture
def post(city, mailbox, linked):
    """The page with a mail server and an address; runs its jobs at a moment."""
    mailbox.refuses = False
    give_letters(city, mailbox)
    said: list[str] = []

    def run(job, at: datetime | None = None):
        moment = at or clock.now()
        return job(JobContext(city.settings, city.engine, M, moment, "schedule", said.append))

    return SimpleNamespace(run=run, client=linked, mails=mailbox.mails, box=mailbox, said=said)


def _ask(post, *kinds):
    form = {"mail": MAIL, "kinds": list(kinds or KINDS)}
    answer = post.client.post("/my/notices", data=form)
    assert answer.headers["Location"] == "/my/notices"


def _confirmed(post, app, *kinds):
    """Asked for and confirmed: somebody who gets notices."""
    _ask(post, *kinds)
    post.run(consent_letters)
    path = path_in(post.mails[-1], "confirm")
    assert app.test_client().post(path).status_code == 200
    post.mails.clear()


def _rows(city, table):
    with reading(city.engine, M) as connection:
        return connection.execute(text(f"SELECT * FROM {table}")).all()


def _pay(city, stage="provisional"):
    """One more payment of the person, as a channel reports it."""
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            text(
                "UPDATE receipt SET stage = :stage WHERE (file_id, line_no) IN (SELECT r.file_id, "
                "r.line_no FROM receipt r JOIN notice n ON n.notice_id = r.notice_id JOIN "
                "resident_link l ON l.obligor_no = n.obligor_no LIMIT 1)"
            ),
            {"stage": stage},
        )


def test_nothing_is_sent_before_the_mailbox_has_said_yes(post, app, city):
    _ask(post)
    assert post.run(letters).totals["letters"] == 0
    assert any_consent_waits(post, city)
    post.run(consent_letters)
    post.run(consent_letters)
    (mail,) = post.mails
    assert mail["To"] == MAIL
    assert "List-Unsubscribe" not in mail
    stranger = app.test_client()
    path = path_in(mail, "confirm")
    assert "受け取りますか" in shown(
        stranger.get(path)
    )  # Programs that open links confirm nothing.
    assert _rows(city, "resident_contact")[0].confirmed_at is None
    assert "受け取ります" in shown(stranger.post(path))
    assert "h***@example.jp" in shown(post.client.get("/my/notices"))
    assert MAIL not in post.client.get("/my/notices").get_data(as_text=True)
    assert MAIL.encode() not in bytes(_rows(city, "resident_contact")[0].sealed)
    assert MAIL not in "".join(post.said)


def any_consent_waits(post, city):
    return any_consent(
        JobContext(city.settings, city.engine, M, clock.now(), "schedule", post.said.append)
    )


def test_each_thing_is_told_once_and_names_nothing(post, app, city, person):
    _confirmed(post, app)
    assert post.run(letters).totals["letters"] == 0  # what was there before is not told
    _pay(city)
    for _run in range(2):
        assert post.run(letters).state is JobState.OK
    (mail,) = post.mails
    assert mail["Subject"].startswith("納付の速報が届きました")
    words = mail.get_content() + mail["Subject"]
    for secret in (person.name, person.obligor_no, person.el_number, "円", "税"):
        assert secret not in words
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith(f"<{SITE}/my/notices/stop/")


def test_a_slip_that_runs_out_is_told_seven_days_before(post, app, city):
    with unit_of_work(city.engine, M) as connection:
        day = connection.execute(
            text(
                "SELECT MIN(s.valid_until) FROM slip s JOIN notice n ON n.notice_id = s.notice_id "
                "JOIN resident_link l ON l.obligor_no = n.obligor_no"
            )
        ).scalar_one()
        connection.execute(text("UPDATE instalment_account SET term_yen = 0, whole_yen = 0"))
        connection.execute(text("DELETE FROM receipt"))
    _confirmed(post, app, "expires")
    at = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    assert post.run(letters, at - timedelta(days=8)).totals["letters"] == 0
    assert post.run(letters, at - timedelta(days=7)).totals["letters"] == 1
    assert post.run(letters, at - timedelta(days=1)).totals["letters"] == 0
    assert post.mails[0]["Subject"].startswith("納付書の取扱期限が近づいています")


def test_only_what_was_asked_for_is_told(post, app, city):
    _confirmed(post, app, "expires")
    _pay(city)
    assert post.run(letters).totals["letters"] == 0


def test_one_press_stops_from_the_mail_program_or_by_hand(post, app, city):
    _confirmed(post, app)
    _pay(city)
    post.run(letters)
    path = path_in(post.mails[0], "stop")
    app.config["WTF_CSRF_ENABLED"] = True  # a mail program has no token
    stranger = app.test_client()
    assert "止めますか" in shown(stranger.get(path))
    answer = stranger.post(path, data={"List-Unsubscribe": "One-Click"})
    assert "止めました" in shown(answer)
    assert stranger.post(path).status_code == 200  # twice is as good
    (row,) = _rows(city, "resident_contact")
    assert row.stopped_at is not None
    assert bytes(row.sealed) == b""
    _pay(city, "confirmed")
    assert post.run(letters).totals["letters"] == 0


def test_stopping_on_the_page_and_unlinking_stop_too(post, app, city):
    _confirmed(post, app)
    assert post.client.post("/my/notices/stop").status_code == 303
    assert _rows(city, "resident_contact")[0].stopped_at is not None
    _ask(post)
    post.client.post("/my/unlink")
    assert all(row.stopped_at is not None for row in _rows(city, "resident_contact"))


def test_what_could_not_be_sent_is_tried_again_after_a_pause(post, app, city, monkeypatch):
    _confirmed(post, app)
    _pay(city)
    post.box.refuses = True
    assert post.run(letters).notes == ("letters_unsent",)
    post.box.refuses = False
    assert post.run(letters).totals["letters"] == 0
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert post.run(letters).totals["letters"] == 1
    assert len(post.mails) == 1


def test_a_link_is_good_for_a_day_and_nobody_can_make_one(post, app, monkeypatch):
    _ask(post)
    post.run(consent_letters)
    path = path_in(post.mails[0], "confirm")
    stranger = app.test_client()
    assert stranger.get(path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 404
    assert stranger.post(path.replace("confirm", "stop")).status_code == 404
    later = clock.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert stranger.post(path).status_code == 404


def test_addresses_and_kinds_are_checked(post):
    for form in ({"mail": "nobody", "kinds": "received"}, {"mail": MAIL}):
        answer = post.client.post("/my/notices", data=form)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.get_data(as_text=True)
    with pytest.raises(InvalidValueError):
        contacts.require_address("a@b\r\nBcc: c@d.example")


@pytest.mark.parametrize(
    "typed",
    [
        "=?utf-8?q?somebody=40else.example=2C?=a@example.jp",  # would be read as two addresses
        "見本@example.jp",  # a server that takes no UTF-8 would take no mail
        "a\x01b@example.jp",
        "a@example.jp@example.jp",
    ],
)
def test_no_address_can_be_read_as_another(typed):
    with pytest.raises(InvalidValueError):
        contacts.require_address(typed)


@pytest.mark.parametrize("typed", ["o'neil+tax=a@example.jp", ".a..b.@docomo.example"])
def test_what_people_do_have_is_taken(typed):
    assert contacts.require_address(f" {typed} ") == typed


def test_a_second_press_confirms_nothing_anew(post, app, city):
    _ask(post)
    post.run(consent_letters)
    path = path_in(post.mails.pop(), "confirm")
    stranger = app.test_client()
    assert stranger.post(path).status_code == 200
    _pay(city)
    assert "受け取ります" in shown(stranger.post(path))
    assert post.run(letters).totals["letters"] == 1  # what came between is still told


def test_without_a_mail_server_nothing_is_offered(post, city):
    city.settings.smtp_host = ""
    assert "ただいま使えません" in shown(post.client.get("/my/notices"))
    assert post.client.post("/my/notices", data={"mail": MAIL, "kinds": KINDS}).status_code == 422
    assert post.run(letters).state is JobState.OK


def test_letters_are_in_the_language_in_which_they_were_asked_for(post):
    post.client.get("/my/notices?lang=en")
    _ask(post)
    post.run(consent_letters)
    assert "within 24 hours" in post.mails[0].get_content()
    assert not re.search("[ぁ-ん]", post.mails[0].get_content())


def test_a_handle_of_somebody_else_opens_nothing(city):
    token = contacts.token_of(city.settings, contacts.STOP, M, "0" * 32)
    assert contacts.open_token(city.settings, contacts.STOP, token) == (M, "0" * 32)
    with pytest.raises(NotFoundError):
        contacts.open_token(city.settings, contacts.CONFIRM, token)
