"""仕訳の経過: what an instalment stood at when something was decided, from the ledger alone.

The balances of today say nothing about yesterday. The ledger does: every claim, payment, reversal
and surplus is a posting, and a decision is a place in that order (a journal and, within it, the
block of legs of its turn). Adding up what stands before the place gives the facts of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, text

from reconcile.placement.placed import lines_placed_on
from reconcile.post import LEGS_PER_TURN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

WHOLE_YEAR = "00"
_WHOLE = range(10, 110)  # legs of a turn that apply a 全期 payment to its instalments
_CLAIMS = {"assessment", "correction", "cancellation", "surplus"}
REVERSALS = frozenset({"reversal", "placed_reversal"})
APPLIES = frozenset({"applied", "placed"})
_REVERSAL = 120  # legs from here on are booked before the turn decides


class Moment(NamedTuple):
    """判定の時点: the journal, and the first leg of the turn (0: before anything of it)."""

    journal_id: int
    leg: int


class Entry(NamedTuple):
    """仕訳の一行 as far as it concerns instalments."""

    journal_id: int
    file_id: int
    line_no: int
    leg: int
    debit_account: str
    credit_account: str
    amount_yen: int
    reason: str
    notice_id: int | None
    term: str | None
    group_id: int | None

    @property
    def turn_leg(self) -> int:
        """The leg within its turn."""
        return self.leg % LEGS_PER_TURN

    @property
    def turn(self) -> int:
        """The first leg of its turn."""
        return self.leg - self.turn_leg

    def is_before(self, moment: Moment) -> bool:
        """Whether it stood in the books when the turn decided.

        What a turn takes back is booked before it decides, what it books comes after.
        """
        if self.journal_id != moment.journal_id:
            return self.journal_id < moment.journal_id
        return self.turn < moment.leg or (self.turn == moment.leg and self.turn_leg >= _REVERSAL)


@dataclass(slots=True)
class Standing:
    """期別の残高 at a moment, as ``instalment_account`` holds it for today."""

    amount_yen: int = 0
    term_yen: int = 0
    whole_yen: int = 0
    surplus_yen: int = 0

    @property
    def outstanding_yen(self) -> int:
        """未納: what is still open."""
        return self.amount_yen - self.term_yen - self.whole_yen + self.surplus_yen


@dataclass(frozen=True, slots=True)
class History:
    """通知書の経過: all postings about the instalments of one notice, in the order of booking."""

    notice_id: int
    in_group: frozenset[str]  # the instalments that the 全期 slip covers
    entries: tuple[Entry, ...] = field(default=())

    def standings(self, moment: Moment | None = None) -> dict[str, Standing]:
        """Every instalment at the moment; None is today."""
        found: dict[str, Standing] = {}
        for entry in self.entries:
            if entry.term is None or not (moment is None or entry.is_before(moment)):
                continue
            _add(found.setdefault(entry.term, Standing()), entry)
        return found

    def covered(self, term: str, moment: Moment | None = None) -> dict[str, Standing]:
        """What a slip of this term covers, at the moment."""
        standings = self.standings(moment)
        if term != WHOLE_YEAR:
            return {term: standings.get(term, Standing())}
        return {name: found for name, found in standings.items() if name in self.in_group}

    def claims(self, term: str) -> list[Entry]:
        """調定の仕訳 of what a slip of this term covers; "" is the whole notice."""
        covered = self.covered(term) if term else self.standings()
        return [e for e in self.entries if e.term in covered and e.reason in _CLAIMS]


def _add(standing: Standing, entry: Entry) -> None:
    """One posting, added to what its instalment stands at."""
    sign = 1 if entry.debit_account == "receivable" else -1
    match entry.reason:
        case "applied":
            _apply(standing, entry.amount_yen, whole=entry.turn_leg in _WHOLE)
        case "placed":
            _apply(standing, entry.amount_yen, whole=False)
        case "placed_reversal":
            _apply(standing, -entry.amount_yen, whole=False)
        case "reversal" if "receivable" in {entry.debit_account, entry.credit_account}:
            _apply(standing, -entry.amount_yen, whole=entry.turn_leg - _REVERSAL in _WHOLE)
        case "written_off" | "write_off_reversal":
            _apply(standing, -sign * entry.amount_yen, whole=False)
        case "surplus":
            standing.surplus_yen += sign * entry.amount_yen
        case "assessment" | "correction" | "cancellation":
            standing.amount_yen += sign * entry.amount_yen


def _apply(standing: Standing, yen: int, *, whole: bool) -> None:
    if whole:
        standing.whole_yen += yen
    else:
        standing.term_yen += yen


_COLUMNS = """p.journal_id, p.subject_file_id AS file_id, p.subject_line_no AS line_no, p.leg,
    p.debit_account, p.credit_account, p.amount_yen, p.reason, p.notice_id, p.term, p.group_id"""
# The ledger is stored in the order of booking and has no index by notice: its journals are found
# through the lines that can have booked about the notice.
_LINES_OF_NOTICE = """
SELECT file_id, line_no FROM receipt WHERE municipality_code = :m AND notice_id = :notice_id"""
_CLAIMS_OF_NOTICE = """
SELECT file_id, line_no FROM assessment_event
WHERE municipality_code = :m AND notice_id = :notice_id"""
_JOURNALS_OF_LINE = """
SELECT o.journal_id FROM source_line l
JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = p.file_id AND o.line_no = p.line_no
WHERE l.municipality_code = :m AND l.file_id = :file_id AND l.line_no = :line_no
UNION
SELECT journal_id FROM line_outcome
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"""
_JOURNALS_OF_CLAIMS = """
SELECT journal_id FROM journal WHERE municipality_code = :m
AND kind NOT IN ('intake', 'placement', 'reconcile') ORDER BY journal_id"""
_POSTINGS = f"""
SELECT {_COLUMNS} FROM posting p
WHERE p.municipality_code = :m AND p.journal_id IN :journals
  AND p.subject_file_id = :file_id AND p.subject_line_no = :line_no
ORDER BY p.journal_id, p.leg"""


def history_of(connection: Connection, municipality_code: str, notice_id: int) -> History:
    """通知書の経過 from the ledger: claims, payments, what was taken back, surpluses."""
    values = {"m": municipality_code, "notice_id": notice_id}
    terms = connection.execute(
        text(
            "SELECT term FROM instalment_account "
            "WHERE municipality_code = :m AND notice_id = :notice_id AND in_group"
        ),
        values,
    ).scalars()
    entries: list[Entry] = []
    paid = {(r.file_id, r.line_no) for r in connection.execute(text(_LINES_OF_NOTICE), values)}
    paid |= set(lines_placed_on(connection, municipality_code, notice_id))
    for place in sorted(paid):
        entries += entries_about(connection, municipality_code, *place)
    claims = connection.execute(text(_CLAIMS_OF_NOTICE), values).all()
    if claims:
        journals = list(connection.execute(text(_JOURNALS_OF_CLAIMS), values).scalars())
        for row in claims:
            entries += _postings(connection, municipality_code, journals, row.file_id, row.line_no)
    mine = (entry for entry in entries if entry.notice_id == notice_id)
    return History(notice_id, frozenset(terms), tuple(sorted(mine, key=_booked)))


def entries_about(
    connection: Connection, municipality_code: str, file_id: int, line_no: int
) -> list[Entry]:
    """仕訳 about one line, in the order of booking: its own, and those of reports about it."""
    journals = connection.execute(
        text(_JOURNALS_OF_LINE), {"m": municipality_code, "file_id": file_id, "line_no": line_no}
    ).scalars()
    found = _postings(connection, municipality_code, sorted(set(journals)), file_id, line_no)
    return sorted(found, key=_booked)


def _booked(entry: Entry) -> tuple[int, int, bool, int, int, int]:
    """The order of booking: within a turn, what is taken back comes first."""
    return (
        entry.journal_id, entry.turn, entry.turn_leg < _REVERSAL, entry.file_id, entry.line_no,
        entry.leg,
    )  # fmt: skip


def _postings(
    connection: Connection,
    municipality_code: str,
    journals: Sequence[int],
    file_id: int,
    line_no: int,
) -> list[Entry]:
    if not journals:
        return []
    rows = connection.execute(
        text(_POSTINGS).bindparams(bindparam("journals", expanding=True)),
        {
            "m": municipality_code,
            "journals": list(journals),
            "file_id": file_id,
            "line_no": line_no,
        },
    )
    return [Entry(*row) for row in rows]


def reversals_of(entries: Iterable[Entry]) -> dict[tuple[int, int], int]:
    """取消: (journal, leg) of each posting that was taken back → the journal that did it.

    A reversal exchanges the accounts of its posting; of several equal ones, the last before it.
    """
    standing: dict[tuple[str, int, str | None], list[Entry]] = {}
    taken: dict[tuple[int, int], int] = {}
    for entry in entries:
        if entry.reason in REVERSALS:
            key = (entry.debit_account, entry.amount_yen, entry.term)
            if standing.get(key):
                before = standing[key].pop()
                taken[before.journal_id, before.leg] = entry.journal_id
        elif entry.reason != "surplus":
            key = (entry.credit_account, entry.amount_yen, entry.term)
            standing.setdefault(key, []).append(entry)
    return taken
