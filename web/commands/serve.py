"""``kokin serve`` and ``kokin schedule``: the web server and the scheduler process."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import click
from sqlalchemy.exc import SQLAlchemyError

from payments.domain.errors import ConfigurationError
from web import server
from web.commands.session import MUNICIPALITY, Session, session_of
from web.database import open_books, require_evidence_keys
from web.doctor_machine import require_token
from web.inbox.folders import markers_of
from web.logs import begin_logs
from web.parent import end_with
from web.server import THREADS, free_port
from web.tracing import begin_tracing

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

    from web.config import Settings
    from web.services import Services

HOST, PORT = "127.0.0.1", 8000
# A request never waits for one; the writers of the spool and its booker, too.
CONNECTIONS = THREADS + 7


@click.command()
@click.option("--host", default=HOST, show_default=True, help="待ち受けるアドレス。")
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="ポート。"
)
@MUNICIPALITY
@session_of
def serve(session: Session, host: str, port: int) -> None:
    """画面とAPIのサーバーを動かします（Ctrl-C で止まります）。"""
    run_server(session, host, port)


def run_server(session: Session, host: str, port: int) -> None:
    """Serve until interrupted; :class:`ConfigurationError` ``port_in_use``, or of a setting."""
    _require_usable(session.settings)  # Said here, and not by the worker.
    with contextlib.suppress(SQLAlchemyError):  # /readyz says what is wrong with the database.
        require_evidence_keys(session.settings)
    found = free_port(host, port)
    shown = f"[{host}]" if ":" in host else host

    def ready() -> None:
        session.err.print(f"http://{shown}:{found}/ で動いています。", markup=False)

    server.run(partial(_load, session.settings), host, found, ready)


def _require_usable(settings: Settings) -> None:
    """What a process would only stumble over at the first request or round is said at its start.

    Raises :class:`ConfigurationError` ``secret_key``, ``home``, ``metrics_token``,
    ``notification_keys`` or ``inbox_markers``.
    """
    settings.secret()
    settings.named_keys()
    require_token(settings)
    markers_of(settings)


def _load(settings: Settings) -> tuple[WSGIApplication, Callable[[], None]]:
    """The application as the worker serves it, booking behind its requests; and its end."""
    from web.app import create_app  # noqa: PLC0415 - only a server needs it

    begin_logs()
    end_tracing = begin_tracing(settings, "serve")
    app = create_app(settings, open_books(settings, connections=CONNECTIONS))
    services: Services = app.extensions["kokin"]
    # Before `kokin init` there is nothing to book; /readyz says so.
    with contextlib.suppress(ConfigurationError, SQLAlchemyError):
        services.begin_booking()

    def close() -> None:
        services.close()
        end_tracing()

    return app, close


@click.command()
@click.option("--beside", is_flag=True, hidden=True, help="起動した側とともに終わります。")
@MUNICIPALITY
@session_of
def schedule(session: Session, *, beside: bool) -> None:
    """定時処理を動かします: 受信フォルダの資料の取込と、毎日の再照合（Ctrl-C で止まります）。"""
    from web.scheduler import run_scheduler  # noqa: PLC0415 - only this process needs it

    begin_logs()
    _require_usable(session.settings)
    if beside:  # Of a process that holds the other end of the standard input.
        end_with(partial(os.read, sys.stdin.fileno(), 1))
    require_evidence_keys(session.settings)
    end_tracing = begin_tracing(session.settings, "schedule")
    try:
        run_scheduler(session.settings, session.engine, session.err)
    finally:
        end_tracing()
