"""過誤納の集計: how much waits how long and at which stage, without reading each one for a page.

A town's are counted whenever somebody asks. A city's, more than :data:`LIVE_MAX` payments and
claims that hold money or once held it, are told as they were counted last, with the moment and
whether the books have moved since; they are counted every night and when a person asks for it.
Nothing is decided by it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select, text

from payments.domain.overpayment import expires_on
from payments.versions import as_day
from reconcile.refunds.ageing import BUCKETS
from reconcile.refunds.found import NEW, SHORT, STATES, years_of
from reconcile.refunds.pages import (
    NOTICED,
    START,
    UNCLASSED,
    UNNOTICED_DAYS,
    Asked,
    classed_overpayments,
    key_of,
    page,
)
from reconcile.store.refund_tables import RefundCountRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.refunds.found import Overpayment

LIVE_MAX = 3_000
_AT_ONCE = 50
count_table = RefundCountRow.__table__  # type: ignore[attr-defined]
_MANY = """
SELECT COUNT(*) FROM (
    SELECT 1 AS one FROM receipt r WHERE r.municipality_code = :m AND r.suspense_yen > 0
    UNION ALL
    SELECT 1 AS one FROM instalment_account a WHERE a.municipality_code = :m AND a.surplus_yen > 0
    LIMIT :most) q"""
# Whatever changes what waits is a posting, a file, or entered under the seal.
_MARK = """
SELECT (SELECT COALESCE(MAX(journal_id), 0) FROM journal WHERE municipality_code = :m) AS journal,
    (SELECT COALESCE(MAX(file_id), 0) FROM source_file WHERE municipality_code = :m) AS file,
    (SELECT COALESCE(MAX(entry_no), 0) FROM seal_entry WHERE municipality_code = :m) AS entry"""


class Group(NamedTuple):
    """同じ日・段階のもの: number and yen of what arose on a day and ends on another."""

    arose_on: date
    expires_on: date
    state: str
    noticed: bool
    number: int
    yen: int


@dataclass(frozen=True, slots=True)
class Counts:
    """過誤納の集計, of any day: ages and warnings follow from the days."""

    groups: tuple[Group, ...]
    counted_at: datetime | None = None  # None: just now
    moved: bool = False  # the books have moved on since

    def by_age(self, as_of: date) -> list[tuple[int, int]]:
        """件数と金額 of each of :data:`reconcile.refunds.ageing.BUCKETS` and beyond."""
        sums = [(0, 0)] * (len(BUCKETS) + 1)
        for group in self.groups:
            place = bucket_of(group.arose_on, as_of)
            sums[place] = (sums[place][0] + group.number, sums[place][1] + group.yen)
        return sums

    def by_state(self) -> dict[str, tuple[int, int]]:
        """件数と金額 of each stage."""
        numbers: Counter[str] = Counter()
        yen: Counter[str] = Counter()
        for group in self.groups:
            numbers[group.state] += group.number
            yen[group.state] += group.yen
        return {state: (numbers[state], yen[state]) for state in STATES}

    def warnings(self, profile: Profile, as_of: date) -> int:
        """注意を要するものの件数."""
        return sum(
            group.number
            for group in self.groups
            if is_warning(profile, group.arose_on, group.expires_on, as_of, noticed=group.noticed)
        )


def bucket_of(arose_on: date, as_of: date) -> int:
    """経過の区分 of money that arose on this day."""
    days = (as_of - arose_on).days
    return next((n for n, most in enumerate(BUCKETS) if days <= most), len(BUCKETS))


def bucket_days(bucket: int, as_of: date) -> tuple[date, date]:
    """経過の区分の初日と末日, to be asked for."""
    last = as_of - timedelta(days=BUCKETS[bucket - 1] + 1) if bucket else date.max
    first = as_of - timedelta(days=BUCKETS[bucket]) if bucket < len(BUCKETS) else date.min
    return first, last


def is_warning(
    profile: Profile, arose_on: date, ends_on: date, as_of: date, *, noticed: bool
) -> bool:
    """注意を要するか: the right has ended or ends soon, or nobody was told for a month."""
    return (ends_on - as_of).days <= profile.refunds.warn_days or (
        not noticed and (as_of - arose_on).days > UNNOTICED_DAYS
    )


def warned(connection: Connection, profile: Profile, as_of: date, most: int) -> list[Overpayment]:
    """注意を要するもの, the oldest first."""
    return list(islice(_warned(connection, profile, as_of), most))


def counts_of(connection: Connection, profile: Profile, as_of: date) -> Counts:
    """過誤納の集計: live where there is little, or when it was never counted; else as kept."""
    code = profile.municipality_code
    row = None
    if not is_small(connection, code):
        row = connection.execute(
            select(count_table).where(count_table.c.municipality_code == code)
        ).one_or_none()
    if row is None:
        return counted(connection, profile, as_of)
    groups = (
        Group(date.fromisoformat(arose), date.fromisoformat(ends), *rest)
        for arose, ends, *rest in json.loads(row.content_json)
    )
    return Counts(tuple(groups), row.counted_at, row.mark != _mark(connection, code))


def keep(connection: Connection, profile: Profile, as_of: date, at: datetime) -> None:
    """数え直し: what is much is counted and kept; a little needs no keeping."""
    code = profile.municipality_code
    if is_small(connection, code):
        return
    mark, found = _mark(connection, code), counted(connection, profile, as_of)
    content = [
        (group.arose_on.isoformat(), group.expires_on.isoformat(), *group[2:])
        for group in found.groups
    ]
    connection.execute(delete(count_table).where(count_table.c.municipality_code == code))
    connection.execute(
        insert(count_table).values(
            municipality_code=code, mark=mark, counted_at=at, content_json=json.dumps(content)
        )
    )


def is_small(connection: Connection, municipality_code: str) -> bool:
    """数えながら見せられるか: at most :data:`LIVE_MAX` payments and claims that hold money."""
    scope = {"m": municipality_code, "most": LIVE_MAX + 1}
    return int(connection.execute(text(_MANY), scope).scalar_one()) <= LIVE_MAX


def counted(connection: Connection, profile: Profile, as_of: date) -> Counts:
    """過誤納の集計 from the books as they stand."""
    sums: dict[tuple[date, date, str, bool], list[int]] = {}
    for group in chain(_unclassed(connection, profile), _classed(connection, profile, as_of)):
        both = sums.setdefault(group[:4], [0, 0])
        both[0] += group.number
        both[1] += group.yen
    return Counts(tuple(Group(*key, *both) for key, both in sorted(sums.items())))


_GROUPS = f"""
SELECT item_code, arose_on, noticed, COUNT(*) AS number, SUM(yen) AS yen
FROM (SELECT {{item_code}} AS item_code, CAST({{arose_on}} AS VARCHAR(10)) AS arose_on,
        CASE WHEN {NOTICED.format(subject="{subject}")} THEN 1 ELSE 0 END AS noticed, {{yen}} AS yen
      {{source}}) q
GROUP BY item_code, arose_on, noticed"""


def _unclassed(connection: Connection, profile: Profile) -> Iterator[Group]:
    """未認定のもの, summed up by the database."""
    for branch in UNCLASSED:
        statement = _GROUPS.format(**branch._asdict())
        for row in connection.execute(text(statement), {"m": profile.municipality_code}):
            arose_on = as_day(row.arose_on)
            ends_on = expires_on(arose_on, years_of(profile, row.item_code))
            noticed, number, yen = bool(row.noticed), int(row.number), int(row.yen)
            yield Group(arose_on, ends_on, NEW, noticed, number, yen)


def _classed(connection: Connection, profile: Profile, as_of: date) -> Iterator[Group]:
    """認定したもの one by one: at which stage each is depends on what the person owes."""
    for row in classed_overpayments(connection, profile, as_of):
        if row.state != SHORT:
            noticed, yen = row.noticed_on is not None, row.waiting_yen
            yield Group(row.arose_on, row.expires_on, row.state, noticed, 1, yen)


def _warned(connection: Connection, profile: Profile, as_of: date) -> Iterator[Overpayment]:
    after = START
    while rows := page(
        connection, profile, as_of, Asked(warned=True), after=after, limit=_AT_ONCE, brief=True
    ):
        after = key_of(rows[-1])
        for row in rows:
            noticed = row.noticed_on is not None
            if row.state != SHORT and is_warning(
                profile, row.arose_on, row.expires_on, as_of, noticed=noticed
            ):
                yield row


def _mark(connection: Connection, municipality_code: str) -> str:
    row = connection.execute(text(_MARK), {"m": municipality_code}).one()
    return "/".join(map(str, row))
