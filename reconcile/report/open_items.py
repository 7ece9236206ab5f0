"""未処理: what waits for people, by its age, and the credits that fit nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from reconcile.report.arrivals import as_date

if TYPE_CHECKING:
    from sqlalchemy import Connection

# 経過日数: the upper end of each class but the last, which has none.
AGES = (3, 7, 30, 90)
_WAITING = "municipality_code = :m AND state IN ('open', 'acknowledged')"
_BEGINNING = date(1, 1, 1)


class Age(NamedTuple):
    """経過日数の区分: how many cases were opened so many days ago, and their yen."""

    from_days: int
    to_days: int | None  # None: longer ago than any other class
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int

    def days(self, day: date) -> tuple[date | None, date | None]:
        """The first and the last day on which its cases were opened; None: no end on that side."""
        first = None if self.to_days is None else day - timedelta(days=self.to_days)
        # The youngest class holds what was opened later than ``day``, too.
        return first, day - timedelta(days=self.from_days) if self.from_days else None


class Credits(NamedTuple):
    """未照合の入金: credits on the account that fit no report."""

    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int
    oldest_on: date | None


class Credit(NamedTuple):
    """未照合の入金の一件."""

    file_id: int
    line_no: int
    account_key: str
    agent: str
    amount_yen: int
    booked_on: date


# 確認事項 that waited at the end of a day: those that wait now, but where something happened since:
# of these the last event up to the day counts that nobody had taken back by then.
_SINCE = """(SELECT s.case_no FROM case_event s WHERE s.municipality_code = :m
    AND s.happened_on > :day AND s.event IN ('reopened', 'resolved', 'accepted', 'undone'))"""
_WAITED = f"""
FROM review_case c WHERE c.municipality_code = :m AND c.opened_on <= :day
  AND ((c.state IN ('open', 'acknowledged') AND c.case_no NOT IN {_SINCE})
    OR (c.case_no IN {_SINCE} AND (
      SELECT e.event FROM case_event e
      WHERE e.municipality_code = :m AND e.case_no = c.case_no AND e.happened_on <= :day
        AND e.event IN ('opened', 'reopened', 'resolved', 'accepted')
        AND NOT EXISTS (
          SELECT 1 FROM case_event u
          WHERE u.municipality_code = :m AND u.case_no = c.case_no AND u.event = 'undone'
            AND u.note = CAST(e.event_no AS VARCHAR(20)) AND u.happened_on <= :day)
      ORDER BY e.event_no DESC LIMIT 1) IN ('opened', 'reopened')))"""


def ages(connection: Connection, municipality_code: str, day: date) -> tuple[Age, ...]:
    """経過日数別の確認事項 that wait now, their days counted up to ``day``, the youngest first.

    Every class, also an empty one.
    """
    return _ages(connection, municipality_code, day, f"FROM review_case WHERE {_WAITING}")


def ages_then(connection: Connection, municipality_code: str, day: date) -> tuple[Age, ...]:
    """経過日数別の確認事項 that waited at the end of a day that is over, as the history has it.

    A case that was closed and opened again has the yen that it was opened again with.
    """
    return _ages(connection, municipality_code, day, _WAITED)


def _ages(connection: Connection, municipality_code: str, day: date, which: str) -> tuple[Age, ...]:
    classes = " ".join(
        f"WHEN opened_on >= :since_{number} THEN {number}" for number in range(len(AGES))
    )
    values = {
        f"since_{number}": (day - timedelta(days=age)).isoformat()
        for number, age in enumerate(AGES)
    }
    rows = connection.execute(
        text(
            f"SELECT CASE {classes} ELSE {len(AGES)} END AS class, COUNT(*), SUM(amount_yen) "
            f"{which} GROUP BY 1"
        ),
        {"m": municipality_code, **values} | ({"day": day.isoformat()} if ":day" in which else {}),
    )
    found = {int(number): (int(cases), int(yen)) for number, cases, yen in rows}
    return tuple(
        Age(begin, end, *found.get(number, (0, 0)))
        for number, (begin, end) in enumerate(_classes())
    )


def _classes() -> list[tuple[int, int | None]]:
    """経過日数の区分: first and last day of each class."""
    begins = [0, *(age + 1 for age in AGES)]
    return list(zip(begins, [*AGES, None], strict=True))


def credits_open(connection: Connection, municipality_code: str) -> Credits:
    """未照合の入金: how many, how much, and since when."""
    row: Any = connection.execute(
        text(
            "SELECT COUNT(*), COALESCE(SUM(amount_yen), 0), MIN(booked_on) FROM deposit "
            "WHERE municipality_code = :m AND state = 'open'"
        ),
        {"m": municipality_code},
    ).one()
    return Credits(int(row[0]), int(row[1]), as_date(row[2]))


def open_credits(
    connection: Connection,
    municipality_code: str,
    *,
    after: tuple[int, ...] = (0, 0),
    limit: int = 100,
) -> tuple[Credit, ...]:
    """未照合の入金 in the order they came, those behind the line ``after``."""
    rows = connection.execute(
        text(
            "SELECT file_id, line_no, account_key, agent, amount_yen, booked_on FROM deposit "
            "WHERE municipality_code = :m AND state = 'open' "
            "AND (file_id > :file_id OR (file_id = :file_id AND line_no > :line_no)) "
            "ORDER BY file_id, line_no LIMIT :limit"
        ),
        {"m": municipality_code, "file_id": after[0], "line_no": after[1], "limit": limit},
    )
    return tuple(
        Credit(row.file_id, row.line_no, row.account_key, row.agent, row.amount_yen,
               _day(row.booked_on))
        for row in rows
    )  # fmt: skip


def _day(value: Any) -> date:
    return as_date(value) or _BEGINNING
