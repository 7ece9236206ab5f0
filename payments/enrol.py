"""納付書台帳の登録: slips issued here or elsewhere become known, with the keys that pay them.

A slip belongs to an instalment (or, as 全期, to the group of a notice) that was assessed before.
Nothing but its state may change later (files.md 3.6). After each batch the keys of every notice
concerned are made anew, so that the look-up says at once which version stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text

from payments.domain.slip import WHOLE_YEAR, SlipState, register_may_change
from payments.numbered import numbered_notices
from payments.pay_keys import make_keys
from payments.store.bulk import insert_rows, take_numbers
from payments.store.lookups import rows_about
from payments.store.statistics import count_afresh, count_filled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from payments.numbered import NoticeKey

BATCH_LINES = 5_000
# What a batch looks rows up by that the batches before it may have written.
_FILLED = {
    "pay_key": ("pay_key", "slip_id"),
    "slip": ("slip_id", "slip_no", "notice_id", "term"),
}
_TERMS = """
SELECT notice_id, term, in_group FROM instalment_account
WHERE municipality_code = :m AND notice_id IN :some"""


class SlipLike(Protocol):
    """One line of ``slip-register-1`` (files.md 3.6)."""

    line_no: int
    item_code: str
    levy_year: int
    notice_no: str
    term: str
    slip_no: str
    version: int
    collecting_body_code: str
    case_key: str
    confirmation_no: str
    konbini_barcode: str
    amount_yen: int
    due_on: str
    valid_until: str
    issued_on: str
    state: str


@dataclass(slots=True)
class Enrolled:
    """登録結果: counts by what became of the lines; any error rejects the whole register."""

    outcomes: dict[str, int] = field(default_factory=dict)
    errors: list[tuple[int, str, str]] = field(default_factory=list)  # line, code, value found


@dataclass(slots=True)
class _Slip:
    """A slip as the batch sees it."""

    slip_id: int
    slip_no: str
    notice_id: int
    term: str
    version: int
    el_number: str | None
    konbini_barcode: str | None
    amount_yen: int
    due_on: str
    valid_until: str
    issued_on: str
    state: str

    def content(self) -> tuple[object, ...]:
        """All that may never change: everything but the state."""
        return (
            self.slip_no, self.notice_id, self.term, self.version, self.el_number,
            self.konbini_barcode, self.amount_yen, self.due_on, self.valid_until, self.issued_on,
        )  # fmt: skip


class Enroller:
    """Takes in the slips of one register within one transaction."""

    def __init__(self, connection: Connection, profile: Profile) -> None:
        """The register's municipality is the profile's."""
        self.connection = connection
        self.code = profile.municipality_code
        self.result = Enrolled()
        self.numbers: list[int] = []

    def apply(self, lines: Iterable[SlipLike]) -> Enrolled:
        """Enrol the lines in order."""
        batch: list[SlipLike] = []
        batches = 0
        for line in lines:
            batch.append(line)
            if len(batch) >= BATCH_LINES:
                self._batch(batch)
                batch = []
                batches += 1
                count_filled(self.connection, _FILLED, BATCH_LINES, batches=batches)
        self._batch(batch)
        return self.result

    def _batch(self, batch: Sequence[SlipLike]) -> None:
        """Read the notices concerned once, decide each line, write in bulk."""
        if not batch:
            return
        notices, terms = self._notices(batch)
        known = self._slips(batch, set(notices.values()))
        new: list[_Slip] = []
        changed: list[dict[str, Any]] = []
        touched: set[int] = set()
        for line in batch:
            notice_id = notices.get((line.item_code, line.levy_year, line.notice_no))
            if notice_id is None or line.term not in terms[notice_id]:
                self._error(line, "slip_without_instalment", f"{line.notice_no}/{line.term}")
                continue
            slip = self._slip(line, notice_id)
            earlier = known.get(line.slip_no)
            if earlier is None:
                slip.slip_id = self._next_id()
                known[line.slip_no] = slip
                new.append(slip)
                outcome = "applied"
            elif earlier.content() != slip.content():
                self._error(line, "slip_changed", line.slip_no)
                continue
            elif earlier.state == slip.state:
                outcome = "repeat"
            elif register_may_change(SlipState(earlier.state), SlipState(slip.state)):
                earlier.state = slip.state
                changed.append({"m": self.code, "slip_id": earlier.slip_id, "state": slip.state})
                outcome = "state"
            else:
                self._error(line, "slip_state", f"{earlier.state} → {slip.state}")
                continue
            touched.add(notice_id)
            self.result.outcomes[outcome] = self.result.outcomes.get(outcome, 0) + 1
        if self.result.errors:
            return  # The register is rejected whole; later lines are still looked at.
        self._write(new, changed)
        for number in make_keys(self.connection, self.code, sorted(touched)):
            self.result.errors.append((0, "slip_key_taken", number))

    def _error(self, line: SlipLike, code: str, found: str) -> None:
        """One reason to reject the register."""
        self.result.errors.append((line.line_no, code, found))

    def _notices(
        self, batch: Sequence[SlipLike]
    ) -> tuple[dict[NoticeKey, int], dict[int, set[str]]]:
        """The notices these lines name, and the terms for which each may have slips."""
        keys = {(line.item_code, line.levy_year, line.notice_no) for line in batch}
        notices = numbered_notices(self.connection, self.code, keys)
        terms: dict[int, set[str]] = {notice_id: set() for notice_id in notices.values()}
        for row in rows_about(self.connection, _TERMS, self.code, sorted(terms)):
            mine = terms[row.notice_id]
            mine.add(row.term)
            if row.in_group:
                mine.add(WHOLE_YEAR)
        return notices, terms

    def _slips(self, batch: Sequence[SlipLike], notice_ids: set[int]) -> dict[str, _Slip]:
        """Slips of these numbers or notices that are known already, by slip number."""
        columns = (
            "slip_id, slip_no, notice_id, term, version, el_number, konbini_barcode, amount_yen, "
            "due_on, valid_until, issued_on, state"
        )
        known: dict[str, _Slip] = {}
        for condition, values in (
            ("slip_no IN :some", sorted({line.slip_no for line in batch})),
            ("notice_id IN :some", sorted(notice_ids)),
        ):
            statement = f"SELECT {columns} FROM slip WHERE municipality_code = :m AND {condition}"
            for row in rows_about(self.connection, statement, self.code, values):
                days = [str(row.due_on), str(row.valid_until), str(row.issued_on)]
                facts: list[Any] = [*row[:8], *days, row.state]
                known[row.slip_no] = _Slip(*facts)
        return known

    @staticmethod
    def _slip(line: SlipLike, notice_id: int) -> _Slip:
        """The slip that a line describes, without a number yet."""
        el_number = (
            line.collecting_body_code + line.case_key + line.confirmation_no + line.item_code
            if line.case_key
            else None
        )
        return _Slip(
            0, line.slip_no, notice_id, line.term, line.version, el_number,
            line.konbini_barcode or None, line.amount_yen, line.due_on, line.valid_until,
            line.issued_on, line.state,
        )  # fmt: skip

    def _next_id(self) -> int:
        """A new slip id, taken from the database in blocks of a batch."""
        if not self.numbers:
            first = take_numbers(self.connection, self.code, "slip", BATCH_LINES)
            self.numbers = list(range(first + BATCH_LINES - 1, first - 1, -1))
        return self.numbers.pop()

    def _write(self, new: Sequence[_Slip], changed: Sequence[dict[str, Any]]) -> None:
        """New slips and changed states, in bulk."""
        columns = (
            "municipality_code", "slip_id", "slip_no", "notice_id", "term", "version",
            "el_number", "konbini_barcode", "amount_yen", "due_on", "valid_until", "issued_on",
            "state",
        )  # fmt: skip
        rows = ((slip.slip_id, *slip.content(), slip.state) for slip in new)
        insert_rows(self.connection, "slip", columns, rows, constants=(self.code,))
        # What was planned while there were no slips would go through all of them for each batch.
        count_afresh(self.connection, 0, "slip")
        if changed:
            self.connection.execute(
                text(
                    "UPDATE slip SET state = :state "
                    "WHERE municipality_code = :m AND slip_id = :slip_id"
                ),
                list(changed),
            )
