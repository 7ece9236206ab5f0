"""納付書の版: what a slip of a place would ask for now, and writing new versions in bulk.

A *place* is what a slip can be for: an instalment (notice, term), or all instalments of a notice's
group (term 00, 全期). Its slips are versions 1, 2, …; the highest in state ``new`` is current.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import DateTime, bindparam, text

from payments import pay_keys
from payments.domain.errors import InvalidValueError
from payments.domain.slip import (
    WHOLE_YEAR,
    SlipEvent,
    SlipState,
    slip_dates,
    slip_keys,
)
from payments.numbering import fresh_numbers, random_confirmation
from payments.store.bulk import insert_rows, portions, take_numbers
from payments.store.charge_tables import is_plan_slip
from payments.store.lookups import rows_about

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection, Row

    from payments.domain.profile import Profile

PlaceKey = tuple[int, str]  # notice_id, term
# What is still to be paid on an instalment; ``a`` is its instalment_account.
OPEN_YEN = "(a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen)"
NO_NUMBER = 10**11 - 1  # the last running number there is: no slip will ever have it
_SLIP_COLUMNS = (
    "municipality_code", "slip_id", "slip_no", "notice_id", "term", "version", "el_number",
    "konbini_barcode", "amount_yen", "due_on", "valid_until", "issued_on", "state",
)  # fmt: skip
_EVENT_COLUMNS = (
    "municipality_code", "slip_id", "event_no", "kind", "happened_at", "actor", "reason",
    "other_slip_id",
)  # fmt: skip


class Version(NamedTuple):
    """納付書の一版, as far as a decision about its successor needs it."""

    slip_id: int
    slip_no: str
    version: int
    amount_yen: int
    valid_until: date


CHANGED = ("assessment_cancelled", "slip_alternative_used", "slip_whole_year_single")
"""What may have happened to a place, so that its slip has to end (:attr:`Place.refusal`)."""


@dataclass(slots=True)
class Place:
    """納付書の対象: one instalment or group, what is left to pay, and the slips it has."""

    notice_id: int
    term: str
    item_code: str
    levy_year: int
    assessed_yen: int = 0
    to_pay_yen: int = 0
    open_parts: int = 0
    other_way_yen: int = 0  # money that came by 期別 slips, for 全期; by the 全期 slip, for 期別
    due_on: date | None = None  # 納期限 (shifted) of the earliest part that is open
    highest: int = 0  # version
    standing: list[Version] = field(default_factory=list)  # in state new, in order of version

    @property
    def current(self) -> Version | None:
        """現行の版, None without one."""
        return self.standing[-1] if self.standing else None

    @property
    def refusal(self) -> str:
        """なぜ発行できないか: a stable code, "" when a slip may be issued.

        A 全期 slip is for paying everything at once. Once money has come by 期別 slips, a payment
        on it would be an overpayment (outcomes.md 4, row 7), as would one on a 期別 slip that the
        全期 slip has settled; and over a single open instalment a 全期 slip would be that
        instalment's slip under another name.
        """
        if not self.assessed_yen:
            return "assessment_cancelled"
        if self.other_way_yen and (self.term == WHOLE_YEAR or not self.to_pay_yen):
            return "slip_alternative_used"
        if not self.to_pay_yen:
            return "slip_nothing_due"
        if self.term == WHOLE_YEAR and self.open_parts < 2:  # one is no group
            return "slip_whole_year_single"
        return ""


class Issue(NamedTuple):
    """発行の指示: a new version for this place; ``kind`` says why it comes into the world."""

    place: Place
    kind: SlipEvent
    reason: str = ""


class Issued(NamedTuple):
    """発行された納付書."""

    slip_id: int
    slip_no: str
    version: int
    amount_yen: int
    valid_until: date


@dataclass(frozen=True, slots=True)
class Act:
    """発行の事情: who issues, when, which day it is, and where 確認番号 come from."""

    actor: str
    at: datetime
    issued_on: date
    confirmation: Callable[[], str] = random_confirmation


def places_of(
    connection: Connection, municipality_code: str, wanted: Iterable[PlaceKey]
) -> dict[PlaceKey, Place]:
    """納付書の対象: these places as the books stand now; one that does not exist is left out."""
    keys = set(wanted)
    places: dict[PlaceKey, Place] = {}
    for notice_ids in portions(sorted({notice_id for notice_id, _ in keys})):
        for row in _instalments(connection, municipality_code, notice_ids):
            for term in (row.term, WHOLE_YEAR):
                if (row.notice_id, term) in keys and (term != WHOLE_YEAR or row.in_group):
                    _add_part(places, row, term)
        for row in _versions(connection, municipality_code, notice_ids):
            place = places.get((row.notice_id, row.term))
            if place is None:
                continue
            place.highest = max(place.highest, row.version)
            if row.state == SlipState.NEW:
                place.standing.append(
                    Version(
                        row.slip_id,
                        row.slip_no,
                        row.version,
                        row.amount_yen,
                        as_day(row.valid_until),
                    )
                )
    return places


def _add_part(places: dict[PlaceKey, Place], row: Row[Any], term: str) -> None:
    """One instalment joins the place that covers it."""
    place = places.setdefault(
        (row.notice_id, term), Place(row.notice_id, term, row.item_code, row.levy_year)
    )
    place.assessed_yen += row.amount_yen
    place.to_pay_yen += row.open_yen
    place.open_parts += row.open_yen > 0
    place.other_way_yen += row.term_yen if term == WHOLE_YEAR else row.whole_yen
    if row.open_yen > 0:
        due_on = as_day(row.due_on)
        place.due_on = min(place.due_on or due_on, due_on)


def write_versions(
    connection: Connection, profile: Profile, issues: Sequence[Issue], act: Act
) -> list[Issued]:
    """発行: new versions for these places, in their order; what stood before is superseded.

    Slips, keys and events are written in bulk within the caller's transaction.
    """
    if not issues:
        return []
    code = profile.municipality_code
    numbers = fresh_numbers(connection, profile, [issue.place.levy_year for issue in issues])
    first_id = take_numbers(connection, code, "slip", len(issues))
    slips = [
        _slip_row(profile, issue, act, first_id + at, number)
        for at, (issue, number) in enumerate(zip(issues, numbers, strict=True))
    ]
    insert_rows(connection, "slip", _SLIP_COLUMNS, slips, constants=(code,))
    pay_keys.insert_keys(connection, code, _key_rows(slips))
    _begin_events(connection, code, issues, slips, act)
    ended = [
        (version.slip_id, slip[0])
        for issue, slip in zip(issues, slips, strict=True)
        for version in issue.place.standing
    ]
    reasons = {slip[0]: issue.reason for issue, slip in zip(issues, slips, strict=True)}
    end_versions(
        connection,
        code,
        [Ending(old, SlipEvent.SUPERSEDED, reasons[new], new) for old, new in ended],
        act,
    )
    return [Issued(row[0], row[1], row[4], row[7], date.fromisoformat(row[9])) for row in slips]


class SlipDraft(NamedTuple):
    """納付書の下見: what a version would say; its numbers are given out to nobody."""

    slip_no: str
    version: int
    el_number: str | None
    konbini_barcode: str | None
    amount_yen: int
    due_on: date
    valid_until: date


def draft(profile: Profile, issue: Issue, act: Act) -> SlipDraft:
    """下見 of a new version, with the numbers that :data:`NO_NUMBER` makes."""
    row = _slip_row(profile, issue, replace(act, confirmation=lambda: "000000"), 0, NO_NUMBER)
    _id, slip_no, _notice, _term, version, el_number, barcode, yen, due, until, *_rest = row
    days = (date.fromisoformat(due), date.fromisoformat(until))
    return SlipDraft(slip_no, version, el_number, barcode, yen, *days)


def _slip_row(
    profile: Profile, issue: Issue, act: Act, slip_id: int, number: int
) -> tuple[Any, ...]:
    """The row of one new version."""
    place = issue.place
    if place.due_on is None:
        raise InvalidValueError("slip_zero", field="amount_yen", found=0, expected="1 or more")
    item = profile.item(place.item_code)
    dates = slip_dates(profile, item, place.due_on, act.issued_on)
    keys = slip_keys(
        profile,
        item,
        levy_year=place.levy_year,
        number=number,
        confirmation_no=act.confirmation(),
        version=place.highest + 1,
        amount_yen=place.to_pay_yen,
        konbini_until=dates.konbini_until,
    )
    return (
        slip_id, keys.slip_no, place.notice_id, place.term, place.highest + 1, keys.el_number,
        keys.konbini_barcode, place.to_pay_yen, place.due_on.isoformat(),
        dates.valid_until.isoformat(), act.issued_on.isoformat(), SlipState.NEW.value,
    )  # fmt: skip


def _key_rows(slips: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The keys of new slips; every version has its own, so none is shared."""
    rows = []
    for slip_id, _no, notice_id, term, _version, el_number, barcode, yen, _due, until, *_ in slips:
        said = (slip_id, notice_id, term, yen, until, False)
        if el_number:
            rows.append((pay_keys.el_key(el_number), *said))
        if barcode:
            rows.append((pay_keys.konbini_key(barcode), *said))
    return sorted(rows)


def _begin_events(
    connection: Connection,
    municipality_code: str,
    issues: Sequence[Issue],
    slips: Sequence[tuple[Any, ...]],
    act: Act,
) -> None:
    """The first event of every new slip."""
    at = _stored(connection, act.at)
    rows = (
        (
            slip[0], 1, issue.kind.value, at, act.actor, issue.reason,
            issue.place.current.slip_id if issue.place.current else None,
        )
        for issue, slip in zip(issues, slips, strict=True)
    )  # fmt: skip
    insert_rows(connection, "slip_event", _EVENT_COLUMNS, rows, constants=(municipality_code,))


class Ending(NamedTuple):
    """納付書の終わり: superseded by another, or revoked."""

    slip_id: int
    kind: SlipEvent
    reason: str = ""
    other_slip_id: int | None = None


def end_versions(
    connection: Connection, municipality_code: str, endings: Sequence[Ending], act: Act
) -> None:
    """差替・失効: these slips stand no longer; their keys stay and say so."""
    if not endings:
        return
    values = [
        {
            "m": municipality_code,
            "slip_id": end.slip_id,
            "state": SlipState.REVOKED if end.kind == SlipEvent.REVOKED else SlipState.SUPERSEDED,
            "kind": end.kind.value,
            "at": act.at,
            "actor": act.actor,
            "reason": end.reason,
            "other": end.other_slip_id,
        }
        for end in endings
    ]
    connection.execute(
        text("UPDATE slip SET state = :state WHERE municipality_code = :m AND slip_id = :slip_id"),
        [{"m": v["m"], "slip_id": v["slip_id"], "state": str(v["state"])} for v in values],
    )
    connection.execute(
        text(
            "INSERT INTO slip_event (municipality_code, slip_id, event_no, kind, happened_at, "
            "actor, reason, other_slip_id) "
            "SELECT CAST(:m AS VARCHAR), :slip_id, COALESCE(MAX(event_no), 0) + 1, :kind, :at, "
            ":actor, :reason, CAST(:other AS BIGINT) FROM slip_event "
            "WHERE municipality_code = :m AND slip_id = :slip_id"
        ).bindparams(bindparam("at", type_=DateTime(timezone=True))),
        [{name: value for name, value in v.items() if name != "state"} for v in values],
    )
    pay_keys.retire_keys(connection, municipality_code, [end.slip_id for end in endings])


# ---- reading ----


def _instalments(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> Iterable[Row[Any]]:
    """Every instalment of these notices."""
    return rows_about(
        connection,
        f"""SELECT n.notice_id, n.item_code, n.levy_year, a.term, a.in_group, a.amount_yen,
                      a.term_yen, a.whole_yen, {OPEN_YEN} AS open_yen, i.due_on
               FROM notice n
               JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = n.notice_id
               JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id
                AND i.term = a.term
               WHERE n.municipality_code = :m AND n.notice_id IN :some""",
        municipality_code,
        notice_ids,
    )


def _versions(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> Iterable[Row[Any]]:
    """Every version of these notices' slips, in order of version."""
    return rows_about(
        connection,
        "SELECT s.slip_id, s.slip_no, s.notice_id, s.term, s.version, s.amount_yen, "
        f"s.valid_until, CASE WHEN {is_plan_slip('s')} THEN 'of_plan' ELSE s.state END AS state "
        "FROM slip s WHERE s.municipality_code = :m AND s.notice_id IN :some "
        "ORDER BY s.notice_id, s.term, s.version, s.slip_id",
        municipality_code,
        notice_ids,
    )


def as_day(value: object) -> date:
    """日付 of the database: SQLite gives text."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _stored(connection: Connection, at: datetime) -> datetime | str:
    """An instant as a bulk write takes it; what SQLAlchemy reads back is the same instant."""
    if connection.dialect.name == "postgresql":
        return at
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
