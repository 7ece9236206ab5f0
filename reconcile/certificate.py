"""納税証明の基礎: what was assessed, paid and is left per levy and year; vehicles (N-01).

A certificate says up to when every channel is complete, and is refused while one is behind, unless
two people agreed for that day. What is merely announced (速報) is no payment (law.md E-01) unless
the profile says so; what was written off is neither paid nor unpaid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments import approve
from payments.domain.errors import NotFoundError, RefusedError
from payments.store.lookups import rows_about
from payments.vehicles import vehicles_of
from payments.versions import OPEN_YEN, as_day
from reconcile.report.dunning import complete_until

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

KIND = "certificate_despite"
PAID, CONFIRMING, OPEN, UNKNOWN, NONE_DUE = "paid", "confirming", "open", "unknown", "none_due"
_PROVISIONAL = """(SELECT COALESCE(SUM(r.applied_yen), 0) FROM receipt r
    WHERE r.municipality_code = :m AND r.notice_id = n.notice_id AND r.stage = 'provisional')"""
_NOTICES = f"""
SELECT n.notice_id, n.item_code, n.levy_year, SUM(a.amount_yen) AS assessed_yen,
    SUM({OPEN_YEN}) AS open_yen, SUM(a.written_off_yen) AS written_off_yen,
    SUM(CASE WHEN CAST(i.due_on AS VARCHAR(10)) < :as_of THEN {OPEN_YEN} ELSE 0 END) AS overdue_yen,
    CAST(MIN(i.due_on_statutory) AS VARCHAR(10)) AS first_due,
    CAST(MAX(i.due_on_statutory) AS VARCHAR(10)) AS last_due,
    {_PROVISIONAL} AS provisional_yen
FROM notice n
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = n.notice_id
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
WHERE n.municipality_code = :m AND {{which}}
GROUP BY n.notice_id, n.item_code, n.levy_year
ORDER BY n.item_code, n.levy_year, n.notice_id"""
_SETTLED = f"""
SELECT a.notice_id, a.term, n.item_code, a.amount_yen - a.written_off_yen - {OPEN_YEN} AS yen
FROM notice n
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = n.notice_id
WHERE n.municipality_code = :m AND n.obligor_no = :no
ORDER BY a.notice_id, a.term"""
_VEHICLES = """
SELECT v.notice_id, v.vehicle_no FROM vehicle_entry v
JOIN notice n ON n.municipality_code = :m AND n.notice_id = v.notice_id AND n.levy_year = :year
WHERE v.municipality_code = :m AND NOT EXISTS (SELECT 1 FROM vehicle_entry x
    WHERE x.municipality_code = :m AND x.notice_id = v.notice_id AND x.entry_no > v.entry_no)
ORDER BY v.vehicle_no, v.notice_id"""
_PAID_ON = """
SELECT r.notice_id, CAST(MAX(r.paid_on) AS VARCHAR(10)) AS paid_on FROM receipt r
WHERE r.municipality_code = :m AND r.stage = 'confirmed' AND r.notice_id IN :some
GROUP BY r.notice_id"""


class Levy(NamedTuple):
    """一つの税目・年度: 納付すべき額 = 納付済額 + 確認中の額 + 未納額 + 不納欠損額."""

    item_code: str
    levy_year: int
    assessed_yen: int
    paid_yen: int
    provisional_yen: int
    unpaid_yen: int
    overdue_yen: int  # of the unpaid, what is past its due date
    written_off_yen: int
    first_due_on: date  # 法定納期限 of the first and the last instalment
    last_due_on: date


class Settled(NamedTuple):
    """納付の記録 that the figures rest on: what is no longer open of one instalment."""

    notice_id: int
    term: str
    yen: int


@dataclass(frozen=True, slots=True)
class Basis:
    """証明の基礎 of a person as of a day; ``complete_until`` is データの基準日 per channel."""

    obligor_no: str
    name: str
    as_of: date
    levies: tuple[Levy, ...]
    complete_until: dict[str, date]
    despite: int | None = None  # the approval by which it was made although a channel was behind
    settled: tuple[Settled, ...] = ()

    @property
    def cut_off_on(self) -> date:
        """データの基準日: up to which day every channel is complete."""
        return min([*self.complete_until.values(), self.as_of])


class VehicleState(NamedTuple):
    """車両の納付状況: nothing of anybody but the vehicle."""

    vehicle_no: str
    levy_year: int
    state: str  # paid, confirming, open, unknown (a channel is behind) or none_due
    paid_on: date | None
    certificate_until: date | None
    arrears: bool


def lacking(connection: Connection, profile: Profile, on: date, at: datetime) -> dict[str, date]:
    """届いていない資料: channels that are not complete up to the day before, and since when."""
    found = complete_until(connection, profile, on, at)
    return {source: day for source, day in found.items() if day < on - timedelta(days=1)}


def despite_content(
    connection: Connection, profile: Profile, on: date, at: datetime
) -> dict[str, Any]:
    """未着のままの証明の内容: for which day, and what is behind.

    Raises :class:`RefusedError` ``certificate_complete`` when nothing is.
    """
    behind = lacking(connection, profile, on, at)
    if not behind:
        raise RefusedError("certificate_complete", on=on.isoformat())
    return {"on": on.isoformat(), "lacking": {k: d.isoformat() for k, d in sorted(behind.items())}}


def require_complete(
    connection: Connection, profile: Profile, on: date, at: datetime
) -> tuple[dict[str, date], int | None]:
    """資料の確認: up to when every channel is complete, and the approval if one is behind.

    Raises :class:`RefusedError` ``certificate_red``.
    """
    complete = complete_until(connection, profile, on, at)
    behind = lacking(connection, profile, on, at)
    if not behind:
        return complete, None
    content = despite_content(connection, profile, on, at)
    found = approve.approved(connection, profile.municipality_code, KIND, on.isoformat(), content)
    if found is None:
        said = ", ".join(f"{source} {day}" for source, day in sorted(behind.items()))
        raise RefusedError("certificate_red", lacking=said)
    return complete, found.approval_id


def basis_of(
    connection: Connection, profile: Profile, obligor_no: str, on: date, at: datetime
) -> Basis:
    """証明の基礎 of a person: every tax and year.

    Raises :class:`NotFoundError` ``obligor`` and :class:`RefusedError` ``certificate_red``.
    """
    code = profile.municipality_code
    name = connection.execute(
        text("SELECT name FROM obligor WHERE municipality_code = :m AND obligor_no = :no"),
        {"m": code, "no": obligor_no},
    ).scalar_one_or_none()
    if name is None:
        raise NotFoundError("obligor", obligor_no=obligor_no)
    complete, approval_id = require_complete(connection, profile, on, at)
    taxes = {item.item_code for item in profile.items if item.law == "tax"}
    rows = connection.execute(
        text(_NOTICES.format(which="n.obligor_no = :no")),
        {"m": code, "no": obligor_no, "as_of": on.isoformat()},
    )
    levies: dict[tuple[str, int], Levy] = {}
    for row in rows:
        if row.item_code not in taxes:
            continue
        key = (row.item_code, row.levy_year)
        found = _levy(profile, row)
        before = levies.get(key)
        levies[key] = found if before is None else _together(before, found)
    settled = tuple(
        Settled(row.notice_id, row.term, int(row.yen))
        for row in connection.execute(text(_SETTLED), {"m": code, "no": obligor_no})
        if row.item_code in taxes and row.yen > 0
    )
    return Basis(obligor_no, str(name), on, tuple(levies.values()), complete, approval_id, settled)


def vehicle_states(
    connection: Connection, profile: Profile, levy_year: int, on: date, at: datetime
) -> tuple[list[VehicleState], dict[str, date]]:
    """車両の納付状況 of a year, by number, and up to when every channel is complete.

    A vehicle that is not known to be paid is ``unknown`` while a channel is behind: nobody is said
    to owe what may have been paid.
    """
    code = profile.municipality_code
    complete = complete_until(connection, profile, on, at)
    behind = bool(lacking(connection, profile, on, at))
    entries = connection.execute(text(_VEHICLES), {"m": code, "year": levy_year}).all()
    ids = [row.notice_id for row in entries]
    about = vehicles_of(connection, code, ids)
    paid_on = {row.notice_id: row.paid_on for row in rows_about(connection, _PAID_ON, code, ids)}
    rows = connection.execute(
        text(_NOTICES.format(which="n.levy_year = :year AND EXISTS (SELECT 1 FROM vehicle_entry v "
                            "WHERE v.municipality_code = :m AND v.notice_id = n.notice_id)")),
        {"m": code, "year": levy_year, "as_of": on.isoformat()},
    )  # fmt: skip
    sums = {row.notice_id: row for row in rows}
    found = []
    for entry in entries:
        day = paid_on.get(entry.notice_id)
        vehicle = about[entry.notice_id]
        found.append(
            VehicleState(
                entry.vehicle_no,
                levy_year,
                _state(sums[entry.notice_id], behind=behind),
                as_day(day) if day else None,
                vehicle.certificate_until,
                vehicle.arrears,
            )
        )
    return found, complete


def _state(row: Any, *, behind: bool) -> str:
    if not row.assessed_yen:
        return NONE_DUE
    if row.open_yen > 0:
        return UNKNOWN if behind else OPEN
    return CONFIRMING if row.provisional_yen else PAID


def _levy(profile: Profile, row: Any) -> Levy:
    provisional = int(row.provisional_yen)
    if profile.certificate_provisional:  # announced payments count here (E-01)
        provisional = 0
    settled = row.assessed_yen - row.open_yen - row.written_off_yen
    return Levy(
        row.item_code, row.levy_year, int(row.assessed_yen), int(settled - provisional),
        provisional, int(row.open_yen), int(row.overdue_yen), int(row.written_off_yen),
        as_day(row.first_due), as_day(row.last_due),
    )  # fmt: skip


def _together(one: Levy, other: Levy) -> Levy:
    """Several notices of a levy and year."""
    return Levy(
        one.item_code,
        one.levy_year,
        one.assessed_yen + other.assessed_yen,
        one.paid_yen + other.paid_yen,
        one.provisional_yen + other.provisional_yen,
        one.unpaid_yen + other.unpaid_yen,
        one.overdue_yen + other.overdue_yen,
        one.written_off_yen + other.written_off_yen,
        min(one.first_due_on, other.first_due_on),
        max(one.last_due_on, other.last_due_on),
    )
