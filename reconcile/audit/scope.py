"""監査資料の範囲: which rows an auditor needs for one day, or for one case.

Rows are named by their keys, so that the pack holds them and nothing beside them: of everything
else under the same seals it holds digests only. Names and addresses are in none of them; what a
sender wrote into its file comes with the file alone (:mod:`reconcile.audit.pack`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import NotFoundError
from reconcile.audit import dunned
from reconcile.placement.placed import lines_placed_on
from reconcile.placement_model import subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.audit.seal_parts import Part

Line = tuple[int, int]
_LINES_MAX = 200  # of one case: the lines of the same payment and of the same notice


@dataclass(slots=True)
class Scope:
    """範囲: what is asked for, as keys of rows; ``lines`` is None where whole files are."""

    day: date | None = None
    case_no: int | None = None
    with_files: bool = True
    with_registers: bool = False
    journals: set[int] = field(default_factory=set)
    files: set[int] = field(default_factory=set)
    lines: set[Line] | None = None
    notices: set[int] = field(default_factory=set)
    entries: set[int] = field(default_factory=set)
    dunning_lists: set[int] = field(default_factory=set)

    @property
    def name(self) -> dict[str, object]:
        """範囲の名: the day or the case."""
        return {"case": self.case_no} if self.day is None else {"day": self.day.isoformat()}

    def holds(self, part: Part, row: tuple[Any, ...]) -> bool:
        """Whether a sealed row belongs here."""
        if part.name == "journal":
            return row[0] in self.journals
        if part.name == "posting":
            return row[0] in self.journals and (
                self.lines is None or row[1:3] in self.lines or row[8] in self.notices
            )
        if part.name.startswith("line_outcome"):
            return row[10] in self.journals and (self.lines is None or row[:2] in self.lines)
        if part.name == "assessment_event":
            return row[3] in self.notices if self.lines is not None else row[0] in self.files
        return row[0] in self.entries


def day_scope(connection: Connection, municipality_code: str, day: date) -> Scope:
    """一日の範囲: booked on that day, received on it, done about cases on it, and its closing."""
    find = _Finder(connection, municipality_code)
    on = day.isoformat()
    booked = find.rows(
        "SELECT journal_id, file_id FROM journal WHERE {m} AND booked_on = :on", on=on
    )
    received = find.rows("SELECT file_id FROM source_file WHERE {m} AND received_on = :on", on=on)
    scope = Scope(day=day, journals={row.journal_id for row in booked})
    scope.files = {row.file_id for row in received}
    scope.files |= {row.file_id for row in booked if row.file_id is not None}
    closings = find.rows(
        "SELECT closure_no, approval_id FROM day_closure WHERE {m} AND ends_on = :on", on=on
    )
    events = find.rows(
        "SELECT case_no, event_no FROM case_event WHERE {m} AND happened_on = :on", on=on
    )
    approvals = [row.approval_id for row in closings] + [
        row.approval_id
        for row in find.rows("SELECT approval_id FROM approval WHERE {m} AND subject = :on", on=on)
    ]
    placed = find.rows(
        "SELECT placement_no, approval_id FROM placement WHERE {m} AND journal_id IN ("
        "SELECT journal_id FROM journal WHERE {m} AND booked_on = :on) ORDER BY placement_no",
        on=on,
    )
    dunning = dunned.of_day(connection, municipality_code, day)
    approvals += [row.approval_id for row in placed] + sorted(dunning.approvals)
    scope.dunning_lists = dunning.lists
    scope.entries = find.entries(
        file=((number, 0) for number in scope.files),
        case_event=events,
        approval_asked=((number, 0) for number in approvals),
        approval_decided=((number, 0) for number in approvals),
        day_closure=((row.closure_no, 0) for row in closings),
        carry_run=find.rows(
            "SELECT carry_no, 0 FROM carry_run WHERE {m} AND booked_on = :on", on=on
        ),
        **find.placements(placed),
    )
    scope.entries |= dunning.entries
    return scope


def case_scope(connection: Connection, municipality_code: str, case_no: int) -> Scope:
    """一件の範囲: the lines of the case, of the same payment and of the same notice.

    Raises :class:`NotFoundError` ``case``.
    """
    find = _Finder(connection, municipality_code)
    case = find.rows(
        "SELECT subject, file_id, line_no FROM review_case WHERE {m} AND case_no = :no", no=case_no
    )
    if not case:
        raise NotFoundError("case", case_no=case_no)
    lines, notices = _lines_of(find, case[0])
    outcomes = [row for line in sorted(lines) for row in find.outcomes(line)]
    slips = {row.slip_id for row in outcomes if row.slip_id is not None}
    scope = Scope(case_no=case_no, with_files=False, lines=lines, notices=notices)
    scope.files = {file_id for file_id, _line_no in lines}
    if case[0].file_id is not None:
        scope.files.add(case[0].file_id)
    assessed = [
        row.file_id
        for row in find.of_each("DISTINCT file_id", "assessment_event", "notice_id", notices)
    ]
    scope.journals = {row.journal_id for row in outcomes} | find.journals_of(assessed)
    scope.entries = find.entries(
        file=((number, 0) for number in {*scope.files, *assessed}),
        case_event=find.rows(
            "SELECT case_no, event_no FROM case_event WHERE {m} AND case_no = :no", no=case_no
        ),
        slip_event=find.of_each("slip_id, event_no", "slip_event", "slip_id", slips),
        hold_event=find.of_each("hold_no, event_no", "hold_event", "notice_id", notices),
        carry_run=find.of_each("DISTINCT carry_no, 0", "carry_over", "notice_id", notices),
    )
    approvals = [
        (row.approval_id, 0)
        for row in find.rows(
            "SELECT approval_id FROM approval WHERE {m} AND (subject = :subject OR "
            "content_json LIKE :named OR content_json LIKE :last)",
            subject=f"case:{case_no}",
            named=f'%"case_no": {case_no},%',
            last=f'%"case_no": {case_no}}}%',
        )
    ]
    placed = [row for line in sorted(lines) for row in find.placed(line)]
    approvals += [(row.approval_id, 0) for line in sorted(lines) for row in find.asked(line)]
    dunning = dunned.of_notices(connection, municipality_code, notices)
    approvals += [(approval_id, 0) for approval_id in sorted(dunning.approvals)]
    scope.dunning_lists = dunning.lists
    scope.entries |= dunning.entries
    scope.entries |= find.entries(
        approval_asked=approvals, approval_decided=approvals, **find.placements(placed)
    )
    return scope


def _lines_of(find: _Finder, case: Any) -> tuple[set[Line], set[int]]:
    """The lines that a case is about, and the notices."""
    lines: set[Line] = set()
    notices: set[int] = set()
    if case.file_id is not None and case.line_no is not None:
        lines |= find.same_payment((case.file_id, case.line_no))
    head, slash, _term = case.subject.partition("/")
    if slash and head.isdigit():
        notices.add(int(head))
    if case.subject.startswith("group:"):
        credited = find.rows(
            "SELECT file_id, line_no FROM settlement WHERE {m} AND group_id = :no",
            no=int(case.subject.removeprefix("group:")),
        )
        lines |= {(row.file_id, row.line_no) for row in credited}
    for line in sorted(lines):
        notices |= find.notices_of(line)
    for notice_id in sorted(notices):
        paid = find.rows(
            "SELECT file_id, line_no FROM receipt WHERE {m} AND notice_id = :no "
            f"ORDER BY file_id, line_no LIMIT {_LINES_MAX}",
            no=notice_id,
        )
        lines |= {(row.file_id, row.line_no) for row in paid}
        lines |= set(lines_placed_on(find.connection, find.municipality_code, notice_id))
    partners = {
        (row.partner_file_id, row.partner_line_no)
        for line in lines
        for row in find.outcomes(line)
        if row.partner_file_id is not None
    }
    return lines | partners, notices


@dataclass(frozen=True, slots=True)
class _Finder:
    """Look-ups by key within one municipality."""

    connection: Connection
    municipality_code: str

    def rows(self, statement: str, **values: object) -> list[Any]:
        """The rows; ``{m}`` stands for the condition on the municipality."""
        query = text(statement.replace("{m}", "municipality_code = :m"))
        return list(self.connection.execute(query, {"m": self.municipality_code, **values}))

    def of_each(self, columns: str, table: str, key: str, numbers: set[int]) -> list[Any]:
        """The rows of a table that have one of these numbers under ``key``."""
        query = f"SELECT {columns} FROM {table} WHERE {{m}} AND {key} = :no"
        return [row for number in sorted(numbers) for row in self.rows(query, no=number)]

    def outcomes(self, line: Line) -> list[Any]:
        """Every outcome of a line."""
        return self.rows(
            "SELECT journal_id, slip_id, partner_file_id, partner_line_no FROM line_outcome "
            "WHERE {m} AND file_id = :file_id AND line_no = :line_no ORDER BY revision",
            file_id=line[0],
            line_no=line[1],
        )

    def same_payment(self, line: Line) -> set[Line]:
        """This line and those with its identity."""
        found = self.rows(
            "SELECT file_id, line_no FROM source_line WHERE {m} AND identity = (SELECT l.identity "
            "FROM source_line l WHERE l.municipality_code = :m AND l.file_id = :file_id "
            "AND l.line_no = :line_no) "
            f"ORDER BY file_id, line_no LIMIT {_LINES_MAX}",
            file_id=line[0],
            line_no=line[1],
        )
        return {line} | {(row.file_id, row.line_no) for row in found}

    def notices_of(self, line: Line) -> set[int]:
        """The notice of the slip that a line's outcomes name, and that of its receipt."""
        found = self.rows(
            "SELECT notice_id FROM receipt WHERE {m} AND file_id = :file_id AND line_no = :line_no "
            "UNION SELECT s.notice_id FROM line_outcome o JOIN slip s ON s.municipality_code = :m "
            "AND s.slip_id = o.slip_id WHERE o.municipality_code = :m AND o.file_id = :file_id "
            "AND o.line_no = :line_no "
            "UNION SELECT t.notice_id FROM placement p JOIN placement_part t "
            "ON t.municipality_code = :m AND t.placement_no = p.placement_no "
            "WHERE p.municipality_code = :m AND p.file_id = :file_id AND p.line_no = :line_no",
            file_id=line[0],
            line_no=line[1],
        )
        return {row.notice_id for row in found if row.notice_id is not None}

    def placed(self, line: Line) -> list[Any]:
        """What people decided about the place of a line's money, and carried out."""
        return self.rows(
            "SELECT placement_no, approval_id FROM placement "
            "WHERE {m} AND file_id = :file_id AND line_no = :line_no ORDER BY placement_no",
            file_id=line[0],
            line_no=line[1],
        )

    def asked(self, line: Line) -> list[Any]:
        """Every approval about a line, whatever became of it."""
        return self.rows(
            "SELECT approval_id FROM approval WHERE {m} AND subject = :subject",
            subject=subject_of(*line),
        )

    def placements(self, placed: Iterable[Any]) -> dict[str, list[tuple[int, int]]]:
        """The keys of placements, parts, blocks and names learned, by kind of entry."""
        keys: dict[str, list[tuple[int, int]]] = {
            "placement": [], "placement_part": [], "link_block": [], "payer_alias": [],
        }  # fmt: skip
        for row in placed:
            number = int(row.placement_no)
            keys["placement"].append((number, 0))
            parts = self.rows(
                "SELECT part_no FROM placement_part WHERE {m} AND placement_no = :no", no=number
            )
            keys["placement_part"] += [(number, part.part_no) for part in parts]
            blocks = self.rows(
                "SELECT block_no FROM link_block WHERE {m} AND approval_id = :no",
                no=row.approval_id,
            )
            keys["link_block"] += [(block.block_no, 0) for block in blocks]
            names = self.rows(
                "SELECT alias_no FROM payer_alias WHERE {m} AND approval_id = :no",
                no=row.approval_id,
            )
            keys["payer_alias"] += [(name.alias_no, 0) for name in names]
        return keys

    def journals_of(self, files: Iterable[int]) -> set[int]:
        """The journals that booked these files."""
        return {
            row.journal_id
            for file_id in files
            for row in self.rows(
                "SELECT journal_id FROM journal WHERE {m} AND file_id = :no", no=file_id
            )
        }

    def entries(self, **keys: Iterable[Any]) -> set[int]:
        """The numbers of the entries of these kinds and keys."""
        return {
            row.entry_no
            for kind, named in keys.items()
            for subject_id, part_no in named
            for row in self.rows(
                "SELECT entry_no FROM seal_entry WHERE {m} AND kind = :kind "
                "AND subject_id = :subject_id AND part_no = :part_no",
                kind=kind,
                subject_id=subject_id,
                part_no=part_no,
            )
        }
