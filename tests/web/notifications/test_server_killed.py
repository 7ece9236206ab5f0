"""A server that is killed -9 right behind a 2xx: nothing is lost, and nothing is booked twice."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager, suppress

import pytest
from ending import PATIENCE, ending, kill_all
from signed_requests import URL, headers
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.notifications.checking import verify
from web.notifications.outlook import book_rest, waiting
from web.notifications.spool import Spool

M = "99999"
KEY, SECRET = "pay-1", "a-secret-of-the-tests-and-long-enough"
SENDERS = 8


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_city(request, kokin_loaded):
    """The small city on both kinds of database, and what starts a server quickly."""
    found = request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")
    found.start = kokin_loaded.start
    return found


class Server:
    """``kokin serve`` in a process of its own."""

    def __init__(self, process, port):
        self.process = process
        self.port = port

    def ask(self, method, path, body=b""):
        path = f"{URL}{path}"
        signed = headers(KEY, SECRET, body, method=method, path=path)
        # Closed also where the server has gone before it answered.
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        ) as connection:
            connection.request(method, path, body, signed)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()).get("status")

    def post(self, number):
        return self.ask("POST", "", _body(number))

    def wait_until_booked(self, number):
        """However slow the machine: a second after it came, what waits is answered ``received``."""
        deadline = time.monotonic() + PATIENCE
        while self.ask("GET", f"/n-{number}") != (200, "accepted"):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self):
        kill_all(self.process)  # with its worker, at the same moment
        self.process.wait(PATIENCE)


@contextmanager
def _server(city):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")} | {
        "KOKIN_HOME": str(city.settings.home),
        "KOKIN_DATABASE_URL": city.settings.database_url,
        "KOKIN_SECRET_KEY": city.settings.secret_key,
        "KOKIN_NOTIFICATION_KEYS": f"{KEY}:{SECRET}",
    }
    command = [sys.executable, "-m", "web", "serve", "--port", "0"]
    options = {"env": environment, "stderr": subprocess.PIPE, "text": True}
    with ending(command, start=city.start, **options) as process:
        said = process.stderr.readline()
        yield Server(process, int(said.partition("127.0.0.1:")[2].partition("/")[0]))


def _body(number):
    return json.dumps(
        {
            "notification_id": f"n-{number}",
            "el_number": "99999" + "9" * 20 + "123456901", "amount_yen": 100 + number, "paid_on": "2026-06-02", "channel": "app",
            "operator_code": "0820", "transaction_id": f"TX-{number}",
        }
    ).encode()  # fmt: skip


def _booked(city):
    with reading(city.engine, M) as connection:
        return list(
            connection.execute(
                text(
                    "SELECT r.amount_yen FROM receipt r JOIN source_file f "
                    "ON f.municipality_code = r.municipality_code AND f.file_id = r.file_id "
                    "WHERE r.municipality_code = '99999' AND f.channel = 'notification' "
                    "ORDER BY r.file_id"
                )
            ).scalars()
        )


def test_what_was_answered_survives_and_the_next_server_books_it(either_city):
    city = either_city
    with _server(city) as server:
        assert server.post(1)[0] == 202
        server.wait_until_booked(1)
        with unit_of_work(city.engine, M):
            assert [server.post(number) for number in (2, 3)] == [(202, "received")] * 2
            server.kill()
    spool = Spool(city.engine)
    assert [entry.notification_id for entry in spool.next_waiting(M, 0, 9)] == ["n-2", "n-3"]
    spool.close()
    assert _booked(city) == [101]
    with _server(city) as server:
        server.wait_until_booked(3)
        assert [server.post(number)[0] for number in (1, 2, 3)] == [202, 202, 202]
        server.kill()
    assert _booked(city) == [101, 102, 103]


def _send_until_answered(city, numbers, kills):
    """Send all, again and again what nobody answered, to a server that is killed so many times."""
    left = set(numbers)
    while left:
        with _server(city) as server, ThreadPoolExecutor(SENDERS) as senders:
            sent = {senders.submit(server.post, number): number for number in sorted(left)}
            due = len(left) // (kills + 1)
            for future in as_completed(sent):
                # Gone, or not answered to the end: whether it was kept nobody knows.
                with suppress(OSError, http.client.HTTPException, ValueError):
                    status, _said = future.result()
                    assert status in {200, 201, 202}
                    left.discard(sent[future])
                    due -= 1
                    if kills and due == 0:
                        server.kill()
            assert kills or not left
        kills = max(kills - 1, 0)


def _everything_is_booked_once(city, numbers):
    book_rest(city.engine, M)
    assert waiting(city.engine, M).number == 0
    assert sorted(_booked(city)) == [100 + number for number in numbers]
    assert verify(city.engine, M) == []


def test_under_load_nothing_is_lost_and_nothing_is_booked_twice(either_city):
    numbers = range(1, 41)
    _send_until_answered(either_city, numbers, kills=1)
    _everything_is_booked_once(either_city, numbers)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_under_load_killed_again_and_again(either_city, record_property):
    numbers = range(1, 2_001)
    record_property("notifications", len(numbers))
    _send_until_answered(either_city, numbers, kills=6)
    _everything_is_booked_once(either_city, numbers)
