"""今日の状態: one word on top, and every reason for it with the page where it is dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from web.approval_roles import may_decide
from web.duties import Do, can
from web.jobs.contract import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from payments.approve import Approval
    from reconcile.report.checks import Check
    from web.accounts.staff import StaffUser
    from web.jobs.shown import JobView
    from web.today.view import TodayView

BAD, WAIT, GOOD = "bad", "wait", "good"
# T1–T11 of law.md 7.3; what else is compared stands behind them.
NAMED = tuple(f"T{number}" for number in range(1, 12))
ALIASES = {"receivable": "T7", "slips_taken": "T9", "upload_answers": "T9"}
SOON_SECONDS = 600  # a notification that waits longer than this is not just about to be booked
NOT_WELL = frozenset({JobState.FAILED.value, JobState.INCOMPLETE.value})


class Reason(NamedTuple):
    """理由: why it is not all well; ``code`` names its sentence and its page."""

    code: str
    level: str  # bad or wait
    number: int
    amount_yen: int | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """突合の灯: one of T1–T11, its checks, and those of them that differ."""

    code: str
    checks: tuple[Check, ...]

    @property
    def applies(self) -> bool:
        """Whether there is anything to compare."""
        return any(check.applies for check in self.checks)

    @property
    def differing(self) -> tuple[Check, ...]:
        """不一致."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def level(self) -> str:
        """Which colour it has; plain where there is nothing to compare."""
        if self.differing:
            return BAD
        return GOOD if self.applies else "plain"


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
    stuck = view.unbooked.oldest_seconds >= SOON_SECONDS
    yield Reason("unbooked", WAIT, view.unbooked.number if stuck else 0)


def lights(checks: Iterable[Check]) -> tuple[Light, ...]:
    """突合の灯: T1–T11 in their order, then every other check by its code."""
    sorted_: dict[str, list[Check]] = {code: [] for code in NAMED}
    for check in checks:
        sorted_.setdefault(ALIASES.get(check.code, check.code), []).append(check)
    return tuple(Light(code, tuple(found)) for code, found in sorted_.items())


def failed(views: Iterable[JobView]) -> tuple[JobView, ...]:
    """終わらなかった定時処理: jobs that are on and whose last run did not end well."""
    return tuple(
        view for view in views if view.plan.enabled and view.last and view.last.state in NOT_WELL
    )


def decides(person: StaffUser, approvals: Iterable[Approval]) -> tuple[Approval, ...] | None:
    """あなたの承認待ち: what this person may decide; None for who decides nothing at all."""
    if not can(person, Do.APPROVE):
        return None
    return tuple(approval for approval in approvals if may_decide(person, approval))
