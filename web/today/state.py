"""今日の状態: lights of T1–T11, jobs that did not end well, what waits for this person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from web.approval_roles import may_decide
from web.duties import Do, can
from web.jobs.contract import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from payments.approve import Approval
    from reconcile.report.checks import Check
    from web.accounts.staff import StaffUser
    from web.jobs.shown import JobView

BAD, WAIT, GOOD = "bad", "wait", "good"
# T1–T11 of law.md 7.3; what else is compared stands behind them.
NAMED = tuple(f"T{number}" for number in range(1, 12))
ALIASES = {"receivable": "T7", "slips_taken": "T9", "upload_answers": "T9"}
NOT_WELL = frozenset({JobState.FAILED.value, JobState.INCOMPLETE.value})


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
