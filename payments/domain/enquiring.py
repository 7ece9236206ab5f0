"""照会の設定: how residents may ask about a slip, and which ways of paying a body offers.

Sections of the profile that a body may leave out. What ships are the ways that nearly every body
has; opening hours, fees and limits are contracts of the body, so they are data and not code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from payments.domain.errors import InvalidValueError
from payments.domain.money import KONBINI_AMOUNT_YEN_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

EL_QR, KONBINI, PAPER = "el_qr", "konbini", "paper"
NEEDS = (EL_QR, KONBINI, PAPER)
WORDS_MAX = 200
SLIPS_MAX = 50
LOOPBACK = frozenset({"127.0.0.1", "localhost"})  # as the demo is looked at
_LIMIT_YEN_MAX = 10**12
_MISSES_MAX = 10**9


@dataclass(frozen=True, slots=True)
class Way:
    """納付の方法: one way to pay a slip.

    ``needs``: what the slip must carry: ``el_qr`` (the eL-QR or its number), ``konbini`` (the
    barcode) or ``paper`` (the slip itself). ``limit_yen``: the most that can be paid so, 0 for no
    limit. ``name``, ``fee`` and ``note`` are the body's own words; "" is what usually holds.
    """

    code: str
    needs: str
    limit_yen: int = 0
    name: str = ""
    fee: str = ""
    note: str = ""


WAYS = (
    Way("app", EL_QR),
    Way("site", EL_QR),
    Way("konbini", KONBINI, KONBINI_AMOUNT_YEN_MAX),
    Way("bank", PAPER),
)
"""納付の方法 that nearly every body has (symbols.md 1.10, 3.5)."""


@dataclass(frozen=True, slots=True)
class Enquiries:
    """照会の設定 of a body.

    ``address``: where residents reach the page, as it is printed on slips together with a code of
    each slip; "" prints neither. ``slips_max``: how many slips one question may be about. Of an
    hour's questions that found nothing: from ``misses_guarded`` on each question costs more, from
    ``misses_strict`` on a source may ask only three of them in an hour.
    """

    ways: tuple[Way, ...] = WAYS
    address: str = ""
    slips_max: int = 10
    misses_guarded: int = 2_000
    misses_strict: int = 20_000


@dataclass(frozen=True, slots=True)
class OpenWay:
    """使える納付方法: a way that a slip still has on a day, and until when (None: no last day)."""

    way: Way
    until: date | None


def open_ways(
    ways: tuple[Way, ...],
    *,
    amount_yen: int,
    valid_until: date,
    konbini_until: date | None,
    has_el_qr: bool,
    today: date,
) -> tuple[OpenWay, ...]:
    """使える納付方法: which of these ways a slip has on ``today``, in their order.

    ``konbini_until`` is the last day in the barcode; None where the slip has no barcode,
    ``date.max`` for a barcode without a last day. The slip's own 支払期限 binds every way.
    """
    found = []
    for way in ways:
        until = valid_until
        if way.needs == EL_QR and not has_el_qr:
            continue
        if way.needs == KONBINI:
            if konbini_until is None:
                continue
            until = min(until, konbini_until)
        if until >= today and not 0 < way.limit_yen < amount_yen:
            found.append(OpenWay(way, until))
    return tuple(found)


def enquiries_from(data: Mapping[str, Any]) -> Enquiries:
    """照会の設定 from the section of a profile; :class:`TypeError` for a field it cannot have."""
    plain = dict(data)
    if "ways" in plain:
        plain["ways"] = tuple(Way(**way) for way in plain["ways"])
    return Enquiries(**plain)


def require_enquiries(section: Enquiries) -> None:
    """Refuse what no page could show or keep.

    Raises :class:`InvalidValueError` ``profile_enquiries`` with the field and what was found.
    """
    for name, value, least, most in (
        ("slips_max", section.slips_max, 1, SLIPS_MAX),
        ("misses_guarded", section.misses_guarded, 1, _MISSES_MAX),
        ("misses_strict", section.misses_strict, section.misses_guarded, _MISSES_MAX),
        *((f"ways.{way.code}.limit_yen", way.limit_yen, 0, _LIMIT_YEN_MAX) for way in section.ways),
    ):
        if type(value) is not int or not least <= value <= most:
            _refuse(name, value)
    if section.address and not _is_address(str(section.address)):
        _refuse("address", section.address)
    codes = [way.code for way in section.ways]
    for way in section.ways:
        words: tuple[object, ...] = (way.name, way.fee, way.note)
        if not way.code or codes.count(way.code) > 1:
            _refuse("ways.code", way.code)
        if way.needs not in NEEDS:
            _refuse(f"ways.{way.code}.needs", way.needs)
        if any(not isinstance(each, str) or len(each) > WORDS_MAX for each in words):
            _refuse(f"ways.{way.code}", " / ".join(map(str, words)))


def _is_address(address: str) -> bool:
    """Whether residents reach a page there safely; on this machine itself, also without TLS."""
    url = urlsplit(address)
    safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)
    return safe and bool(url.netloc) and not (url.query or url.fragment)


def _refuse(field: str, found: object) -> None:
    raise InvalidValueError("profile_enquiries", field=f"enquiries.{field}", found=str(found))
