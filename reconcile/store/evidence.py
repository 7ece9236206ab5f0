"""証拠の読み書き: the bytes of a file, in pieces, in clear or sealed; the one way to them (R2).

The hash of a file is always that of its plain bytes. With a key ring on the connection
(:func:`payments.store.engine.keys_of`) every piece is sealed with the newest key before it is
written; ``evidence.key_id`` says with which key a piece is sealed, and "" that it is in clear. A
piece is bound to its place, so that pieces put in each other's place do not open.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import LargeBinary, cast, insert, select

from payments.store.bulk import insert_rows
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece, remember_key
from reconcile.store.tables import EvidenceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from payments.store.sealed_bytes import KeyRing

PIECE_BYTES = 1 << 20  # evidence is kept in pieces so that no row grows with the file

# Small files are read together: so many, and so many bytes, with one question.
_FILES_AT_ONCE, _BYTES_AT_ONCE = 200, 4 << 20

_table = EvidenceRow.__table__  # type: ignore[attr-defined]
_COLUMNS = ("municipality_code", "sha256", "piece_no", "data", "key_id")
_INSERT = insert(_table)


class Named(Protocol):
    """資料: what is asked for, and how large it is said to be."""

    @property
    def sha256(self) -> str:
        """Its hash."""

    @property
    def size_bytes(self) -> int:
        """Its length."""


_File = TypeVar("_File", bound=Named)


def write_evidence(
    connection: Connection, municipality_code: str, sha256: str, data: bytes
) -> None:
    """証拠を書く: the plain bytes of a file that is not there yet, sealed when there is a key."""
    keys = keys_of(connection)
    if keys:
        remember_key(connection, municipality_code, keys)
    pieces = (
        (number, data[start : start + PIECE_BYTES])
        for number, start in enumerate(range(0, len(data), PIECE_BYTES))
    )
    rows = (
        (
            municipality_code,
            sha256,
            number,
            keys.seal(piece, place_of(municipality_code, sha256, number)) if keys else piece,
            keys.newest,
        )
        for number, piece in pieces
    )
    if connection.dialect.name == "postgresql":
        # Few rows of many bytes: COPY would write each byte as two digits, and takes longer to
        # begin than the one row of a notification.
        for row in rows:
            connection.execute(_INSERT, dict(zip(_COLUMNS, row, strict=True)))
        return
    insert_rows(connection, "evidence", _COLUMNS, rows)


def read_evidence(connection: Connection, municipality_code: str, sha256: str) -> bytes:
    """証拠を読む: the plain bytes of a file as they are stored; empty when there are none.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    return b"".join(evidence_pieces(connection, municipality_code, sha256))


def evidence_pieces(connection: Connection, municipality_code: str, sha256: str) -> Iterator[bytes]:
    """The same, piece after piece, of which only one is in memory.

    Whatever stands there is read as bytes: a hand that wrote text into the column of an SQLite
    file must be found out by the hash, not by an error of the driver.
    """
    statement = (
        select(_table.c.piece_no, _table.c.key_id, cast(_table.c.data, LargeBinary))
        .where(_table.c.municipality_code == municipality_code, _table.c.sha256 == sha256)
        .order_by(_table.c.piece_no)
    )
    keys = keys_of(connection)
    # Closed also when a piece does not open, or nobody asks for the rest.
    with connection.execute(statement, execution_options={"yield_per": 1}) as rows:
        for piece_no, key_id, data in rows:
            place = place_of(municipality_code, sha256, piece_no)
            yield open_piece(keys, str(key_id), bytes(data), place)


def stored_digest(connection: Connection, municipality_code: str, sha256: str) -> tuple[str, int]:
    """証拠のSHA-256: that of the bytes as they are stored, and how many there are; 0: none."""
    digest, size = hashlib.sha256(), 0
    for piece in evidence_pieces(connection, municipality_code, sha256):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def evidence_in_order(
    connection: Connection, municipality_code: str, files: Iterable[_File]
) -> Iterator[tuple[_File, Callable[[], bytes]]]:
    """証拠をまとめて読む: each file with what gives its bytes, small ones asked for together.

    A question for each of them would be a day of round trips over the files of some years. What
    gives the bytes raises as :func:`read_evidence` does.
    """
    keys = keys_of(connection)
    for batch in _batches(files):
        if len(batch) == 1:
            yield batch[0], partial(read_evidence, connection, municipality_code, batch[0].sha256)
            continue
        pieces: dict[str, list[Any]] = {file.sha256: [] for file in batch}
        statement = (
            select(
                _table.c.sha256,
                _table.c.piece_no,
                _table.c.key_id,
                cast(_table.c.data, LargeBinary),
            )
            .where(_table.c.municipality_code == municipality_code, _table.c.sha256.in_(pieces))
            .order_by(_table.c.sha256, _table.c.piece_no)
        )
        for sha256, *piece in connection.execute(statement):
            pieces[sha256].append(piece)
        for file in batch:
            yield file, partial(_opened, keys, municipality_code, file.sha256, pieces[file.sha256])


def _batches(files: Iterable[_File]) -> Iterator[list[_File]]:
    """The files in their order, by what may be in memory at once; a large one is alone."""
    batch: list[_File] = []
    size = 0
    for file in files:
        if batch and (len(batch) == _FILES_AT_ONCE or size + file.size_bytes > _BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size_bytes
    if batch:
        yield batch


def _opened(keys: KeyRing, municipality_code: str, sha256: str, pieces: Sequence[Any]) -> bytes:
    """The plain bytes of one file from its pieces."""
    return b"".join(
        open_piece(keys, str(key_id), bytes(data), place_of(municipality_code, sha256, number))
        for number, key_id, data in pieces
    )


def evidence_part(
    connection: Connection, municipality_code: str, sha256: str, offset: int, length: int
) -> bytes:
    """証拠の一部: some bytes of a file, of which only the pieces that hold them are read.

    Nothing is said about the rest of the file, nor about its hash.
    """
    first, last = offset // PIECE_BYTES, (offset + max(length, 1) - 1) // PIECE_BYTES
    rows = connection.execute(
        select(_table.c.piece_no, _table.c.key_id, cast(_table.c.data, LargeBinary))
        .where(
            _table.c.municipality_code == municipality_code,
            _table.c.sha256 == sha256,
            _table.c.piece_no.between(first, last),
        )
        .order_by(_table.c.piece_no)
    )
    keys = keys_of(connection)
    data = _opened(keys, municipality_code, sha256, rows.all())
    begin = offset - first * PIECE_BYTES
    return data[begin : begin + length]


def place_of(municipality_code: str, sha256: str, piece_no: int) -> bytes:
    """Where a piece belongs, as its seal says it."""
    return f"evidence|{municipality_code}|{sha256}|{piece_no}".encode()
