"""Bodies, their files of a day and their notifications for :mod:`bodies`.

Every body has the same instalments and the same keys, so that whatever crossed from one to another
would find something there; how many payments each has differs, so that no two sums agree.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks._notify_load import payment
from benchmarks._reconcile_city import _payment_rows, build
from payments.domain.profile import profile_from_mapping
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.formats import konbini_dsk, zengin_statement
from sample_data.city import sample
from sample_data.city.files import ACCOUNT
from web.notifications import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from web.config import Settings

FIRST = "99999"
CREATED, FUNDS = date(2026, 6, 2), date(2026, 6, 3)
MORE_LINES = 13  # that the file of each body has over that of the body before it
_COPIED = ("obligor", "notice", "instalment", "instalment_account", "slip", "pay_key")
_PROFILE = Path(__file__).resolve().parent.parent / "web" / "profiles" / f"{FIRST}.toml"


@dataclass(frozen=True, slots=True)
class Body:
    """団体 with what was made for it: files by name, bodies of notifications, and their sums."""

    code: str
    files: dict[str, bytes]
    lines: int  # of all files
    reported_yen: int  # 速報
    confirmed_yen: int  # 確報, and the credit
    notices: list[dict[str, object]]

    @property
    def noticed_yen(self) -> int:
        """Σ of the notifications."""
        return sum(int(str(each["amount_yen"])) for each in self.notices)


def codes(number: int) -> list[str]:
    """So many bodies: the sample body, then invented neighbours."""
    return [FIRST, *(f"91{place:03d}" for place in range(1, number))]


def build_bodies(url: str, number: int, instalments: int) -> None:
    """A migrated database with so many bodies of so many open instalments each."""
    build(url, instalments)
    engine = open_engine(url)
    mapping = tomllib.loads(_PROFILE.read_text("utf-8"))
    for code in codes(number)[1:]:
        mapping |= {"municipality_code": code, "collecting_body_code": code, "name": f"見本{code}"}
        with unit_of_work(engine, code) as connection:
            save_profile(connection, profile_from_mapping(mapping))
    engine.dispose()


def copy_instalments(connection: psycopg.Connection, number: int) -> None:
    """What the first body has, under the code of each other; as superuser."""
    for table in _COPIED:
        found = connection.execute(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "AND attgenerated = '' AND attname <> 'municipality_code'",
            (table,),
        ).fetchone()
        names = str(found[0]) if found else ""
        for code in codes(number)[1:]:
            statement = (
                f"INSERT INTO {table} (municipality_code, {names}) "
                f"SELECT '{code}', {names} FROM {table} WHERE municipality_code = '{FIRST}'"
            )
            connection.execute(statement.encode())
    connection.execute("VACUUM ANALYZE")


def enter_keys(settings: Settings, number: int) -> dict[str, str]:
    """A key for the notifications of each body: its secret by code."""
    engine = open_engine(settings.database)
    found = {}
    for code in codes(number):
        with unit_of_work(engine, code) as connection:
            found[code] = keys.add(connection, settings, code, f"op-{code}", operator_name="見本")
    engine.dispose()
    return found


def bodies_of(
    number: int, *, files: int, lines: int, instalments: int, notices: int
) -> Iterator[Body]:
    """The day of every body: so many files of 速報 with so many lines, and what follows them."""
    for place, code in enumerate(codes(number)):
        each = _files(code, place, files, lines + place * MORE_LINES, instalments)
        told = [
            payment(number) | {"notification_id": f"n-{number}"}
            for number in range(place * 7, place * 7 + notices + place)
        ]
        yield Body(code, *each, told)


def _files(
    code: str, place: int, number: int, lines: int, instalments: int
) -> tuple[dict[str, bytes], int, int, int]:
    """速報 and most of their 確報 in files of their own, and the statement that credits these."""
    stream = Random(f"{code}/{lines}")  # noqa: S311  (a benchmark's data, no secret)
    numbers = stream.sample(range(instalments), number * lines)
    found, reported, confirmed, count = {}, 0, 0, 0
    for file in range(number):
        rows = list(_payment_rows(numbers[file * lines : (file + 1) * lines], stream))
        some = [
            row._replace(kind="02", remitted_on=f"{FUNDS:%Y%m%d}") for row in rows[: lines * 3 // 4]
        ]
        found[f"dsk_{file}_1_sokuho_{code}.csv"] = konbini_dsk.write(rows)
        found[f"dsk_{file}_2_kakuho_{code}.csv"] = konbini_dsk.write(some)
        reported += sum(row.amount_yen for row in rows)
        confirmed += sum(row.amount_yen for row in some)
        count += len(rows) + len(some)
    payer = sample.PAYERS[sample.DSK]
    credit = zengin_statement.Movement(
        1, FUNDS, confirmed, payer_code=payer.code, payer_name=payer.name
    )
    statement = zengin_statement.Statement(
        ACCOUNT, sample.ACCOUNT.holder, FUNDS, FUNDS, FUNDS, 1_000_000 + place, [credit]
    )
    found[f"statement_{code}.txt"] = zengin_statement.write([statement])
    return found, count + 1, reported, confirmed
