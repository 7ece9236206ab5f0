"""検算・資料の控え: what is written down of a file as a whole, and what was found wrong with it.

The day on which it came is that of its journal; channel, agent and day of making stand in its
bytes. Findings are made by the readers alone. Where today's settings say otherwise, those of the
moment at which the file was decided are asked.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from payments.domain.calendars import bank_business_day
from payments.domain.errors import InvalidValueError
from payments.domain.profile import profile_from_mapping
from reconcile.formats import notification
from reconcile.formats.detect import detect
from reconcile.model import Finding, ReadContext
from reconcile.verify.walk import Difference, Sections, shown, unlike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from payments.domain.profile import Profile
    from reconcile.model import Reading
    from reconcile.verify.walk import Store

    _Rows = list[tuple[Any, ...]]

_CLOSURES = """
SELECT journal_id, CAST(closed_until AS VARCHAR(10)) AS closed_until FROM day_closure
WHERE municipality_code = :m ORDER BY closure_no"""
_FORMER = """
SELECT CAST(until_at AS VARCHAR(40)) AS until_at, row_json FROM former_row
WHERE municipality_code = :m AND table_name = 'municipality' ORDER BY former_no"""
_FINDINGS = """
SELECT finding_no, code, severity, line_no, byte_offset, field, found, expected, file_id
FROM finding WHERE municipality_code = :m ORDER BY file_id, finding_no"""
_FINDING = (
    "finding_no", "code", "severity", "line_no", "byte_offset", "field", "found", "expected",
)  # fmt: skip
_HEAD = ("channel", "agent", "created_on")
_OF_REGISTER = ("register", "", None)
_OFFSET, _TEXT_MAX = 4, 500
# Made from the books, whose years are those of other claims with good reason.
_LEFT_OUT = "fiscal_year"


class Heads:
    """資料の控え of one municipality, asked for in the order of the files."""

    def __init__(self, store: Store) -> None:
        """Findings are read along with the files."""
        self._settings = Settings(store)
        self._closures = [(row.journal_id, row.closed_until) for row in store.rows(_CLOSURES)]
        self._findings = Sections(store.portions(_FINDINGS))

    def came(self, file: Any) -> Iterator[Difference]:
        """The day on which it came.

        Not its name: who was interrupted and sends the same bytes again under another name is the
        one of whose delivery is written down that it was taken in.
        """
        subject = f"file:{file.file_id}"
        if file.journal_id is not None:
            booked_on = self._booked_on(file.journal_id, file.received_on)
            if booked_on != file.booked_on:
                yield Difference(
                    "source_file", subject, f"booked_on={file.booked_on}",
                    f"received_on={file.received_on}",
                )  # fmt: skip

    def _booked_on(self, journal_id: int, day: str) -> str:
        """会計日 of what came on that day: the next open one where its books were closed then."""
        before = bisect_left(self._closures, journal_id, key=lambda closure: closure[0])
        closed_until = self._closures[before - 1][1] if before else None
        if closed_until is None or day > closed_until:
            return day
        following = date.fromisoformat(closed_until) + timedelta(days=1)
        try:
            return bank_business_day(following).isoformat()
        except InvalidValueError:  # a year whose holidays nobody knows yet
            return following.isoformat()

    def report(
        self, file: Any, reading: Reading, again: Callable[[Profile], Reading]
    ) -> Iterator[Difference]:
        """A file of lines that was read to its end; ``again`` reads it with other settings."""
        found = [*self._findings.of(file.file_id)]
        if (_head(reading), _rows(reading.findings)) != (_head(file), found):
            reading = again(self._settings.at(file.accepted_at))
            for _line in reading.lines:
                pass
        yield from _unlike_head(file, _head(reading))
        yield from _unlike_findings(file, _rows(reading.findings), found)

    def register(self, file: Any, findings: Sequence[Finding]) -> Iterator[Difference]:
        """A register: what its reader warned of; what its lines met in the books is numbered too.

        Of a line that was not applied its event says so.
        """
        yield from _unlike_head(file, _OF_REGISTER)
        found = [*self._findings.of(file.file_id)]
        expected = [row[1:] for row in _rows(findings) if row[_OFFSET] is not None]
        read = [row[1:] for row in found if row[_OFFSET] is not None]
        if read not in (expected, [row for row in expected if row[0] != _LEFT_OUT]):
            numbered = [[(at, *row) for at, row in enumerate(rows, 1)] for rows in (expected, read)]
            yield from _unlike_findings(file, *numbered)
        numbers = [row[0] for row in found]
        if numbers != [*range(1, len(found) + 1)]:
            subject = f"file:{file.file_id}"
            yield Difference("finding", subject, f"1…{len(found)}", ", ".join(map(str, numbers)))

    def aside(self, file: Any, data: bytes) -> Iterator[Difference]:
        """保留・取込対象外: what its reader stopped at; what else stops a file is not told here."""
        found = [*self._findings.of(file.file_id)]
        yield from _unlike_status(file, {row[2] for row in found})
        if file.decided_at is None:
            return
        profile = self._settings.at(file.accepted_at)
        form = notification.FORMAT if file.channel == "notification" else detect(data, profile)
        if isinstance(form, Finding):
            if [row[1] for row in found] == [form.code]:
                yield from _unlike_findings(file, _rows([form]), found)
                yield from _unlike_sums(file, 0, 0)
            return
        if form.code != file.format_code:
            return
        reading = form.read(data, ReadContext(date.fromisoformat(file.received_on), profile))
        for _line in reading.lines:
            pass
        if reading.failed:
            yield from _unlike_head(file, _head(reading))
            yield from _unlike_findings(file, _rows(reading.findings), found)
            yield from _unlike_sums(file, reading.count, reading.amount_yen)


class Settings:
    """当時の設定: the profiles that were in force before, all asked for at once when one is."""

    def __init__(self, store: Store) -> None:
        """Nothing is read yet."""
        self._store = store
        self._left: list[tuple[datetime, str]] | None = None
        self._read: dict[str, Profile] = {}

    def at(self, moment: str) -> Profile:
        """The profile that was in force at a moment, as the databases say it."""
        at = _instant(moment)
        told = next((said for until, said in self._known() if until > at), None)
        return self._store.profile if told is None else self._profile(told)

    def ever(self) -> list[Profile]:
        """Every profile that was in force at some time."""
        return [self._store.profile, *(self._profile(said) for _until, said in self._known())]

    def _known(self) -> list[tuple[datetime, str]]:
        if self._left is None:
            rows = self._store.rows(_FORMER)
            self._left = [(_instant(row.until_at), row.row_json) for row in rows]
        return self._left

    def _profile(self, told: str) -> Profile:
        if told not in self._read:
            self._read[told] = profile_from_mapping(json.loads(json.loads(told)["profile_json"]))
        return self._read[told]


def _instant(said: str) -> datetime:
    at = datetime.fromisoformat(said)
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # SQLite gives them without their zone


def _head(said: Any) -> tuple[Any, ...]:
    return (str(said.channel), said.agent, said.created_on)


def _rows(findings: Sequence[Finding]) -> _Rows:
    """Findings as they are written down."""
    return [
        (number, f.code, str(f.severity), f.line_no, f.byte_offset, f.field,
         f.found.replace("\0", "␀")[:_TEXT_MAX], f.expected[:_TEXT_MAX])
        for number, f in enumerate(findings, start=1)
    ]  # fmt: skip


def _unlike_head(file: Any, should: tuple[Any, ...]) -> Iterator[Difference]:
    is_ = _head(file)
    if should != is_:
        yield Difference(
            "source_file", f"file:{file.file_id}", shown(_HEAD, should, is_),
            shown(_HEAD, is_, should),
        )  # fmt: skip


def _unlike_sums(file: Any, count: int, amount_yen: int) -> Iterator[Difference]:
    """What was read of a file before its reader stopped."""
    if (file.records, file.amount_yen) != (count, amount_yen):
        yield Difference(
            "file_totals", f"file:{file.file_id}", f"{count} {amount_yen}",
            f"{file.records} {file.amount_yen}",
        )  # fmt: skip


def _unlike_status(file: Any, severities: set[str]) -> Iterator[Difference]:
    """A file that stands aside has what stopped it; one that nobody has decided yet has nothing."""
    if "refused" in severities:
        should = {"refused"}
    elif "fatal" in severities:
        should = {"quarantined", "stopped"}
    else:
        should = {"received"} if file.decided_at is None else {"accepted"}
    if file.status not in should:
        expected = " / ".join(sorted(should))
        yield Difference("file_status", f"file:{file.file_id}", expected, file.status)


def _unlike_findings(file: Any, expected: _Rows, found: _Rows) -> Iterator[Difference]:
    """Each finding that is not the one of the reader."""
    for number, should, is_ in unlike(expected, found):
        subject = f"file:{file.file_id} finding:{number}"
        if len(should) == len(is_) == 1:
            told = shown(_FINDING, should[0], is_[0]), shown(_FINDING, is_[0], should[0])
        else:
            told = f"{len(should)} finding", f"{len(is_)} finding"
        yield Difference("finding", subject, *told)
