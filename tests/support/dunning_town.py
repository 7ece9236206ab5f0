"""A small town that dunns: claims past their due date, payments of every kind, and quiet channels.

No file is awaited on any day unless a test says so; everything comes in as files.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from reference_rows import sample_profile
from years_town import YearsTown

from payments import approve, holds
from payments.domain.arrivals import ArrivalRule
from payments.domain.holds import HoldKind, Span
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.arrivals.sources import sources
from reconcile.dunning import release
from reconcile.dunning.draw import draw
from reconcile.dunning.record import DunningList, list_of
from reconcile.dunning.rules import Terms
from reconcile.pipeline import reconcile_waiting

if TYPE_CHECKING:
    from payments.domain.profile import Profile

M = "99999"
ON = date(2026, 7, 20)  # due on 30 June, and long enough ago
AT = datetime(2026, 7, 20, 3, tzinfo=UTC)


def quiet(profile: Profile, **awaited: str) -> Profile:
    """The same body, of which no channel owes a file but those that are named with their days."""
    return replace(
        profile,
        arrivals=tuple(
            ArrivalRule(source=source.code, days=awaited.get(source.code, "on_demand"))
            for source in sources(profile)
        ),
    )


class DunningTown(YearsTown):
    """町: claims due on 30 June 2026, looked at on 20 July."""

    def __init__(self, url: str, **awaited: str) -> None:
        """Quiet channels, unless they are awaited."""
        super().__init__(url)
        self.profile = quiet(sample_profile(), **awaited)
        with unit_of_work(self.engine, M) as connection:
            save_profile(connection, self.profile)

    def draw(self, on: date = ON, *, at: datetime = AT, **terms: Any) -> int:
        """A list, drawn by abe; its number."""
        with unit_of_work(self.engine, M) as connection:
            return draw(connection, self.profile, Terms(on, **terms), actor="abe", at=at).list_no

    def grounds(self, list_no: int) -> dict[tuple[int, str], str]:
        """(notice, term) → the ground that counted, ``""`` when it is listed."""
        rows = self.rows(
            "SELECT n.notice_no, w.term, w.ground FROM dunning_row w JOIN notice n "
            "ON n.municipality_code = :m AND n.notice_id = w.notice_id "
            "WHERE w.municipality_code = :m AND w.list_no = :list_no",
            list_no=list_no,
        )
        return {(int(row.notice_no), row.term): row.ground for row in rows}

    def list(self, list_no: int) -> DunningList:
        """The list as it stands."""
        with reading(self.engine, M) as connection:
            return list_of(connection, M, list_no)

    def approve(self, list_no: int, *, decided_by: str = "ito", on: date = ON) -> None:
        """Two people let the letters come into being."""
        with unit_of_work(self.engine, M) as connection:
            asked = release.ask(connection, M, list_no, asked_by="abe", at=AT, reason="試験")
        self.approve_waiting(asked.approval_id, decided_by=decided_by, on=on)

    def approve_waiting(self, approval_id: int, *, decided_by: str = "ito", on: date = ON) -> None:
        """The second person agrees to what the first one asked for."""
        with unit_of_work(self.engine, M) as connection:
            approval = approve.decide(
                connection, M, approval_id, "approved", decided_by=decided_by, at=AT
            )
            release.carry_out(connection, M, approval, on=on)

    def despite(self, *, decided_by: str, on: date = ON) -> None:
        """Two people let a list be drawn although files are missing."""
        with unit_of_work(self.engine, M) as connection:
            asked = release.ask_despite(
                connection, self.profile, on, asked_by="abe", at=AT, reason="試験"
            )
            approve.decide(
                connection, M, asked.approval_id, "approved", decided_by=decided_by, at=AT
            )

    def hold(self, claim: str, kind: HoldKind, first: str, last: str | None = None) -> int:
        """猶予・停止 by a person."""
        with unit_of_work(self.engine, M) as connection:
            target = holds.target_of(connection, M, claim)
            until = date.fromisoformat(last) if last else None
            return holds.set_hold(
                connection, M, target, kind, Span(date.fromisoformat(first), until),
                reason="試験", actor="abe", at=AT,
            )  # fmt: skip

    def wait(self, on: date = ON) -> None:
        """再照合: what waits for time to pass."""
        reconcile_waiting(self.engine, M, as_of=on)
