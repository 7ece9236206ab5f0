"""受付: the one way of a file into the books, whether it came by folder, page or command.

取込 take in → 控え copy and findings sheet → 受付の記録 delivery. The books come first: what
happens to a copy never changes what was booked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.errors import RefusedError
from payments.store.engine import keys_of
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.addressed import take_in_addressed
from reconcile.file_view import show_file
from reconcile.model import Delivery, FileReport, FileStatus
from reconcile.pipeline import take_in
from reconcile.store.evidence import PIECE_BYTES, evidence_part, read_evidence, stored_digest
from web import clock
from web.inbox import deliveries
from web.inbox.archive import keep_copy, remove_copy
from web.inbox.deliveries import Way
from web.inbox.names import safe_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from sqlalchemy import Engine

    from web.config import Settings

DOORS = ("inbox", "upload")  # what comes by them is looked at for whom it is addressed to


def receive(
    settings: Settings,
    engine: Engine,
    municipality_code: str,
    name: str,
    data: bytes,
    way: Way,
    *,
    received_on: date,
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """受付 of one file; what is wrong with it stands in the report.

    A command hands over files of the operator's own: they stay where they are, without a copy, and
    the operator's word for whom they are stands. Raises :class:`OSError` when no copy can be
    written; the file is in the books all the same.
    """
    report = book(
        engine, municipality_code, name, data, way, received_on=received_on, progress=progress
    )
    put_away(settings, engine, municipality_code, report, data, way, on=received_on)
    return report


def book(
    engine: Engine,
    municipality_code: str,
    name: str,
    data: bytes,
    way: Way,
    *,
    received_on: date,
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """取込: into the books, or set aside with its findings."""
    delivery = Delivery(safe_name(name), data)
    if way.came_by in DOORS:
        return take_in_addressed(
            engine, municipality_code, delivery, claim=way.claim, received_on=received_on,
            actor=way.actor, progress=progress,
        )  # fmt: skip
    return take_in(
        engine, municipality_code, delivery, received_on=received_on, actor=way.actor,
        progress=progress,
    )  # fmt: skip


def put_away(
    settings: Settings,
    engine: Engine,
    municipality_code: str,
    report: FileReport,
    data: bytes,
    way: Way,
    *,
    on: date,
) -> None:
    """控えと記録: the copy, the sheet and the record of the arrival. Raises :class:`OSError`."""
    at, kept_as = clock.now(), ""
    if way.came_by in DOORS:
        sealed = bool(keys_of(engine))
        kept_as = keep_copy(settings, municipality_code, report, data, at, on, sealed=sealed)
    with unit_of_work(engine, municipality_code) as connection:
        deliveries.enter(connection, municipality_code, report, way, at=at, kept_as=kept_as)


def retry(
    settings: Settings,
    engine: Engine,
    municipality_code: str,
    file_id: int,
    *,
    actor: str,
    received_on: date,
) -> FileReport:
    """もう一度取り込む: a file that was set aside, as it stands in the evidence.

    A person has looked at it: for whom it is addressed to is not asked again. What then goes well
    leaves the quarantine. Raises :class:`NotFoundError` ``file`` and :class:`RefusedError`
    ``file_accepted``.
    """
    with reading(engine, municipality_code) as connection:
        view = show_file(connection, municipality_code, file_id)
        data = read_evidence(connection, municipality_code, view.sha256)
        before = deliveries.of_file(connection, municipality_code, file_id)
    if view.status == FileStatus.ACCEPTED:
        raise RefusedError("file_accepted", file_id=file_id)
    way = Way("retry", actor)
    report = book(engine, municipality_code, view.name, data, way, received_on=received_on)
    put_away(settings, engine, municipality_code, report, data, way, on=received_on)
    if report.status.is_good:
        for delivery in before:
            remove_copy(settings, delivery.kept_as)
    return report


class Original(NamedTuple):
    """原本: a file as it came, handed out piece by piece so that none is too large for a server."""

    name: str
    size_bytes: int
    sha256: str
    pieces: Iterator[bytes]


def original(engine: Engine, municipality_code: str, file_id: int) -> Original:
    """原本 with its name; its bytes have been read once and are those that came.

    Raises :class:`NotFoundError` ``file`` and :class:`RefusedError` ``evidence_altered`` when the
    bytes are not those that came.
    """
    with reading(engine, municipality_code) as connection:
        view = show_file(connection, municipality_code, file_id)
        digest, _size = stored_digest(connection, municipality_code, view.sha256)
    if digest != view.sha256:
        raise RefusedError("evidence_altered", file_id=file_id)
    pieces = _pieces(engine, municipality_code, view.sha256, view.size_bytes)
    return Original(view.name, view.size_bytes, view.sha256, pieces)


def _pieces(
    engine: Engine, municipality_code: str, sha256: str, size_bytes: int
) -> Iterator[bytes]:
    """Each read by itself: whoever takes a large file over a slow line holds up nobody."""
    for start in range(0, size_bytes, PIECE_BYTES):
        with reading(engine, municipality_code) as connection:
            piece = evidence_part(connection, municipality_code, sha256, start, PIECE_BYTES)
        yield piece


def known(
    engine: Engine, municipality_code: str, name: str, sha256: str, status: FileStatus
) -> FileReport:
    """既知の資料: the youngest file with these bytes, as a report in this state."""
    with reading(engine, municipality_code) as connection:
        file_id = connection.execute(
            text(
                "SELECT MAX(file_id) FROM source_file "
                "WHERE municipality_code = :m AND sha256 = :sha256"
            ),
            {"m": municipality_code, "sha256": sha256},
        ).scalar_one()
    return FileReport(name, sha256, status, file_id)
