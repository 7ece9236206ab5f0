"""督促対象の見込み: how many instalments a dunning list would have and how many it would hold back.

Nobody who has paid is dunned (law.md 3, L-01 and L-02): what a channel has not reported up to the
due date of an instalment is unknown, not unpaid. Numbers only; the list itself is made elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.store.hold_tables import WHOLE_NOTICE
from reconcile.report.arrivals import LOOKED_BACK, board
from reconcile.store.case_conditions import (
    ABOUT_INSTALMENT,
    NOTICE_OF_CASE,
    NOTICES_ASKED,
    OPEN_CASE,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

LISTED = "listed"
# Why an instalment past its due date is held back; the first ground counts.
GROUNDS = ("held", "provisional", "case_open", "suspense", "channel_incomplete")
DUNNING_DAYS = 20  # 督促状 within 20 days of the due date (地方税法329条 etc.)
_ONE_DAY, _FOLLOWED = timedelta(days=1), timedelta(days=366)

# What holds an instalment back is small in any city beside what is open, so each is read once as a
# set. Asked instalment by instalment, every open case was read for every open instalment. A set may
# hold NULL, money for no notice: what is not in it is then unknown, and unknown counts as no.
_PREVIEW = f"""
WITH held AS MATERIALIZED (
    SELECT h.notice_id, h.term FROM hold_event h
    WHERE h.municipality_code = :m AND h.event = 'set' AND h.from_on <= :as_of
      AND (h.until_on IS NULL OR h.until_on >= :as_of)
      AND NOT EXISTS (SELECT 1 FROM hold_event e WHERE e.municipality_code = :m
          AND e.hold_no = h.hold_no AND e.event = 'lifted' AND e.from_on <= :as_of)),
reported AS MATERIALIZED (
    SELECT r.notice_id, r.term FROM receipt r
    WHERE r.municipality_code = :m AND r.stage = 'provisional'),
asked AS MATERIALIZED (
    {NOTICES_ASKED}
    UNION
    SELECT {NOTICE_OF_CASE} FROM review_case c
    WHERE c.municipality_code = :m AND {OPEN_CASE} AND {ABOUT_INSTALMENT}
      AND c.kind = 'wrong_instalment_suspected'),
in_suspense AS MATERIALIZED (
    SELECT r.notice_id FROM receipt r
    WHERE r.municipality_code = :m AND r.suspense_yen > 0),
past AS MATERIALIZED (
    SELECT a.amount_yen - (a.term_yen + a.whole_yen - a.surplus_yen) AS open_yen, i.due_on,
        CASE
            WHEN i.collection_hold OR i.dunning_hold
              OR a.notice_id IN (SELECT h.notice_id FROM held h WHERE h.term = '{WHOLE_NOTICE}')
              OR (a.notice_id, a.term) IN (SELECT h.notice_id, h.term FROM held h) THEN 'held'
            WHEN a.notice_id IN (SELECT r.notice_id FROM reported r WHERE r.term = '00')
              OR (a.notice_id, a.term) IN (SELECT r.notice_id, r.term FROM reported r)
                THEN 'provisional'
            WHEN a.notice_id IN (SELECT notice_id FROM asked) THEN 'case_open'
            WHEN a.notice_id IN (SELECT notice_id FROM in_suspense) THEN 'suspense'
            WHEN i.due_on > :complete THEN 'channel_incomplete'
            ELSE '{LISTED}'
        END AS ground
    FROM instalment_account a
    JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id
        AND i.term = a.term
    WHERE a.municipality_code = :m AND a.amount_yen > 0 AND i.due_on < :as_of
        -- Most are paid, and are not asked for grounds that the outside would throw away.
        AND (a.amount_yen > a.term_yen + a.whole_yen - a.surplus_yen
            OR a.notice_id IN (SELECT r.notice_id FROM reported r)))
SELECT ground, COUNT(*) AS number, SUM(open_yen) AS yen,
    SUM(CASE WHEN due_on < :limit THEN 1 ELSE 0 END) AS over_limit
FROM past
WHERE open_yen > 0 OR ground = 'provisional'
GROUP BY ground
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """件数と金額; ``over_limit`` of them are past the 20 days within which a letter is due."""

    number: int = 0
    yen: int = 0
    over_limit: int = 0


@dataclass(frozen=True, slots=True)
class DunningPreview:
    """督促対象の見込み as of a day.

    ``complete_until`` says for every source up to which day its files are complete; what is due
    later than the earliest of them is held back as ``channel_incomplete``.
    """

    as_of: date
    complete_until: Mapping[str, date]
    listed: Counted
    held_back: Mapping[str, Counted]  # by ground, in the order of GROUNDS

    @property
    def cut_off(self) -> date:
        """データの基準日: up to which day every source is complete."""
        return min([*self.complete_until.values(), self.as_of - _ONE_DAY])


def dunning_preview(
    connection: Connection, profile: Profile, as_of: date, at: datetime
) -> DunningPreview:
    """督促対象の見込み: instalments whose 納期限 lies before ``as_of`` and that are not paid.

    ``at`` is the moment at which the files are looked at.
    """
    complete = complete_until(connection, profile, as_of, at)
    cut_off = min([*complete.values(), as_of - _ONE_DAY])
    rows = connection.execute(
        text(_PREVIEW),
        {
            "m": profile.municipality_code,
            "as_of": as_of.isoformat(),
            "complete": cut_off.isoformat(),
            "limit": (as_of - timedelta(days=DUNNING_DAYS)).isoformat(),
        },
    )
    found = {r.ground: Counted(int(r.number), int(r.yen), int(r.over_limit)) for r in rows}
    return DunningPreview(
        as_of,
        complete,
        found.get(LISTED, Counted()),
        {ground: found.get(ground, Counted()) for ground in GROUNDS},
    )


def complete_until(
    connection: Connection, profile: Profile, as_of: date, at: datetime
) -> dict[str, date]:
    """データの基準日 by source: the day before its first gap, or the day before ``as_of``.

    A gap that reaches back to where the look began is followed to its beginning.
    """
    yesterday = first = as_of - _ONE_DAY
    found: dict[str, date] = {}
    while first > as_of - _FOLLOWED:
        last, first = first, first - LOOKED_BACK
        days = board(connection, profile, first, last, at)
        for day in sorted(days, reverse=True):
            for each in days[day]:
                complete = found.setdefault(each.source.code, yesterday)
                if each.blocks or each.state == "partial":
                    found[each.source.code] = min(complete, day - _ONE_DAY)
        if all(complete >= first for complete in found.values()):
            break
    return found
