"""印刷ファイル: what is on each page of a run, and what was printed and read back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text

from payments.domain.errors import ConflictError, NotFoundError, RefusedError
from payments.domain.slip import WHOLE_YEAR, SlipState
from payments.print_plan import PrintRun, Refusal, change_run, refuse, run_of
from payments.store.lookups import rows_about
from payments.store.personal import open_address
from payments.store.print_words import read_differences, read_refusals, write_differences
from payments.store.slip_tables import PrintRunDifferenceRow, PrintRunFileRow
from payments.vehicles import vehicles_of
from payments.versions import OPEN_YEN, as_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection, Row

    from payments.vehicles import Vehicle

file_table = PrintRunFileRow.__table__  # type: ignore[attr-defined]
difference_table = PrintRunDifferenceRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class TermLine:
    """全期の内訳: one instalment that a 全期 slip pays."""

    term: str
    amount_yen: int  # still to pay
    due_on: date


@dataclass(frozen=True, slots=True)
class RunSlip:
    """印刷する納付書: one place of the run with everything its page says.

    ``fault`` is a code when the slip must not be printed any more; hand it back as a refusal.
    """

    seq: int
    slip_id: int
    slip_no: str
    version: int
    notice_id: int
    term: str
    el_number: str | None
    konbini_barcode: str | None
    amount_yen: int
    due_on: date
    valid_until: date
    issued_on: date
    notice_no: str
    item_code: str
    levy_year: int
    name: str
    postal_code: str
    address: str
    terms: tuple[TermLine, ...]  # of a 全期 slip; empty for 期別
    terms_in_notice: int
    alternative: str  # number of the current 全期 slip; for 全期 that of a current 期別 slip, or ""
    fault: str
    vehicle: Vehicle | None  # of the notice; its tax is certified when nothing else is owed for it


@dataclass(frozen=True, slots=True)
class PrintedFile:
    """印刷ファイル: a finished PDF and how it was read back."""

    file_no: int
    name: str
    pages: int
    bytes: int
    sha256: str
    raster_pages: int
    vector_pages: int


@dataclass(frozen=True, slots=True)
class RunFile(PrintedFile):
    """印刷ファイル as recorded, with the number of differences found in it."""

    differences: int


@dataclass(frozen=True, slots=True)
class FileDifference:
    """読み戻しの相違: what the page says, and what the books say."""

    page: int
    slip_no: str
    field: str
    printed: str
    expected: str


@dataclass(frozen=True, slots=True)
class RunDifference(FileDifference):
    """読み戻しの相違 with its file."""

    file_no: int


@dataclass(frozen=True, slots=True)
class RunRefusal(Refusal):
    """印刷できない納付書 with the names a person looks for."""

    slip_no: str = ""
    notice_no: str = ""
    term: str = ""


# ---- pages ----


def open_files(connection: Connection, municipality_code: str, run_id: int) -> list[int]:
    """未印刷のファイル: files of the run, all of whose places are numbered, without a record."""
    run = run_of(connection, municipality_code, run_id)
    done = set(
        connection.execute(
            select(file_table.c.file_no).where(
                file_table.c.municipality_code == municipality_code, file_table.c.run_id == run_id
            )
        ).scalars()
    )
    return [
        number
        for number in range(1, run.files + 1)
        if number not in done and run.places_in(number)[1] <= run.numbered_seq
    ]


def expired(connection: Connection, municipality_code: str, run_id: int, today: date) -> int:
    """支払期限経過: how many slips of the run have no page yet and can be paid no more."""
    statement = text(
        """SELECT COUNT(*) FROM print_run_slip p
           JOIN slip s ON s.municipality_code = p.municipality_code AND s.slip_id = p.slip_id
           WHERE p.municipality_code = :m AND p.run_id = :run_id AND p.refusal = ''
             AND p.page_no IS NULL AND s.state = 'new' AND s.valid_until < :today"""
    )
    values = {"m": municipality_code, "run_id": run_id, "today": today.isoformat()}
    return int(connection.execute(statement, values).scalar_one())


_ON_THE_PAGE = """s.slip_id, s.slip_no, s.version, s.notice_id, s.term, s.el_number,
    s.konbini_barcode, s.amount_yen, s.due_on, s.valid_until, s.issued_on, s.state, n.notice_no,
    n.item_code, n.levy_year, o.obligor_no, o.name, o.postal_code, o.address"""


def slips_of_file(
    connection: Connection, municipality_code: str, run_id: int, file_no: int
) -> list[RunSlip]:
    """一ファイルの納付書: in the order of their pages, without those refused before."""
    run = run_of(connection, municipality_code, run_id)
    first, last = run.places_in(file_no)
    rows = connection.execute(
        text(
            f"""SELECT p.seq, {_ON_THE_PAGE}
               FROM print_run_slip p
               JOIN slip s ON s.municipality_code = p.municipality_code AND s.slip_id = p.slip_id
               JOIN notice n ON n.municipality_code = p.municipality_code
                AND n.notice_id = p.notice_id
               JOIN obligor o ON o.municipality_code = p.municipality_code
                AND o.obligor_no = n.obligor_no
               WHERE p.municipality_code = :m AND p.run_id = :run_id
                 AND p.seq BETWEEN :first AND :last AND p.refusal = '' ORDER BY p.seq"""
        ),
        {"m": municipality_code, "run_id": run_id, "first": first, "last": last},
    ).all()
    return _run_slips(connection, municipality_code, rows)


def slip_to_print(connection: Connection, municipality_code: str, slip_id: int) -> RunSlip:
    """一枚の納付書: what its page says, outside of any run; :class:`NotFoundError` ``slip``."""
    rows = connection.execute(
        text(
            f"""SELECT 1 AS seq, {_ON_THE_PAGE}
               FROM slip s
               JOIN notice n ON n.municipality_code = :m AND n.notice_id = s.notice_id
               JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = n.obligor_no
               WHERE s.municipality_code = :m AND s.slip_id = :slip_id"""
        ),
        {"m": municipality_code, "slip_id": slip_id},
    ).all()
    if not rows:
        raise NotFoundError("slip", slip_no=slip_id)
    return _run_slips(connection, municipality_code, rows)[0]


def _run_slips(
    connection: Connection, municipality_code: str, rows: Sequence[Row[Any]]
) -> list[RunSlip]:
    """The rows with what their notices say beside them."""
    notice_ids = sorted({row.notice_id for row in rows})
    parts = _parts(connection, municipality_code, notice_ids)
    others = _alternatives(connection, municipality_code, notice_ids)
    vehicles = vehicles_of(connection, municipality_code, notice_ids)
    return [
        _run_slip(
            row,
            open_address(connection, municipality_code, row.obligor_no, row.address),
            parts.get(row.notice_id, []),
            others.get(row.notice_id, {}),
            vehicles.get(row.notice_id),
        )
        for row in rows
    ]


def _run_slip(
    row: Row[Any],
    address: str,
    parts: Sequence[Row[Any]],
    others: dict[str, str],
    vehicle: Vehicle | None,
) -> RunSlip:
    """One slip of the file, with what its notice says beside it."""
    whole = row.term == WHOLE_YEAR
    covered = [p for p in parts if (p.in_group if whole else p.term == row.term)]
    fault = ""
    if row.state != SlipState.NEW:
        fault = "slip_no_longer_current"
    elif sum(part.open_yen for part in covered) != row.amount_yen:
        fault = "slip_amount_changed"
    if vehicle and any(part.open_yen > 0 for part in parts if part not in covered):
        vehicle = vehicle._replace(arrears=True)  # paying this slip does not settle the notice
    return RunSlip(
        row.seq, row.slip_id, row.slip_no, row.version, row.notice_id, row.term, row.el_number,
        row.konbini_barcode, row.amount_yen, as_day(row.due_on), as_day(row.valid_until),
        as_day(row.issued_on), row.notice_no, row.item_code, row.levy_year,
        row.name, row.postal_code, address,
        terms=tuple(
            TermLine(part.term, part.open_yen, as_day(part.due_on))
            for part in covered
            if whole and part.open_yen > 0
        ),
        terms_in_notice=len(parts),
        alternative=_alternative(others, whole=whole),
        fault=fault,
        vehicle=vehicle,
    )  # fmt: skip


def _alternative(others: dict[str, str], *, whole: bool) -> str:
    """The current slip of the other way: paying both would be paying twice (law.md B-05, I24)."""
    if not whole:
        return others.get(WHOLE_YEAR, "")
    return next((number for term, number in sorted(others.items()) if term != WHOLE_YEAR), "")


def _parts(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[int, list[Row[Any]]]:
    """The instalments of these notices, in order of term."""
    rows = rows_about(
        connection,
        f"""SELECT a.notice_id, a.term, a.in_group, {OPEN_YEN} AS open_yen, i.due_on
            FROM instalment_account a
            JOIN instalment i ON i.municipality_code = a.municipality_code
             AND i.notice_id = a.notice_id AND i.term = a.term
            WHERE a.municipality_code = :m AND a.notice_id IN :some
            ORDER BY a.notice_id, a.term""",
        municipality_code,
        notice_ids,
    )
    found: dict[int, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.notice_id, []).append(row)
    return found


def _alternatives(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[int, dict[str, str]]:
    """The numbers of the slips in state new of these notices, by term."""
    rows = rows_about(
        connection,
        "SELECT s.notice_id, s.term, s.slip_no FROM slip s WHERE s.municipality_code = :m "
        "AND s.notice_id IN :some AND s.state = 'new' ORDER BY s.notice_id, s.term, s.version",
        municipality_code,
        notice_ids,
    )
    found: dict[int, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.notice_id, {})[row.term] = row.slip_no
    return found


# ---- records ----


def record_file(
    connection: Connection,
    municipality_code: str,
    run_id: int,
    file: PrintedFile,
    refused: Sequence[Refusal] = (),
    differences: Sequence[FileDifference] = (),
    *,
    at: datetime,
) -> None:
    """ファイルの記録: a file was printed and read back; from now on its pages exist.

    A file of which every slip was refused is recorded with 0 pages, too. Raises
    :class:`RefusedError` ``print_run_state`` when the run was discarded meanwhile,
    :class:`ConflictError` ``print_file_pages`` when its pages are not the places of the file, and
    ``print_file_recorded`` when it has been recorded before.
    """
    run = _printing(connection, municipality_code, run_id)
    if file.file_no not in open_files(connection, municipality_code, run_id):
        raise ConflictError("print_file_recorded", run_id=run_id, file_no=file.file_no)
    refuse(connection, municipality_code, run_id, refused)
    pages = _number_pages(connection, municipality_code, run, file.file_no)
    if pages != file.pages:
        raise ConflictError(
            "print_file_pages", file_no=file.file_no, found=file.pages, expected=pages
        )
    keys = {"municipality_code": municipality_code, "run_id": run_id}
    connection.execute(
        file_table.insert().values(**keys, **asdict(file), differences=len(differences), done_at=at)
    )
    write_differences(
        connection, municipality_code, run_id, file.file_no, [asdict(each) for each in differences]
    )


def _number_pages(
    connection: Connection, municipality_code: str, run: PrintRun, file_no: int
) -> int:
    """Give the places that are not refused their pages 1, 2, …; how many there are."""
    first, last = run.places_in(file_no)
    values = {"m": municipality_code, "run_id": run.run_id, "first": first, "last": last}
    place = "municipality_code = :m AND run_id = :run_id"
    printed = (
        connection.execute(
            text(
                f"SELECT seq FROM print_run_slip WHERE {place} "
                "AND seq BETWEEN :first AND :last AND refusal = '' ORDER BY seq"
            ),
            values,
        )
        .scalars()
        .all()
    )
    # Refusals are rare: between two of them pages and places go in step.
    steps: dict[int, list[int]] = {}
    for page, seq in enumerate(printed, start=1):
        steps.setdefault(seq - page, []).append(seq)
    for shift, seqs in steps.items():
        connection.execute(
            text(
                f"UPDATE print_run_slip SET page_no = seq - :shift WHERE {place} "
                "AND seq BETWEEN :first AND :last"
            ),
            values | {"shift": shift, "first": seqs[0], "last": seqs[-1]},
        )
    return len(printed)


def finish(
    connection: Connection, municipality_code: str, run_id: int, *, at: datetime
) -> PrintRun:
    """印刷の完了: ``printed``, or ``stopped`` when a page says something else than the books.

    Raises :class:`RefusedError` ``print_run_state`` or ``print_run_unfinished``.
    """
    run = _printing(connection, municipality_code, run_id)
    files = files_of_run(connection, municipality_code, run_id)
    if len(files) != run.files or run.numbered_seq != run.slips:
        raise RefusedError(
            "print_run_unfinished", run_id=run_id, found=len(files), expected=run.files
        )
    state = "stopped" if any(file.differences for file in files) else "printed"
    change_run(connection, municipality_code, run_id, state=state, ended_at=at)
    return run_of(connection, municipality_code, run_id)


def _printing(connection: Connection, municipality_code: str, run_id: int) -> PrintRun:
    """The run, once it is being printed."""
    run = run_of(connection, municipality_code, run_id)
    if run.state != "printing":
        raise RefusedError("print_run_state", run_id=run_id, state=run.state)
    return run


def files_of_run(connection: Connection, municipality_code: str, run_id: int) -> list[RunFile]:
    """印刷ファイルの一覧, in their order."""
    names = RunFile.__dataclass_fields__
    rows = connection.execute(
        select(*(file_table.c[name] for name in names))
        .where(file_table.c.municipality_code == municipality_code, file_table.c.run_id == run_id)
        .order_by(file_table.c.file_no)
    )
    return [RunFile(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def differences_of_run(
    connection: Connection, municipality_code: str, run_id: int
) -> list[RunDifference]:
    """読み戻しの相違の一覧, in the order of files and pages."""
    found = read_differences(connection, municipality_code, run_id)
    return [RunDifference(**difference) for difference in found]


def refusals(connection: Connection, municipality_code: str, run_id: int) -> list[RunRefusal]:
    """印刷できない納付書の一覧, in the order of the run."""
    return [RunRefusal(*row) for row in read_refusals(connection, municipality_code, run_id)]
