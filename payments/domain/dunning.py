"""督促の設定: how long a list waits, what it leaves out, and when 時効 is said to be near.

A section of the profile. The numbers are what the forms and commands begin with; whoever draws a
list may choose others, which the list then keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

from payments.domain.errors import InvalidValueError

WAIT_DAYS_MAX, MINIMUM_YEN_MAX, LIMITATION_DAYS_MAX = 60, 100_000, 366


@dataclass(frozen=True, slots=True)
class Dunning:
    """督促の設定 of a body.

    ``wait_days``: for how many days after 納期限 a payment may still be on its way.
    ``minimum_yen``: below it nobody is dunned. ``limitation_days``: a claim whose 時効 ends within
    so many days is shown first to the collector.
    """

    wait_days: int = 10
    minimum_yen: int = 1
    limitation_days: int = 90


def require_dunning(dunning: Dunning) -> None:
    """Refuse what no list can be drawn by.

    Raises :class:`InvalidValueError` ``profile_dunning`` with the field and what was found.
    """
    faults: tuple[tuple[str, object, int, int], ...] = (
        ("wait_days", dunning.wait_days, 0, WAIT_DAYS_MAX),
        ("minimum_yen", dunning.minimum_yen, 1, MINIMUM_YEN_MAX),
        ("limitation_days", dunning.limitation_days, 0, LIMITATION_DAYS_MAX),
    )
    for name, found, least, most in faults:
        if (
            not isinstance(found, int)
            or isinstance(found, bool)  # a truth value is no number
            or not least <= found <= most
        ):
            raise InvalidValueError(
                "profile_dunning",
                field=f"dunning.{name}",
                found=str(found),
                expected=f"{least}..{most}",
            )
