"""報告の部品: tables whose figures know the rows they are made of, before any format is chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from web import formatting
from web.days.sheet import cell_text
from web.days.sheets import Heading
from web.language import JAPANESE, language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from payments.domain.profile import Profile
    from web.charts.model import Chart
    from web.days.sheet import Sheet


class Target(NamedTuple):
    """行き先: the page of the rows that a figure is made of, as ``url_for`` wants it."""

    endpoint: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Linked:
    """表: a sheet, and for places of it (row, column) where they lead; row -1 is the total."""

    sheet: Sheet
    targets: Mapping[tuple[int, int], Target] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """報告: one report with its heading; ``year`` is None where it says how things stand now."""

    code: str
    head: Heading
    parts: tuple[Linked, ...]
    year: int | None = None
    charts: tuple[Chart, ...] = ()

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """The tables alone, as files take them."""
        return tuple(part.sheet for part in self.parts)


def heading_of(
    profile: Profile, title: str, as_of: date, *, state: str = "", year: int | None = None
) -> Heading:
    """表題: what the report is, of whom, and of which moment."""
    facts = [("団体", profile.name)]
    if year is not None:
        said = formatting.fiscal_year(year)
        facts.append(("会計年度", f"{said}（{year}年度）" if language() == JAPANESE else said))
    facts.append(("現在", formatting.full_day(as_of)))
    if state:
        facts.append(("状態", state))
    return Heading(title, profile.name, state or formatting.full_day(as_of), tuple(facts))


def rate_text(hundredths: int | None) -> str:
    """``9871`` → ``98.71%``; None is a dash."""
    if hundredths is None:
        return "—"
    sign = "−" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}%"


def share(part: int, whole: int) -> int | None:
    """百分率の百分の一, cut off towards zero; None of nothing."""
    if whole <= 0:
        return None
    return part * 10_000 // whole if part >= 0 else -(-part * 10_000 // whole)


def each_text(yen: int | None, count: int) -> str:
    """1件あたり: yen with one digit behind the point, cut off; a dash where nothing is known."""
    if yen is None or count <= 0:
        return "—"
    tenths = abs(yen) * 10 // count
    said = f"{cell_text(tenths // 10)}.{tenths % 10}"
    sign = "−" if yen < 0 else ""
    return f"{sign}{said}円" if language() == JAPANESE else f"{sign}¥{said}"
