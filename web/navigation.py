"""主なページ: where the head of every page leads, in the order of a day's work."""

from __future__ import annotations

from dataclasses import dataclass

from web.duties import Do


@dataclass(frozen=True, slots=True)
class Place:
    """案内の一項目: a page that the head of every page leads to."""

    endpoint: str
    label: str
    needs: Do | None = None  # shown to whoever may do this; None: to everybody who is signed in

    @property
    def blueprint(self) -> str:
        """The pages that belong to this entry."""
        return self.endpoint.partition(".")[0]


PLACES = (
    Place("days.latest", "日計"),
    Place("arrivals.today", "受領予定"),
    Place("files.listing", "資料"),
    Place("cases.worklist", "確認事項"),
    Place("approvals.listing", "承認"),
    Place("jobs.listing", "定時処理"),
    Place("events.listing", "外部通知", Do.READ_EVENTS),
    Place("explain.ask", "説明"),
    Place("calc.first", "計算"),
)
