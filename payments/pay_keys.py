"""照合キー: from the numbers of slips to what they pay; a look-up, made from the slips alone.

Keys are no record: they may be thrown away and made anew. A slip that was superseded or revoked
keeps its keys, so that a payment on it is still recognised (law.md B-04) and its numbers are never
given out again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from payments.domain.slip import REISSUE_MAX, SlipState
from payments.store.bulk import insert_rows, portions
from payments.store.charge_tables import is_plan_slip
from payments.store.lookups import rows_about

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

FREE_AREA = slice(8, 29)  # of the 44 digits of a barcode
_REISSUE = 29
_COLUMNS = (
    "municipality_code", "pay_key", "slip_id", "notice_id", "term", "slip_yen", "valid_until",
    "superseded",
)  # fmt: skip


def el_key(el_number: str) -> str:
    """照合キー of an eL number."""
    return f"E{el_number}"


def konbini_key(barcode: str) -> str:
    """照合キー of a barcode: its free area, never all 44 digits."""
    return f"K{barcode[FREE_AREA]}"


def insert_keys(
    connection: Connection, municipality_code: str, rows: Iterable[Sequence[Any]]
) -> None:
    """Write keys: pay_key, slip_id, notice_id, term, slip_yen, valid_until, superseded."""
    insert_rows(connection, "pay_key", _COLUMNS, rows, constants=(municipality_code,))


def retire_keys(connection: Connection, municipality_code: str, slip_ids: Sequence[int]) -> None:
    """These slips stand no longer; their keys say so."""
    for some in portions(slip_ids):
        connection.execute(
            text(
                "UPDATE pay_key SET superseded = :yes "
                "WHERE municipality_code = :m AND slip_id IN :some"
            ).bindparams(bindparam("some", expanding=True)),
            {"m": municipality_code, "some": some, "yes": True},
        )


def make_keys(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> list[str]:
    """照合キーの作成: the keys of these notices' slips, made anew from all their versions.

    Gives the numbers that pay another notice already; nothing is written then, because such a
    number could never be told apart.
    """
    slips = _slips(connection, municipality_code, notice_ids)
    _forget_keys(connection, municipality_code, [slip.slip_id for slip in slips])
    keys = _keys(slips)
    taken = _taken(connection, municipality_code, keys)
    if not taken:
        rows = ((key, *row) for key, row in sorted(keys.items()))
        insert_keys(connection, municipality_code, rows)
    return taken


def _slips(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> list[Row[Any]]:
    """All versions of these notices' slips, in order of version."""
    rows = rows_about(
        connection,
        "SELECT s.slip_id, s.notice_id, s.term, s.version, s.el_number, s.konbini_barcode, "
        f"s.amount_yen, s.valid_until, s.state, {is_plan_slip('s')} AS of_plan "
        "FROM slip s WHERE s.municipality_code = :m AND s.notice_id IN :some "
        "ORDER BY s.notice_id, s.term, s.version, s.slip_id",
        municipality_code,
        notice_ids,
    )
    return list(rows)


def _keys(slips: Sequence[Row[Any]]) -> dict[str, tuple[Any, ...]]:
    """Every key of these slips, and what it says."""
    highest: dict[tuple[int, str], int] = {}
    for slip in slips:
        if slip.state == SlipState.NEW and not slip.of_plan:
            place = (slip.notice_id, slip.term)
            highest[place] = max(highest.get(place, 0), slip.version)
    keys: dict[str, tuple[Any, ...]] = {}
    shared: dict[str, list[Row[Any]]] = {}
    for slip in slips:
        if slip.el_number:
            keys[el_key(slip.el_number)] = _key_row(slip, highest)
        if slip.konbini_barcode:
            shared.setdefault(konbini_key(slip.konbini_barcode), []).append(slip)
    for key, sharing in shared.items():
        if len(sharing) == 1:
            keys[key] = _key_row(sharing[0], highest)
            continue
        for slip in sharing:  # in order of version: of equal 再発行区分 (9) the newest counts
            keys[f"{key}/{slip.konbini_barcode[_REISSUE]}"] = _key_row(slip, highest)
    return keys


def _key_row(slip: Row[Any], highest: dict[tuple[int, str], int]) -> tuple[Any, ...]:
    """What a key says: the slip, what it covers, its amount, and whether it still stands."""
    current = 0 if slip.of_plan else highest.get((slip.notice_id, slip.term), 0)
    superseded = slip.state != SlipState.NEW or slip.version < current
    return (
        slip.slip_id, slip.notice_id, slip.term, slip.amount_yen, str(slip.valid_until),
        superseded,
    )  # fmt: skip


def _forget_keys(connection: Connection, municipality_code: str, slip_ids: Sequence[int]) -> None:
    """The keys of these slips, away; they are replaced together."""
    for some in portions(slip_ids):
        connection.execute(
            text(
                "DELETE FROM pay_key WHERE municipality_code = :m AND slip_id IN :some"
            ).bindparams(bindparam("some", expanding=True)),
            {"m": municipality_code, "some": some},
        )


def _taken(
    connection: Connection, municipality_code: str, keys: dict[str, tuple[Any, ...]]
) -> list[str]:
    """The numbers among these keys that pay another notice, alone or shared by its slips."""
    wanted: set[str] = set()
    for number in {key.partition("/")[0] for key in keys}:
        wanted.add(number)
        if number.startswith("K"):
            wanted.update(f"{number}/{reissue}" for reissue in range(REISSUE_MAX + 1))
    taken = rows_about(
        connection,
        "SELECT pay_key FROM pay_key WHERE municipality_code = :m AND pay_key IN :some",
        municipality_code,
        sorted(wanted),
    )
    return sorted({str(row.pay_key)[1:].partition("/")[0] for row in taken})
