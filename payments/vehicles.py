"""車両: which vehicle a notice of 軽自動車税 is for, and whether its tax may be certified.

A slip bears the 納税証明書（継続検査用）, which the receipt stamp makes valid. It must be none for
a vehicle whose tax of an earlier year is still outstanding (道路運送車両法 97条の2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from payments.numbered import numbered_notices
from payments.store.bulk import insert_rows
from payments.store.lookups import rows_about
from payments.store.statistics import count_filled
from payments.versions import OPEN_YEN, as_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from sqlalchemy import Connection

BATCH_LINES = 5_000
_FILLED = {"vehicle_entry": ("notice_id", "entry_no", "vehicle_no")}
_COLUMNS = (
    "municipality_code", "notice_id", "entry_no", "vehicle_no", "certificate_until", "file_id",
    "line_no",
)  # fmt: skip
_LATEST = """NOT EXISTS (SELECT 1 FROM vehicle_entry x WHERE x.municipality_code = :m
    AND x.notice_id = {0}.notice_id AND x.entry_no > {0}.entry_no)"""
_OPEN = f"""EXISTS (SELECT 1 FROM instalment_account a WHERE a.municipality_code = :m
    AND a.notice_id = old.notice_id AND {OPEN_YEN} > 0)"""


class VehicleLike(Protocol):
    """One line of ``vehicle-register-1``; no ``certificate_until`` is an empty text."""

    line_no: int
    item_code: str
    levy_year: int
    notice_no: str
    vehicle_no: str
    certificate_until: str


class Vehicle(NamedTuple):
    """車両 of a notice: 標識番号, 有効期限 of its certificate, None where it gets none.

    ``arrears``: tax of an earlier year is outstanding for it.
    """

    vehicle_no: str
    certificate_until: date | None
    arrears: bool


@dataclass(slots=True)
class Registered:
    """登録結果: counts by what became of the lines; any error rejects the whole register."""

    outcomes: dict[str, int] = field(default_factory=dict)
    errors: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Line, code, field, value found."""


def register(
    connection: Connection, municipality_code: str, file_id: int, lines: Iterable[VehicleLike]
) -> Registered:
    """車両の登録: a line that says something new becomes the latest entry of its notice.

    ``applied`` (a first entry), ``changed`` or ``repeat``; ``unknown_notice`` and ``notice_twice``
    are errors.
    """
    result = Registered()
    seen: set[int] = set()
    batch: list[VehicleLike] = []
    batches = 0
    for line in lines:
        batch.append(line)
        if len(batch) >= BATCH_LINES:
            _register(connection, municipality_code, file_id, batch, seen, result)
            batch = []
            batches += 1
            count_filled(connection, _FILLED, BATCH_LINES, batches=batches)
    _register(connection, municipality_code, file_id, batch, seen, result)
    return result


def _register(
    connection: Connection,
    municipality_code: str,
    file_id: int,
    batch: Sequence[VehicleLike],
    seen: set[int],
    result: Registered,
) -> None:
    """Some lines: what stands is read once, what is new is written in bulk."""
    keys = {(line.item_code, line.levy_year, line.notice_no) for line in batch}
    notices = numbered_notices(connection, municipality_code, keys)
    known = _entries(connection, municipality_code, sorted(notices.values()))
    new: list[tuple[Any, ...]] = []
    for line in batch:
        notice_id = notices.get((line.item_code, line.levy_year, line.notice_no))
        if notice_id is None or notice_id in seen:
            code = "unknown_notice" if notice_id is None else "notice_twice"
            result.errors.append((line.line_no, code, "notice_no", line.notice_no))
            continue
        seen.add(notice_id)
        entry_no, *content = known.get(notice_id, (0, "", ""))
        outcome = "changed" if entry_no else "applied"
        if entry_no and content == [line.vehicle_no, line.certificate_until]:
            outcome = "repeat"
        else:
            until = line.certificate_until or None
            new.append((notice_id, entry_no + 1, line.vehicle_no, until, file_id, line.line_no))
        result.outcomes[outcome] = result.outcomes.get(outcome, 0) + 1
    if not result.errors:  # otherwise the register is rejected whole
        insert_rows(connection, "vehicle_entry", _COLUMNS, new, constants=(municipality_code,))


def vehicles_of(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[int, Vehicle]:
    """車両: of those of these notices that have one."""
    entries = _entries(connection, municipality_code, notice_ids)
    behind = _in_arrears(connection, municipality_code, sorted(entries))
    return {
        notice_id: Vehicle(number, as_day(until) if until else None, notice_id in behind)
        for notice_id, (_, number, until) in entries.items()
    }


def _in_arrears(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> set[int]:
    """未納: notices whose vehicle has an earlier levy year of the same item outstanding.

    An earlier notice whose vehicle is not known counts for every vehicle of its obligor.
    """
    statement = f"""
        SELECT v.notice_id FROM vehicle_entry v
        JOIN notice n ON n.municipality_code = :m AND n.notice_id = v.notice_id
        JOIN vehicle_entry w ON w.municipality_code = :m AND w.vehicle_no = v.vehicle_no
         AND {_LATEST.format("w")}
        JOIN notice old ON old.municipality_code = :m AND old.notice_id = w.notice_id
         AND old.item_code = n.item_code AND old.levy_year < n.levy_year
        WHERE v.municipality_code = :m AND v.notice_id IN :some AND {_LATEST.format("v")}
          AND {_OPEN}
        UNION
        SELECT n.notice_id FROM notice n
        JOIN notice old ON old.municipality_code = :m AND old.obligor_no = n.obligor_no
         AND old.item_code = n.item_code AND old.levy_year < n.levy_year
        WHERE n.municipality_code = :m AND n.notice_id IN :some AND {_OPEN}
          AND NOT EXISTS (SELECT 1 FROM vehicle_entry w WHERE w.municipality_code = :m
                          AND w.notice_id = old.notice_id)"""
    found = rows_about(connection, statement, municipality_code, notice_ids)
    return {row.notice_id for row in found}


def _entries(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[int, tuple[int, str, str]]:
    """The latest entry of these notices: its number, 標識番号, 有効期限 ("" for none)."""
    statement = (
        "SELECT v.notice_id, v.entry_no, v.vehicle_no, v.certificate_until FROM vehicle_entry v "
        f"WHERE v.municipality_code = :m AND v.notice_id IN :some AND {_LATEST.format('v')}"
    )
    return {
        row.notice_id: (row.entry_no, row.vehicle_no, str(row.certificate_until or ""))
        for row in rows_about(connection, statement, municipality_code, notice_ids)
    }
