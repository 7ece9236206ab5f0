"""The floor of :mod:`notify`: one bare durable insert per request, behind the same server.

Flask, a signature compared in constant time, JSON with a few checks, an insert under a unique key,
201. On SQLite (WAL, ``synchronous = FULL``) one writer thread commits for all who wait; PostgreSQL
gathers the commits of its sessions itself, so that each thread has a connection of its own there.
``python -m benchmarks._notify_floor FILE_OR_ADDRESS`` says its port.
"""

from __future__ import annotations

import hmac
import json
import queue
import sqlite3
import sys
import threading
import time
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from web import server

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

    Row = tuple[str, str, int, str, float]
    Insert = Callable[[Row], None]

SECRET = b"a-secret-of-the-floor"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS floor (number {number} PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
    "slip TEXT NOT NULL, amount_yen BIGINT NOT NULL, body TEXT NOT NULL, at DOUBLE PRECISION)"
)
_INSERT = (
    "INSERT INTO floor (name, slip, amount_yen, body, at) VALUES ({0}, {0}, {0}, {0}, {0}) "
    "ON CONFLICT (name) DO NOTHING"
)


def sign(body: bytes) -> str:
    """The signature that the floor expects."""
    return hmac.new(SECRET, body, sha256).hexdigest()


def application(insert: Insert) -> WSGIApplication:
    """The smallest service that keeps a notification."""
    app = Flask(__name__)

    @app.post("/notify")
    def notify() -> Response:
        body = request.get_data()
        if not hmac.compare_digest(sign(body), request.headers.get("X-Signature", "")):
            return Response(status=401)
        found: dict[str, Any] = json.loads(body)
        slip, amount = found["konbini_barcode"], found["amount_yen"]
        if not (len(slip) == 44 and slip.isdigit() and isinstance(amount, int) and amount > 0):
            return Response(status=422)
        insert((request.headers["Idempotency-Key"], slip, amount, body.decode(), time.time()))
        return Response('{"status":"accepted"}', 201, mimetype="application/json")

    return app


class OneWriter:
    """SQLite: one thread commits for all who wait."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._waiting: queue.SimpleQueue[tuple[Row, threading.Lock]] = queue.SimpleQueue()
        threading.Thread(target=self._write, daemon=True).start()

    def insert(self, row: Row) -> None:
        """Returns when the row is on the disk."""
        done = threading.Lock()
        done.acquire()
        self._waiting.put((row, done))
        done.acquire()

    def _write(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_TABLE.format(number="INTEGER"))
        statement = _INSERT.format("?")
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, [row for row, _done in batch])
            connection.execute("COMMIT")
            for _row, done in batch:
                done.release()


class OwnConnections:
    """PostgreSQL: each thread has a connection, and each insert its commit."""

    def __init__(self, url: str) -> None:
        import psycopg  # noqa: PLC0415

        self._open = partial(psycopg.connect, url.replace("+psycopg", ""), autocommit=True)
        with self._open() as connection:
            number = "BIGINT GENERATED ALWAYS AS IDENTITY"
            connection.execute(_TABLE.format(number=number).encode())
        self._mine = threading.local()
        self._statement = _INSERT.format("%s").encode()

    def insert(self, row: Row) -> None:
        """Returns when the row is on the disk."""
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._open()
        connection.execute(self._statement, row)


def load(place: str) -> tuple[WSGIApplication, Callable[[], None]]:
    """The application over a file of SQLite or an address of PostgreSQL."""
    store = OwnConnections(place) if "://" in place else OneWriter(place)
    return application(store.insert), lambda: None


def _main() -> None:
    place = sys.argv[1]
    port = server.free_port("127.0.0.1", 0)
    # Its loader is found by this name in the worker, not under "__main__".
    from benchmarks import _notify_floor  # noqa: PLC0415

    ready = partial(print, port, file=sys.stderr, flush=True)
    server.run(partial(_notify_floor.load, place), "127.0.0.1", port, ready)


if __name__ == "__main__":
    _main()
