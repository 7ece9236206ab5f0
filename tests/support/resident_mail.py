"""お知らせの受け手: a mailbox on this machine, and what a mail to a resident leads to."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from resident_walk import M

from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import unit_of_work
from web import clock
from web.jobs.contract import JobContext

if TYPE_CHECKING:
    from web.jobs.contract import Job, JobResult

SITE = "https://nofu.example.jp"


class Mailbox:
    """Takes mails, or refuses them."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[email.message.EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - as aiosmtpd names it
        if self.refuses:
            return "451 later"
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


class Listening(Controller):
    """A server on whatever port is free."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def give_letters(city: Any, box: Mailbox) -> None:
    """Switch notices on: a mail server, and the address that links in mails lead to."""
    box.mails.clear()
    settings = city.settings
    settings.smtp_host, settings.smtp_port, settings.smtp_security = "127.0.0.1", box.port, "none"
    settings.smtp_from = "nofu@example.jp"
    with unit_of_work(city.engine, M) as connection:
        profile = load_profile(connection, M)
        enquiries = replace(profile.enquiries, address=SITE)
        save_profile(connection, replace(profile, enquiries=enquiries))


def run_letters(city: Any, job: Job) -> JobResult:
    """A round of a job, now."""
    said: list[str] = []
    return job(JobContext(city.settings, city.engine, M, clock.now(), "schedule", said.append))


def path_in(mail: Any, word: str) -> str:
    """Where the link in a mail leads, on whatever address the pages have."""
    found = re.search(rf"{SITE}(/my/notices/{word}/\w+)", mail.get_content())
    assert found, mail.get_content()
    return found[1]
