"""不納欠損の記録: what was given up of each instalment, and what was taken up again.

The decision is two people's (:mod:`reconcile.charges.write_offs`); here is what stands written.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.write_off import Ground
from payments.store.bulk import take_numbers
from payments.store.charge_tables import WriteOffRow
from payments.store.lookups import rows_about
from payments.versions import as_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection, Row

_rows = WriteOffRow.__table__  # type: ignore[attr-defined]
_LEG = 3  # of a correction's line (payments.assess)


class WriteOff(NamedTuple):
    """不納欠損の一件: what was given up, and what of it was taken up again since."""

    write_off_no: int
    notice_id: int
    term: str
    amount_yen: int
    ground: Ground
    extinguished_on: date
    approval_id: int | None
    journal_id: int
    made_at: datetime
    taken_up_yen: int

    @property
    def standing_yen(self) -> int:
        """What is still given up."""
        return self.amount_yen - self.taken_up_yen


_WRITTEN = """
SELECT w.write_off_no, w.notice_id, w.term, w.amount_yen, w.ground, w.extinguished_on,
    w.approval_id, w.journal_id, w.made_at,
    (SELECT COALESCE(SUM(r.amount_yen), 0) FROM write_off r
     WHERE r.municipality_code = :m AND r.reverses_no = w.write_off_no) AS taken_up_yen
FROM write_off w
WHERE w.municipality_code = :m AND w.event = 'written_off' AND {which}
ORDER BY w.write_off_no DESC"""


def write_offs_of(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> list[WriteOff]:
    """不納欠損 of these notices, newest first."""
    statement = _WRITTEN.format(which="w.notice_id IN :some")
    return [
        _write_off(row) for row in rows_about(connection, statement, municipality_code, notice_ids)
    ]


def write_offs(
    connection: Connection, municipality_code: str, *, below: int = 2**62, limit: int = 100
) -> list[WriteOff]:
    """不納欠損の一覧, newest first; ``below`` is the number of the last one of the page before."""
    statement = _WRITTEN.format(which="w.write_off_no < :below") + " LIMIT :limit"
    found = connection.execute(
        text(statement), {"m": municipality_code, "below": below, "limit": limit}
    )
    return [_write_off(row) for row in found]


def write_down(
    connection: Connection,
    municipality_code: str,
    parts: Sequence[tuple[int, str, int]],
    ground: Ground,
    extinguished_on: date,
    *,
    approval_id: int,
    journal_id: int,
) -> None:
    """不納欠損の記録 of these instalments (notice, term, yen); part n is leg n of the journal."""
    first = take_numbers(connection, municipality_code, "write_off", len(parts))
    connection.execute(
        _rows.insert(),
        [
            {
                "municipality_code": municipality_code,
                "write_off_no": first + place,
                "event": "written_off",
                "reverses_no": None,
                "notice_id": notice_id,
                "term": term,
                "amount_yen": yen,
                "ground": ground.value,
                "extinguished_on": extinguished_on,
                "approval_id": approval_id,
                "journal_id": journal_id,
                "leg": place + 1,
                "made_at": datetime.now(UTC),
            }
            for place, (notice_id, term, yen) in enumerate(parts)
        ],
    )


def take_up_again(
    connection: Connection,
    municipality_code: str,
    parts: Sequence[tuple[int, str, int]],
    *,
    journal_id: int,
    approval_id: int | None,
    leg: int = _LEG,
) -> None:
    """不納欠損の取消の記録 of these yen, newest write-off first; a part may need several rows."""
    values: list[dict[str, Any]] = []
    wanted: dict[tuple[int, str], int] = {}
    for notice_id, term, yen in parts:
        wanted[notice_id, term] = wanted.get((notice_id, term), 0) + yen
    for (notice_id, term), yen in wanted.items():
        left_yen = yen
        for each in write_offs_of(connection, municipality_code, [notice_id]):
            taken_yen = min(left_yen, each.standing_yen) if each.term == term else 0
            if taken_yen <= 0:
                continue
            left_yen -= taken_yen
            values.append(
                {
                    "municipality_code": municipality_code,
                    "event": "reversed",
                    "reverses_no": each.write_off_no,
                    "notice_id": notice_id,
                    "term": term,
                    "amount_yen": taken_yen,
                    "ground": each.ground.value,
                    "extinguished_on": each.extinguished_on,
                    "approval_id": approval_id,
                    "journal_id": journal_id,
                    "leg": leg,
                    "made_at": datetime.now(UTC),
                }
            )
    if values:
        first = take_numbers(connection, municipality_code, "write_off", len(values))
        connection.execute(
            _rows.insert(), [row | {"write_off_no": first + n} for n, row in enumerate(values)]
        )


def _write_off(row: Row[Any]) -> WriteOff:
    """A row with its day and ground as what they are."""
    return WriteOff._make(row)._replace(
        ground=Ground(row.ground),
        extinguished_on=as_day(row.extinguished_on),
        taken_up_yen=int(row.taken_up_yen),
    )
