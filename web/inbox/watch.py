"""受信フォルダの取込: files that have arrived are taken in once, by folder and name.

A file leaves its folder only after it is in the books and its copy in the archive. A crash in
between loses nothing: the file is still there, and taking it in again changes nothing. A lease per
file keeps two processes from the same one.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from payments.store.municipalities import municipality_codes
from payments.store.unit_of_work import reading
from reconcile.model import FileStatus
from web import clock, leases
from web.inbox.deliveries import Way
from web.inbox.folders import places
from web.inbox.look import CannotReadError, look_around, read_ready, still_there, stuck
from web.inbox.names import safe_name
from web.inbox.ready import Looks, State
from web.inbox.reception import book, known, put_away

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Engine

    from reconcile.model import FileReport
    from web.config import Settings
    from web.inbox.look import Found

JOB = "intake"
ARCHIVE = "archive"  # beside the states of web.inbox.ready: the copy could not be written

log = logging.getLogger(__name__)


class Stuck(NamedTuple):
    """動かないもの: what stays in a folder until a person does something, and why."""

    why: str  # a state of web.inbox.ready.STUCK, or ARCHIVE
    name: str


class Watch:
    """受信フォルダの見張り of one municipality, for as long as a process looks."""

    def __init__(self, settings: Settings, engine: Engine, municipality_code: str) -> None:
        """Nothing has been seen yet."""
        self.settings = settings
        self.engine = engine
        self.municipality_code = municipality_code
        self.looks = Looks()
        self.holder = leases.holder_name()
        self._told: set[Found] = set()  # what stays, and has been said

    def is_news(self, found: list[Found]) -> bool:
        """Whether a file is ready, or something stays of which nobody has been told yet."""
        stays = set(stuck(found))
        return bool(stays - self._told) or any(each.state is State.READY for each in found)

    def look(self, now: datetime) -> list[Found]:
        """What lies in the folders."""
        alone = self.municipality_code == self.settings.municipality
        if not alone:
            with reading(self.engine) as connection:
                alone = len(municipality_codes(connection)) == 1
        where = places(self.settings, self.municipality_code, alone=alone)
        return look_around(where, self.settings, self.looks, now)

    def take_in(self, found: list[Found], on: date, left: list[Stuck]) -> Iterator[FileReport]:
        """取込 of what is ready; one report per file that this process has handled.

        What has to stay is added to ``left``.
        """
        self._told = set(stuck(found))
        left += [Stuck(each.state.value, safe_name(each.path.name)) for each in stuck(found)]
        for each in found:
            if each.state is not State.READY:
                continue
            try:
                data = read_ready(each)
            except CannotReadError:
                left.append(Stuck(State.UNREADABLE.value, safe_name(each.path.name)))
                continue
            report = None if data is None else self._take_in_one(each, data, on, left)
            if report is not None:
                yield report

    def _take_in_one(
        self, found: Found, data: bytes, on: date, left: list[Stuck]
    ) -> FileReport | None:
        """One file, unless another process has it; None when there was nothing to do here."""
        engine, code = self.engine, self.municipality_code
        name, sha256 = safe_name(found.path.name), hashlib.sha256(data).hexdigest()
        # The same bytes may come again on another day (a nil report): that is another delivery.
        key = f"{name}|{found.look.modified_ns}|{sha256}"
        slot = hashlib.sha256(key.encode()).hexdigest()
        way = Way("inbox", "schedule", found.place.claim)
        if leases.take(engine, code, JOB, slot, self.holder, clock.now()):
            result = "failed"
            try:
                report = book(engine, code, name, data, way, received_on=on)
                # Put back, a failed file may be tried again: its cause may be gone.
                result = "done" if report.status.is_good else "failed"
            finally:
                leases.finish(engine, code, JOB, slot, self.holder, result=result, at=clock.now())
        elif leases.is_done(engine, code, JOB, slot):
            # Booked, but the process died before it could put the file away.
            report = known(engine, code, name, sha256, FileStatus.ACCEPTED)
        else:
            return None
        try:
            put_away(self.settings, engine, code, report, data, way, on=on)
        except OSError as error:
            log.warning("no copy can be written: %s", error.strerror)
            left.append(Stuck(ARCHIVE, name))
            return report
        _remove(found)
        return report


def _remove(found: Found) -> None:
    """Take the file and its marker out of the folder, if it is still the file that was read."""
    if not still_there(found):
        return  # A new file under the old name is the next one.
    with contextlib.suppress(FileNotFoundError):
        found.path.unlink()
    if found.marker is not None:
        with contextlib.suppress(FileNotFoundError):
            found.marker.unlink()
