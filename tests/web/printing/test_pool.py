from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial

import pytest
from ending import ending

from payments.domain.errors import ConfigurationError, KokinError, RefusedError
from web.printing.pool import in_workers


# What the workers run: at the top of a module, so that a fresh process finds it.
def square(number, tick):
    tick(number)
    return number * number, os.getpid()


def refuse_from(first, number, tick):
    tick(1)
    if number >= first:
        raise RefusedError("slips_none", found=number)
    return number


def tick_for_ever(number, tick):
    if number:
        while True:
            tick(0)
    return number


def die(_number, _tick):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_gives_its_result_once(workers):
    shown = []
    results = list(in_workers(square, range(1, 9), workers, shown.append))
    assert sorted(result for result, _ in results) == [n * n for n in range(1, 9)]
    assert shown[-1] == sum(range(1, 9))
    assert shown == sorted(shown)
    here = os.getpid()
    assert all((pid == here) == (workers == 1) for _, pid in results)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_refusal_keeps_its_code_and_what_was_finished_before(workers):
    done = []
    with pytest.raises(KokinError) as refused:
        done.extend(in_workers(partial(refuse_from, 3), range(1, 30), workers, lambda _: None))
    assert refused.value.error_code == "slips_none"
    assert refused.value.details["found"] not in done
    assert sorted(done) == [1, 2]


def test_a_killed_worker_is_said_and_not_waited_for():
    with pytest.raises(ConfigurationError) as died:
        list(in_workers(die, range(2), 2, lambda _: None))
    assert died.value.error_code == "print_worker_died"


def test_tasks_end_when_nobody_waits_for_them_any_more():
    results = in_workers(tick_for_ever, range(4), 2, lambda _: None)
    assert next(results) == 0
    results.close()


ORPHANS = """
import os, signal, sys, time
sys.path[:0] = [{tests!r}]
from web.printing.pool import in_workers
from test_pool_orphan import wait_long
if __name__ == "__main__":
    list(in_workers(wait_long, [1, 2], 2, lambda _: None))
"""
WAIT_LONG = """
import os, sys, time
def wait_long(number, tick):
    # In one piece: where nothing is buffered, print writes the end of the line by itself.
    os.write(1, b"%d\\n" % os.getpid())
    tick(1)
    time.sleep(600)
"""


def test_workers_end_with_their_parent(tmp_path):
    (tmp_path / "test_pool_orphan.py").write_text(WAIT_LONG, "utf-8")
    script = tmp_path / "parent.py"
    script.write_text(ORPHANS.format(tests=str(tmp_path)), "utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with ending([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment) as parent:
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        parent.kill()
        # The pipe closes when the last of the three processes has gone.
        assert parent.stdout.read() == b""
    assert len(set(workers)) == 2
