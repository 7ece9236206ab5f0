"""差押え前の再確認: whether anything has come of a person since their letter (law.md L-03, I20b).

Every channel is looked at up to its own cut-off, and over a channel that lacks a file there is no
answer. What was asked and found is written down.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments.domain.errors import NotFoundError
from payments.store.bulk import take_numbers
from payments.store.dunning_tables import DunningRecheckRow
from payments.versions import as_day
from reconcile.dunning.draw import blocked, lacking_of, source_states
from reconcile.dunning.grounds import NEXT_TERM, looked_at, values_of
from reconcile.dunning.limits import extinct_among
from reconcile.dunning.rules import (
    BITS,
    CANCELLED,
    PAID,
    PRESCRIBED,
    PULL_MASK,
    SEIZURE_DAYS,
    Terms,
    grounds_in,
)  # fmt: skip

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from payments.versions import PlaceKey
    from reconcile.dunning.draw import SourceState

CAME, NOTHING = "something_came", "nothing_came"
TOO_SOON = "too_soon"  # fewer than ten days since the letter
_table = DunningRecheckRow.__table__  # type: ignore[attr-defined]
# The instalments for which a letter to this person left the building.
_SENT = f"""SELECT l.list_no, l.notice_id, l.term, {NEXT_TERM},
    a.amount_yen, i.due_on, i.collection_hold, i.dunning_hold,
    a.term_yen + a.whole_yen - a.surplus_yen AS paid_yen, a.term_yen + a.whole_yen AS came_yen,
    w.amount_yen - w.paid_yen AS then_yen,
    e.happened_on AS sent_on, x.levy_year, x.notice_no
    FROM notice x
    JOIN dunning_letter l ON l.municipality_code = :m AND l.notice_id = x.notice_id
    JOIN dunning_event e ON e.municipality_code = :m AND e.list_no = l.list_no
        AND e.event = 'dispatched'
    JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = l.list_no
        AND w.notice_id = l.notice_id AND w.term = l.term
    JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = l.notice_id
        AND a.term = l.term
    JOIN instalment i ON i.municipality_code = :m AND i.notice_id = l.notice_id
        AND i.term = l.term
    WHERE x.municipality_code = :m AND x.obligor_no = :obligor_no
      AND NOT EXISTS (SELECT 1 FROM dunning_pull p WHERE p.municipality_code = :m
          AND p.list_no = l.list_no AND p.pull_no = e.subject_no AND p.seq = l.seq)"""
_FOUND = f"""
WITH {looked_at(_SENT)}
SELECT * FROM looked ORDER BY due_on, notice_id, term"""
# Money of the person's notices that came after the letter, whatever became of it.
_SINCE = """
SELECT COUNT(*) FROM notice n
JOIN receipt r ON r.municipality_code = :m AND r.notice_id = n.notice_id
JOIN source_file f ON f.municipality_code = :m AND f.file_id = r.file_id
WHERE n.municipality_code = :m AND n.obligor_no = :obligor_no AND r.stage <> 'withdrawn'
  AND f.received_on >= :sent_on"""


class Rechecked(NamedTuple):
    """再確認の一件: one instalment with its letter, as it stands now."""

    list_no: int
    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    due_on: date
    sent_on: date
    then_yen: int
    open_yen: int
    findings: tuple[str, ...]  # paid, cancelled, amount_changed, grounds, too_soon


@dataclass(frozen=True, slots=True)
class Recheck:
    """差押え前の再確認: ``result`` is ``nothing_came`` only when no finding stands anywhere."""

    recheck_no: int
    asked_on: date
    cut_off_on: date
    sources: tuple[SourceState, ...]
    rows: tuple[Rechecked, ...]
    payments: int  # payments of the person that came since the first letter
    result: str


def recheck(
    connection: Connection,
    profile: Profile,
    obligor_no: str,
    *,
    on: date,
    actor: str,
    at: datetime,
) -> Recheck:
    """差押え前の再確認 of a person; what was found is written down.

    Raises :class:`RefusedError` ``dunning_blocked`` over a channel that lacks a file (no decision
    of people lifts it here), and :class:`NotFoundError` ``dunning_letter`` for somebody to whom no
    letter was sent.
    """
    code = profile.municipality_code
    states = source_states(connection, profile, on, at)
    if lacking := lacking_of(states):
        raise blocked(lacking, on)
    cut_off = min([on, *(state.complete_until for state in states)])
    scope = {"m": code, "obligor_no": obligor_no}
    values = values_of(connection, code, Terms(on), cut_off) | scope
    letters = connection.execute(
        text(_FOUND).bindparams(bindparam("named", expanding=True)), values
    ).all()
    if not letters:
        raise NotFoundError("dunning_letter")
    extinct = extinct_among(connection, profile, sorted({row.notice_id for row in letters}), on)
    rows = tuple(_row(row, on, extinct) for row in letters)
    first = min(row.sent_on for row in rows).isoformat()
    payments = int(connection.execute(text(_SINCE), scope | {"sent_on": first}).scalar_one())
    came = payments or any(row.findings for row in rows)
    done = Recheck(
        take_numbers(connection, code, "dunning_recheck", 1), on, cut_off, tuple(states), rows,
        payments, CAME if came else NOTHING,
    )  # fmt: skip
    _record(connection, code, obligor_no, done, actor, at)
    return done


def _row(row: Any, on: date, extinct: set[PlaceKey]) -> Rechecked:
    """One instalment, with everything that speaks against a seizure."""
    open_yen, sent_on = row.amount_yen - row.paid_yen, as_day(row.sent_on)
    # Its day passed long ago: what is due later is another claim's matter.
    bits = row.grounds & PULL_MASK & ~BITS["channel_incomplete"]
    findings = [PRESCRIBED] if (row.notice_id, row.term) in extinct else []
    findings += grounds_in(bits)
    if row.amount_yen == 0:
        findings.insert(0, CANCELLED)
    elif open_yen <= 0:
        findings.insert(0, PAID)
    elif open_yen != row.then_yen:
        findings.append("amount_changed")
    if (on - sent_on).days <= SEIZURE_DAYS:
        findings.append(TOO_SOON)
    return Rechecked(
        row.list_no, row.notice_id, row.term, row.item_code, row.levy_year, row.notice_no,
        as_day(row.due_on), sent_on, int(row.then_yen), int(open_yen), tuple(findings),
    )  # fmt: skip


def _record(
    connection: Connection, code: str, obligor_no: str, done: Recheck, actor: str, at: datetime
) -> None:
    """What was asked and found, for whoever asks later what was known."""
    position = connection.execute(
        text("SELECT COALESCE(MAX(journal_id), 0) FROM journal WHERE municipality_code = :m"),
        {"m": code},
    ).scalar_one()
    found = {
        "payments": done.payments,
        "sources": {state.source: state.complete_until for state in done.sources},
        "rows": [row._asdict() for row in done.rows],
    }
    connection.execute(
        _table.insert().values(
            municipality_code=code,
            recheck_no=done.recheck_no,
            obligor_no=obligor_no,
            asked_on=done.asked_on,
            cut_off_on=done.cut_off_on,
            journal_id=position,
            result=done.result,
            found_json=json.dumps(found, default=str, ensure_ascii=False, sort_keys=True),
            actor=actor,
            made_at=at,
        )
    )


def as_data(done: Recheck) -> dict[str, Any]:
    """再確認 as JSON says it."""
    return asdict(done) | {
        "rows": [row._asdict() for row in done.rows],
        "sources": [state._asdict() for state in done.sources],
    }
