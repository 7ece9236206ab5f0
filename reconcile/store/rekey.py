"""鍵の更新: the evidence is sealed with another key, batch by batch, and its plain bytes stay.

A run moves along the keys of the evidence and notes with every batch how far it has come, so that
it goes on where it was interrupted. What does not open is left as it is and counted: it is found by
its hash (``kokin verify``), and a run that left something is never finished (R8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, insert, select, text, tuple_, update

from payments.domain.errors import ConfigurationError
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece, remember_key, require_keys
from payments.store.personal import columns_pending
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.store.evidence import place_of
from reconcile.store.evidence_tables import EvidenceRekeyRow
from reconcile.store.sealed_texts import texts_pending
from reconcile.store.tables import EvidenceRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from payments.store.sealed_bytes import KeyRing

BATCH_BYTES = 16 << 20
BATCH_PIECES = 2_000

evidence = EvidenceRow.__table__  # type: ignore[attr-defined]
runs = EvidenceRekeyRow.__table__  # type: ignore[attr-defined]
_RESEAL = (
    update(evidence)
    .where(
        evidence.c.municipality_code == bindparam("m"),
        evidence.c.sha256 == bindparam("sha"),
        evidence.c.piece_no == bindparam("number"),
        evidence.c.key_id == bindparam("before"),
    )
    .values(data=bindparam("sealed"), key_id=bindparam("after"))
)


class Place(NamedTuple):
    """A piece of the evidence; the runs follow this order."""

    sha256: str = ""
    piece_no: int = 0


class Rekeyed(NamedTuple):
    """更新の結果: what this call has sealed anew, what did not open, and whether all is done."""

    pieces: int
    size_bytes: int
    left: tuple[str, ...]  # hashes of files with a piece that does not open
    left_beside: int  # of what lies beside the evidence
    finished: bool


class Pending(NamedTuple):
    """未更新の量."""

    pieces: int
    size_bytes: int


class _Batch(NamedTuple):
    """What one transaction has done."""

    last: Place | None  # None: nothing was left to look at
    pieces: int
    size_bytes: int
    left: tuple[str, ...]


def rekey(
    engine: Engine,
    municipality_code: str,
    *,
    actor: str,
    at: datetime,
    clear: bool = False,
    progress: Callable[[int], None] | None = None,
    beside: Callable[[], int] | None = None,
    rest: Callable[[Connection], int] | None = None,
) -> Rekeyed:
    """Seal every piece with the newest key of the engine's ring; with ``clear`` unseal them all.

    ``progress`` is called with the pieces done by this call. ``beside`` seals anew what lies beside
    the evidence under the same keys, and says how much of it did not open. ``rest`` says, in the
    transaction that ends the run, how much of what this package knows nothing about still lies
    under another key. Raises
    :class:`ConfigurationError` ``encryption_key_none``, or before anything is changed
    ``encryption_key_missing`` and ``encryption_key_wrong`` when the ring does not hold the keys
    that the evidence needs.
    """
    keys = keys_of(engine)
    target = "" if clear else keys.newest
    if not (target or clear):
        raise ConfigurationError("encryption_key_none")
    with reading(engine, municipality_code) as connection:
        require_keys(connection, municipality_code)
    number, place = _begin(engine, municipality_code, keys, target, actor, at)
    pieces, size_bytes, left = 0, 0, list[str]()
    while True:
        with unit_of_work(engine, municipality_code) as connection:
            if connection.dialect.name == "sqlite":
                # What was in clear must not stay behind in the free pages of the file.
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            batch = _batch(connection, municipality_code, keys, target, place)
            _note(connection, municipality_code, number, batch)
            if batch.last is None:
                break
        place = batch.last
        pieces, size_bytes = pieces + batch.pieces, size_bytes + batch.size_bytes
        left += [sha256 for sha256 in batch.left if sha256 not in left[-1:]]
        if progress is not None:
            progress(pieces)
    left_beside = beside() if beside is not None else 0
    finished = not left_beside and _finish(engine, municipality_code, number, target, at, rest)
    return Rekeyed(pieces, size_bytes, tuple(left), left_beside, finished)


def pending(engine: Engine, municipality_code: str, *, clear: bool = False) -> Pending:
    """未更新: what is not yet sealed with the newest key; reads all of the evidence."""
    target = "" if clear else keys_of(engine).newest
    with reading(engine, municipality_code) as connection:
        found = connection.execute(
            text(
                "SELECT COUNT(*), COALESCE(SUM(length(data)), 0) FROM evidence "
                "WHERE municipality_code = :m AND key_id <> :target"
            ),
            {"m": municipality_code, "target": target},
        )
        return Pending(*map(int, found.one()))


def _begin(
    engine: Engine, municipality_code: str, keys: KeyRing, target: str, actor: str, at: datetime
) -> tuple[int, Place]:
    """The run towards this key that is open, with its place; or a new one at the beginning."""
    with unit_of_work(engine, municipality_code) as connection:
        found = connection.execute(
            select(runs.c.rekey_no, runs.c.at_sha256, runs.c.at_piece_no).where(
                runs.c.municipality_code == municipality_code,
                runs.c.key_id == target,
                runs.c.finished_at.is_(None),
            )
        ).first()
        if found is not None:
            return found.rekey_no, Place(found.at_sha256, found.at_piece_no)
        if target:
            remember_key(connection, municipality_code, keys)
        last = connection.execute(
            text("SELECT MAX(rekey_no) FROM evidence_rekey WHERE municipality_code = :m"),
            {"m": municipality_code},
        ).scalar_one()
        number = int(last or 0) + 1
        connection.execute(
            insert(runs).values(
                municipality_code=municipality_code,
                rekey_no=number,
                key_id=target,
                actor=actor,
                started_at=at,
                at_sha256="",
                at_piece_no=0,
                pieces=0,
                size_bytes=0,
            )
        )
        return number, Place()


def _batch(
    connection: Connection, municipality_code: str, keys: KeyRing, target: str, after: Place
) -> _Batch:
    """The next pieces behind a place, opened and sealed anew."""
    rows = connection.execute(
        select(evidence.c.sha256, evidence.c.piece_no, evidence.c.key_id, evidence.c.data)
        .where(
            evidence.c.municipality_code == municipality_code,
            tuple_(evidence.c.sha256, evidence.c.piece_no) > tuple_(*after),
        )
        .order_by(evidence.c.sha256, evidence.c.piece_no)
        .limit(BATCH_PIECES),
        execution_options={"yield_per": 1},
    )
    changes, left, size_bytes, last = list[dict[str, object]](), list[str](), 0, None
    for sha256, piece_no, key_id, data in rows:
        last = Place(sha256, piece_no)
        if key_id == target:
            continue
        context = place_of(municipality_code, sha256, piece_no)
        try:
            plain = open_piece(keys, key_id, bytes(data), context)
        except ConfigurationError:
            left.append(sha256)
            continue
        changes.append(
            {
                "m": municipality_code,
                "sha": sha256,
                "number": piece_no,
                "before": key_id,
                "sealed": keys.seal(plain, context) if target else plain,
                "after": target,
            }
        )
        size_bytes += len(plain)
        if size_bytes >= BATCH_BYTES:
            break
    rows.close()
    if changes:
        connection.execute(_RESEAL, changes)
    return _Batch(last, len(changes), size_bytes, tuple(left))


def _note(connection: Connection, municipality_code: str, number: int, batch: _Batch) -> None:
    """How far the run has come, in the transaction that took it there."""
    if batch.last is None:
        return
    connection.execute(
        update(runs)
        .where(runs.c.municipality_code == municipality_code, runs.c.rekey_no == number)
        .values(
            at_sha256=batch.last.sha256,
            at_piece_no=batch.last.piece_no,
            pieces=runs.c.pieces + batch.pieces,
            size_bytes=runs.c.size_bytes + batch.size_bytes,
        )
    )


def _finish(
    engine: Engine,
    municipality_code: str,
    number: int,
    target: str,
    at: datetime,
    rest_of: Callable[[Connection], int] | None,
) -> bool:
    """End the run, unless a process with an older ring has written behind it meanwhile.

    Then it is done when it is called the next time, the evidence from its first piece. Whoever
    writes with an older ring after the end writes its key down again, so that it stays needed.
    """
    with unit_of_work(engine, municipality_code) as connection:
        scope = {"m": municipality_code, "target": target}
        rest = connection.execute(
            text(
                "SELECT 1 FROM evidence WHERE municipality_code = :m AND key_id <> :target LIMIT 1"
            ),
            scope,
        ).first()
        mine = (runs.c.municipality_code == municipality_code, runs.c.rekey_no == number)
        if rest is not None:
            connection.execute(update(runs).where(*mine).values(at_sha256="", at_piece_no=0))
            return False
        clear = not target
        if (
            texts_pending(connection, municipality_code, clear=clear)
            or columns_pending(connection, municipality_code, clear=clear)
            or (rest_of is not None and rest_of(connection))
        ):
            return False
        connection.execute(update(runs).where(*mine).values(finished_at=at))
        connection.execute(
            text("DELETE FROM evidence_key WHERE municipality_code = :m AND key_id <> :target"),
            scope,
        )
    return True
