"""印刷計画と発番: the ordered list of a run, and the slips its places get.

The plan is one statement. Numbering goes in chunks, each a transaction of its own that leaves
``numbered_seq`` behind: a place whose current slip is right is printed as it stands, another gets
a new version.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text, update

from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.slip import WHOLE_YEAR, SlipEvent
from payments.numbering import random_confirmation
from payments.print_sections import Section, by_layout, cut_files, file_of, sections_of
from payments.print_selection import ORDERS, candidates
from payments.store import former
from payments.store.bulk import take_numbers
from payments.store.personal import REFUSED, Sealer
from payments.store.slip_tables import PrintRunRow, PrintRunSlipRow
from payments.store.statistics import count_afresh
from payments.store.unit_of_work import unit_of_work
from payments.versions import Act, Issue, places_of, write_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection, Engine, Row

    from payments.domain.profile import Profile
    from payments.print_selection import Selection
    from payments.versions import Place

CHUNK = 5_000
# Large tables that may just have been filled: PostgreSQL has to know before it plans with them.
_PLANNED_FROM = (
    "instalment", "instalment_account", "notice", "obligor", "print_run_slip", "slip",
)  # fmt: skip
_NUMBERED_INTO = ("pay_key", "print_run_slip", "slip", "slip_event")
RUNNING = ("planned", "printing")
DISCARDABLE = (*RUNNING, "printed", "stopped")

run_table = PrintRunRow.__table__  # type: ignore[attr-defined]
slip_table = PrintRunSlipRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """印刷の条件: how it will be printed and read back; kept with the run and its report."""

    pages_per_file: int
    read_back: str
    sample: bool
    folder: str
    layouts: Mapping[str, str]  # 様式 by item: name, version and hash


@dataclass(frozen=True, slots=True)
class PrintRun:
    """印刷: one run as it stands."""

    run_id: int
    made_at: datetime
    actor: str
    selection: dict[str, Any]
    slips: int
    pages_per_file: int
    read_back: str
    sample: bool
    sections: tuple[Section, ...]
    folder: str
    state: str
    numbered_seq: int
    ended_at: datetime | None
    note: str

    @property
    def files(self) -> int:
        """How many files it makes; each holds slips of one layout."""
        return sum(section.files(self.pages_per_file) for section in self.sections)

    def places_in(self, file_no: int) -> tuple[int, int]:
        """The first and the last ``seq`` of a file."""
        _, first, last = file_of(self.sections, self.pages_per_file, file_no)
        return first, last

    def layout_of(self, file_no: int) -> str:
        """様式 of a file: name, version and hash."""
        return file_of(self.sections, self.pages_per_file, file_no)[0]


@dataclass(frozen=True, slots=True)
class Refusal:
    """印刷できない納付書: a place of the run that gets no page, and why."""

    seq: int
    code: str
    field: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class PlanTotal:
    """印刷の見積り: slips of one item, 期別 or 全期, and what they ask for."""

    item_code: str
    whole_year: bool
    slips: int
    amount_yen: int


# ---- planning ----


def recorded(selection: Selection) -> dict[str, Any]:
    """印刷の対象の記録: a selection as its run keeps it (:attr:`PrintRun.selection`)."""
    kept: dict[str, Any] = json.loads(json.dumps(asdict(selection), default=str))
    return kept


def plan_run(
    connection: Connection,
    profile: Profile,
    selection: Selection,
    plan: RunPlan,
    *,
    actor: str,
    at: datetime,
    on: date,
) -> int:
    """印刷計画: freeze the ordered list of what ``selection`` names; gives the run's number.

    What people hold back on the day ``on`` gets no slip. Slips of one layout follow each other,
    each layout in the order of the selection. Raises :class:`NotFoundError` ``slips_none`` when
    nothing needs a slip.
    """
    code = profile.municipality_code
    for table in _PLANNED_FROM:
        count_afresh(connection, CHUNK, table)
    run_id = take_numbers(connection, code, "print_run", 1)
    connection.execute(
        run_table.insert().values(
            municipality_code=code,
            run_id=run_id,
            made_at=at,
            actor=actor,
            selection_json=json.dumps(recorded(selection), ensure_ascii=False),
            slips=0,
            state="planned",
            numbered_seq=0,
            note="",
            pages_per_file=plan.pages_per_file,
            read_back=plan.read_back,
            sample=plan.sample,
            folder=plan.folder,
            sections_json="[]",
        )
    )
    ordered, values = by_layout(*_ordered(selection, on), plan.layouts)
    slips = connection.execute(
        text(
            f"""INSERT INTO print_run_slip (municipality_code, run_id, seq, notice_id, term,
                    file_no, refusal, refusal_field, refusal_found)
                SELECT CAST(:m AS VARCHAR), {run_id}, q.seq, q.notice_id, q.term,
                       (q.seq - 1) / {plan.pages_per_file} + 1, '', '', ''
                FROM ({ordered}) q"""
        ),
        {"m": code, **values},
    ).rowcount
    if not slips:
        raise NotFoundError("slips_none")
    sections = sections_of(connection, code, run_id, slips, plan.layouts)
    cut_files(connection, code, run_id, sections, plan.pages_per_file)
    change_run(connection, code, run_id, slips=slips, sections_json=json.dumps(sections))
    return run_id


def plan_totals(
    connection: Connection, municipality_code: str, selection: Selection, *, on: date
) -> list[PlanTotal]:
    """印刷の見積り: what :func:`plan_run` would freeze now, by item and kind; writes nothing."""
    ordered, values = _ordered(selection, on)
    rows = connection.execute(
        text(
            f"""SELECT q.item_code, q.term = '{WHOLE_YEAR}' AS whole, COUNT(*) AS slips,
                       SUM(q.open_yen) AS amount_yen
                FROM ({ordered}) q GROUP BY q.item_code, q.term = '{WHOLE_YEAR}' ORDER BY 1, 2"""
        ),
        {"m": municipality_code, **values},
    )
    return [PlanTotal(r.item_code, bool(r.whole), r.slips, int(r.amount_yen)) for r in rows]


def _ordered(selection: Selection, on: date) -> tuple[str, dict[str, Any]]:
    """What a selection names, in the order of its pages (``seq``) and no more than its limit."""
    found, values = candidates(selection, on)
    limit = ""
    if selection.limit is not None:
        limit = " WHERE o.seq <= :most"
        values["most"] = selection.limit
    return (
        f"""SELECT o.* FROM (
                SELECT ROW_NUMBER() OVER (ORDER BY {ORDERS[selection.order]}) AS seq,
                       c.notice_id, c.term, c.open_yen, n.item_code
                FROM ({found}) c
                JOIN notice n ON n.municipality_code = :m AND n.notice_id = c.notice_id
                JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = n.obligor_no) o
            {limit}""",
        values,
    )


def number_chunk(
    engine: Engine,
    profile: Profile,
    run_id: int,
    *,
    actor: str,
    at: datetime,
    issued_on: date,
    size: int = CHUNK,
    confirmation: Callable[[], str] = random_confirmation,
) -> int:
    """発番: give the next places of a run their slips; gives how many places are left.

    One transaction per chunk. A place that has nothing left to pay is refused in the list, with the
    reason. Raises :class:`RefusedError` ``print_run_state`` for a run that is over.
    """
    code = profile.municipality_code
    act = Act(actor, at, issued_on, confirmation)
    with unit_of_work(engine, code) as connection:
        run = run_of(connection, code, run_id)
        if run.state not in RUNNING:
            raise RefusedError("print_run_state", run_id=run_id, state=run.state)
        first, last = run.numbered_seq + 1, min(run.numbered_seq + size, run.slips)
        if first <= last:
            _number(connection, profile, run_id, (first, last), act)
            change_run(connection, code, run_id, numbered_seq=last, state="printing")
        return run.slips - last


def _number(
    connection: Connection, profile: Profile, run_id: int, span: tuple[int, int], act: Act
) -> None:
    """The places of ``span`` (first and last seq) get their slips or their refusals."""
    code = profile.municipality_code
    for table in _NUMBERED_INTO:
        count_afresh(connection, CHUNK, table)
    rows = connection.execute(
        select(slip_table.c.seq, slip_table.c.notice_id, slip_table.c.term)
        .where(
            slip_table.c.municipality_code == code,
            slip_table.c.run_id == run_id,
            slip_table.c.seq.between(*span),
        )
        .order_by(slip_table.c.seq)
    ).all()
    places = places_of(connection, code, ((row.notice_id, row.term) for row in rows))
    issues: list[Issue] = []
    refused: list[Refusal] = []
    for row in rows:
        place = places[row.notice_id, row.term]
        if place.refusal:
            refused.append(Refusal(row.seq, place.refusal))
        elif issue := _needed(place, act.issued_on):
            issues.append(issue)
    write_versions(connection, profile, issues, act)
    refuse(connection, code, run_id, refused)
    # By now every place that is not refused has one current slip: the one to print.
    connection.execute(
        text(
            """UPDATE print_run_slip SET slip_id = (
                   SELECT s.slip_id FROM slip s
                   WHERE s.municipality_code = :m AND s.notice_id = print_run_slip.notice_id
                     AND s.term = print_run_slip.term AND s.state = 'new'
                   ORDER BY s.version DESC, s.slip_id DESC LIMIT 1)
               WHERE municipality_code = :m AND run_id = :run_id AND seq BETWEEN :first AND :last
                 AND refusal = ''"""
        ),
        {"m": code, "run_id": run_id, "first": span[0], "last": span[1]},
    )


def _needed(place: Place, issued_on: date) -> Issue | None:
    """The new version that a place needs; None when its current slip is right as it stands."""
    current = place.current
    if current is None:
        return Issue(place, SlipEvent.ISSUED)
    if current.amount_yen != place.to_pay_yen:
        return Issue(place, SlipEvent.CORRECTED)
    if current.valid_until < issued_on:
        return Issue(place, SlipEvent.REISSUED, "slip_expired")
    return None


# ---- what stands ----


def run_of(connection: Connection, municipality_code: str, run_id: int) -> PrintRun:
    """印刷 by its number; :class:`NotFoundError` ``print_run``."""
    row = connection.execute(
        select(run_table).where(
            run_table.c.municipality_code == municipality_code, run_table.c.run_id == run_id
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError("print_run", run_id=run_id)
    return _run(row)


def runs(connection: Connection, municipality_code: str, *, limit: int = 100) -> list[PrintRun]:
    """印刷の一覧, newest first."""
    rows = connection.execute(
        select(run_table)
        .where(run_table.c.municipality_code == municipality_code)
        .order_by(run_table.c.run_id.desc())
        .limit(limit)
    )
    return [_run(row) for row in rows]


def unfinished(connection: Connection, municipality_code: str) -> list[PrintRun]:
    """途中の印刷: runs that can go on, oldest first."""
    rows = connection.execute(
        select(run_table)
        .where(run_table.c.municipality_code == municipality_code, run_table.c.state.in_(RUNNING))
        .order_by(run_table.c.run_id)
    )
    return [_run(row) for row in rows]


def discard(
    connection: Connection,
    municipality_code: str,
    run_id: int,
    *,
    actor: str,
    at: datetime,
    reason: str,
) -> None:
    """印刷の破棄: its paper is not used; its slips keep their numbers for the next run.

    Raises :class:`RefusedError` ``print_run_state`` for a run that was released or discarded.
    """
    run = run_of(connection, municipality_code, run_id)
    if run.state not in DISCARDABLE:
        raise RefusedError("print_run_state", run_id=run_id, state=run.state)
    note = f"{actor}: {reason}"
    change_run(connection, municipality_code, run_id, state="discarded", ended_at=at, note=note)


def move(connection: Connection, municipality_code: str, run_id: int, folder: str) -> None:
    """フォルダの変更: the run goes on in another folder, and is released from there."""
    change_run(connection, municipality_code, run_id, folder=folder)


# ---- shared with payments.print_files ----


def refuse(
    connection: Connection, municipality_code: str, run_id: int, refusals: Sequence[Refusal]
) -> None:
    """印刷しない: these places get no page; the list says why."""
    if not refusals:
        return
    sealer = Sealer(connection, municipality_code)
    connection.execute(
        text(
            "UPDATE print_run_slip SET refusal = :code, refusal_field = :field, "
            "refusal_found = :found WHERE municipality_code = :m AND run_id = :run_id "
            "AND seq = :seq AND page_no IS NULL"
        ),
        [
            {
                "m": municipality_code,
                "run_id": run_id,
                **asdict(refusal),
                "found": sealer.kept(REFUSED, (run_id, refusal.seq), refusal.found),
            }
            for refusal in refusals
        ],
    )


def change_run(
    connection: Connection, municipality_code: str, run_id: int, **values: object
) -> None:
    """印刷の経過: bring the run's row up to date; how far it had come before is kept."""
    before = run_of(connection, municipality_code, run_id)
    said = {"state": before.state, "numbered_seq": before.numbered_seq}
    if said != {name: values.get(name, said[name]) for name in said}:
        former.keep(connection, municipality_code, "print_run", str(run_id), said)
    connection.execute(
        update(run_table)
        .where(run_table.c.municipality_code == municipality_code, run_table.c.run_id == run_id)
        .values(**values)
    )


def _run(row: Row[Any]) -> PrintRun:
    """A run from its row."""
    return PrintRun(
        row.run_id, row.made_at, row.actor, json.loads(row.selection_json), row.slips,
        row.pages_per_file, row.read_back, row.sample,
        tuple(Section(*section) for section in json.loads(row.sections_json)), row.folder,
        row.state, row.numbered_seq, row.ended_at, row.note,
    )  # fmt: skip
