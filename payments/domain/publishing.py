"""数字の設定: what the figures of a body cost and save, and whether they are published.

Both are sections of the profile that a body may leave out: without ``[costs]`` no cost is worked
out, without ``[open_data]`` nothing is published.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LICENCE_MAX = 200
UNIT_YEN_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Costs:
    """費用の単価 (円): all entered by the body from its own contracts and counts.

    ``each_yen`` is by agent what it invoices for a payment; ``sheets`` is by channel how many
    sheets of paper a payment no longer needs, ``sheet_yen`` what handling one costs.
    """

    each_yen: Mapping[str, int] = field(default_factory=dict)
    sheets: Mapping[str, int] = field(default_factory=dict)
    sheet_yen: int = 0


@dataclass(frozen=True, slots=True)
class OpenData:
    """公開: whether the figures are public, and under which licence (the body's own statement)."""

    published: bool = False
    licence: str = ""  # 利用条件, as the body says it
    licence_url: str = ""
    contact: str = ""  # 問い合わせ先


def require_costs(costs: Costs, agents: Collection[str], channels: Collection[str]) -> None:
    """Refuse a price that nothing can bear.

    Raises :class:`InvalidValueError` ``profile_costs`` with the field and what was found.
    """
    for name, table, known in (
        ("each_yen", costs.each_yen, agents),
        ("sheets", costs.sheets, channels),
    ):
        if not hasattr(table, "items"):
            raise InvalidValueError("profile_costs", field=f"costs.{name}", found=str(table))
        for key, value in table.items():
            if key not in known or not _is_price(value):
                raise InvalidValueError(
                    "profile_costs", field=f"costs.{name}.{key}", found=str(value)
                )
    if not _is_price(costs.sheet_yen):
        raise InvalidValueError("profile_costs", field="costs.sheet_yen", found=costs.sheet_yen)


def require_open_data(terms: OpenData) -> None:
    """Refuse to publish without a licence, or with one that nobody can follow.

    Raises :class:`InvalidValueError` ``profile_open_data`` with the field and what was found.
    """
    url = urlsplit(str(terms.licence_url))
    licence, contact = str(terms.licence), str(terms.contact)
    faults = {
        "published": terms.published not in {True, False},
        "licence": len(licence) > LICENCE_MAX or (terms.published and not licence.strip()),
        "licence_url": bool(terms.licence_url) and (url.scheme != "https" or not url.netloc),
        "contact": len(contact) > LICENCE_MAX,
    }
    for name, wrong in faults.items():
        if wrong:
            found = str(getattr(terms, name))
            raise InvalidValueError("profile_open_data", field=f"open_data.{name}", found=found)


def _is_price(value: object) -> bool:
    """A whole number from 0; a truth value is none."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= UNIT_YEN_MAX
