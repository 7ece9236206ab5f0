"""A city and a payment file for :mod:`reconcile` (the benchmark beside this module).

One notice, instalment, slip and key per instalment; the file holds one line per payment in no order
of the database: 96 % plain payments, the rest unknown, short, over and paid twice.
"""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from payments.domain.identifiers import konbini_check_digit
from payments.domain.profile import profile_from_mapping
from payments.store.bulk import insert_rows
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.formats import konbini_dsk
from web.database import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from payments.domain.profile import Profile

CODE = "99999"
ROOT = Path(__file__).resolve().parent.parent
_MARKETS = ("030", "ファミリーマート")


def profile() -> Profile:
    """The sample municipality."""
    return profile_from_mapping(
        tomllib.loads((ROOT / "web" / "profiles" / "99999.toml").read_text("utf-8"))
    )


def build(url: str, instalments: int) -> None:
    """A migrated database with so many open instalments."""
    upgrade(url)
    engine = open_engine(url)
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, profile())
        for table, columns, rows in _rows(instalments):
            insert_rows(connection, table, columns, rows, constants=(CODE,))
    engine.dispose()


def _rows(number: int) -> list[tuple[str, tuple[str, ...], Iterator[tuple[object, ...]]]]:
    """The rows of a city, table by table."""

    def of(form: Callable[[int], tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
        return (form(n) for n in range(1, number + 1))

    return [
        ("obligor", ("municipality_code", "obligor_no", "name", "kana", "kana_folded",
                     "postal_code", "address"), iter([("1", "税目 太郎", "", "", "", "")])),
        ("notice", ("municipality_code", "notice_id", "item_code", "levy_year", "notice_no",
                    "whole_year_group", "obligor_no"),
         of(lambda n: (n, "901", 2026, f"{n:010d}", "", "1"))),
        ("instalment", ("municipality_code", "notice_id", "term", "fiscal_year",
                        "due_on_statutory", "due_on", "collection_hold", "dunning_hold",
                        "direct_debit", "debit_no"),
         of(lambda n: (n, "01", 2026, "2026-06-30", "2026-06-30", False, False, False, ""))),
        ("instalment_account", ("municipality_code", "notice_id", "term", "in_group",
                                "amount_yen", "term_yen", "whole_yen", "surplus_yen"),
         of(lambda n: (n, "01", False, amount(n), 0, 0, 0))),
        ("slip", ("municipality_code", "slip_id", "slip_no", "notice_id", "term", "version",
                  "amount_yen", "due_on", "valid_until", "issued_on", "state"),
         of(lambda n: (n, f"S{n:010d}", n, "01", 1, amount(n), "2026-06-30", "2026-07-31",
                       "2026-06-01", "new"))),
        ("pay_key", ("municipality_code", "pay_key", "slip_id", "notice_id", "term", "slip_yen",
                     "valid_until", "superseded"),
         of(lambda n: (f"K{free_area(n)}", n, n, "01", amount(n), "2026-07-31", False))),
    ]  # fmt: skip


def amount(number: int) -> int:
    """An amount for an instalment."""
    return 1_000 + number % 97 * 100


def free_area(number: int) -> str:
    """The free area of a slip's barcode: client code, then a scattered own key."""
    return f"00001{number * 7_919 % 10_000_000_000_000_061:016d}"


def payments(lines: int, instalments: int) -> bytes:
    """One DSK file of 速報 for so many of the instalments."""
    stream = random.Random(lines)  # noqa: S311  (a benchmark's data, no secret)
    numbers = stream.sample(range(instalments), lines)
    return konbini_dsk.write(_payment_rows(numbers, stream))


def _payment_rows(numbers: list[int], stream: random.Random) -> Iterator[konbini_dsk.DskRow]:
    for place, number in enumerate(numbers, start=1):
        chance = stream.random()
        own, yen = number + 1, amount(number + 1)
        if chance < 0.01:
            own = number + 50_000_000  # unknown
        elif chance < 0.02:
            yen -= 100  # short
        elif chance < 0.03:
            yen += 100  # over
        elif chance < 0.04:
            own = numbers[place - 2] + 1  # paid twice
            yen = amount(own)
        body = f"91912345{free_area(own)}0260731{0}{yen:06d}"
        yield konbini_dsk.DskRow(
            kind="01",
            paid_on="20260601",
            paid_at=f"{place % 24:02d}{place % 60:02d}",
            barcode=f"{body}{konbini_check_digit(body)}",
            amount_yen=yen,
            cvs_code=_MARKETS[0],
            cvs_name=_MARKETS[1],
            shop_code=f"{place % 1_000_000:06d}",
            remitted_on="0",
            created_on="20260602",
        )
