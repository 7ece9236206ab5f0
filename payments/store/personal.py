"""個人情報の列: texts about people that no statement looks for, sealed in the row they stand in.

What such a column holds says by itself how it is to be read, so that nothing beside it changes:

- ``STX key-id : base64`` is sealed under that key (:mod:`payments.store.sealed_bytes`) and bound to
  table, column, municipality and row: moved to another row it does not open;
- ``STX : text`` is a text in clear that begins with STX itself;
- anything else is in clear, as without keys, and "" is never sealed.

Why these columns and no others: docs/adr/0017-personal-columns-at-rest.md.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece, remember_key
from payments.store.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    from payments.store.sealed_bytes import KeyRing

MARK = "\x02"  # START OF TEXT: nobody types it, and PostgreSQL keeps it
CLEAR_MARK = f"{MARK}:"
AT_ONCE = 2_000  # rows of one transaction
_Place = tuple[object, ...]


class PersonalColumn(NamedTuple):
    """個人情報の列: its table, its name, and what finds a row beside the municipality."""

    table: str
    name: str
    key: tuple[str, ...]


ADDRESS = PersonalColumn("obligor", "address", ("obligor_no",))
REFUSED = PersonalColumn("print_run_slip", "refusal_found", ("run_id", "seq"))
_DIFFERENCE = ("run_id", "file_no", "difference_no")
PRINTED = PersonalColumn("print_run_difference", "printed", _DIFFERENCE)
EXPECTED = PersonalColumn("print_run_difference", "expected", _DIFFERENCE)
COLUMNS = (ADDRESS, REFUSED, PRINTED, EXPECTED)


class Sealer:
    """封をする側: texts for one transaction's rows of one column."""

    def __init__(self, connection: Connection, municipality_code: str) -> None:
        """With the key ring of the connection, whose newest key is remembered first.

        Raises :class:`ConfigurationError` ``encryption_key_wrong`` as :func:`remember_key`.
        """
        self._code = municipality_code
        self._keys = keys_of(connection)
        if self._keys:
            remember_key(connection, municipality_code, self._keys)

    def kept(self, column: PersonalColumn, row: _Place, plain: str) -> str:
        """What is written for a text."""
        return _kept(self._keys, _context(column, self._code, row), plain)


def open_kept(
    connection: Connection, column: PersonalColumn, municipality_code: str, row: _Place, kept: str
) -> str:
    """開く: the text of a row of a column as somebody wrote it.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    if not kept.startswith(MARK):
        return kept
    return _plain(keys_of(connection), _context(column, municipality_code, row), kept)


def open_address(connection: Connection, municipality_code: str, obligor_no: str, kept: str) -> str:
    """住所 of a person (``obligor.address``); raises as :func:`open_kept`."""
    return open_kept(connection, ADDRESS, municipality_code, (obligor_no,), kept)


def columns_pending(connection: Connection, municipality_code: str, *, clear: bool = False) -> int:
    """未更新: how many texts are not under the newest key, or with ``clear`` not in clear."""
    target = "" if clear else keys_of(connection).newest
    return sum(
        int(
            connection.execute(
                text(
                    f"SELECT COUNT(*) FROM {column.table} "
                    f"WHERE municipality_code = :m AND {_other_than(column, target)}"
                ),
                {"m": municipality_code, **_prefix_of(target)},
            ).scalar_one()
        )
        for column in COLUMNS
    )


def reseal_columns(
    engine: Engine,
    municipality_code: str,
    *,
    clear: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """鍵の更新 of every column, 2,000 rows to a transaction; how many texts did not open.

    Rows that are under the newest key are passed over, so that a run which was cut off goes on
    where it was. A run of :func:`reconcile.store.rekey.rekey` must be open for those that are only
    added to. ``progress`` is called with the texts sealed so far.
    """
    done = left = 0
    for column in COLUMNS:
        after: Sequence[object] | None = ()
        while after is not None:
            with unit_of_work(engine, municipality_code) as connection:
                if connection.dialect.name == "sqlite":
                    # What was in clear must not stay behind in the free pages of the file.
                    connection.exec_driver_sql("PRAGMA secure_delete = ON")
                after, sealed, closed = _reseal_some(
                    connection, column, municipality_code, after, clear=clear
                )
            done, left = done + sealed, left + closed
            if progress is not None:
                progress(done)
    return left


def _reseal_some(
    connection: Connection,
    column: PersonalColumn,
    municipality_code: str,
    after: Sequence[object],
    *,
    clear: bool,
) -> tuple[Sequence[object] | None, int, int]:
    """The next rows behind a key: the last (None at the end), how many changed, how many stay."""
    keys = keys_of(connection)
    target = "" if clear else keys.newest
    names = ", ".join(column.key)
    behind = f" AND ({names}) > ({', '.join(f':a{n}' for n in range(len(after)))})" if after else ""
    rows = connection.execute(
        text(
            f"SELECT {names}, {column.name} FROM {column.table} WHERE municipality_code = :m "
            f"AND {_other_than(column, target)}{behind} ORDER BY {names} LIMIT {AT_ONCE}"
        ),
        {
            "m": municipality_code,
            **_prefix_of(target),
            **{f"a{number}": value for number, value in enumerate(after)},
        },
    ).all()
    changes, left = [], 0
    for *row, kept in rows:
        context = _context(column, municipality_code, tuple(row))
        try:
            plain = _plain(keys, context, kept)
        except ConfigurationError:
            left += 1
            continue
        again = _kept(keys, context, plain) if target else _in_clear(plain)
        changes.append({"again": again, **{f"k{n}": value for n, value in enumerate(row)}})
    if changes:
        which = " AND ".join(f"{name} = :k{number}" for number, name in enumerate(column.key))
        connection.execute(
            text(
                f"UPDATE {column.table} SET {column.name} = :again "
                f"WHERE municipality_code = :m AND {which}"
            ),
            [{"m": municipality_code, **change} for change in changes],
        )
    return (tuple(rows[-1][:-1]) if rows else None), len(changes), left


def _other_than(column: PersonalColumn, target: str) -> str:
    """Which texts are to be sealed anew, as SQL; ``:prefix`` is that of what need not be."""
    if target:
        return f"{column.name} <> '' AND substr({column.name}, 1, :size) <> :prefix"
    return (
        f"substr({column.name}, 1, :size) = :prefix "
        f"AND substr({column.name}, 1, 2) <> '{CLEAR_MARK}'"
    )


def _prefix(target: str) -> str:
    return f"{MARK}{target}:" if target else MARK


def _prefix_of(target: str) -> dict[str, object]:
    prefix = _prefix(target)
    return {"prefix": prefix, "size": len(prefix)}


def _kept(keys: KeyRing, context: bytes, plain: str) -> str:
    if not keys or not plain:
        return _in_clear(plain)
    sealed = base64.b64encode(keys.seal(plain.encode(), context)).decode("ascii")
    return f"{_prefix(keys.newest)}{sealed}"


def _in_clear(plain: str) -> str:
    return f"{CLEAR_MARK}{plain}" if plain.startswith(MARK) else plain


def _plain(keys: KeyRing, context: bytes, kept: str) -> str:
    if not kept.startswith(MARK):
        return kept
    key_id, _, rest = kept[1:].partition(":")
    if not key_id:
        return rest
    try:
        sealed = base64.b64decode(rest, validate=True)
    except binascii.Error:
        sealed = b""
    return open_piece(keys, key_id, sealed, context).decode()


def _context(column: PersonalColumn, municipality_code: str, row: _Place) -> bytes:
    """Where a text belongs, as its seal says it."""
    place = "|".join(map(str, row))
    return f"{column.table}.{column.name}|{municipality_code}|{place}".encode()
