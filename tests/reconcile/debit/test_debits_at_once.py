"""口座振替の同時実行と中断: two processes at once, or one killed, end in one batch, sent once."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from debit_town import DEBIT_ON, DebitTown
from ending import PATIENCE, ending

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
            if what == "build-killed":
                print("written", flush=True)
                sys.stdin.readline()
        else:
            said = release.send(connection, profile, number, act)[0].file_sha256
except KokinError as error:
    said = error.error_code
print(json.dumps(said), flush=True)
"""


@pytest.fixture
def town(database_url):
    found = DebitTown(database_url)
    found.settle(4)
    yield found
    found.close()


def _started(town, what, number=0):
    url = town.engine.url.render_as_string(hide_password=False)
    return ending(
        [sys.executable, "-c", WORK, url, what, str(number)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_build_that_was_killed_has_built_nothing(town):
    with _started(town, "build-killed") as process:
        assert _is_ready(process)
        _begin(process)
        assert process.stdout.readline() == "written\n"  # and not committed
        process.kill()
    with town.read() as connection:
        assert books.batches(connection, town.code) == []
    assert len(town.build()) == 2
    assert town.build() == []
