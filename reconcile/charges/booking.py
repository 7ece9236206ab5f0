"""延滞金・督促手数料の調定: what is certain becomes a claim, by a register of our own.

The lines stand in a file of the same form as every other assessment, kept as evidence and taken in
the same way; ``late_charge_booking`` says beside each line which instalment bears it and what it
was worked out from. A charge that is no longer what was booked is corrected by a line of its own,
so that a run after whatever happened gives the same claims (R8). A run looks at what was booked
since the run before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.charges import DUNNING_FEE, LATE_CHARGE
from payments.domain.errors import RefusedError
from payments.store.bulk import insert_rows, take_numbers
from payments.store.charge_tables import LateChargeRunRow
from payments.store.lookups import rows_about
from payments.store.municipalities import load_profile
from payments.store.personal import open_address
from payments.store.unit_of_work import reading, unit_of_work
from payments.versions import as_day
from reconcile.charges.due import Due, charges_due, claims_of
from reconcile.formats import assessments
from reconcile.formats.assessments import AssessmentRow
from reconcile.model import Delivery, FileStatus
from reconcile.registers import import_assessments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection, Engine, Row

    from payments.charges import PlaceKey
    from payments.domain.profile import Profile

_runs = LateChargeRunRow.__table__  # type: ignore[attr-defined]
_COLUMNS = ("municipality_code", "file_id", "line_no", "kind", "notice_id", "term",
            "principal_notice_id", "principal_term", "amount_yen", "basis_json")  # fmt: skip
_FIRST_LINE = 2  # of a register: the column header is line 1


class Wanted(NamedTuple):
    """調定すべき額: what an instalment's charge of a kind should be, and why."""

    place: PlaceKey  # the instalment that bears it
    kind: str
    item_code: str  # of the charge
    amount_yen: int
    basis_json: str


@dataclass(frozen=True, slots=True)
class Booked:
    """調定の結果: how many claims began or changed, and by how many yen they grew (or shrank)."""

    looked_at: int
    count: int
    yen: int
    file_id: int | None = None


class FeeLetter(NamedTuple):
    """督促状の一通: for which instalment, and the day it bears."""

    notice_id: int
    term: str
    letter_on: date


def book_charges(
    engine: Engine,
    municipality_code: str,
    *,
    on: date,
    actor: str,
    only: Iterable[PlaceKey] | None = None,
    afresh: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Booked:
    """延滞金の調定 on ``on``: of everything touched since the last run, or of ``only`` these.

    Where the profile books on receipt, a run only corrects what was booked; ``only`` books.
    ``afresh`` looks at every instalment again, e.g. after the settings have changed. Raises
    :class:`RefusedError` ``charge_run_meanwhile`` when somebody else has booked in between, and
    :class:`InvalidValueError` ``rate_unknown``.
    """
    with reading(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
        before = _last_run(connection, municipality_code)
        now = _marks(connection, municipality_code)
        since = (0, 0) if afresh or before is None else (before.journal_id, before.waiver_no)
        places = set(only) if only is not None else _touched(connection, profile, since, now)
        claims = claims_of(connection, municipality_code, places)
        if progress is not None:
            progress(len(claims))
        due = charges_due(profile, claims)
        begins = only is not None or profile.charges.booked == "on_full_payment"
        wanted = _wanted(profile, {c.place: c.item_code for c in claims}, due)
        lines = _lines(connection, profile, wanted, on, begins=begins)
    marks = now if only is None else None
    return _book(engine, profile, lines, _Run(before, marks, on, actor), len(places))


def book_fees(
    engine: Engine, municipality_code: str, letters: Iterable[FeeLetter], *, on: date, actor: str
) -> Booked:
    """督促手数料の調定: once for an instalment, by the rule whose day had come (law.md 3).

    A second letter about the same instalment bears none; nor does one in a time without a fee.
    """
    with reading(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
        before = _last_run(connection, municipality_code)
        asked = {(letter.notice_id, letter.term): letter for letter in letters}
        wanted = []
        for claim in claims_of(connection, municipality_code, asked):
            letter, levy = asked[claim.place], profile.charges.levy(claim.item_code)
            yen = profile.charges.fee_yen(
                claim.item_code, letter_on=letter.letter_on, due_on=claim.due_on
            )
            if levy is not None and yen:
                said = f'{{"letter_on":"{letter.letter_on.isoformat()}"}}'
                wanted.append(Wanted(claim.place, DUNNING_FEE, levy.fee_item, yen, said))
        lines = [
            line
            for line in _lines(connection, profile, wanted, on, begins=True)
            # What was taken back with its letter begins anew; what stands is left as it is.
            if line.row.kind == "initial" or line.change_yen == line.wanted.amount_yen
        ]
    return _book(engine, profile, lines, _Run(before, None, on, actor), len(asked))


def cancel_fees(
    engine: Engine,
    municipality_code: str,
    places: Iterable[PlaceKey],
    *,
    on: date,
    actor: str,
    basis: str = "{}",
) -> Booked:
    """督促手数料の取消: of letters that should not have gone out, or did not (``basis``)."""
    with reading(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
        before = _last_run(connection, municipality_code)
        wanted = []
        for claim in claims_of(connection, municipality_code, places):
            levy = profile.charges.levy(claim.item_code)
            if levy is not None and levy.fee_item:
                wanted.append(Wanted(claim.place, DUNNING_FEE, levy.fee_item, 0, basis))
        lines = _lines(connection, profile, wanted, on, begins=False)
    return _book(engine, profile, lines, _Run(before, None, on, actor), len(wanted))


# ---- what should be, and what is ----


def _wanted(profile: Profile, items: Mapping[PlaceKey, str], due: Due) -> list[Wanted]:
    """What the charge of each instalment should be; of levies that name a 科目 for it."""
    found = []
    for place, yen in due.yen.items():
        levy = profile.charges.levy(items[place])
        if levy is not None and levy.charge_item:
            basis = due.basis.get(place)
            said = basis.as_json() if basis else "{}"
            found.append(Wanted(place, LATE_CHARGE, levy.charge_item, yen, said))
    return found


class _Line(NamedTuple):
    """A line of the register with what is written down beside it."""

    row: AssessmentRow
    wanted: Wanted
    change_yen: int


_STANDING = """
SELECT b.principal_notice_id, b.principal_term, b.kind, MIN(b.notice_id) AS notice_id,
    MIN(b.term) AS term, MIN(a.amount_yen) AS amount_yen, MIN(i.due_on_statutory) AS due_on,
    MAX(CASE WHEN i.collection_hold THEN 1 ELSE 0 END) AS collection_hold,
    MAX(CASE WHEN i.dunning_hold THEN 1 ELSE 0 END) AS dunning_hold
FROM late_charge_booking b
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = b.notice_id
    AND a.term = b.term
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = b.notice_id AND i.term = b.term
WHERE b.municipality_code = :m AND b.principal_notice_id IN :some
GROUP BY b.principal_notice_id, b.principal_term, b.kind"""
_PRINCIPALS = """
SELECT n.notice_id, i.term, n.levy_year, n.notice_no, n.obligor_no, i.fiscal_year, o.name, o.kana,
    o.postal_code, o.address
FROM notice n
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = n.notice_id
JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = n.obligor_no
WHERE n.municipality_code = :m AND n.notice_id IN :some"""


def _lines(
    connection: Connection, profile: Profile, wanted: list[Wanted], on: date, *, begins: bool
) -> list[_Line]:
    """The lines that make the claims what they should be; none where they are."""
    code = profile.municipality_code
    notice_ids = sorted({each.place[0] for each in wanted})
    standing = {
        (row.principal_notice_id, row.principal_term, row.kind): row
        for row in rows_about(connection, _STANDING, code, notice_ids)
    }
    changing = []
    for each in wanted:
        row = standing.get((*each.place, each.kind))
        if (row is None and each.amount_yen and begins) or (
            row is not None and row.amount_yen != each.amount_yen
        ):
            changing.append((each, row))
    concerned = sorted({each.place[0] for each, _ in changing})
    principals = {
        (row.notice_id, row.term): row
        for row in rows_about(connection, _PRINCIPALS, code, concerned)
    }
    due_on = on + timedelta(days=profile.charges.due_days)
    return [
        _line(connection, profile, each, principals[each.place], row, due_on)
        for each, row in sorted(changing, key=lambda pair: pair[0])
    ]


def _line(
    connection: Connection,
    profile: Profile,
    wanted: Wanted,
    principal: Row[Any],
    standing: Row[Any] | None,
    due_on: date,
) -> _Line:
    """One line: the claim begins, has another amount, or is cancelled."""
    kind, flags, before = "initial", "", 0
    if standing is not None:
        kind = "correction" if wanted.amount_yen else "cancellation"
        due_on, before = as_day(standing.due_on), standing.amount_yen
        held = ("collection_hold", "dunning_hold")
        flags = ";".join(name for name in held if getattr(standing, name))
    row = AssessmentRow(
        profile.municipality_code, wanted.item_code, principal.fiscal_year, principal.levy_year,
        principal.notice_no, principal.term, principal.obligor_no, principal.name, principal.kana,
        principal.postal_code,
        open_address(
            connection, profile.municipality_code, principal.obligor_no, principal.address
        ), wanted.amount_yen, due_on.isoformat(), kind, "",
        flags,
    )  # fmt: skip
    return _Line(row, wanted, wanted.amount_yen - before)


# ---- which instalments a run looks at ----

_LEVIES = "n.item_code IN ({items})"
_TOUCHED = """
SELECT p.notice_id, p.term FROM posting p
JOIN notice n ON n.municipality_code = :m AND n.notice_id = p.notice_id AND {levies}
WHERE p.municipality_code = :m AND p.journal_id > :journal_id AND p.journal_id <= :now_journal
  AND p.notice_id IS NOT NULL AND p.term IS NOT NULL
  AND 'receivable' IN (p.debit_account, p.credit_account)
UNION
SELECT a.notice_id, a.term FROM posting c
JOIN notice n ON n.municipality_code = :m AND n.notice_id = c.notice_id AND {levies}
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = c.notice_id
WHERE c.municipality_code = :m AND c.journal_id > :journal_id AND c.journal_id <= :now_journal
  AND c.reason = 'confirmed'
UNION
SELECT t.notice_id, t.term FROM posting c
JOIN placement p ON p.municipality_code = :m AND p.file_id = c.subject_file_id
  AND p.line_no = c.subject_line_no
JOIN placement_part t ON t.municipality_code = :m AND t.placement_no = p.placement_no
WHERE c.municipality_code = :m AND c.journal_id > :journal_id AND c.journal_id <= :now_journal
  AND c.reason = 'confirmed'
UNION
SELECT e.notice_id, e.term FROM journal j
JOIN assessment_event e ON e.municipality_code = :m AND e.file_id = j.file_id
  AND e.outcome = 'applied'
JOIN notice n ON n.municipality_code = :m AND n.notice_id = e.notice_id AND {levies}
WHERE j.municipality_code = :m AND j.journal_id > :journal_id AND j.journal_id <= :now_journal
  AND j.kind = 'assessments'
UNION
SELECT w.notice_id, w.term FROM charge_waiver w
WHERE w.municipality_code = :m AND w.waiver_no > :waiver_no AND w.waiver_no <= :now_waiver"""
# The first time every instalment that is paid up, and every one that a charge was booked on.
_EVERY = """
SELECT a.notice_id, a.term FROM instalment_account a
JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id AND {levies}
WHERE a.municipality_code = :m AND a.amount_yen > 0
  AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen <= 0
UNION
SELECT b.principal_notice_id, b.principal_term FROM late_charge_booking b
WHERE b.municipality_code = :m AND b.kind = 'late_charge'"""


def _touched(
    connection: Connection, profile: Profile, since: tuple[int, int], now: tuple[int, int]
) -> set[PlaceKey]:
    """Instalments about which anything was booked or waived between two moments."""
    codes = [each.item_code for each in profile.charges.levies if each.charge_item]
    if not codes:
        return set()
    levies = _LEVIES.format(items=", ".join(f"'{code}'" for code in codes))  # digits, checked
    statement = (_TOUCHED if since[0] else _EVERY).format(levies=levies)
    scope: dict[str, Any] = {"m": profile.municipality_code}
    if since[0]:
        scope |= {"journal_id": since[0], "waiver_no": since[1]}
        scope |= {"now_journal": now[0], "now_waiver": now[1]}
    return {(row.notice_id, row.term) for row in connection.execute(text(statement), scope)}


_MARKS = """
SELECT (SELECT COALESCE(MAX(journal_id), 0) FROM journal WHERE municipality_code = :m),
    (SELECT COALESCE(MAX(waiver_no), 0) FROM charge_waiver WHERE municipality_code = :m)"""


def _marks(connection: Connection, municipality_code: str) -> tuple[int, int]:
    """Up to which journal and waiver the books go now."""
    row = connection.execute(text(_MARKS), {"m": municipality_code}).one()
    return int(row[0]), int(row[1])


def _last_run(connection: Connection, municipality_code: str) -> Row[Any] | None:
    """The run before this one; its marks are those of the last that looked at everything."""
    return connection.execute(
        text(
            "SELECT MAX(run_no) AS run_no, COALESCE(MAX(journal_id), 0) AS journal_id, "
            "COALESCE(MAX(waiver_no), 0) AS waiver_no FROM late_charge_run "
            "WHERE municipality_code = :m HAVING COUNT(*) > 0"
        ),
        {"m": municipality_code},
    ).one_or_none()


# ---- booking ----


@dataclass(frozen=True, slots=True)
class _Run:
    """The run in hand: what the one before it was, how far it looks, when, and by whom."""

    before: Row[Any] | None
    marks: tuple[int, int] | None  # None: only some instalments, so the marks stay
    on: date
    actor: str


def _book(
    engine: Engine, profile: Profile, lines: list[_Line], run: _Run, looked_at: int
) -> Booked:
    """The register is written, taken in, and its lines are written down beside it."""
    code = profile.municipality_code
    with unit_of_work(engine, code) as connection:
        run_no = take_numbers(connection, code, "late_charge_run", 1)
    booked = Booked(looked_at, len(lines), sum(line.change_yen for line in lines))
    if not lines:
        with unit_of_work(engine, code) as connection:
            _record(connection, code, run, run_no, booked)
        return booked
    # A change bears the number of its run: the same change later is not the same file again.
    rows = [
        line.row
        if line.row.kind == "initial"
        else line.row._replace(whole_year_group=f"延滞金調定{run_no}")
        for line in lines
    ]
    name = f"延滞金等調定_{run.on:%Y%m%d}_{run_no}.csv"

    def beside(connection: Connection, file_id: int) -> None:
        _write_down(connection, code, file_id, lines)
        _record(connection, code, run, run_no, booked, file_id)

    report = import_assessments(
        engine, code, Delivery(name, assessments.write(rows)), received_on=run.on,
        actor=run.actor, beside=beside,
    )  # fmt: skip
    if report.status is not FileStatus.ACCEPTED:
        raise RefusedError("charge_register", file_id=report.file_id, state=str(report.status))
    return Booked(looked_at, booked.count, booked.yen, report.file_id)


def _write_down(
    connection: Connection, municipality_code: str, file_id: int, lines: list[_Line]
) -> None:
    """Which instalment bears each line, and what it was worked out from."""
    rows = connection.execute(
        text(
            "SELECT line_no, notice_id, term FROM assessment_event WHERE municipality_code = :m "
            "AND file_id = :file_id AND outcome = 'applied' ORDER BY line_no"
        ),
        {"m": municipality_code, "file_id": file_id},
    )
    applied = {row.line_no: row for row in rows}
    if len(applied) != len(lines):
        raise RefusedError("charge_run_meanwhile")
    insert_rows(
        connection,
        "late_charge_booking",
        _COLUMNS,
        (
            (
                line_no, line.wanted.kind, applied[line_no].notice_id, applied[line_no].term,
                *line.wanted.place, line.wanted.amount_yen, line.wanted.basis_json,
            )
            for line_no, line in enumerate(lines, start=_FIRST_LINE)
        ),
        constants=(municipality_code, file_id),
    )  # fmt: skip


def _record(
    connection: Connection, municipality_code: str, run: _Run, run_no: int, booked: Booked,
    file_id: int | None = None,
) -> None:  # fmt: skip
    """The run, if nobody has booked since it began to look; its marks never go back."""
    latest = _last_run(connection, municipality_code)
    seen = run.before.run_no if run.before is not None else None
    if (latest.run_no if latest is not None else None) != seen:
        raise RefusedError("charge_run_meanwhile")
    marks = run.marks or ((run.before.journal_id, run.before.waiver_no) if run.before else (0, 0))
    connection.execute(
        _runs.insert().values(
            municipality_code=municipality_code,
            run_no=run_no,
            journal_id=marks[0],
            waiver_no=marks[1],
            file_id=file_id,
            booked_count=booked.count,
            booked_yen=booked.yen,
            made_on=run.on,
            actor=run.actor,
            made_at=datetime.now(UTC),
        )
    )
