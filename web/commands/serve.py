"""``kokin serve`` and ``kokin schedule``: the web server and the scheduler process."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import sys
from typing import TYPE_CHECKING

import click
from sqlalchemy.exc import SQLAlchemyError

from payments.domain.errors import ConfigurationError
from web.commands.session import MUNICIPALITY, Session, session_of

if TYPE_CHECKING:
    from web.services import Services

HOST, PORT = "127.0.0.1", 8000
THREADS = 16
SWITCH_SECONDS = 0.0005


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


def require_free_port(host: str, port: int) -> None:
    """Refuse a port that is taken; :class:`ConfigurationError` ``port_in_use``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError("port_in_use", port=port) from error


def run_server(session: Session, host: str, port: int) -> None:
    """Serve until interrupted; :class:`ConfigurationError` ``port_in_use``."""
    from waitress.server import create_server  # noqa: PLC0415 - only a server needs it

    from web.app import create_app  # noqa: PLC0415 - the same

    app = create_app(session.settings)
    try:
        server = create_server(app, host=host, port=port, threads=THREADS, ident="kokin")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError("port_in_use", port=port) from error
        raise
    services: Services = app.extensions["kokin"]
    # Before `kokin init` there is nothing to book; /readyz says so.
    with contextlib.suppress(ConfigurationError, SQLAlchemyError):
        services.begin_booking()
    _answer_promptly()
    shown = f"[{host}]" if ":" in host else host
    session.err.print(f"http://{shown}:{server.effective_port}/ で動いています。", markup=False)
    try:
        server.run()
    finally:
        server.close()
        services.close()


def _answer_promptly() -> None:
    """Keep what stops all threads at once short (benchmarks/notify_beside_import.py)."""
    # A full collection walks through everything that is loaded: up to 0.1 s in which nobody is
    # answered. What is there now stays to the end and need not be looked at again.
    gc.collect()
    gc.freeze()
    # How long the thread that books may keep the interpreter while requests wait for it.
    sys.setswitchinterval(SWITCH_SECONDS)


@click.command()
@MUNICIPALITY
@session_of
def schedule(session: Session) -> None:
    """定時処理を動かします: 受信フォルダの資料の取込と、毎日の再照合（Ctrl-C で止まります）。"""
    from web.scheduler import run_scheduler  # noqa: PLC0415 - only this process needs it

    run_scheduler(session.settings, session.engine, session.municipality, session.err)
