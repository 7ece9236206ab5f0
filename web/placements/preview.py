"""仕訳の下見: the entries that a decision would book, from the very code that books them.

The decision is carried out in a transaction that is then taken back, so that nothing of it stays:
no entry, no number, no case. What it says holds for this moment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from sqlalchemy import func, select, text

from payments.domain.errors import KokinError
from payments.store.tables import JournalRow
from payments.store.unit_of_work import unit_of_work
from web import messages
from web.approval_effects import decide_and_do
from web.placements.panel import place_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from payments.approve import Approval
    from payments.domain.profile import Profile

SECOND = "(preview)"  # the second person of a decision that is never made
ENTRIES_MAX = 200

journal_table = JournalRow.__table__  # type: ignore[attr-defined]
_ENTRIES = """
SELECT p.debit_account, p.credit_account, p.amount_yen, p.reason, n.item_code, n.levy_year,
    n.notice_no, p.term, p.subject_file_id AS file_id, p.subject_line_no AS line_no
FROM posting p
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = p.notice_id
WHERE p.municipality_code = :m AND p.journal_id > :before
ORDER BY p.journal_id, p.subject_file_id, p.subject_line_no, p.leg LIMIT :most"""

# What waits takes the place of what leaves: less what such a payment held before.
_INSTEAD = """
SELECT p.subject_file_id AS file_id, p.subject_line_no AS line_no,
    SUM(CASE p.credit_account WHEN 'receivable' THEN p.amount_yen ELSE -p.amount_yen END) AS yen
FROM posting p
WHERE p.municipality_code = :m AND p.journal_id > :before AND p.subject_file_id > 0
  AND 'receivable' IN (p.debit_account, p.credit_account)
GROUP BY p.subject_file_id, p.subject_line_no
ORDER BY p.subject_file_id, p.subject_line_no"""


class Entry(NamedTuple):
    """仕訳の一行 in words."""

    debit: str
    credit: str
    amount_yen: int
    reason: str
    place: str
    file_id: int  # of the line that it is about; 0 for none
    line_no: int


class Instead(NamedTuple):
    """代わりの納付: another payment that would settle something by itself, once this is done."""

    file_id: int
    line_no: int
    amount_yen: int


class Preview(NamedTuple):
    """下見: the entries, or in a sentence why the decision could not be carried out."""

    entries: tuple[Entry, ...] = ()
    instead: tuple[Instead, ...] = ()
    refused: str = ""


class _TakenBackError(Exception):
    """What ends the transaction of a preview, with what it would have booked."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


def preview_of(
    engine: Engine, profile: Profile, asked: Callable[[Connection], Approval]
) -> Preview:
    """What would be booked if a second person agreed to what ``asked`` asks for now."""
    try:
        with unit_of_work(engine, profile.municipality_code) as connection:
            _carry_out(connection, profile, asked)
    except _TakenBackError as done:
        return done.preview
    except KokinError as error:
        return Preview(refused=messages.error(error.error_code, error.details))


def _carry_out(
    connection: Connection, profile: Profile, asked: Callable[[Connection], Approval]
) -> NoReturn:
    """Decide and book, then leave with what was booked; nothing may stay of it."""
    before = connection.execute(
        select(func.coalesce(func.max(journal_table.c.journal_id), 0)).where(
            journal_table.c.municipality_code == profile.municipality_code
        )
    ).scalar_one()
    approval = asked(connection)
    decide_and_do(connection, profile, approval.approval_id, "approved", decided_by=SECOND)
    scope = {"m": profile.municipality_code, "before": int(before)}
    own = (approval.content.get("file_id"), approval.content.get("line_no"))
    instead = tuple(
        Instead(row.file_id, row.line_no, int(row.yen))
        for row in connection.execute(text(_INSTEAD), scope)
        if (row.file_id, row.line_no) != own and row.yen > 0
    )
    raise _TakenBackError(Preview(_entries(connection, profile, scope), instead))


def _entries(connection: Connection, profile: Profile, scope: dict[str, Any]) -> tuple[Entry, ...]:
    rows = connection.execute(text(_ENTRIES), {**scope, "most": ENTRIES_MAX})
    return tuple(
        Entry(
            messages.label("account", row.debit_account),
            messages.label("account", row.credit_account),
            row.amount_yen,
            messages.label("posting_reason", row.reason),
            _place(profile, row),
            row.file_id,
            row.line_no,
        )
        for row in rows
    )


def _place(profile: Profile, row: Any) -> str:
    if row.notice_no is None or row.term is None:
        return ""
    return place_words(profile, f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}")
