"""証拠の読み書き: the bytes of a file, in pieces, in clear or sealed; the one way to them (R2).

The hash of a file is always that of its plain bytes. With a key ring on the connection
(:func:`payments.store.engine.keys_of`) every piece is sealed with the newest key before it is
written; ``evidence.key_id`` says with which key a piece is sealed, and "" that it is in clear. A
piece is bound to its place, so that pieces put in each other's place do not open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary, cast, insert, select, text

from payments.domain.errors import ConfigurationError
from payments.store.bulk import insert_rows
from payments.store.engine import keys_of
from payments.store.sealed_bytes import key_id_of
from reconcile.store.tables import EvidenceRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from payments.store.sealed_bytes import KeyRing

PIECE_BYTES = 1 << 20  # evidence is kept in pieces so that no row grows with the file

_table = EvidenceRow.__table__  # type: ignore[attr-defined]
_ASKED = "kokin_evidence_key"  # in the notes of a connection: for which transaction
_COLUMNS = ("municipality_code", "sha256", "piece_no", "data", "key_id")
_INSERT = insert(_table)


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
    data = b"".join(
        open_piece(keys, str(key_id), bytes(piece), place_of(municipality_code, sha256, number))
        for number, key_id, piece in rows
    )
    begin = offset - first * PIECE_BYTES
    return data[begin : begin + length]


def open_piece(keys: KeyRing, key_id: str, data: bytes, place: bytes) -> bytes:
    """The plain bytes of one piece; an error of the ring when it does not open."""
    if not key_id:
        return data
    if key_id in keys and key_id_of(data) != key_id:
        raise ConfigurationError("encryption_key_wrong", found=key_id)
    if key_id not in keys:
        raise ConfigurationError("encryption_key_missing", found=key_id)
    return keys.open(data, place)


def place_of(municipality_code: str, sha256: str, piece_no: int) -> bytes:
    """Where a piece belongs, as its seal says it."""
    return f"evidence|{municipality_code}|{sha256}|{piece_no}".encode()


def remember_key(connection: Connection, municipality_code: str, keys: KeyRing) -> None:
    """The evidence needs the newest key from now on.

    Raises :class:`ConfigurationError` ``encryption_key_wrong`` when it needed another key of that
    name before: under one name there must never be two.
    """
    # Asked once per transaction: a batch of notifications is one evidence each.
    asked = (municipality_code, keys.newest, connection.get_transaction())
    if connection.info.get(_ASKED) == asked:
        return
    scope = {"m": municipality_code, "key_id": keys.newest}
    place = _probe_place(municipality_code, keys.newest)
    probe = connection.execute(
        text("SELECT probe FROM evidence_key WHERE municipality_code = :m AND key_id = :key_id"),
        scope,
    ).scalar_one_or_none()
    if probe is not None:
        keys.open(bytes(probe), place)
    else:
        connection.execute(
            text(
                "INSERT INTO evidence_key (municipality_code, key_id, probe) "
                "VALUES (:m, :key_id, :probe)"
            ),
            {**scope, "probe": keys.seal(b"", place)},
        )
    connection.info[_ASKED] = asked


def require_keys(connection: Connection, municipality_code: str) -> list[str]:
    """必要な鍵: the ids of all keys that evidence may be sealed with; each is tried.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    found = connection.execute(
        text("SELECT key_id, probe FROM evidence_key WHERE municipality_code = :m ORDER BY key_id"),
        {"m": municipality_code},
    ).all()
    keys = keys_of(connection)
    for key_id, probe in found:
        open_piece(keys, key_id, bytes(probe), _probe_place(municipality_code, key_id))
    return [key_id for key_id, _ in found]


def _probe_place(municipality_code: str, key_id: str) -> bytes:
    return f"evidence-key|{municipality_code}|{key_id}".encode()
