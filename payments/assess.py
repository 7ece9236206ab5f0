"""調定: assessment lines become notices, instalments and postings; every line is an event.

Lines apply in file order and nothing is overwritten: a correction is a new event and a posting of
the difference (law.md A-02). Each batch of lines reads what it concerns once and writes in bulk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments.assess_line import change_no
from payments.assess_rows import write_obligors, write_rows, write_updates
from payments.domain.calendars import tax_due_on
from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import DebitCustomerNo
from payments.domain.kana import fold_name
from payments.numbered import numbered_notices
from payments.store.bulk import take_numbers
from payments.store.lookups import rows_about
from payments.store.statistics import count_afresh, count_filled
from payments.write_off import take_up_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from payments.assess_line import AssessmentLike
    from payments.domain.profile import Profile
    from payments.numbered import NoticeKey

BATCH_LINES = 5_000
# What a batch looks rows up by that the batches before it may have written.
_LOOKED_UP = {
    "assessment_event": ("notice_id", "term"),
    "instalment_account": ("notice_id", "term"),
    "notice": ("notice_id", "item_code", "levy_year", "notice_no"),
    "pay_key": ("pay_key",),
}
# What else it fills: an account is checked against its instalment (foreign key).
_FILLED = {
    "instalment": ("notice_id", "term", "due_on"),
    "obligor": ("obligor_no",),
    "posting": ("journal_id",),
}
_INSTALMENTS = """
SELECT a.notice_id, a.term, a.amount_yen, a.term_yen + a.whole_yen AS applied_yen, a.surplus_yen,
       a.written_off_yen,
       (SELECT e.content FROM assessment_event e
        WHERE e.municipality_code = :m AND e.notice_id = a.notice_id
          AND e.term = a.term AND e.kind = 'initial' AND e.outcome = 'applied'
        LIMIT 1) AS content
FROM instalment_account a WHERE a.municipality_code = :m AND a.notice_id IN :some"""


NUMBER_BYTES = 8  # of the content of a line that has a 異動番号: which change it is


class Surplus(NamedTuple):
    """過納: what a correction moved back out of an instalment to suspense."""

    notice_id: int
    term: str
    amount_yen: int


@dataclass(slots=True)
class Assessed:
    """調定取込の結果: lines by what became of them, and the surpluses that need a person."""

    outcomes: dict[str, int] = field(default_factory=dict)
    errors: list[tuple[int, str]] = field(default_factory=list)  # line number, code
    surpluses: list[Surplus] = field(default_factory=list)
    # Of a change that came before with other content: that one's file and line, by line number.
    firsts: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Instalment:
    """An instalment as the batch sees it."""

    amount_yen: int
    applied_yen: int
    surplus_yen: int
    content: bytes
    is_new: bool
    written_off_yen: int = 0  # of applied_yen


class Assessor:
    """Applies the lines of one file within one transaction and journal."""

    def __init__(
        self, connection: Connection, profile: Profile, *, file_id: int, journal_id: int
    ) -> None:
        """``file_id`` names the evidence, ``journal_id`` the booking occasion."""
        self.connection = connection
        self.profile = profile
        self.code = profile.municipality_code
        self.file_id = file_id
        self.journal_id = journal_id
        self.result = Assessed()
        self.notices: dict[NoticeKey, int] = {}
        self.instalments: dict[tuple[int, str], _Instalment] = {}
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.updates: list[dict[str, Any]] = []
        self.obligors: dict[str, tuple[Any, ...]] = {}
        self.debit_keys: set[str] = set()
        self.shared_keys: set[str] = set()
        self.numbers: list[int] = []
        self.taken_up: list[tuple[int, str, int]] = []  # 不納欠損 of claims that shrank
        # Changes that are in the books: content, file and line of each, by what tells it apart.
        self.changed: dict[tuple[int, str, bytes], tuple[bytes, int, int]] = {}

    def apply(self, lines: Iterable[tuple[AssessmentLike, bytes]]) -> Assessed:
        """Apply (line, content digest) pairs in order."""
        batch: list[tuple[AssessmentLike, bytes]] = []
        batches = 0
        for pair in lines:
            batch.append(pair)
            if len(batch) >= BATCH_LINES:
                self._batch(batch)
                batch = []
                batches += 1
                if batches.bit_count() == 1:  # 1, 2, 4, 8 …: whenever it has doubled
                    self._count_afresh()
                count_filled(self.connection, _FILLED, BATCH_LINES, batches=batches)
        self._batch(batch)
        return self.result

    def _count_afresh(self) -> None:
        """Let PostgreSQL see how large the tables of this file have become meanwhile."""
        for table, columns in _LOOKED_UP.items():
            count_afresh(self.connection, BATCH_LINES, table, *columns)

    def _batch(self, batch: Sequence[tuple[AssessmentLike, bytes]]) -> None:
        """Read what the batch concerns, decide each line, write everything at once."""
        if not batch:
            return
        self.rows = {
            name: [] for name in ("notice", "instalment", "account", "event", "pay_key", "posting")
        }
        self.updates, self.obligors = [], {}
        self._read([line for line, _ in batch])
        self._read_debit_keys([line for line, _ in batch])
        self._read_changes([line for line, _ in batch])
        for line, content in batch:
            outcome = self._line(line, content)
            self.result.outcomes[outcome] = self.result.outcomes.get(outcome, 0) + 1
            if outcome not in {"applied", "repeat"}:
                self.result.errors.append((line.line_no, outcome))
        self._write()

    def _read(self, lines: Sequence[AssessmentLike]) -> None:
        """Notices and instalments that these lines name and that exist already."""
        keys = {(line.item_code, line.levy_year, line.notice_no) for line in lines}
        self.notices, self.instalments = numbered_notices(self.connection, self.code, keys), {}
        known = sorted(self.notices.values())
        for row in rows_about(self.connection, _INSTALMENTS, self.code, known):
            self.instalments[row.notice_id, row.term] = _Instalment(
                row.amount_yen, row.applied_yen, row.surplus_yen, bytes(row.content or b""),
                is_new=False, written_off_yen=row.written_off_yen,
            )  # fmt: skip

    def _read_debit_keys(self, lines: Sequence[AssessmentLike]) -> None:
        """Debit keys of these lines that are taken already, e.g. by a longer notice number."""
        numbers = {number for line in lines if (number := self._debit_no(line))}
        wanted = sorted(f"{kind}{number}" for number in numbers for kind in "DX")
        rows = self.connection.execute(
            text(
                "SELECT pay_key FROM pay_key WHERE municipality_code = :m AND pay_key IN :keys"
            ).bindparams(bindparam("keys", expanding=True)),
            {"m": self.code, "keys": wanted},
        )
        taken = set(rows.scalars())
        self.debit_keys = {str(key)[1:] for key in taken}
        self.shared_keys = {str(key)[1:] for key in taken if key.startswith("X")}

    def _read_changes(self, lines: Sequence[AssessmentLike]) -> None:
        """What has changed the claims before that these lines change by a difference or number."""
        wanted = {
            notice_id
            for line in lines
            if (line.kind == "difference" or change_no(line))
            and (notice_id := self.notices.get((line.item_code, line.levy_year, line.notice_no)))
        }
        if not wanted:
            return
        rows = self.connection.execute(
            text(
                """SELECT notice_id, term, content, file_id, line_no FROM assessment_event
                   WHERE municipality_code = :m AND notice_id IN :notices
                     AND kind IN ('correction', 'cancellation') AND outcome = 'applied'"""
            ).bindparams(bindparam("notices", expanding=True)),
            {"m": self.code, "notices": sorted(wanted)},
        )
        for row in rows:
            self._remember(row.notice_id, row.term, bytes(row.content), (row.file_id, row.line_no))

    def _remember(self, notice_id: int, term: str, content: bytes, line: tuple[int, int]) -> None:
        """A change in the books, to be found by all that it says and by its number."""
        for known_by in (content, content[:NUMBER_BYTES]):
            self.changed.setdefault((notice_id, term, known_by), (content, *line))

    # ---- one line ----

    def _line(self, line: AssessmentLike, content: bytes) -> str:
        """Decide one line: ``applied``, ``repeat`` or an error code."""
        key = (line.item_code, line.levy_year, line.notice_no)
        notice_id = self.notices.get(key)
        known = self.instalments.get((notice_id, line.term)) if notice_id else None
        flags = line.flags if isinstance(line.flags, str) else ";".join(line.flags)
        if line.kind == "initial":
            if known is None:
                outcome = self._initial(line, content, flags)
            else:
                outcome = "repeat" if known.content == content else "initial_twice"
        elif known is None or notice_id is None:
            outcome = "correction_without_initial"
        else:
            outcome = self._change(line, content, notice_id, known, flags)
        kind, amount_yen = line.kind, line.amount_yen
        if kind == "difference":  # an event says what is owed after it; the posting, the difference
            kind, amount_yen = "correction", known.amount_yen if known else 0
        self.rows["event"].append(
            (line.line_no, kind, self.notices.get(key), line.term, amount_yen, flags, content,
             outcome)
        )  # fmt: skip
        return outcome

    def _change(
        self, line: AssessmentLike, content: bytes, notice_id: int, known: _Instalment, flags: str
    ) -> str:
        """更正・取消・増減: nothing of a change that does not follow from what is owed now.

        A change is told from the same one sent again by its number, and a difference without one
        by its content alone, so that it counts once; a person decides about the other. Under one
        number there is one change: other content is never applied (R3).
        """
        outcome = "applied"
        known_by = content[:NUMBER_BYTES] if change_no(line) else content
        before = self.changed.get((notice_id, line.term, known_by))
        amount_yen = line.amount_yen
        if line.kind == "difference":
            amount_yen += known.amount_yen
        if change_no(line) and before is not None and before[0] != content:
            outcome = "change_conflict"
            self.result.firsts[line.line_no] = before[1:]
        elif line.kind == "difference" and before is not None:
            outcome = "difference_twice"
        elif change_no(line) and before is not None:
            outcome = "repeat"
        elif line.before_yen not in {None, known.amount_yen}:
            outcome = "before_differs"
        elif amount_yen < 0:
            outcome = "difference_below_zero"
        else:
            self._correction(line, amount_yen, notice_id, known, flags)
            self._remember(notice_id, line.term, content, (self.file_id, line.line_no))
        return outcome

    def _initial(self, line: AssessmentLike, content: bytes, flags: str) -> str:
        """A new instalment: its notice, its account, its debit key, and the claim in the books."""
        key = (line.item_code, line.levy_year, line.notice_no)
        if key not in self.notices:
            self.notices[key] = self._next_notice_id()
            self.rows["notice"].append(
                (self.notices[key], *key, line.whole_year_group, line.obligor_no)
            )
        notice_id = self.notices[key]
        self.obligors[line.obligor_no] = (
            line.obligor_no, line.obligor_name, line.obligor_kana, fold_name(line.obligor_kana),
            line.postal_code, line.address,
        )  # fmt: skip
        debit_no = self._debit_no(line)
        held = set(flags.split(";"))
        self.rows["instalment"].append(
            (notice_id, line.term, line.fiscal_year, line.due_on_statutory,
             _shifted(line.due_on_statutory), "collection_hold" in held, "dunning_hold" in held,
             "direct_debit" in held, debit_no)
        )  # fmt: skip
        self.rows["account"].append(
            (notice_id, line.term, bool(line.whole_year_group), line.amount_yen, 0, 0, 0)
        )
        if debit_no in self.debit_keys:
            self._share_debit_key(debit_no)
        elif debit_no:
            self.debit_keys.add(debit_no)
            self.rows["pay_key"].append((f"D{debit_no}", notice_id, line.term, False))
        self.instalments[notice_id, line.term] = _Instalment(
            line.amount_yen, 0, 0, content, is_new=True
        )
        self._claim(line.line_no, notice_id, line.term, line.amount_yen, "assessment")
        return "applied"

    def _debit_no(self, line: AssessmentLike) -> str:
        """顧客番号, "" where the notice number cannot be told apart in it (files.md 3.7)."""
        try:
            return DebitCustomerNo.build(
                prefix=self.profile.debit_prefix,
                item_code=line.item_code,
                notice_no=line.notice_no,
                term=line.term,
            ).digits
        except InvalidValueError:
            return ""

    def _share_debit_key(self, debit_no: str) -> None:
        """A number that two instalments share names neither: its money goes to suspense.

        It happens where notices agree in their last eleven digits (files.md 3.7). The key stays
        under X, so that a third instalment cannot take it up again.
        """
        if debit_no in self.shared_keys:
            return
        self.shared_keys.add(debit_no)
        for number, row in enumerate(self.rows["pay_key"]):
            if row[0] == f"D{debit_no}":
                self.rows["pay_key"][number] = (f"X{debit_no}", *row[1:])
                return
        self.connection.execute(
            text(
                "UPDATE pay_key SET pay_key = :shared "
                "WHERE municipality_code = :m AND pay_key = :own"
            ),
            {"m": self.code, "shared": f"X{debit_no}", "own": f"D{debit_no}"},
        )

    def _correction(
        self, line: AssessmentLike, amount_yen: int, notice_id: int, known: _Instalment, flags: str
    ) -> None:
        """更正・取消: the new full amount; money beyond it moves to suspense (outcomes.md 9)."""
        change = amount_yen - known.amount_yen
        reason = "cancellation" if line.kind == "cancellation" else "correction"
        self._claim(line.line_no, notice_id, line.term, change, reason)
        known.amount_yen = amount_yen
        beyond = known.applied_yen - known.surplus_yen - amount_yen
        back = min(max(beyond, 0), known.written_off_yen)
        if back:  # what is owed no more was not given up
            self._post(
                line.line_no, 3, "receivable", "written_off", back, "write_off_reversal",
                notice_id, line.term,
            )  # fmt: skip
            self.taken_up.append((notice_id, line.term, back))
            known.applied_yen -= back
            known.written_off_yen -= back
            beyond -= back
        if beyond > 0:
            self._post(
                line.line_no, 2, "receivable", "suspense", beyond, "surplus", notice_id, line.term
            )
            known.surplus_yen += beyond
            self.result.surpluses.append(Surplus(notice_id, line.term, beyond))
        held = set(flags.split(";"))
        self.updates.append(
            {
                "m": self.code,
                "notice_id": notice_id,
                "term": line.term,
                "amount_yen": amount_yen,
                "surplus_yen": known.surplus_yen,
                "back": back,
                "statutory": line.due_on_statutory,
                "due_on": _shifted(line.due_on_statutory),
                "collection_hold": "collection_hold" in held,
                "dunning_hold": "dunning_hold" in held,
                "direct_debit": "direct_debit" in held,
            }
        )

    def _claim(self, line_no: int, notice_id: int, term: str, yen: int, reason: str) -> None:
        """調定の仕訳: the claim grows or shrinks."""
        if yen > 0:
            self._post(line_no, 1, "receivable", "assessed", yen, reason, notice_id, term)
        elif yen < 0:
            self._post(line_no, 1, "assessed", "receivable", -yen, reason, notice_id, term)

    def _post(
        self, line_no: int, leg: int, debit: str, credit: str, yen: int, reason: str,
        notice_id: int, term: str,
    ) -> None:  # fmt: skip
        """One posting about this line."""
        self.rows["posting"].append(
            (self.file_id, line_no, leg, debit, credit, yen, reason, notice_id, term)
        )

    def _next_notice_id(self) -> int:
        """A new notice number, taken from the database in blocks of a batch."""
        if not self.numbers:
            first = take_numbers(self.connection, self.code, "notice", BATCH_LINES)
            self.numbers = list(range(first + BATCH_LINES - 1, first - 1, -1))
        return self.numbers.pop()

    # ---- writing ----

    def _write(self) -> None:
        """Everything the batch decided, in bulk."""
        write_obligors(self.connection, self.code, self.obligors.values())
        write_rows(
            self.connection, self.code, self.rows, file_id=self.file_id, journal_id=self.journal_id
        )
        write_updates(self.connection, self.updates)
        take_up_again(
            self.connection, self.code, self.taken_up, journal_id=self.journal_id, approval_id=None
        )
        self.taken_up = []


@lru_cache(maxsize=4096)
def _shifted(statutory: str) -> str:
    """納期限 after the holiday shift (地方税法20条の5②), ISO text."""
    return tax_due_on(date.fromisoformat(statutory)).isoformat()
