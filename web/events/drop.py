"""外部通知ファイル: events as files in a folder, for networks that nothing may be called from.

Each file holds events as JSON Lines; its SHA-256 stands beside it. Files are numbered per
subscriber from 1 without gaps, are whole or absent, and never change: what stands in a file is
written down (``event_drop``) before the file is, and a file that a crash has left out is made again
with the same bytes. A receiver that finds a number missing knows that something was lost.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select, text, update

from payments.domain.errors import ConfigurationError, NotFoundError
from payments.store.unit_of_work import reading
from web import clock
from web.events.body import bodies, encoded
from web.events.subscribers import subscribers
from web.events.tables import EventDropRow
from web.jobs.locks import noting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from web.events.subscribers import Subscriber

LINES_MAX = 10_000  # of one file
drops = EventDropRow.__table__  # type: ignore[attr-defined]


class Drop(NamedTuple):
    """外部通知ファイル: one file, and which events stand in it."""

    file_no: int
    first_event_no: int
    last_event_no: int
    event_count: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"events-{self.file_no:08d}.jsonl"


def drop(
    engine: Engine,
    municipality_code: str,
    subscriber: Subscriber,
    beat: Callable[[], None] = lambda: None,
) -> int:
    """書き出し: everything that has happened since the last file; how many files.

    Raises :class:`ConfigurationError` ``event_folder_unwritable``; the next run goes on from there.
    """
    number = _write_what_was_left(engine, municipality_code, subscriber)
    while True:
        beat()
        with noting(engine, municipality_code) as connection:
            found = _plan(connection, municipality_code, subscriber, clock.now())
        if found is None:
            return number
        planned, data = found
        if planned is not None:
            _write(engine, municipality_code, subscriber, planned, data)
            number += 1


def write_again(
    engine: Engine, municipality_code: str, subscriber: Subscriber, file_no: int
) -> Path:
    """再出力: a file of the past with the same bytes.

    Raises :class:`NotFoundError` ``event_file`` and :class:`ConfigurationError`
    ``event_folder_unwritable``.
    """
    with reading(engine, municipality_code) as connection:
        found = _drops(connection, municipality_code, subscriber, drops.c.file_no == file_no)
    if not found:
        raise NotFoundError("event_file", name=subscriber.name, found=file_no)
    data = _data(engine, municipality_code, subscriber, found[0])
    return _write_file(subscriber, found[0], data)


def _write_what_was_left(engine: Engine, municipality_code: str, subscriber: Subscriber) -> int:
    """Files that are written down and not written: a process died between the two. How many."""
    with reading(engine, municipality_code) as connection:
        written = connection.execute(
            select(subscribers.c.written_file_no).where(*_me(municipality_code, subscriber))
        ).scalar_one()
        waiting = _drops(connection, municipality_code, subscriber, drops.c.file_no > written)
    for planned in waiting:
        data = _data(engine, municipality_code, subscriber, planned)
        _write(engine, municipality_code, subscriber, planned, data)
    return len(waiting)


def _write(
    engine: Engine, municipality_code: str, subscriber: Subscriber, planned: Drop, data: bytes
) -> None:
    """One file, and that it is there: it may be taken away from now on."""
    _write_file(subscriber, planned, data)
    with noting(engine, municipality_code) as connection:
        connection.execute(
            update(subscribers)
            .where(*_me(municipality_code, subscriber))
            .values(written_file_no=planned.file_no)
        )


def _me(municipality_code: str, subscriber: Subscriber) -> tuple[Any, ...]:
    return (
        subscribers.c.municipality_code == municipality_code,
        subscribers.c.subscriber_no == subscriber.subscriber_no,
    )


def _drops(
    connection: Connection, municipality_code: str, subscriber: Subscriber, which: Any
) -> list[Drop]:
    """Files of a folder, in their order."""
    rows = connection.execute(
        select(*(drops.c[name] for name in Drop._fields))
        .where(
            drops.c.municipality_code == municipality_code,
            drops.c.subscriber_no == subscriber.subscriber_no,
            which,
        )
        .order_by(drops.c.file_no)
    )
    return [Drop._make(row) for row in rows]


def _data(engine: Engine, municipality_code: str, subscriber: Subscriber, planned: Drop) -> bytes:
    """The bytes of a file of the past."""
    first, last = planned.first_event_no, planned.last_event_no
    with reading(engine, municipality_code) as connection:
        return _lines(connection, municipality_code, subscriber, first, last)[0]


def _write_file(subscriber: Subscriber, planned: Drop, data: bytes) -> Path:
    """One file and its hash beside it; a second time the same bytes."""
    folder = Path(subscriber.address)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The hash comes first: whoever sees the file can check it.
        _place(folder / f"{planned.name}.sha256", f"{planned.sha256}  {planned.name}\n".encode())
        _place(folder / planned.name, data)
        _keep(folder)
    except OSError as error:
        raise ConfigurationError(
            "event_folder_unwritable", path=str(folder), found=str(error.strerror)
        ) from error
    return folder / planned.name


def _plan(
    connection: Connection, municipality_code: str, subscriber: Subscriber, now: datetime
) -> tuple[Drop | None, bytes] | None:
    """What stands in the next file, written down; no file where nothing concerns the subscriber.

    None when nothing has happened.
    """
    me = _me(municipality_code, subscriber)
    mark = select(subscribers.c.next_event_no).where(*me).with_for_update()
    first = connection.execute(mark).scalar_one()
    last = connection.execute(
        text(
            "SELECT COALESCE(MAX(event_no), 0) FROM event WHERE municipality_code = :m "
            "AND event_no >= :first AND event_no < :before"
        ),
        {"m": municipality_code, "first": first, "before": first + LINES_MAX},
    ).scalar_one()
    if last < first:
        return None
    connection.execute(update(subscribers).where(*me).values(next_event_no=last + 1))
    data, count = _lines(connection, municipality_code, subscriber, first, last)
    if not count:
        return None, b""
    newest = select(func.coalesce(func.max(drops.c.file_no), 0) + 1).where(
        drops.c.municipality_code == municipality_code,
        drops.c.subscriber_no == subscriber.subscriber_no,
    )
    file_no = connection.execute(newest).scalar_one()
    planned = Drop(file_no, first, last, count, sha256(data).hexdigest())
    connection.execute(
        insert(drops).values(
            municipality_code=municipality_code,
            subscriber_no=subscriber.subscriber_no,
            made_at=now,
            **planned._asdict(),
        )
    )
    return planned, data


def _lines(
    connection: Connection, municipality_code: str, subscriber: Subscriber, first: int, last: int
) -> tuple[bytes, int]:
    """The bytes of a file, and how many events stand in it."""
    found = [encoded(one) for one in bodies(connection, subscriber, municipality_code, first, last)]
    return b"\n".join([*found, b""]), len(found)


def _place(target: Path, data: bytes) -> None:
    """Whole or absent, also after a power cut."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


def _keep(folder: Path) -> None:
    """The names in the folder are on the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
