"""口座振替の同時実行と中断: two processes at once, or one killed, end in one batch, sent once."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest
from debit_town import DEBIT_ON, DebitTown
from ending import PATIENCE, ending

from payments.domain.errors import InvalidValueError
from reconcile.debit import batches as books

ROOT = Path(__file__).parents[3]
# One process: it says that it is ready, waits for a line, and does one thing.
WORK = """
import json, os, sys
from datetime import UTC, date, datetime
from payments.domain.errors import KokinError
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.debit import build, release
url, what, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
act = build.Act("baba", datetime(2026, 5, 11, 3, tzinfo=UTC), date(2026, 5, 11))
engine = open_engine(url)
print("ready", flush=True)
sys.stdin.readline()
try:
    with unit_of_work(engine, "99999") as connection:
        profile = load_profile(connection, "99999")
        if what.startswith("build"):
            _, built = build.build(connection, profile, date(2026, 5, 28), act)
            said = [batch.batch_no for batch in built]
        else:
            said = release.send(connection, profile, number, act)[0].file_sha256
        if what.endswith("-killed"):
            print("written", flush=True)
            sys.stdin.readline()
    if what.endswith("-killed-late"):
        print("written", flush=True)
        sys.stdin.readline()
except KokinError as error:
    said = error.error_code
print(json.dumps(said), flush=True)
"""


@pytest.fixture
def town(database_url, kokin_loaded):
    found = DebitTown(database_url)
    found.start = kokin_loaded.start
    found.settle(4)
    yield found
    found.close()


def _started(town, what, number=0):
    url = town.engine.url.render_as_string(hide_password=False)
    return ending(
        [sys.executable, "-c", WORK, url, what, str(number)],
        start=town.start, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _is_ready(process):
    return process.stdout.readline() == "ready\n"


def _begin(process):
    """Let it do its one thing."""
    process.stdin.write("\n")
    process.stdin.flush()


def _at_once(town, what, number=0):
    """Two processes told to begin together; what each says."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_started(town, what, number)) for _ in range(2)]
        assert all(map(_is_ready, processes))
        for process in processes:
            _begin(process)
        return [json.loads(process.communicate(timeout=PATIENCE)[0]) for process in processes]


def test_two_at_once_build_and_send_one_batch(town):
    said = _at_once(town, "build")
    assert sorted(map(len, said)) == [0, 2]
    with town.read() as connection:
        first, second = books.batches_on(connection, town.code, DEBIT_ON)
    assert {first.bank_code, second.bank_code} == {"9998", "9999"}
    town.released(first)
    said = _at_once(town, "send", first.batch_no)
    assert sorted(said) == sorted([first.file_sha256, "reason_missing"])
    events = [event.event for event in town.batch(first.batch_no).events]
    assert events == ["built", "released", "sent"]


def _killed(town, what, number=0):
    """A process that has written, and is killed before it says anything more."""
    with _started(town, what, number) as process:
        assert _is_ready(process)
        _begin(process)
        assert process.stdout.readline() == "written\n"
        process.kill()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_build_that_was_killed_has_built_nothing(town):
    _killed(town, "build-killed")
    with town.read() as connection:
        assert books.batches(connection, town.code) == []
    assert len(town.build()) == 2
    assert town.build() == []


def test_who_is_killed_while_sending_has_sent_it_or_not_and_never_twice(town):
    first, second = town.build()
    for batch in (first, second):
        town.released(batch)
    # Before the commit nothing was sent: it goes out once, later, and once more only with a reason.
    _killed(town, "send-killed", first.batch_no)
    assert town.batch(first.batch_no).state == "released"
    sent, data = town.send(first)
    # Behind the commit it counts as sent, though nobody has got the bytes: they are the same.
    _killed(town, "send-killed-late", second.batch_no)
    assert town.batch(second.batch_no).state == "sent"
    for batch in (sent, second):
        with pytest.raises(InvalidValueError, match="reason_missing"):
            town.send(batch)
    again = [town.send(batch, reason="途中で止まった")[1] for batch in (sent, second)]
    assert again[0] == data
    assert [sha256(each).hexdigest() for each in again] == [first.file_sha256, second.file_sha256]
