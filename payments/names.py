"""宛名: names and addresses of those who owe, as their register says them; the latest line counts.

Every character is kept as it came (payments.domain.characters); only the form by which names are
suggested is folded (payments.domain.kana).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text

from payments.assess_rows import write_obligors
from payments.domain.kana import fold_name
from payments.store.personal import open_address
from payments.store.statistics import count_filled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

_AT_ONCE = 2_000
_COLUMNS = ("name", "kana", "postal_code")
_FILLED = {"obligor": ("obligor_no", "kana_folded")}


def name_obligors(
    connection: Connection, municipality_code: str, lines: Iterable[Sequence[str]]
) -> dict[str, int]:
    """宛名の登録: (number, name, kana, postal code, address) each; how many lines said what.

    ``applied`` said something new, ``repeat`` what the register says already.
    """
    outcomes = {"applied": 0, "repeat": 0}
    rest = iter(lines)
    portions = 0
    while portion := [*islice(rest, _AT_ONCE)]:
        known = names_of(connection, municipality_code, sorted({line[0] for line in portion}))
        latest: dict[str, Sequence[str]] = {}
        for line in portion:
            before = latest[line[0]][1:] if line[0] in latest else known.get(line[0])
            same = before is not None and tuple(before) == tuple(line[1:])
            outcomes["repeat" if same else "applied"] += 1
            if not same:
                latest[line[0]] = line
        if latest:
            write_obligors(
                connection, municipality_code,
                [
                    (number, name, kana, fold_name(kana), postal_code, address)
                    for number, name, kana, postal_code, address in latest.values()
                ],
            )  # fmt: skip
        portions += 1
        count_filled(connection, _FILLED, _AT_ONCE, batches=portions)
    return {name: number for name, number in outcomes.items() if number}


def names_of(
    connection: Connection, municipality_code: str, numbers: Sequence[str]
) -> dict[str, tuple[str, str, str, str]]:
    """宛名 of these numbers: name, kana, postal code, address."""
    found: dict[str, tuple[str, str, str, str]] = {}
    asked = text(
        f"SELECT obligor_no, {', '.join(_COLUMNS)}, address FROM obligor "
        "WHERE municipality_code = :m AND obligor_no IN :numbers"
    ).bindparams(bindparam("numbers", expanding=True))
    rest = iter(numbers)
    while portion := [*islice(rest, _AT_ONCE)]:
        rows = connection.execute(asked, {"m": municipality_code, "numbers": portion})
        for number, name, kana, postal_code, kept in rows:
            address = open_address(connection, municipality_code, number, kept)
            found[number] = (name, kana, postal_code, address)
    return found
