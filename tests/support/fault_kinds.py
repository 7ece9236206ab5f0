"""災いの種類: what can happen to an installation while it works, each at a random moment.

Each function does one thing to a town under load and makes an end of it; that everything is in the
books once afterwards is asked by who calls it (:mod:`faults`).
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fault_ledger import CANCELLED, CONFIRMED, M, of_kind
from fault_town import PATIENCE, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg
    from fault_town import Town
    from kokin_forked import Child

MINUTE, HOUR, DAY = 60, 3_600, 86_400
NOTES, LINES = 10, 8  # of one burst, of one file
COMMANDS = (("reconcile",), ("verify",), ("jobs", "run", "seal"))
_TURN_ON, _TURN_OFF = "SET session_replication_role = replica", "RESET session_replication_role"


@dataclass(frozen=True)
class Kind:
    """種類 of fault: its name in the table, what does it, and the databases it can happen to."""

    name: str
    do: Callable[[Town], object]
    only: str = ""


def kill_server(town: Town) -> None:
    """kill -9 of the server between requests and answers."""
    with town.load(_notes(town)):
        _pause(town, 0.15)
        town.serve.kill()


def kill_scheduler(town: Town) -> None:
    """kill -9 of the scheduler while it takes in what lies in the folder."""
    for _file in range(2):
        town.drop(*_file_of(town))
    _pause(town, 1.5)
    town.schedule.kill()


def kill_intake(town: Town) -> None:
    """kill -9 of a command that takes in a file."""
    with town.load(_notes(town, 4)):
        _kill_while_it_runs(town, lambda: town.intake(*_file_of(town)))


def kill_command(town: Town) -> None:
    """kill -9 of a command that writes what follows from the books."""
    words = town.chance.choice(COMMANDS)
    with town.load(_notes(town, 4)):
        _kill_while_it_runs(town, lambda: town.start(*words))


def full_disk(town: Town) -> None:
    """No room, at once or after the next few writes, for everything that is under way."""
    town.disk.leave(town.chance.randrange(400_000))
    with town.load(_notes(town)):
        town.drop(*_file_of(town))
        _ends_with_a_sentence(town.intake(*_file_of(town)))
    town.disk.mend()


def read_only_disk(town: Town) -> None:
    """The machine comes up again, and its disk can only be read until somebody mends it."""
    town.close()
    with _nothing_can_be_written(town):
        town.try_to_open()
        assert _ends_with_a_sentence(town.intake(*_file_of(town))) != 0
        before = len(town.sent)
        with town.load(_notes(town, 4)):
            pass
        assert len(town.sent) == before, "it said it had kept what it could not keep"
        town.close()


def lost_connection(town: Town) -> None:
    """The server of the database ends all sessions, the line is cut, or it is down for a while."""
    way = town.chance.choice(("ended", "cut", "down"))
    town.drop(*_file_of(town))
    with town.load(_notes(town)):
        command = town.intake(*_file_of(town))
        _pause(town, 0.4)
        if way == "ended":
            with _superuser(town) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        else:
            town.wire.lie_down(down=way == "down")
            town.wire.cut()
            _pause(town, 0.6)
            town.wire.lie_down(down=False)
    _ends_with_a_sentence(command)


def slow_database(town: Town) -> None:
    """Every answer takes its time, statements are cut short, or somebody holds the books."""
    ways: dict[str, Callable[[Town], object]] = {"held": _books_held}
    if town.wire is not None:
        ways |= {"slow": _slow_line, "short": _short_statements}
    way = ways[town.chance.choice([*ways])]
    town.drop(*_file_of(town))
    way(town)


def clock_jump(town: Town) -> None:
    """The clock of the machine is wrong for a while, either way."""
    way = town.chance.choice((-1, 1))
    far = town.chance.choice((2 * MINUTE, HOUR, 30 * HOUR))
    with town.load(_notes(town, 4)):
        town.clock.jump(way * town.chance.uniform(MINUTE, far))
    town.drop(*_file_of(town))
    with town.load(_notes(town, 4)):
        _pause(town, 1.5)
        town.clock.jump(0)
    # What was booked a day ago by a clock that was wrong has waited for its seal for a day.
    _sealed(town)


def missed_night(town: Town) -> None:
    """The machine stood still over a night; what should have run then is made up for once."""
    night = town.clock.now().date().isoformat()
    town.drop(*_file_of(town))
    town.clock.go_on(DAY)
    with town.load(_notes(town, 4)):
        pass
    _sealed(town, night)


def _sealed(town: Town, night: str = "") -> None:
    """Wait until all that is booked is sealed, and the report of the night is there."""
    end = time.monotonic() + PATIENCE
    while town.reported_until() < night or town.waits_for_seal():
        assert time.monotonic() < end, town.words()
        time.sleep(0.1)


def delivered_twice(town: Town) -> None:
    """The same file under another name, half of it in another file, the same requests again."""
    name, data = _file_of(town)
    reports = town.ledger.payments(LINES)
    whole, half = town.file(reports), town.file(reports[: LINES // 2] + town.ledger.payments(2))
    deliveries = [(name, data), (f"again-{name}", data), whole, half]
    town.chance.shuffle(deliveries)
    commands = []
    for each in deliveries:
        if town.chance.random() < 0.5:
            town.drop(*each)
        else:
            commands.append(town.intake(*each))
    notes = _notes(town, 4)
    with town.load([*notes, *notes]):  # the same requests, at the same time
        pass
    for _name, body in town.chance.sample(town.sent, min(3, len(town.sent))):
        assert town.post(body) in {200, 201, 202}
    for child in commands:
        _goes_well(child)


def delivered_out_of_order(town: Town) -> None:
    """確報 before 速報, by ways that know nothing of each other; 取消 of what came long ago."""
    paid = town.ledger.payments(LINES)
    confirmed = [of_kind(CONFIRMED, report.bill, report.place) for report in paid[: LINES // 2]]
    later = town.ledger.later(CANCELLED, 2) + town.ledger.later(CONFIRMED, 2)
    told = [report for report in later if report.kind == CANCELLED]
    told += [each for each in later if each.place not in {report.place for report in told}]
    files = [town.file(confirmed), town.file(told)]
    town.chance.shuffle(files)
    with town.load(town.notifications(paid[: LINES // 4])):
        town.drop(*files[0])
        _goes_well(town.intake(*files[1]))
    town.drop(*town.file([*reversed(paid)]))


def broken_delivery(town: Town) -> None:
    """A file that ends somewhere, then the whole one: of the first nothing is booked."""
    name, data = _file_of(town)
    part = data[: town.chance.randrange(1, len(data) - 4)]
    if town.chance.random() < 0.5:
        town.drop(f"part-{name}", part)
        town.files.pop()
    else:
        path = town.folder / f"part-{name}"
        path.write_bytes(part)
        assert town.start("intake", str(path)).wait(PATIENCE) == 1
    town.drop(name, data)


def corrupted_evidence(town: Town) -> None:
    """One byte, the rest or all of what was kept goes past every guard; verify names the file."""
    if not town.files:  # It is the first fault of all.
        town.drop(*_file_of(town))
        town.settle()
    name, data = town.chance.choice(town.files)
    way = town.chance.choice(("flipped", "cut", "gone"))
    place = town.chance.randrange(len(data))
    altered = {
        "flipped": data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
        "cut": data[:place],
        "gone": None,
    }[way]
    _keep(town, data, altered)
    named = {difference.name for difference in town.verify()}
    assert "evidence_hash" in named, (name, way, named)
    assert town.start("verify").wait(PATIENCE) == 1
    _keep(town, data, data)


KINDS = (
    Kind("kill_server", kill_server),
    Kind("kill_scheduler", kill_scheduler),
    Kind("kill_intake", kill_intake),
    Kind("kill_command", kill_command),
    Kind("full_disk", full_disk),
    Kind("read_only_disk", read_only_disk),
    Kind("lost_connection", lost_connection, only="postgresql"),
    Kind("slow_database", slow_database),
    Kind("clock_jump", clock_jump),
    Kind("missed_night", missed_night),
    Kind("delivered_twice", delivered_twice),
    Kind("delivered_out_of_order", delivered_out_of_order),
    Kind("broken_delivery", broken_delivery),
    Kind("corrupted_evidence", corrupted_evidence),
)


def _notes(town: Town, number: int = NOTES) -> list[tuple[str, bytes]]:
    later = town.ledger.later(CONFIRMED, number // 4)
    return town.notifications(town.ledger.payments(number - len(later)) + later)


def _file_of(town: Town) -> tuple[str, bytes]:
    later = town.ledger.later(CONFIRMED, LINES // 4)
    return town.file(town.ledger.payments(LINES - len(later)) + later)


def _pause(town: Town, longest: float) -> None:
    time.sleep(town.chance.uniform(0, longest))


def _kill_while_it_runs(town: Town, start: Callable[[], Child]) -> None:
    """At a random moment of what such a command takes; sooner, if it was too late."""
    longest = 0.5
    while True:
        child = start()
        _pause(town, longest)
        child.kill()
        if child.status is not None and child.status < 0:
            return
        longest /= 2


def _goes_well(child: Child) -> None:
    """A command that nothing stands in the way of."""
    status = child.wait(PATIENCE)
    assert status == 0, f"it ended with {status}: {child.words()}"


def _ends_with_a_sentence(child: Child) -> int:
    """The exit code of a command; whatever was wrong, it has said so in words for people."""
    status = child.wait(PATIENCE)
    assert "Traceback" not in child.words(), child.words()
    assert status == 0 or child.words().strip()
    return status


@contextmanager
def _nothing_can_be_written(town: Town) -> Iterator[None]:
    """Neither beside the books nor in them."""
    town.disk.forbid()
    if town.wire is not None:
        with _superuser(town) as connection:
            connection.execute(_alter(connection, "SET default_transaction_read_only = on"))
    try:
        yield
    finally:
        town.disk.mend()
        if town.wire is not None:
            with _superuser(town) as connection:
                connection.execute(_alter(connection, "RESET default_transaction_read_only"))


def _books_held(town: Town) -> None:
    """Somebody has the lock of the books, and keeps it."""
    if town.wire is not None:
        with _superuser(town) as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('kokin'), hashtext(%s))", [M])
            _meanwhile(town)
        return
    with closing(sqlite3.connect(town.url.partition(":///")[2], timeout=60)) as file:
        file.execute("BEGIN IMMEDIATE")
        _meanwhile(town)


def _slow_line(town: Town) -> None:
    town.wire.slow(town.chance.uniform(0.005, 0.05))
    _meanwhile(town)
    town.wire.slow(0)


def _short_statements(town: Town) -> None:
    """No statement may take longer than a moment, in sessions that begin now."""
    moment = town.chance.randrange(2, 30)
    with _superuser(town) as connection:
        connection.execute(_alter(connection, f"SET statement_timeout = {moment}"))
        town.wire.cut()
        _meanwhile(town)
        connection.execute(_alter(connection, "RESET statement_timeout"))
    town.wire.cut()


def _meanwhile(town: Town) -> None:
    with town.load(_notes(town)):
        command = town.intake(*_file_of(town))
        time.sleep(town.chance.uniform(0.3, 1.0))
        if not command.has_ended():
            command.kill()


@contextmanager
def _superuser(town: Town) -> Iterator[psycopg.Connection]:
    """A connection past the wire and past every guard; what the others are set to is not for it."""
    assert town.cluster is not None
    with town.cluster.connect(_name(town)) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("SET statement_timeout = 0")
        yield connection


def _name(town: Town) -> str:
    return town.url.rpartition("/")[2]


def _alter(connection: psycopg.Connection, change: str) -> bytes:
    return f'ALTER DATABASE "{connection.info.dbname}" {change}'.encode()


def _keep(town: Town, data: bytes, altered: bytes | None) -> None:
    """Put something else in the place of the evidence; None: nothing at all."""
    sha256 = digest(data)
    gone = "DELETE FROM evidence WHERE municipality_code = ? AND sha256 = ?"
    put = "INSERT INTO evidence (municipality_code, sha256, piece_no, data) VALUES (?, ?, 0, ?)"
    if town.wire is not None:
        with _superuser(town) as connection:
            connection.execute(_TURN_ON)
            connection.execute(gone.replace("?", "%s").encode(), [M, sha256])
            if altered is not None:
                connection.execute(put.replace("?", "%s").encode(), [M, sha256, altered])
            connection.execute(_TURN_OFF)
        return
    with closing(sqlite3.connect(town.url.partition(":///")[2], timeout=60)) as file:
        guards = file.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'evidence'"
        ).fetchall()
        file.execute("BEGIN IMMEDIATE")
        for name, _sql in guards:
            file.execute(f"DROP TRIGGER {name}")
        file.execute(gone, [M, sha256])
        if altered is not None:
            file.execute(put, [M, sha256, altered])
        for _name, sql in guards:
            file.execute(sql)
        file.commit()
