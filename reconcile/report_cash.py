"""口座残高: opening and closing balances, read from the stored statements themselves.

The balances stand only in the headers and trailers of the 03 files (files.md 1.1). Reading them
again from the evidence keeps the report independent of what intake made of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection

RECORD = 200
_OVERDRAWN = b"2"  # 貸越区分


@dataclass(frozen=True, slots=True)
class Balance:
    """残高 of one account on one day; ``previous_closing_yen`` is of the statement before."""

    opening_yen: int
    closing_yen: int
    previous_closing_yen: int | None


def balances(
    connection: Connection, municipality_code: str, account_key: str, day: date
) -> Balance | None:
    """The balances of the statement received on ``day``, or None when none came."""
    today = _statement(connection, municipality_code, account_key, "received_on = :day", day)
    if today is None:
        return None
    before = _statement(connection, municipality_code, account_key, "received_on < :day", day)
    return Balance(today[0], today[1], before[1] if before else None)


def _statement(
    connection: Connection, municipality_code: str, account_key: str, when: str, day: date
) -> tuple[int, int] | None:
    """First opening and last closing balance of an account in the newest day's statements."""
    values = {"m": municipality_code, "day": day.isoformat()}
    files = connection.execute(
        text(
            "SELECT sha256 FROM source_file WHERE municipality_code = :m "
            "AND format_code = 'zengin_statement' AND status = 'accepted' AND received_on = ("
            "SELECT MAX(received_on) FROM source_file WHERE municipality_code = :m "
            f"AND format_code = 'zengin_statement' AND status = 'accepted' AND {when}) "
            "ORDER BY file_id"
        ),
        values,
    ).scalars()
    found = [
        pair
        for sha256 in files.all()
        for key, *pair in read_balances(evidence(connection, municipality_code, str(sha256)))
        if key == account_key
    ]
    return (found[0][0], found[-1][1]) if found else None


def evidence(connection: Connection, municipality_code: str, sha256: str) -> bytes:
    """証拠: the bytes of a file as they came."""
    pieces = connection.execute(
        text(
            "SELECT data FROM evidence WHERE municipality_code = :m AND sha256 = :sha "
            "ORDER BY piece_no"
        ),
        {"m": municipality_code, "sha": sha256},
    ).scalars()
    return b"".join(bytes(piece) for piece in pieces)


def read_balances(data: bytes) -> Iterator[tuple[str, int, int]]:
    """(account key, opening, closing) of every account of an accepted 03 file."""
    records = data.split(b"\r\n" if b"\r\n" in data else b"\n") if b"\n" in data else [
        data[at : at + RECORD] for at in range(0, len(data), RECORD)
    ]  # fmt: skip
    key, opening = "", 0
    for record in records:
        if record[:1] == b"1":
            # Header: bank 23-26, branch 42-44, type 63, number 64-73, sign 114, balance 116-129.
            number = record[63:73].decode("ascii").removeprefix("000")
            parts = (record[22:26], record[41:44], record[62:63])
            key = "-".join([*(part.decode("ascii") for part in parts), number])
            opening = _signed(record[113:114], record[115:129])
        elif record[:1] == b"8":
            # Trailer: sign 40, balance 41-54.
            yield key, opening, _signed(record[39:40], record[40:54])


def _signed(sign: bytes, amount: bytes) -> int:
    return -int(amount) if sign == _OVERDRAWN else int(amount)
