"""今日の判定: one word on top, and every reason for it with the page where it is dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from web.today.state import BAD, GOOD, WAIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from web.today.view import TodayView

SOON_SECONDS = 600  # a notification that waits longer than this is not just about to be booked


class Reason(NamedTuple):
    """理由: why it is not all well; ``code`` names its sentence and its page."""

    code: str
    level: str  # bad or wait
    number: int
    amount_yen: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """判定: good, or what is the worst of the reasons."""

    level: str
    missing: int  # 資料未着, over all days that are looked at
    reasons: tuple[Reason, ...]


def verdict(view: TodayView) -> Verdict:
    """判定 of the page: the gravest reasons first."""
    found = [reason for reason in _reasons(view) if reason.number]
    found.sort(key=lambda reason: reason.level != BAD)
    levels = {reason.level for reason in found}
    level = BAD if BAD in levels else WAIT if WAIT in levels else GOOD
    return Verdict(level, view.red, tuple(found))


def _reasons(view: TodayView) -> Iterable[Reason]:
    """Everything that may be the matter, also what is not."""
    yield Reason("missing", BAD, view.red)
    yield Reason("differing", BAD, sum(light.level == BAD for light in view.lights))
    yield Reason("jobs", BAD, len(view.failed_jobs))
    yield Reason("aside", WAIT, view.amber)
    yield Reason("cases", WAIT, sum(age.count for age in view.ages),
                 sum(age.amount_yen for age in view.ages))  # fmt: skip
    yield Reason("credits", WAIT, view.credits.count, view.credits.amount_yen)
    yield Reason("mine", WAIT, len(view.mine or ()))
    yield Reason("returned", WAIT, view.desks.returned)
    yield Reason("letters", WAIT, view.desks.letters)
    yield Reason("debits", WAIT, view.desks.debits)
    if view.prescribing is not None:
        yield Reason("prescribing", WAIT, view.prescribing.number, view.prescribing.amount_yen)
    stuck = view.unbooked.oldest_seconds >= SOON_SECONDS
    yield Reason("unbooked", WAIT, view.unbooked.number if stuck else 0)
