"""主なページ: where the head of every page leads, in the order of a day's work."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from flask import current_app, g, request

from web.duties import Do, can


class Group(Enum):
    """案内の組: entries that stand together in the head."""

    DAY = "毎日"
    WORK = "対応"
    CLAIMS = "納付書と収納"
    REPORTS = "報告"
    ADMINISTRATION = "管理"
    OWN = "自分"  # in the menu of the person


@dataclass(frozen=True, slots=True)
class Place:
    """案内の一項目: a page that the head of every page leads to."""

    endpoint: str
    label: str
    needs: Do | None = None  # shown to whoever may do this; None: to everybody who is signed in
    group: Group = Group.ADMINISTRATION

    @property
    def blueprint(self) -> str:
        """The pages that belong to this entry."""
        return self.endpoint.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Shown:
    """案内の組 as one person sees it."""

    label: str
    places: tuple[Place, ...]
    folded: bool  # opens on demand; what is used every day stands open


PLACES = (
    Place("today.show", "今日", group=Group.DAY),
    Place("days.latest", "日計", group=Group.DAY),
    Place("arrivals.today", "受領予定", group=Group.DAY),
    Place("files.listing", "資料", group=Group.DAY),
    Place("cases.worklist", "確認事項", Do.READ_DETAILS, group=Group.WORK),
    Place("people.ask", "収納状況", Do.READ_PERSON, Group.CLAIMS),
    Place("linking.listing", "本人のページの結び付け", Do.READ_LINKS),
    Place("slips.desk", "納付書の窓口", Do.READ_SLIPS, Group.CLAIMS),
    Place("certificates.ask", "納税証明", Do.CERTIFY, Group.CLAIMS),
    Place("debits.listing", "口座振替", Do.READ_DEBITS, Group.CLAIMS),
    Place("refunds.listing", "還付", Do.READ_REFUNDS, Group.CLAIMS),
    Place("dunning.listing", "督促", Do.READ_DUNNING, Group.CLAIMS),
    Place("charges.listing", "延滞金・分納", Do.READ_CHARGES, Group.CLAIMS),
    Place("approvals.listing", "承認", Do.READ_APPROVALS, group=Group.WORK),
    Place("explain.ask", "説明", Do.READ_DETAILS, group=Group.WORK),
    Place("reports.index", "報告", group=Group.REPORTS),
    Place("reports.figures", "経営の数字", group=Group.REPORTS),
    Place("jobs.listing", "定時処理"),
    Place("holding.listing", "猶予・停止", Do.READ_CHARGES),
    Place("naming.listing", "振込名義", Do.READ_DETAILS),
    Place("events.listing", "外部通知", Do.READ_EVENTS),
    Place("calc.first", "計算"),
    Place("users.listing", "職員", Do.MANAGE_USERS),
    Place("logbook.show", "操作記録", Do.READ_LOG),
    Place("accounts.mine", "自分の設定", group=Group.OWN),
    Place("admin.show", "団体設定", Do.READ_SETTINGS),
)


def place_groups() -> list[Shown]:
    """案内 for who is signed in: groups without an entry are left out."""
    return [
        Shown(_label(group), places, group is Group.ADMINISTRATION)
        for group in Group
        if group is not Group.OWN and (places := _mine(group))
    ]


def own_places() -> tuple[Place, ...]:
    """自分の設定: the entries in the menu of the person."""
    return _mine(Group.OWN)


def place_here() -> Place | None:
    """The entry to which this page belongs."""
    same = [place for place in PLACES if place.blueprint == request.blueprint]
    exact = [place for place in same if place.endpoint == request.endpoint]
    return next(iter(exact or same), None)


def can_find() -> bool:
    """Whether the head leads to the search: for whoever may see what it finds."""
    return "search.find" in current_app.view_functions and can(g.user, Do.READ_DETAILS)


def _label(group: Group) -> str:
    return str(group.value)


def _mine(group: Group) -> tuple[Place, ...]:
    return tuple(
        place
        for place in PLACES
        if place.group is group
        and place.endpoint in current_app.view_functions
        and (place.needs is None or can(g.user, place.needs))
    )
