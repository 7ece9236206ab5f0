"""過誤納の一覧の一部: page by page in the order of days, whatever else waits or is paid back.

The order is that of the day on which money arose, what lines hold before what claims hold. The key
of a row is its day and its subject. Nobody's row is read to show another's: each branch walks its
own index from the key on and ends with the page.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from reconcile.refunds.found import (
    CORRECTED_ON,
    NEW,
    SHORT_YEARS,
    Overpayment,
    overpayments_of,
)
from reconcile.store.refund_tables import DECIDED_OF_RECEIPT, DECIDED_OF_SURPLUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

Key = tuple[str, str]  # day (ISO text) and subject
START: Key = ("", "")
UNNOTICED_DAYS = 30  # days after which nobody was told is a warning
_PORTION = 200  # rows at once, where there is no page
_END = 2**62  # behind every file
_DIGITS = 18  # of the numbers in a key; it comes with an address


class Asked(NamedTuple):
    """一覧の条件: 段階 (:data:`reconcile.refunds.found.STATES`, "" all), days, and warnings."""

    state: str = ""
    first_on: date = date.min
    last_on: date = date.max
    warned: bool = False  # only what nobody was told for a month, or whose time may be over soon


_SUBJECT_OF_LINE = (
    "'line:' || CAST(r.file_id AS VARCHAR(20)) || ':' || CAST(r.line_no AS VARCHAR(20))"
)
_SUBJECT_OF_CLAIM = "'claim:' || CAST(a.notice_id AS VARCHAR(20)) || '/' || a.term"
_UNCLASSED = """NOT EXISTS (SELECT 1 FROM overpayment c
    WHERE c.municipality_code = :m AND c.subject = {subject})"""
_HELD_BY_LINE = f"""r.municipality_code = :m AND r.suspense_yen > 0 AND r.stage <> 'withdrawn'
    AND r.notice_id IS NOT NULL AND r.suspense_yen <> {DECIDED_OF_RECEIPT}"""
_HELD_BY_CLAIM = f"""a.municipality_code = :m AND a.surplus_yen > 0
    AND a.surplus_yen <> {DECIDED_OF_SURPLUS}"""
_NEWEST = """c.municipality_code = :m AND NOT EXISTS (SELECT 1 FROM overpayment d
    WHERE d.municipality_code = :m AND d.subject = c.subject
      AND d.overpayment_no > c.overpayment_no)"""


NOTICED = """EXISTS (SELECT 1 FROM refund_notice t
    WHERE t.municipality_code = :m AND t.subject = {subject})"""


class Branch(NamedTuple):
    """一つの出所: rows with their day, in an order of their own."""

    arose_on: str
    subject: str
    place: tuple[str, str]  # file and line, or notice and term
    yen: str
    item_code: str
    source: str  # FROM … WHERE …


_RECEIPT_YEN = f"r.suspense_yen - {DECIDED_OF_RECEIPT}"
_SURPLUS_YEN = f"a.surplus_yen - {DECIDED_OF_SURPLUS}"
_ITEM = """(SELECT n.item_code FROM notice n WHERE n.municipality_code = :m
    AND n.notice_id = {row}.notice_id)"""
UNCLASSED = (
    Branch(
        "r.paid_on", _SUBJECT_OF_LINE, ("r.file_id", "r.line_no"), _RECEIPT_YEN,
        _ITEM.format(row="r"),
        f"FROM receipt r WHERE {_HELD_BY_LINE} AND r.paid_on IS NOT NULL "
        f"AND {_UNCLASSED.format(subject=_SUBJECT_OF_LINE)}",
    ),
    Branch(
        "f.received_on", _SUBJECT_OF_LINE, ("r.file_id", "r.line_no"), _RECEIPT_YEN,
        _ITEM.format(row="r"),
        f"FROM receipt r CROSS JOIN source_file f WHERE {_HELD_BY_LINE} AND r.paid_on IS NULL "
        "AND f.municipality_code = :m AND f.file_id = r.file_id "
        f"AND {_UNCLASSED.format(subject=_SUBJECT_OF_LINE)}",
    ),
    Branch(
        CORRECTED_ON, _SUBJECT_OF_CLAIM, ("a.notice_id", "a.term"), _SURPLUS_YEN,
        _ITEM.format(row="a"),
        f"FROM instalment_account a WHERE {_HELD_BY_CLAIM} "
        f"AND {_UNCLASSED.format(subject=_SUBJECT_OF_CLAIM)}",
    ),
)  # fmt: skip
CLASSED = (
    Branch(
        "c.arose_on", "c.subject", ("c.file_id", "c.line_no"), _RECEIPT_YEN, _ITEM.format(row="c"),
        f"FROM overpayment c CROSS JOIN receipt r WHERE {_NEWEST} AND c.file_id > 0 "
        f"AND r.file_id = c.file_id AND r.line_no = c.line_no AND {_HELD_BY_LINE}",
    ),
    Branch(
        "c.arose_on", "c.subject", ("c.notice_id", "c.term"), _SURPLUS_YEN, _ITEM.format(row="c"),
        f"FROM overpayment c CROSS JOIN instalment_account a WHERE {_NEWEST} AND c.file_id = 0 "
        f"AND a.notice_id = c.notice_id AND a.term = c.term AND {_HELD_BY_CLAIM}",
    ),
)  # fmt: skip


def page(
    connection: Connection,
    profile: Profile,
    as_of: date,
    asked: Asked = Asked(),  # noqa: B008 - a tuple, which nothing changes
    *,
    after: Key = START,
    limit: int,
    brief: bool = False,
) -> list[Overpayment]:
    """過誤納の一覧の一部: ``limit`` rows behind the key ``after``, oldest first.

    ``brief`` leaves out what the person owes of those that nobody has classed.
    """
    if asked.state not in {"", NEW}:
        found = classed_overpayments(connection, profile, as_of, asked, after=after)
        return list(islice((row for row in found if row.state == asked.state), limit))
    branches = UNCLASSED if asked.state else UNCLASSED + CLASSED
    keys = _keys(connection, profile, as_of, branches, asked, after, limit)
    return overpayments_of(connection, profile, as_of, keys, brief=brief)


def classed_overpayments(
    connection: Connection,
    profile: Profile,
    as_of: date,
    asked: Asked = Asked(),  # noqa: B008 - a tuple, which nothing changes
    *,
    after: Key = START,
) -> Iterator[Overpayment]:
    """認定した過誤納, oldest first, portion by portion, at whatever stage each is."""
    while keys := _keys(connection, profile, as_of, CLASSED, asked, after, _PORTION):
        after = keys[-1]
        yield from overpayments_of(connection, profile, as_of, keys)


def every_overpayment(
    connection: Connection, profile: Profile, as_of: date
) -> Iterator[Overpayment]:
    """過誤納の全件, oldest first, portion by portion; in brief."""
    after = START
    while rows := page(connection, profile, as_of, after=after, limit=_PORTION, brief=True):
        after = key_of(rows[-1])
        yield from rows


def key_of(row: Overpayment) -> Key:
    """一覧の位置 of a row."""
    return row.arose_on.isoformat(), row.subject


def _keys(
    connection: Connection,
    profile: Profile,
    as_of: date,
    branches: tuple[Branch, ...],
    asked: Asked,
    after: Key,
    limit: int,
) -> list[Key]:
    """日と対象 of the rows, in their order."""
    unnoticed_on = as_of - timedelta(days=UNNOTICED_DAYS + 1)
    # A day too early is a day too many, of which the page knows more.
    over_on = as_of + timedelta(days=profile.refunds.warn_days - 365 * SHORT_YEARS)
    last_on = min(asked.last_on, max(unnoticed_on, over_on)) if asked.warned else asked.last_on
    values = _behind(after, asked.first_on)
    values |= {"last": last_on.isoformat(), "over": over_on.isoformat()}
    values |= {f"{name}_text": values[name] for name in ("day", "last", "over")}
    values |= {"m": profile.municipality_code, "limit": limit}
    parts = " UNION ALL ".join(_statement(branch, warned=asked.warned) for branch in branches)
    found = f"SELECT * FROM ({parts}) k ORDER BY arose_on, kind, one, other LIMIT :limit"
    return [(row.arose_on, row.subject) for row in connection.execute(text(found), values)]


def _statement(branch: Branch, *, warned: bool) -> str:
    """One branch from the key on, to the end of the page."""
    kind, one, other = (
        (1, ":notice", ":term") if branch.place[1].endswith("term") else (0, ":file", ":line")
    )
    # A parameter is a day or a text to PostgreSQL, wherever it stands.
    day, last, over = (
        f":{name}_text" if branch.arose_on == CORRECTED_ON else f":{name}"
        for name in ("day", "last", "over")
    )
    first, second = branch.place
    second = f"CAST({second} AS INTEGER)" if kind else second
    told = (
        f" AND ({branch.arose_on} <= {over} OR NOT {NOTICED.format(subject=branch.subject)})"
        if warned
        else ""
    )
    return (
        f"SELECT * FROM (SELECT CAST({branch.arose_on} AS VARCHAR(10)) AS arose_on, "
        f"{branch.subject} AS subject, {kind} AS kind, {first} AS one, {second} AS other "
        f"{branch.source} AND ({branch.arose_on}, {first}, {second}) > ({day}, {one}, {other}) "
        f"AND {branch.arose_on} <= {last}{told} "
        f"ORDER BY {branch.arose_on}, {first}, {second} LIMIT :limit) q"
    )


def _behind(after: Key, first_on: date) -> dict[str, Any]:
    """Where each branch goes on behind a key: lines of a day come before claims of it."""
    day, subject = max(after[0], first_on.isoformat()), after[1]
    start = {"day": day, "file": -1, "line": -1, "notice": -1, "term": -1}
    if day != after[0]:
        return start
    kind, _, place = subject.partition(":")
    one, _, other = place.partition(":" if kind == "line" else "/")
    if not all(number.isdecimal() and len(number) <= _DIGITS for number in (one, other)):
        return start
    if kind == "line":
        return start | {"file": int(one), "line": int(other)}
    return start | {"file": _END, "line": 0, "notice": int(one), "term": int(other)}
