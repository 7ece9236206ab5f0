"""推移: money by day as the ledger has it, and what follows from it (law.md 7.4, blocks 2 and 3).

Everything is read from ``day_total`` and from the postings behind its mark, so it is quick however
many receipts there are, and never older than the books. A step of the way of the money is told by
the two accounts of a posting: what was taken back counts against the day on which it was.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.day_totals import fresh

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

_ONE_DAY = timedelta(days=1)
_RECEIPT = frozenset({"receivable", "suspense"})
# 段階 → the accounts that are debited and those that are credited when money takes the step.
STEPS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "assessed": (frozenset({"receivable"}), frozenset({"assessed"})),
    "received": (frozenset({"reported", "confirmed_due"}), _RECEIPT),
    "collected": (
        frozenset({"reported", "confirmed_due", "suspense"}), frozenset({"receivable"}),
    ),
    "confirmed": (frozenset({"confirmed_due"}), _RECEIPT | {"reported"}),
    "settled": (frozenset({"unidentified", "fee"}), frozenset({"confirmed_due"})),
}  # fmt: skip
DETAILS = ("booked_on", "item_code", "claim_year", "open_year", "channel")
_UNKNOWN = {"claim_year": "0", "open_year": "0"}


class Moved(NamedTuple):
    """仕訳の集計: what was booked between two accounts; "" or 0 where it was not told apart."""

    booked_on: str  # ISO date
    item_code: str
    claim_year: int
    open_year: int
    channel: str
    debit: str
    credit: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int

    @property
    def year(self) -> int:
        """歳入の属する年度 (reconcile.report.revenue.year_of)."""
        return max(self.claim_year, self.open_year)


@dataclass(frozen=True, slots=True)
class Figure:
    """件数と金額 of a step; a number counts postings, what was taken back deducted."""

    count: int = 0
    amount_yen: int = 0

    def __add__(self, other: Figure) -> Figure:
        """Both together."""
        return Figure(self.count + other.count, self.amount_yen + other.amount_yen)


@dataclass(frozen=True, slots=True)
class Way:
    """調定から入金まで within a period: the sums at each step, all from the same postings."""

    to_collect_yen: int  # 期首の収入未済 ＋ 調定の異動
    collected_yen: int  # 消込: of it, what was applied
    received_yen: int  # 速報以上: applied, and what went to suspense
    confirmed_yen: int  # 確報
    settled_yen: int  # 入金照合済, with the fees that were kept back
    earlier_yen: int  # 消込 of it into the revenue of years before (出納整理期間)


class Wait(NamedTuple):
    """確報までの日数: yen of one channel that were confirmed ``days`` after they were reported."""

    channel: str
    days: int
    amount_yen: int


def moved(
    connection: Connection,
    municipality_code: str,
    first: date,
    last: date,
    by: Sequence[str] = (),
) -> tuple[Moved, ...]:
    """仕訳の集計 of the days from ``first`` to ``last``, told apart by some of :data:`DETAILS`."""
    chosen = ", ".join(_detail(name) if name in by else _unknown(name) for name in DETAILS)
    rows = connection.execute(
        text(
            f"SELECT {chosen}, debit_account, credit_account, SUM(count), SUM(amount_yen) "
            "FROM day_total WHERE municipality_code = :m AND booked_on BETWEEN :first AND :last "
            "GROUP BY 1, 2, 3, 4, 5, 6, 7"
        ),
        {"m": municipality_code, "first": first.isoformat(), "last": last.isoformat()},
    )
    sums = {tuple(key): [int(number), int(yen)] for *key, number, yen in rows}
    for row in fresh(connection, municipality_code):
        if first.isoformat() <= row.booked_on <= last.isoformat():
            told = (getattr(row, n) if n in by else 0 if n in _UNKNOWN else "" for n in DETAILS)
            total = sums.setdefault((*told, row.debit, row.credit), [0, 0])
            total[0] += row.count
            total[1] += row.amount_yen
    return tuple(Moved(*key, *sums[key]) for key in sorted(sums))


def sign(step: str, debit: str, credit: str) -> int:
    """+1 for a posting that takes the step, -1 for one that takes it back, 0 for any other."""
    debits, credits_ = STEPS[step]
    return (debit in debits and credit in credits_) - (credit in debits and debit in credits_)


def total(rows: Iterable[Moved], step: str) -> Figure:
    """件数と金額 of one step over some rows."""
    number = yen = 0
    for row in rows:
        way = sign(step, row.debit, row.credit)
        number += way * row.count
        yen += way * row.amount_yen
    return Figure(number, yen)


def balance(rows: Iterable[Moved], account: str) -> int:
    """Debit minus credit of an account."""
    return sum(row.amount_yen * ((row.debit == account) - (row.credit == account)) for row in rows)


def way(before: tuple[Moved, ...], within: tuple[Moved, ...], year: int) -> Way:
    """調定から入金まで of a period in fiscal ``year``, from the rows before it and those of it."""
    earlier = (row for row in within if 0 < row.year < year)
    return Way(
        to_collect_yen=balance(before, "receivable") + total(within, "assessed").amount_yen,
        collected_yen=total(within, "collected").amount_yen,
        received_yen=total(within, "received").amount_yen,
        confirmed_yen=total(within, "confirmed").amount_yen,
        settled_yen=total(within, "settled").amount_yen,
        earlier_yen=total(earlier, "collected").amount_yen,
    )


def own_year(rows: Iterable[Moved], year: int) -> tuple[Moved, ...]:
    """現年度分: claims of ``year`` and what was booked into its revenue."""
    return tuple(row for row in rows if row.claim_year == year == row.year)


def cumulated(rows: Iterable[Moved], step: str, days: Sequence[date]) -> list[int]:
    """累計 of a step up to and with each of ``days``, which ascend."""
    by_day: dict[str, int] = {}
    for row in rows:
        if yen := sign(step, row.debit, row.credit) * row.amount_yen:
            by_day[row.booked_on] = by_day.get(row.booked_on, 0) + yen
    known = sorted(by_day.items())
    found, so_far, at = [], 0, 0
    for day in days:
        while at < len(known) and known[at][0] <= day.isoformat():
            so_far += known[at][1]
            at += 1
        found.append(so_far)
    return found


def waits(before: Iterable[Moved], within: Iterable[Moved], since: date) -> tuple[Wait, ...]:
    """確報までの日数 of what was confirmed from ``since`` on: the oldest 速報 is confirmed first.

    ``before`` are the sums by channel of all days before ``within``; of what they left open nobody
    can say the day here, so its yen are counted nowhere. Which 速報 a 確報 belongs to stands on its
    line; over many payments taking them in order of arrival gives the same days on average.
    """
    left = {row.channel: 0 for row in before}
    for row in before:
        left[row.channel] += balance([row], "reported")
    found: dict[tuple[str, int], int] = {}
    ordered = sorted(within, key=lambda row: (row.channel, row.booked_on))
    for channel, of_channel in groupby(ordered, key=lambda row: row.channel):
        queue: deque[list[int]] = deque([[0, max(left.get(channel, 0), 0)]])
        for booked_on, of_day in groupby(of_channel, key=lambda row: row.booked_on):
            day, rows = date.fromisoformat(booked_on), list(of_day)
            confirmed = sum(
                row.amount_yen * ((row.credit == "reported") - (row.debit == "reported"))
                for row in rows
                if "confirmed_due" in (row.debit, row.credit)
            )
            came = balance(rows, "reported") + confirmed
            queue.append([day.toordinal(), max(came, 0)])
            _taken(queue, -came, newest=True)  # what is withdrawn has mostly just come
            for begun, yen in _taken(queue, confirmed):
                if begun and day >= since:
                    key = (channel, day.toordinal() - begun)
                    found[key] = found.get(key, 0) + yen
    return tuple(Wait(*key, yen) for key, yen in sorted(found.items()))


def within_days(found: Iterable[Wait], share: int) -> int:
    """The days within which ``share`` in a hundred of the yen were confirmed."""
    ordered = sorted(found, key=lambda wait: wait.days)
    goal = sum(wait.amount_yen for wait in ordered) * share
    so_far = 0
    for wait in ordered:
        so_far += wait.amount_yen * 100
        if so_far >= goal:
            return wait.days
    return 0


def _taken(queue: deque[list[int]], yen: int, *, newest: bool = False) -> list[tuple[int, int]]:
    """Take ``yen`` from one end of a queue: the day each part was put in, and its yen."""
    taken = []
    while yen > 0 and queue:
        end = queue[-1 if newest else 0]
        part = min(yen, end[1])
        if part:
            taken.append((end[0], part))
        end[1] -= part
        yen -= part
        if not end[1]:
            queue.pop() if newest else queue.popleft()
    return taken


def _detail(name: str) -> str:
    return "CAST(booked_on AS VARCHAR(10))" if name == "booked_on" else name


def _unknown(name: str) -> str:
    return _UNKNOWN.get(name, "''")
