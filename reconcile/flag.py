"""要確認: what a person must look at becomes a case; what resolved itself is closed again.

A case has one life: its kind and subject name it for ever, so a run again or a fault that comes
back re-opens the same number instead of opening another.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import DateTime, bindparam, text

from payments.domain.errors import RefusedError
from payments.store.bulk import insert_rows, take_numbers
from payments.store.former import written_at
from payments.store.statistics import count_filled
from reconcile.case_deadlines import due_on
from reconcile.rules import CASE_OUTCOMES
from reconcile.store.staging import clear_staging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, TextClause

    from payments.domain.profile import Profile

# What very many cases fill; each of their events is checked against its case (foreign key).
_FILLED = {"case_work": ("kind", "subject"), "review_case": ("case_no", "kind", "subject")}
_CASES = ", ".join(f"'{outcome}'" for outcome in sorted(CASE_OUTCOMES))

# Lines that this journal decided, with the outcome in force.
_DECIDED = """
SELECT o.file_id, o.line_no, o.outcome, o.revision,
       CASE WHEN o.suspense_yen > 0 THEN o.suspense_yen ELSE COALESCE(l.amount_yen, 0) END AS yen
FROM line_outcome o
JOIN source_line l ON l.municipality_code = :m AND l.file_id = o.file_id AND l.line_no = o.line_no
WHERE o.municipality_code = :m AND {which}
  AND NOT EXISTS (SELECT 1 FROM line_outcome n WHERE n.municipality_code = :m
      AND n.file_id = o.file_id AND n.line_no = o.line_no AND n.revision > o.revision)"""


class Case(NamedTuple):
    """確認事項 to open: its kind, what it is about, and the money it is about."""

    kind: str
    subject: str
    amount_yen: int
    file_id: int | None = None
    line_no: int | None = None
    details: str = ""


def line_cases(connection: Connection, scope: dict[str, Any]) -> list[Case]:
    """Cases of the lines that this file brought, by their outcomes."""
    rows = connection.execute(
        text(
            _DECIDED.format(which=f"o.file_id = :file_id AND o.outcome IN ({_CASES})")
            + " ORDER BY o.line_no"
        ),
        scope,
    )
    return [Case(r.outcome, f"{r.file_id}:{r.line_no}", r.yen, r.file_id, r.line_no) for r in rows]


def changed_lines(connection: Connection, scope: dict[str, Any]) -> tuple[list[Case], list[str]]:
    """Lines decided again in this journal: cases to open, subjects whose other cases end."""
    rows = connection.execute(
        text(
            _DECIDED.format(
                which="o.journal_id = :journal_id AND o.revision > 1 AND o.outcome <> COALESCE(("
                "SELECT e.outcome FROM line_outcome e WHERE e.municipality_code = :m "
                "AND e.file_id = o.file_id AND e.line_no = o.line_no "
                "AND e.journal_id <> :journal_id ORDER BY e.revision DESC LIMIT 1), '')"
            )
            + " ORDER BY o.file_id, o.line_no"
        ),
        scope,
    ).all()
    cases = [
        Case(r.outcome, f"{r.file_id}:{r.line_no}", r.yen, r.file_id, r.line_no)
        for r in rows
        if r.outcome in CASE_OUTCOMES
    ]
    return cases, [f"{r.file_id}:{r.line_no}" for r in rows]


def open_cases(
    connection: Connection, municipality_code: str, cases: Sequence[Case], *, on: str, actor: str
) -> int:
    """Open these cases, or re-open them under their old number; returns how many changed."""
    if not cases:
        return 0
    unique = list({(case.kind, case.subject): case for case in cases}.values())
    first = take_numbers(connection, municipality_code, "case", len(unique))
    scope = {"m": municipality_code, "on": on, "actor": actor, "first": first,
             "after": first + len(unique), "at": written_at()}  # fmt: skip
    staged = ("municipality_code", "case_no", "kind", "subject", "amount_yen", "file_id",
              "line_no", "details")  # fmt: skip
    clear_staging(connection, municipality_code, ["case_work"])
    insert_rows(
        connection, "case_work", staged,
        (
            (number, case.kind, case.subject, case.amount_yen, case.file_id, case.line_no,
             case.details)
            for number, case in enumerate(unique, start=first)
        ),
        constants=(municipality_code,),
    )  # fmt: skip
    new = connection.execute(text(_OPEN), scope).rowcount
    count_filled(connection, _FILLED, len(unique))
    connection.execute(_timed(_OPENED), scope)
    reopened = 0
    if new < len(unique):
        reopened = connection.execute(_timed(_REOPENED), scope).rowcount
        connection.execute(_timed(_OTHER_AMOUNT), scope)
        _set_deadlines(connection, scope, unique, _AGAIN)
        connection.execute(text(_OPEN_AGAIN), scope)
    _set_deadlines(connection, scope, unique, "case_no >= :first AND case_no < :after")
    return new + reopened


def _timed(statement: str) -> TextClause:
    """A statement that stamps what it writes with ``at``."""
    return text(statement).bindparams(bindparam("at", type_=DateTime(timezone=True)))


def _set_deadlines(
    connection: Connection, scope: dict[str, Any], cases: Sequence[Case], which: str
) -> None:
    """期限 of the cases that open now, one statement for each day that it falls on."""
    opened_on = date.fromisoformat(scope["on"])
    kinds: dict[date, set[str]] = {}
    for kind in {case.kind for case in cases}:
        day = due_on(kind, opened_on)
        if day is not None:
            kinds.setdefault(day, set()).add(kind)
    for day, some in sorted(kinds.items()):
        connection.execute(
            text(
                "UPDATE review_case SET due_on = :due_on "
                f"WHERE municipality_code = :m AND kind IN :kinds AND {which}"
            ).bindparams(bindparam("kinds", expanding=True)),
            {**scope, "due_on": day.isoformat(), "kinds": sorted(some)},
        )


# A case that is known keeps its number; the others take those of the block.
_OPEN = """
INSERT INTO review_case (municipality_code, case_no, kind, subject, state, amount_yen, opened_on,
    owner, file_id, line_no, details)
SELECT municipality_code, case_no, kind, subject, 'open', amount_yen, :on, '', file_id, line_no,
    details
FROM case_work WHERE municipality_code = :m
ON CONFLICT (municipality_code, kind, subject) DO NOTHING
"""
_OPENED = """
INSERT INTO case_event (municipality_code, case_no, event_no, happened_on, actor, event, note,
    made_at)
SELECT municipality_code, case_no, 1, :on, :actor, 'opened', '', :at
FROM review_case WHERE municipality_code = :m AND case_no >= :first AND case_no < :after
"""
_REOPENED = """
INSERT INTO case_event (municipality_code, case_no, event_no, happened_on, actor, event, note,
    made_at)
SELECT c.municipality_code, c.case_no,
    (SELECT COALESCE(MAX(e.event_no), 0) + 1 FROM case_event e
     WHERE e.municipality_code = c.municipality_code AND e.case_no = c.case_no),
    :on, :actor, 'reopened', '', :at
FROM case_work w
JOIN review_case c ON c.municipality_code = :m AND c.kind = w.kind AND c.subject = w.subject
WHERE w.municipality_code = :m AND c.state IN ('resolved', 'accepted')
"""
# Those that were closed and open again now; a case that still waits keeps its deadline.
_AGAIN = """state IN ('resolved', 'accepted') AND case_no < :first AND EXISTS (
    SELECT 1 FROM case_work w WHERE w.municipality_code = :m
      AND w.kind = review_case.kind AND w.subject = review_case.subject)"""
# What a known case was about until now, where that is another amount (payments.store.former).
_OTHER_AMOUNT = """
INSERT INTO former_row (municipality_code, table_name, row_key, former_no, until_at, row_json)
SELECT c.municipality_code, 'review_case', CAST(c.case_no AS VARCHAR(60)),
    (SELECT COALESCE(MAX(f.former_no), 0) + 1 FROM former_row f
     WHERE f.municipality_code = :m AND f.table_name = 'review_case'
       AND f.row_key = CAST(c.case_no AS VARCHAR(60))),
    :at, '{"amount_yen": ' || c.amount_yen || '}'
FROM case_work w
JOIN review_case c ON c.municipality_code = :m AND c.kind = w.kind AND c.subject = w.subject
WHERE w.municipality_code = :m AND c.case_no < :first AND c.amount_yen <> w.amount_yen
"""
_OPEN_AGAIN = """
UPDATE review_case SET state = 'open', amount_yen = w.amount_yen, details = w.details
FROM case_work w
WHERE w.municipality_code = :m AND review_case.municipality_code = :m
  AND review_case.kind = w.kind AND review_case.subject = w.subject
  AND review_case.case_no < :first
"""


def close_cases(
    connection: Connection,
    municipality_code: str,
    subjects: Sequence[str],
    *,
    keep: Sequence[Case] = (),
    kinds: frozenset[str] = CASE_OUTCOMES,
    on: str,
    actor: str = "system",
    note: str = "decided_again",
) -> None:
    """End the cases about these subjects that no longer hold (all kinds but those in ``keep``).

    ``note`` is what the history of the case says about it: a code of the engine, or the reason of
    ``actor`` in their words.
    """
    kept = {(case.kind, case.subject) for case in keep}
    for subject in subjects:
        open_now = connection.execute(
            text(
                """SELECT case_no, kind FROM review_case
                   WHERE municipality_code = :m AND subject = :subject
                     AND state IN ('open', 'acknowledged')"""
            ),
            {"m": municipality_code, "subject": subject},
        ).all()
        for case in open_now:
            if case.kind not in kinds or (case.kind, subject) in kept:
                continue
            values = {"m": municipality_code, "case_no": case.case_no, "on": on,
                      "actor": actor, "note": note, "at": written_at()}  # fmt: skip
            connection.execute(
                text(
                    "UPDATE review_case SET state = 'resolved' "
                    "WHERE municipality_code = :m AND case_no = :case_no"
                ),
                values,
            )
            connection.execute(
                _timed(
                    """INSERT INTO case_event (municipality_code, case_no, event_no, happened_on,
                           actor, event, note, made_at)
                       SELECT CAST(:m AS VARCHAR(5)),
                           :case_no, MAX(event_no) + 1, :on, :actor, 'resolved', :note, :at
                       FROM case_event WHERE municipality_code = :m AND case_no = :case_no"""
                ),
                values,
            )


def end_returned_surpluses(connection: Connection, municipality_code: str, *, on: str) -> None:
    """End the cases of corrections whose surplus went back with the payment behind it."""
    open_now = connection.execute(
        text(
            """SELECT subject FROM review_case
               WHERE municipality_code = :m AND kind = 'overpaid_by_correction'
                 AND state IN ('open', 'acknowledged')"""
        ),
        {"m": municipality_code},
    ).scalars()
    for subject in list(open_now):
        notice_id, _, term = subject.partition("/")
        surplus_yen = connection.execute(
            text(
                """SELECT surplus_yen FROM instalment_account
                   WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term"""
            ),
            {"m": municipality_code, "notice_id": int(notice_id), "term": term},
        ).scalar_one()
        if not surplus_yen:
            kinds = frozenset({"overpaid_by_correction"})
            close_cases(connection, municipality_code, [subject], kinds=kinds, on=on)


def refuse_absurd(profile: Profile, cases: int, lines: int) -> None:
    """A run that would open an absurd number of cases stops and says so (design.md)."""
    if cases > profile.cases_per_run_max and cases > lines * profile.cases_share_max:
        raise RefusedError(
            "too_many_cases", cases=cases, lines=lines, expected=profile.cases_per_run_max
        )
