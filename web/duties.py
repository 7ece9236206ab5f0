"""職務と権限: what each role may do. The one table for pages and commands.

A person may hold several roles and may do what any of them may. Who looks on (監査) reads
everything and changes nothing; who approves (承認者) decides and does not ask; who administers
(管理者) looks after people and machines and sees nobody's tax. What two people decide is in
:mod:`web.approval_roles`, kind by kind; that the second is not the first again is no matter of
roles (R10).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

# 納付書担当, 収納担当, 会計, 承認者, 監査, 管理者
ROLES = ("slips", "collection", "treasury", "approver", "auditor", "admin")


# Who holds one of these decides about something (:mod:`web.approval_roles`).
DECIDING = frozenset(ROLES) - {"auditor"}


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
    READ_REFUNDS = "read_refunds"  # 過誤納と還付
    WORK_REFUNDS = "work_refunds"  # 認定、充当・還付の依頼、口座の登録と確認
    SEND_REFUNDS = "send_refunds"  # 振込データの作成と引渡し
    READ_APPROVALS = "read_approvals"  # 承認の一覧: of kinds that one may read
    APPROVE = "approve"  # 承認箱: deciding what the kind of a request allows
    READ_PERSON = "read_person"  # 収納状況: a person's account, for a purpose that is recorded
    READ_VIEWS = "read_views"  # 閲覧の記録: who looked at whose account
    READ_CHARGES = "read_charges"  # 延滞金・分納・不納欠損
    ASK_CHARGES = "ask_charges"  # 減免・分納・不納欠損の依頼、延滞金の調定
    SET_HOLDS = "set_holds"  # 猶予・停止の登録と解除
    READ_SLIPS = "read_slips"  # 納付書の窓口: what a slip says, print runs
    ISSUE_SLIPS = "issue_slips"  # 再発行・失効・印刷
    READ_DEBITS = "read_debits"  # 口座振替: batches, results, payers' accounts
    MAKE_DEBITS = "make_debits"  # 口座振替の作成・送付の依頼・受付の記録
    READ_DUNNING = "read_dunning"  # 督促: lists, and why somebody was dunned or not
    DRAW_DUNNING = "draw_dunning"  # 督促の抽出・引抜き・発送・差押え前の再確認
    CERTIFY = "certify"  # 納税証明の基礎と車両の納付状況
    MANAGE_USERS = "manage_users"  # 職員の登録と役割
    READ_LOG = "read_log"  # 操作記録
    READ_SETTINGS = "read_settings"  # 団体設定
    CHANGE_SETTINGS = "change_settings"  # 団体設定の変更の依頼
    MANAGE_KEYS = "manage_keys"  # 納付通知の鍵
    READ_LINKS = "read_links"  # 本人のページの結び付け: who is linked to whom
    LINK_RESIDENTS = "link_residents"  # 結び付けの確認と解除


_DESKS = frozenset({"collection", "treasury"})  # who works on what was paid
_WORKS = _DESKS | {"slips"}
_LOOKS = _WORKS | {"approver", "auditor"}

MAY: dict[Do, frozenset[str]] = {
    Do.WORK_CASES: _WORKS,
    Do.NIL_REPORT: _DESKS,
    Do.MOVE_FILES: _DESKS,
    Do.READ_DETAILS: _LOOKS,
    Do.READ_FILES: _DESKS | {"auditor"},
    Do.BRING_FILES: _DESKS,
    Do.RUN_JOBS: frozenset({"treasury", "admin"}),
    Do.READ_EVENTS: frozenset({"auditor", "admin"}),
    Do.SEND_EVENTS: frozenset({"admin"}),
    Do.PLACE_MONEY: _DESKS,
    Do.READ_REFUNDS: _DESKS | {"approver", "auditor"},
    Do.WORK_REFUNDS: _DESKS,
    Do.SEND_REFUNDS: frozenset({"treasury"}),
    Do.READ_APPROVALS: _LOOKS | {"admin"},
    Do.APPROVE: _WORKS | {"approver", "admin"},
    Do.READ_PERSON: _LOOKS,
    Do.READ_VIEWS: frozenset({"auditor"}),
    Do.READ_CHARGES: _LOOKS,
    Do.ASK_CHARGES: frozenset({"collection"}),
    Do.SET_HOLDS: frozenset({"collection"}),
    Do.READ_SLIPS: _LOOKS,
    Do.ISSUE_SLIPS: frozenset({"slips"}),
    Do.READ_DEBITS: _DESKS | {"approver", "auditor"},
    Do.MAKE_DEBITS: _DESKS,
    Do.READ_DUNNING: _LOOKS,
    Do.DRAW_DUNNING: frozenset({"collection"}),
    Do.CERTIFY: _WORKS,
    Do.MANAGE_USERS: frozenset({"admin"}),
    Do.READ_LOG: frozenset({"auditor", "admin"}),
    Do.READ_SETTINGS: frozenset(ROLES),
    Do.CHANGE_SETTINGS: frozenset({"treasury", "admin"}),
    Do.MANAGE_KEYS: frozenset({"admin"}),
    Do.READ_LINKS: frozenset({"slips", "collection", "approver", "auditor"}),
    Do.LINK_RESIDENTS: frozenset({"slips", "collection"}),
}


class Holder(Protocol):
    """職員 as far as it matters here: who holds roles."""

    @property
    def roles(self) -> tuple[str, ...]:
        """役割 of the person."""


def can(person: Holder, what: Do | str) -> bool:
    """Whether this person may do it."""
    return holds(person, MAY[Do(what)])


def holds(person: Holder, roles: Iterable[str]) -> bool:
    """Whether this person holds one of the roles."""
    return not frozenset(roles).isdisjoint(person.roles)
