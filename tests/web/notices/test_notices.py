"""お知らせ: said once, to everybody, by mail, webhook and file; every attempt on record."""

from __future__ import annotations

import email
import email.policy
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address

import pytest
import time_machine
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receiver import receiving
from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.arrivals.view import sent_on
from web.config import load_settings
from web.events.signature import new_secret, signatures
from web.jobs.contract import JobContext
from web.notices import channels
from web.notices.send import send_again, send_notice
from web.notices.tables import NoticeEventRow
from web.texts.notices import ERRORS

M = "99999"
AT = datetime(2026, 6, 2, 0, 30, tzinfo=UTC)
MAIL = "kaikei@example.jp"


class Mailbox:
    """受け取ったメール: a handler of a small SMTP server in this process."""

    def __init__(self):
        self.received = []
        self.refuses = False

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - as aiosmtpd names it
        if self.refuses:
            return "451 later"
        self.received.append(envelope)
        return "250 OK"

    def messages(self):
        return [
            email.message_from_bytes(each.content, policy=email.policy.default)
            for each in self.received
        ]


class Listening(Controller):
    """A server on whatever port is free."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def smtp(mailbox):
    """The port of a server that speaks plain SMTP."""
    controller = Listening(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    yield controller.port
    controller.stop()


def _context(books, **settings):
    given = {"notices": {M: {"mail": [MAIL], "file": False}}, **settings}
    changed = load_settings(
        home=books.settings.home, database_url=books.settings.database_url,
        secret_key=books.settings.secret_key, municipality=M, **given,
    )  # fmt: skip
    return JobContext(changed, books.engine, M, AT, "schedule", lambda _line: None)


def _events(books):
    with reading(books.engine, M) as connection:
        rows = connection.execute(
            text(
                "SELECT channel, recipient, attempt_no, state, error_code FROM notice_event "
                "ORDER BY notice_no, channel, recipient, attempt_no, state"
            )
        )
        return [tuple(row) for row in rows]


def _say(context, key="k"):
    return send_notice(context, "job_failed", "だめでした", ["一行目", "二行目"], key=key)


def test_a_mail_is_plain_japanese_text_and_sent_once(books, smtp, mailbox):
    context = _context(
        books, smtp_host="127.0.0.1", smtp_port=smtp, smtp_security="none",
        smtp_from="kokin@example.jp",
    )  # fmt: skip
    assert _say(context)
    assert _say(context)
    assert send_again(context) == 0
    (message,) = mailbox.messages()
    assert (message["Subject"], message["To"]) == ("だめでした", MAIL)
    assert message["From"] == "kokin@example.jp"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["一行目", "二行目"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@kokin.invalid>")
    assert _events(books) == [("mail", MAIL, 1, "begun", ""), ("mail", MAIL, 1, "sent", "")]


def test_the_same_words_without_a_key_are_said_once_a_day(books, smtp, mailbox):
    context = _context(books, smtp_host="127.0.0.1", smtp_port=smtp, smtp_security="none")
    for moved in (timedelta(0), timedelta(hours=2), timedelta(days=1)):
        later = JobContext(
            context.settings, books.engine, M, AT + moved, "schedule", lambda _line: None
        )
        assert send_notice(later, "job_failed", "だめでした", ["また"])
    assert len(mailbox.received) == 2


def test_several_processes_that_say_the_same_say_it_once(books, smtp, mailbox):
    context = _context(books, smtp_host="127.0.0.1", smtp_port=smtp, smtp_security="none")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _number: _say(context), range(12)))
    assert len(mailbox.received) == 1
    assert [event[3] for event in _events(books)] == ["begun", "sent"]


def test_what_could_not_be_sent_is_tried_again_and_less_and_less_often(books, smtp, mailbox):
    mailbox.refuses = True
    context = _context(books, smtp_host="127.0.0.1", smtp_port=smtp, smtp_security="none")
    with time_machine.travel(AT, tick=False) as traveller:
        assert not _say(context)
        assert send_again(context) == 1  # too early for another attempt
        assert len(_events(books)) == 2
        traveller.shift(timedelta(minutes=1))
        assert send_again(context) == 1
        traveller.shift(timedelta(minutes=1))
        assert send_again(context) == 1
        assert [event[2:] for event in _events(books)] == [
            (1, "begun", ""), (1, "failed", "smtp_refused"),
            (2, "begun", ""), (2, "failed", "smtp_refused"),
        ]  # fmt: skip
        mailbox.refuses = False
        traveller.shift(timedelta(minutes=1))
        assert send_again(context) == 0
    assert len(mailbox.received) == 1


def test_an_attempt_that_died_is_made_again_but_not_at_once(books, smtp, mailbox):
    context = _context(books, smtp_host="127.0.0.1", smtp_port=smtp, smtp_security="none")
    with time_machine.travel(AT, tick=False) as traveller:
        mailbox.refuses = True
        _say(context)
        traveller.shift(timedelta(hours=1))
        with unit_of_work(books.engine, M) as connection:  # it has begun, and then nothing
            connection.execute(
                NoticeEventRow.__table__.insert().values(
                    municipality_code=M, notice_no=1, channel="mail", recipient=MAIL,
                    attempt_no=2, state="begun", error_code="", happened_at=clock.now(),
                )
            )  # fmt: skip
        mailbox.refuses = False
        traveller.shift(timedelta(minutes=9))
        assert not _say(context)
        traveller.shift(timedelta(minutes=2))
        assert _say(context)
    assert len(mailbox.received) == 1


def _certificate(folder):
    """A certificate of this machine's own name and its key, as one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "smtp.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return path


def test_starttls_is_used_and_a_certificate_nobody_vouches_for_is_refused(
    books, mailbox, tmp_path, monkeypatch
):
    path = _certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    controller = Listening(
        mailbox, hostname="127.0.0.1", port=0, tls_context=server, require_starttls=True
    )
    controller.start()
    try:
        port = controller.port
        context = _context(books, smtp_host="127.0.0.1", smtp_port=port)
        assert not _say(context, "unknown")
        trusted = ssl.create_default_context(cafile=str(path))
        monkeypatch.setattr(channels.ssl, "create_default_context", lambda: trusted)
        assert _say(context, "trusted")
        plain = _context(books, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none")
        assert not _say(plain, "plain")
    finally:
        controller.stop()
    assert [event[4] for event in _events(books) if event[3] == "failed"] == [
        "smtp_unreachable", "smtp_refused",
    ]  # fmt: skip
    assert len(mailbox.received) == 1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, "smtp_unset"),
        ({"smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_security": "none"}, "smtp_unreachable"),
        ({"notices": {M: {"webhook": "https://example.jp/x", "file": False}}}, "webhook_unsigned"),
        (
            {"notices": {M: {"webhook": "https://example.jp/x?token=1", "file": False,
                             "webhook_secret": new_secret()}}},
            "webhook_unreachable",  # not on the list of hosts
        ),
    ],
)  # fmt: skip
def test_a_channel_that_cannot_send_says_why(books, settings, code):
    assert not _say(_context(books, **settings))
    (begun, failed) = _events(books)
    assert (begun[3], failed[3], failed[4]) == ("begun", "failed", code)
    assert "token" not in failed[1]
    assert code in ERRORS


def test_a_password_is_never_sent_to_a_server_that_asks_for_none(books, smtp, mailbox):
    context = _context(
        books, smtp_host="127.0.0.1", smtp_port=smtp, smtp_security="none", smtp_user="u",
        smtp_password="p",
    )  # fmt: skip
    assert not _say(context)
    assert _events(books)[1][4] == "smtp_login"
    assert mailbox.received == []


def test_without_any_setting_a_notice_is_a_file_and_a_bad_folder_says_so(books):
    context = _context(books, notices={})
    assert _say(context)
    folder = books.settings.home / "notices" / M
    (file,) = folder.glob("*")
    assert file.read_text("utf-8") == "だめでした\n\n一行目\n二行目\n"
    assert file.name == "20260602T003000Z-000001-job_failed.txt"
    file.unlink()
    folder.rmdir()
    folder.write_text("in the way", "utf-8")
    assert not _say(context, "another")
    assert _events(books)[-1][4] == "folder_unwritable"
    assert set(ERRORS) >= {event[4] for event in _events(books)} - {""}


def test_a_webhook_is_signed_over_what_it_says(books):
    secret = new_secret()
    with receiving() as receiver, time_machine.travel(AT, tick=False) as traveller:
        receiver.answers = [500, 200]
        given = {M: {"webhook": receiver.url, "webhook_secret": secret, "file": False}}
        context = _context(
            books, notices=given, webhook_hosts="127.0.0.1", webhook_networks="127.0.0.0/8",
            webhook_http=True,
        )  # fmt: skip
        assert not _say(context)
        traveller.shift(timedelta(minutes=2))
        assert _say(context)
        assert _say(context)
    assert [event[4] for event in _events(books)] == ["", "webhook_refused", "", ""]
    refused, taken = receiver.heard
    assert refused.body == taken.body
    said = json.loads(taken.body)
    assert (said["kind"], said["subject"]) == ("job_failed", "だめでした")
    assert taken.headers["webhook-signature"] == signatures(
        (secret,), taken.headers["webhook-id"], int(taken.headers["webhook-timestamp"]), taken.body
    )
    assert refused.headers["webhook-id"] == taken.headers["webhook-id"]
    assert secret not in repr(context.settings)


def test_a_recipient_that_cannot_be_is_named(books):
    with pytest.raises(ConfigurationError, match="settings"):
        _context(books, notices={M: {"phone": "1"}})


def test_the_notices_of_a_day_are_those_of_the_day_in_japan(books):
    for moment in ("2026-06-01T23:59", "2026-06-02T00:00", "2026-06-02T23:59", "2026-06-03T00:00"):
        at = datetime.fromisoformat(moment).replace(tzinfo=clock.JST)
        context = JobContext(books.settings, books.engine, M, at, "schedule", lambda _line: None)
        send_notice(context, "job_failed", moment, ["x"])
    with reading(books.engine, M) as connection:
        found = sent_on(connection, M, date(2026, 6, 2))
    assert [each.subject for each in found] == ["2026-06-02T00:00", "2026-06-02T23:59"]
