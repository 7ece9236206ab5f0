"""口座残高: opening and closing balances, read from the stored statements themselves.

The balances stand only in the headers and trailers of the 03 files (files.md 1.1). Reading them
again from the evidence keeps the report independent of what intake made of the file.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.formats.zengin_common import EraDates
from reconcile.report.arrivals import as_date
from reconcile.store.evidence import read_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

RECORD = 200
LOOK_BACK = timedelta(days=14)  # a statement before the day; longer than any holidays
LOOK_AHEAD = timedelta(days=7)  # a statement may come some days after its 勘定日
_OVERDRAWN = b"2"  # 貸越区分


class Statement(NamedTuple):
    """明細: the balances of one account in one file, and the days it is about."""

    account_key: str
    from_on: date  # 勘定日(自)
    to_on: date  # 勘定日(至)
    opening_yen: int
    closing_yen: int


class Balance(NamedTuple):
    """残高: what the statements of the period span, and what the one before it ended with."""

    period: Statement
    previous_closing_yen: int | None


def balances(
    connection: Connection, municipality_code: str, account_key: str, first: date, last: date
) -> Balance | None:
    """The balances of the statements about ``first`` to ``last``, or None when there is none.

    Of several about the same day the first stands: a file about an earlier day that comes again is
    another statement of that day, not of this one.
    """
    statements = [
        statement
        for statement in _statements(connection, municipality_code, first, last)
        if statement.account_key == account_key
    ]
    inside = [found for found in statements if first <= found.to_on <= last]
    if not inside:
        return None
    opening = min(inside, key=lambda found: found.to_on)
    closing = next(found for found in inside if found.to_on == max(i.to_on for i in inside))
    before = [found for found in statements if found.to_on < opening.from_on]
    ended = max((found.to_on for found in before), default=None)
    previous = next((found.closing_yen for found in before if found.to_on == ended), None)
    period = Statement(
        account_key, opening.from_on, closing.to_on, opening.opening_yen, closing.closing_yen
    )
    return Balance(period, previous)


def _statements(
    connection: Connection, municipality_code: str, first: date, last: date
) -> Iterator[Statement]:
    """Statements that came around the period, in the order they came."""
    files = connection.execute(
        text(
            "SELECT sha256, received_on FROM source_file WHERE municipality_code = :m "
            "AND format_code = 'zengin_statement' AND status = 'accepted' "
            "AND received_on BETWEEN :first AND :last ORDER BY file_id"
        ),
        {
            "m": municipality_code,
            "first": (first - LOOK_BACK).isoformat(),
            "last": (last + LOOK_AHEAD).isoformat(),
        },
    ).all()
    for file in files:
        data = read_evidence(connection, municipality_code, str(file.sha256))
        yield from read_statements(data, as_date(file.received_on) or last)


def read_statements(data: bytes, received_on: date) -> Iterator[Statement]:
    """Every account of an accepted 03 file with its balances."""
    records = data.replace(b"\r", b"\n").split(b"\n") if data[RECORD : RECORD + 1] in b"\r\n" else [
        data[at : at + RECORD] for at in range(0, len(data), RECORD)
    ]  # fmt: skip
    header = b""
    dates = EraDates(received_on)
    for record in records:
        if record[:1] == b"1":
            header = record
        elif record[:1] == b"8":
            # Header: 勘定日 11-16 and 17-22, bank 23-26, branch 42-44, type 63, number 64-73,
            # sign 114, balance 116-129. Trailer: sign 40, balance 41-54.
            parts = (header[22:26], header[41:44], header[62:63], header[63:73])
            bank, branch, kind, number = (part.decode("ascii") for part in parts)
            days = [dates[header[at : at + 6].decode("ascii")] for at in (10, 16)]
            first, last = (as_date(day) or received_on for day in days)
            yield Statement(
                f"{bank}-{branch}-{kind}-{number.removeprefix('000')}",
                first,
                last,
                _signed(header[113:114], header[115:129]),
                _signed(record[39:40], record[40:54]),
            )


def _signed(sign: bytes, amount: bytes) -> int:
    return -int(amount) if sign == _OVERDRAWN else int(amount)
