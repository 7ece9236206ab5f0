"""再照合: everything that waits for time to pass (`kokin reconcile`).

Credits that did not settle are decided again; what is overdue becomes a case, and what is no
longer overdue ends it. Running it twice on the same day changes nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.calendars import add_business_days
from payments.store.municipalities import load_profile
from payments.store.term_order import next_term
from payments.store.unit_of_work import unit_of_work
from reconcile import flag
from reconcile.journal import open_journal
from reconcile.model import WaitingReport
from reconcile.settlement.deposits import Books

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from payments.domain.profile import Profile

TIMED_KINDS = frozenset(
    {"confirmation_overdue", "remittance_overdue", "wrong_instalment_suspected"}
)


def reconcile_waiting(
    engine: Engine, municipality_code: str, *, as_of: date, actor: str = "system"
) -> WaitingReport:
    """Look at everything that is waiting, as it stands on ``as_of``."""
    with unit_of_work(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
        journal_id = open_journal(connection, municipality_code, "reconcile", as_of, actor)
        scope: dict[str, Any] = {"m": municipality_code, "journal_id": journal_id}
        books = Books(connection, profile, municipality_code, journal_id)
        settled = books.decide_open_deposits(None)
        changed, subjects = flag.changed_lines(connection, scope)
        on = as_of.isoformat()
        changed = [case._replace(details=books.details.get(case.subject, "")) for case in changed]
        flag.close_cases(connection, municipality_code, subjects, keep=changed, on=on)
        cases = changed + [
            case
            for find in (confirmations_overdue, remittances_overdue, wrong_instalments)
            for case in find(connection, profile, as_of)
        ]
        _end_answered(connection, municipality_code, cases, on)
        opened = _opened(connection, municipality_code, cases, on, actor)
    return WaitingReport(as_of, settled, opened)


def _opened(
    connection: Connection, municipality_code: str, cases: list[flag.Case], on: str, actor: str
) -> dict[str, int]:
    """Open the cases that are not open yet, counted by kind."""
    rows = connection.execute(
        text(
            "SELECT kind, subject FROM review_case "
            "WHERE municipality_code = :m AND state IN ('open', 'acknowledged', 'accepted')"
        ),
        {"m": municipality_code},
    )
    # A person's acceptance with a note stands until the ground for the case changes.
    standing = {(row.kind, row.subject) for row in rows}
    new = [case for case in cases if (case.kind, case.subject) not in standing]
    flag.open_cases(connection, municipality_code, new, on=on, actor=actor)
    return dict(Counter(case.kind for case in new))


def _end_answered(
    connection: Connection, municipality_code: str, cases: list[flag.Case], on: str
) -> None:
    """End timed cases whose ground has gone: the 確報 or the credit came after all."""
    holding = {(case.kind, case.subject) for case in cases}
    rows = connection.execute(
        text(
            "SELECT kind, subject FROM review_case "
            "WHERE municipality_code = :m AND state IN ('open', 'acknowledged')"
        ),
        {"m": municipality_code},
    ).all()
    gone = [r.subject for r in rows if r.kind in TIMED_KINDS and (r.kind, r.subject) not in holding]
    flag.close_cases(
        connection, municipality_code, sorted(set(gone)), keep=cases, kinds=TIMED_KINDS, on=on
    )


def confirmations_overdue(connection: Connection, profile: Profile, as_of: date) -> list[flag.Case]:
    """速報 whose 確報 has not come within the profile's business days of 領収日."""
    last = _last_day_on_time(as_of, profile.confirmation_days)
    rows = connection.execute(
        text(
            """SELECT r.file_id, r.line_no, r.amount_yen FROM receipt r
               JOIN source_line l ON l.municipality_code = :m AND l.file_id = r.file_id
                AND l.line_no = r.line_no AND l.fault IS NULL
               WHERE r.municipality_code = :m AND r.stage = 'provisional' AND r.paid_on < :last
               ORDER BY r.file_id, r.line_no"""
        ),
        {"m": profile.municipality_code, "last": last.isoformat()},
    )
    return [
        flag.Case(
            "confirmation_overdue", f"{r.file_id}:{r.line_no}", r.amount_yen, r.file_id, r.line_no
        )
        for r in rows
    ]


def remittances_overdue(connection: Connection, profile: Profile, as_of: date) -> list[flag.Case]:
    """Groups whose money has not come within the profile's grace days (T3)."""
    last = _last_day_on_time(as_of, profile.settlement_days)
    rows = connection.execute(
        text(
            """SELECT group_id, confirmed_yen - fee_yen AS expected, remitted_on
               FROM remittance_group
               WHERE municipality_code = :m AND credited_yen = 0 AND remitted_on < :last
                 AND confirmed_yen - fee_yen > 0
               ORDER BY group_id"""
        ),
        {"m": profile.municipality_code, "last": last.isoformat()},
    )
    return [flag.Case("remittance_overdue", f"group:{r.group_id}", r.expected) for r in rows]


def wrong_instalments(connection: Connection, profile: Profile, as_of: date) -> list[flag.Case]:
    """期別取り違え: instalment n+1 paid in time while n is unpaid and due (law.md J-05).

    SQLite takes the tables in this order, from the few that are unpaid; by itself it began with
    every instalment that is paid. PostgreSQL is not told of what is paid by an equality: it takes
    one between columns for a row in two hundred.
    """
    rows = connection.execute(
        text(
            f"""SELECT later.notice_id, later.term, later.amount_yen
               FROM instalment_account n
               CROSS JOIN instalment due
               CROSS JOIN instalment_account later
               CROSS JOIN instalment ahead
               WHERE n.municipality_code = :m AND n.amount_yen > 0
                 AND n.term_yen + n.whole_yen = 0
                 AND due.municipality_code = :m AND due.notice_id = n.notice_id
                 AND due.term = n.term AND due.due_on < :as_of
                 AND later.municipality_code = :m AND later.notice_id = n.notice_id
                 AND later.term = {next_term("n")}
                 AND later.amount_yen > 0
                 AND NOT later.amount_yen > later.term_yen + later.whole_yen - later.surplus_yen
                 AND NOT later.amount_yen < later.term_yen + later.whole_yen - later.surplus_yen
                 AND ahead.municipality_code = :m AND ahead.notice_id = later.notice_id
                 AND ahead.term = later.term
                 AND NOT EXISTS (
                     SELECT 1 FROM receipt r
                     JOIN posting p ON p.municipality_code = :m
                      AND p.journal_id = r.journal_id AND p.subject_file_id = r.file_id
                      AND p.subject_line_no = r.line_no AND p.leg > r.leg
                      AND p.leg < r.leg + 120 AND p.reason = 'applied' AND p.term = later.term
                     WHERE r.municipality_code = :m AND r.notice_id = later.notice_id
                       AND r.applied_yen > 0 AND r.paid_on > ahead.due_on)
                 AND NOT EXISTS (  -- people have placed money there
                     SELECT 1 FROM placement_part t
                     JOIN placement p ON p.municipality_code = :m
                      AND p.placement_no = t.placement_no
                     JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id
                      AND r.line_no = p.line_no AND r.journal_id = p.journal_id
                      AND r.stage <> 'withdrawn'
                     WHERE t.municipality_code = :m AND t.notice_id = later.notice_id
                       AND t.term = later.term)
               ORDER BY later.notice_id, later.term"""
        ),
        {"m": profile.municipality_code, "as_of": as_of.isoformat()},
    )
    return [
        flag.Case("wrong_instalment_suspected", f"{r.notice_id}/{r.term}", r.amount_yen)
        for r in rows
    ]


def _last_day_on_time(as_of: date, days: int) -> date:
    """The first start day whose ``days`` business days are not over on ``as_of``.

    Something dated before it is overdue: its last day on time lies before ``as_of``.
    """
    day = as_of
    while True:
        earlier = date.fromordinal(day.toordinal() - 1)
        if add_business_days(earlier, days) < as_of:
            return day
        day = earlier
