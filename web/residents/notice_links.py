"""お知らせのリンク: confirming and stopping from a mailbox, without signing in.

A link that is opened changes nothing: programs that look at mails open every link. Stopping takes
one press, or none where the mail program does it (RFC 8058), which is why it needs no CSRF token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

from payments.domain.errors import NotFoundError
from payments.store.unit_of_work import side_work
from web.residents import contacts, letters
from web.residents.entry import residents
from web.security import csrf, limiter
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

__all__ = ["residents"]  # with all of its pages


@residents.get("/notices/confirm/<token>")
def confirmation(token: str) -> str:
    """The page behind the link: one press confirms."""
    return _page("confirm", token, done=False)


@residents.post("/notices/confirm/<token>")
@limiter.limit("20 per minute")
def confirm(token: str) -> str:
    """受取の確認; what was there before is never told."""

    def do(connection: Connection, code: str, contact_id: str) -> None:
        if contacts.confirm(connection, code, contact_id):
            letters.know_already(connection, code, contact_id)

    _do(contacts.CONFIRM, token, do)
    return _page("confirm", token, done=True)


@residents.get("/notices/stop/<token>")
def stopping(token: str) -> str:
    """The page behind the link: one press stops."""
    return _page("stop", token, done=False)


@residents.post("/notices/stop/<token>")
@csrf.exempt  # type: ignore[untyped-decorator]  # the library has no types
@limiter.limit("20 per minute")
def stop(token: str) -> str:
    """受取の停止, by a person or by their mail program."""
    _do(contacts.STOP, token, contacts.stop)
    return _page("stop", token, done=True)


def _do(purpose: str, token: str, do: Callable[[Connection, str, str], None]) -> None:
    """Carry out what a link is for; :class:`NotFoundError` ``mail_link`` for any other."""
    code, contact_id = contacts.open_token(services().settings, purpose, token)
    if not services().serves(code):
        raise NotFoundError("mail_link")
    services().enter(code)
    with side_work(services().engine, code) as connection:
        do(connection, code, contact_id)


def _page(purpose: str, token: str, *, done: bool) -> str:
    """What the link is for; that it is one of ours is checked first."""
    contacts.open_token(services().settings, purpose, token)
    return render_template("residents/notice_link.html", purpose=purpose, token=token, done=done)
