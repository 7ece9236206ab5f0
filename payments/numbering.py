"""採番: running numbers for slips, each never given out before, here or elsewhere.

One number makes the slip number, the 案件特定キー and the own key of the free area. Numbers come in
blocks; one that a register from elsewhere uses already is passed over, it is no error.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.slip import slip_number
from payments.store.bulk import take_numbers
from payments.store.lookups import rows_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

BLOCK = "slip_number"
_NUMBER_DIGITS = 11  # of a case key
_OWN_KEY_DIGITS = 15  # of a free area, without the check digit


def random_confirmation() -> str:
    """確認番号: 6 digits that nobody can foresee (symbols.md 1.7)."""
    return f"{secrets.randbelow(1_000_000):06d}"


def fresh_numbers(connection: Connection, profile: Profile, levy_years: Sequence[int]) -> list[int]:
    """採番: one running number for a slip of each of these levy years, in their order."""
    numbers: list[int] = []
    while len(numbers) < len(levy_years):
        missing = levy_years[len(numbers) :]
        first = take_numbers(connection, profile.municipality_code, BLOCK, len(missing))
        taken = _taken(connection, profile, first, missing)
        numbers += [n for n in range(first, first + len(missing)) if n not in taken]
    return numbers


def _taken(
    connection: Connection, profile: Profile, first: int, levy_years: Sequence[int]
) -> set[int]:
    """Which numbers of the block would make a number that somebody has used already."""
    last = first + len(levy_years) - 1
    years = sorted(set(levy_years))
    client = f"K{profile.konbini_client_code}"
    heads = {client: _OWN_KEY_DIGITS} | {
        f"E{profile.collecting_body_code}{profile.case_key_prefix}{year:04d}": _NUMBER_DIGITS
        for year in years
    }
    taken: set[int] = set()
    for head, digits in heads.items():
        rows = connection.execute(
            text(
                "SELECT pay_key FROM pay_key WHERE municipality_code = :m "
                "AND pay_key >= :low AND pay_key < :high"
            ),
            {
                "m": profile.municipality_code,
                "low": f"{head}{first:0{digits}d}",
                "high": f"{head}{last + 1:0{digits}d}",
            },
        )
        taken |= {int(key[len(head) : len(head) + digits]) for key in rows.scalars()}
    names = {slip_number(year, n): n for year in years for n in range(first, last + 1)}
    used = rows_about(
        connection,
        "SELECT slip_no FROM slip WHERE municipality_code = :m AND slip_no IN :some",
        profile.municipality_code,
        list(names),
    )
    return taken | {names[row.slip_no] for row in used}
