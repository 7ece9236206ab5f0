"""収納状況: all that the books say about one 納付義務者, over every levy and year.

One statement for each kind of row, each from the notices of the person by an index, so that a
person with a thousand rows is as quick as one with ten. Nothing is decided or changed here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import DateTime, text

from payments.domain.errors import NotFoundError
from payments.store.lookups import rows_about
from payments.store.personal import open_address
from payments.versions import OPEN_YEN, as_day
from reconcile.post import LEGS_PER_TURN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection, Row


class Person(NamedTuple):
    """納付義務者 as the last assessment named them."""

    obligor_no: str
    name: str
    kana: str
    postal_code: str
    address: str


class Instalment(NamedTuple):
    """期別: what is claimed, what has been paid of it, and what holds it back by its file."""

    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    fiscal_year: int
    due_on_statutory: date
    due_on: date
    direct_debit: bool
    collection_hold: bool
    dunning_hold: bool
    amount_yen: int
    open_yen: int
    surplus_yen: int  # moved back out by corrections
    written_off_yen: int  # given up (不納欠損)

    @property
    def applied_yen(self) -> int:
        """消込: what of the claim has been paid."""
        return self.amount_yen - self.open_yen - self.written_off_yen


class Slip(NamedTuple):
    """納付書: one version, and what ended it where something did."""

    slip_id: int
    slip_no: str
    notice_id: int
    term: str
    version: int
    state: str
    amount_yen: int
    valid_until: date
    issued_on: date


class Part(NamedTuple):
    """充当: what of a payment stands on one instalment, by the postings in force."""

    notice_id: int
    term: str
    amount_yen: int


class Receipt(NamedTuple):
    """収納: one payment, with everything that its money is on."""

    file_id: int
    line_no: int
    stage: str
    channel: str
    amount_yen: int
    paid_on: date | None
    received_on: date
    notice_id: int | None
    term: str
    applied_yen: int
    suspense_yen: int
    superseded: bool
    parts: tuple[Part, ...]


class Assessment(NamedTuple):
    """調定異動 that was applied."""

    file_id: int
    line_no: int
    kind: str
    notice_id: int
    term: str
    amount_yen: int
    received_on: date


class SlipHappening(NamedTuple):
    """納付書の出来事."""

    slip_id: int
    kind: str
    happened_at: datetime
    actor: str
    reason: str


class Holding(NamedTuple):
    """猶予・停止 that a person set; ``lifted_on`` is the first day without it."""

    hold_no: int
    notice_id: int
    term: str
    kind: str
    from_on: date
    until_on: date | None
    lifted_on: date | None
    reason: str
    actor: str

    def covers(self, day: date) -> bool:
        """Whether it is in force on ``day``."""
        ended = self.until_on is not None and self.until_on < day
        lifted = self.lifted_on is not None and self.lifted_on <= day
        return self.from_on <= day and not ended and not lifted


class Carried(NamedTuple):
    """滞納繰越 of one instalment into another year, or the taking back of it."""

    notice_id: int
    term: str
    event: str
    to_year: int
    amount_yen: int
    booked_on: date


class CaseLink(NamedTuple):
    """確認事項 about a payment or an instalment of the person."""

    case_no: int
    kind: str
    state: str
    subject: str
    amount_yen: int
    opened_on: date


@dataclass(frozen=True, slots=True)
class PersonAccount:
    """収納状況: everything, each kind in the order in which people read it."""

    person: Person
    instalments: tuple[Instalment, ...]
    slips: tuple[Slip, ...]
    receipts: tuple[Receipt, ...]
    assessments: tuple[Assessment, ...]
    happenings: tuple[SlipHappening, ...]
    holds: tuple[Holding, ...]
    carried: tuple[Carried, ...]
    cases: tuple[CaseLink, ...]

    @property
    def parts_of(self) -> dict[tuple[int, str], list[tuple[Receipt, Part]]]:
        """期別 → the payments on it, oldest first."""
        found: dict[tuple[int, str], list[tuple[Receipt, Part]]] = defaultdict(list)
        for receipt in sorted(self.receipts, key=lambda r: (str(r.paid_on), r.file_id, r.line_no)):
            for part in receipt.parts:
                found[part.notice_id, part.term].append((receipt, part))
        return found

    def differing(self) -> list[Instalment]:
        """不一致: instalments of which the payments in force do not add up to what is paid."""
        paid = self.parts_of
        return [
            each
            for each in self.instalments
            if sum(part.amount_yen for _, part in paid.get((each.notice_id, each.term), ()))
            != each.applied_yen + each.surplus_yen
        ]


def person_account(
    connection: Connection, municipality_code: str, obligor_no: str
) -> PersonAccount:
    """収納状況 of the person with this 宛名番号; :class:`NotFoundError` ``person``."""
    scope = {"m": municipality_code, "obligor_no": obligor_no}
    person = connection.execute(text(_PERSON), scope).one_or_none()
    if person is None:
        raise NotFoundError("person")
    instalments = tuple(
        Instalment(**_facts(row, "due_on_statutory", "due_on", flags=_FLAGS))
        for row in connection.execute(text(_INSTALMENTS), scope)
    )
    receipts = _receipts(connection, scope)
    return PersonAccount(
        person=Person(*person)._replace(
            address=open_address(connection, municipality_code, person.obligor_no, person.address)
        ),
        instalments=instalments,
        slips=tuple(
            Slip(**_facts(row, "valid_until", "issued_on"))
            for row in connection.execute(text(_SLIPS), scope)
        ),
        receipts=receipts,
        assessments=tuple(
            Assessment(**_facts(row, "received_on"))
            for row in connection.execute(text(_ASSESSMENTS), scope)
        ),
        happenings=tuple(SlipHappening(*row) for row in connection.execute(_HAPPENINGS, scope)),
        holds=tuple(
            Holding(**_facts(row, "from_on", "until_on", "lifted_on"))
            for row in connection.execute(text(_HOLDS), scope)
        ),
        carried=tuple(
            Carried(**_facts(row, "booked_on")) for row in connection.execute(text(_CARRIED), scope)
        ),
        cases=_cases(connection, municipality_code, instalments, receipts),
    )


def _facts(row: Row[Any], *days: str, flags: tuple[str, ...] = ()) -> dict[str, Any]:
    """A row by the names of its columns; SQLite gives days as text and flags as numbers."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    values |= {name: _maybe_day(values[name]) for name in days}
    return values | {name: bool(values[name]) for name in flags}


def _maybe_day(value: object) -> date | None:
    return None if value is None else as_day(value)


def _receipts(connection: Connection, scope: dict[str, Any]) -> tuple[Receipt, ...]:
    """The payments about a notice of the person, or placed on one; newest first."""
    parts: dict[tuple[int, int], set[Part]] = defaultdict(set)
    found: dict[tuple[int, int], Row[Any]] = {}
    for statement in (_RECEIPTS, _PLACED_HERE):
        for row in connection.execute(text(statement), scope):
            place = (row.file_id, row.line_no)
            found[place] = row
            if row.part_yen is not None:
                parts[place].add(Part(row.part_notice_id, row.part_term, row.part_yen))
    receipts = [
        Receipt(
            row.file_id, row.line_no, row.stage, row.channel, row.amount_yen,
            _maybe_day(row.paid_on), as_day(row.received_on), row.notice_id, row.term or "",
            row.applied_yen, row.suspense_yen, bool(row.superseded), tuple(sorted(parts[place])),
        )
        for place, row in found.items()
    ]  # fmt: skip
    return tuple(
        sorted(
            receipts,
            key=lambda r: (r.paid_on or r.received_on, r.file_id, r.line_no),
            reverse=True,
        )
    )


def _cases(
    connection: Connection,
    municipality_code: str,
    instalments: Iterable[Instalment],
    receipts: Iterable[Receipt],
) -> tuple[CaseLink, ...]:
    """確認事項 by what they are about: a line, or an instalment."""
    subjects = {f"{each.file_id}:{each.line_no}" for each in receipts}
    subjects |= {f"{each.notice_id}/{each.term}" for each in instalments}
    rows = rows_about(connection, _CASES, municipality_code, sorted(subjects))
    links = [CaseLink(**_facts(row, "opened_on")) for row in rows]
    return tuple(sorted(links, key=lambda link: (link.opened_on, link.case_no), reverse=True))


_FLAGS = ("direct_debit", "collection_hold", "dunning_hold")
_PERSON = """
SELECT obligor_no, name, kana, postal_code, address FROM obligor
WHERE municipality_code = :m AND obligor_no = :obligor_no"""
# CROSS JOIN keeps the order of the joins on SQLite: from the person to what is theirs.
_MINE = "n.municipality_code = :m AND n.obligor_no = :obligor_no"
_INSTALMENTS = f"""
SELECT n.notice_id, a.term, n.item_code, n.levy_year, n.notice_no, i.fiscal_year,
    i.due_on_statutory, i.due_on, i.direct_debit, i.collection_hold, i.dunning_hold,
    a.amount_yen, {OPEN_YEN} AS open_yen, a.surplus_yen, a.written_off_yen
FROM notice n CROSS JOIN instalment_account a CROSS JOIN instalment i
WHERE {_MINE} AND a.municipality_code = :m AND a.notice_id = n.notice_id
  AND i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
ORDER BY n.levy_year DESC, n.item_code, n.notice_no, a.term"""
_SLIPS = f"""
SELECT s.slip_id, s.slip_no, s.notice_id, s.term, s.version, s.state, s.amount_yen,
    s.valid_until, s.issued_on
FROM notice n CROSS JOIN slip s
WHERE {_MINE} AND s.municipality_code = :m AND s.notice_id = n.notice_id
ORDER BY s.issued_on DESC, s.slip_id DESC"""
# A payment stands in one row for each instalment that its decision in force settles.
_RECEIPT = """r.file_id, r.line_no, r.stage, f.channel, r.amount_yen, r.paid_on, f.received_on,
    r.notice_id, r.term, r.applied_yen, r.suspense_yen, r.superseded,
    g.notice_id AS part_notice_id, g.term AS part_term, g.amount_yen AS part_yen"""
_SETTLES = f"""
LEFT JOIN posting g ON g.municipality_code = :m AND g.journal_id = r.journal_id
  AND g.subject_file_id = r.file_id AND g.subject_line_no = r.line_no
  AND g.leg >= r.leg AND g.leg < r.leg + {LEGS_PER_TURN}
  AND g.credit_account = 'receivable' AND g.reason IN ('applied', 'placed')
  AND r.stage <> 'withdrawn'"""
_RECEIPTS = f"""
SELECT {_RECEIPT}
FROM notice n CROSS JOIN receipt r CROSS JOIN source_file f {_SETTLES}
WHERE {_MINE} AND r.municipality_code = :m AND r.notice_id = n.notice_id
  AND f.municipality_code = :m AND f.file_id = r.file_id"""
# Money of other lines that two people placed on a notice of the person, as it stands now.
_PLACED_HERE = f"""
SELECT {_RECEIPT}
FROM notice n CROSS JOIN placement_part t CROSS JOIN placement p CROSS JOIN receipt r
CROSS JOIN source_file f {_SETTLES}
WHERE {_MINE} AND t.municipality_code = :m AND t.notice_id = n.notice_id
  AND p.municipality_code = :m AND p.placement_no = t.placement_no
  AND r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
  AND r.journal_id = p.journal_id AND r.stage <> 'withdrawn'
  AND f.municipality_code = :m AND f.file_id = r.file_id"""
_ASSESSMENTS = f"""
SELECT e.file_id, e.line_no, e.kind, e.notice_id, e.term, e.amount_yen, f.received_on
FROM notice n CROSS JOIN assessment_event e CROSS JOIN source_file f
WHERE {_MINE} AND e.municipality_code = :m AND e.notice_id = n.notice_id
  AND e.outcome = 'applied' AND f.municipality_code = :m AND f.file_id = e.file_id
ORDER BY f.received_on DESC, e.file_id DESC, e.line_no DESC"""
_HAPPENINGS = text(
    f"""SELECT e.slip_id, e.kind, e.happened_at, e.actor, e.reason
        FROM notice n CROSS JOIN slip s CROSS JOIN slip_event e
        WHERE {_MINE} AND s.municipality_code = :m AND s.notice_id = n.notice_id
          AND e.municipality_code = :m AND e.slip_id = s.slip_id
        ORDER BY e.happened_at DESC, e.slip_id DESC, e.event_no DESC"""
).columns(happened_at=DateTime(timezone=True))
_HOLDS = f"""
SELECT h.hold_no, h.notice_id, h.term, h.kind, h.from_on, h.until_on, e.from_on AS lifted_on,
    h.reason, h.actor
FROM notice n CROSS JOIN hold_event h
LEFT JOIN hold_event e ON e.municipality_code = :m AND e.hold_no = h.hold_no AND e.event_no = 2
WHERE {_MINE} AND h.municipality_code = :m AND h.notice_id = n.notice_id AND h.event_no = 1
ORDER BY h.hold_no DESC"""
_CARRIED = f"""
SELECT o.notice_id, o.term, r.event, r.to_year, o.amount_yen, r.booked_on
FROM notice n CROSS JOIN carry_over o CROSS JOIN carry_run r
WHERE {_MINE} AND o.municipality_code = :m AND o.notice_id = n.notice_id
  AND r.municipality_code = :m AND o.carry_no IN (r.carry_no, r.reverses_no)
ORDER BY r.carry_no DESC, o.notice_id, o.term"""
_CASES = """
SELECT case_no, kind, state, subject, amount_yen, opened_on FROM review_case
WHERE municipality_code = :m AND subject IN :some"""
