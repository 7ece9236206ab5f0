"""職務と権限: what each role may do. The one table for pages and commands.

Who looks on (監査) reads everything and changes nothing. What two people decide is in
:mod:`web.approval_roles`, kind by kind; that the second is not the first again is no matter of
roles (R10).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web.accounts.staff import StaffUser


class Do(StrEnum):
    """権限: something that not everybody who is signed in may do."""

    WORK_CASES = "work_cases"  # 確認事項への対応
    NIL_REPORT = "nil_report"  # 受領なしの記録
    MOVE_FILES = "move_files"  # 何日分の資料かの訂正、受領予定の変更の依頼
    READ_DETAILS = "read_details"  # 説明・承認・充当: what names claims and payers
    READ_FILES = "read_files"  # 届いた資料の内容
    BRING_FILES = "bring_files"  # 資料の取込と再取込
    RUN_JOBS = "run_jobs"  # 定時処理の実行と変更
    READ_EVENTS = "read_events"  # 外部通知の記録
    SEND_EVENTS = "send_events"  # 外部通知の再送
    PLACE_MONEY = "place_money"  # 充当先の決定の依頼
    APPROVE = "approve"  # 承認箱: deciding what the kind of a request allows


_BOTH = frozenset({"tax", "treasury"})
_WORKS = _BOTH | {"admin"}
_LOOKS = _WORKS | {"auditor"}

MAY: dict[Do, frozenset[str]] = {
    Do.WORK_CASES: _WORKS,
    Do.NIL_REPORT: _WORKS,
    Do.MOVE_FILES: _WORKS,
    Do.READ_DETAILS: _LOOKS,
    Do.READ_FILES: _BOTH | {"auditor"},
    Do.BRING_FILES: _BOTH,
    Do.RUN_JOBS: frozenset({"treasury", "admin"}),
    Do.READ_EVENTS: frozenset({"auditor", "admin"}),
    Do.SEND_EVENTS: frozenset({"admin"}),
    Do.PLACE_MONEY: _WORKS,
    Do.APPROVE: _WORKS,
}


def can(person: StaffUser, what: Do | str) -> bool:
    """Whether this person may do it."""
    return person.role in MAY[Do(what)]
