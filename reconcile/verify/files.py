"""検算・証拠: the bytes are the bytes that came, and every stored line is what stands in them.

Each accepted file is read again by its own format. What a profile decides (which account or body
code is ours) is read with the profile of today; a layout that only a profile describes (受付結果),
with the profile of the moment at which the file was accepted.
"""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from payments.domain.errors import ConfigurationError, InvalidValueError
from reconcile.debit import answers
from reconcile.formats import (
    assessments,
    debit_accounts,
    notification,
    obligors,
    slip_register,
    vehicle_register,
)
from reconcile.formats.detect import detect
from reconcile.formats.mapped import mapping_of
from reconcile.model import AdviceLine, BankLine, Finding, ReadContext, ReportLine
from reconcile.store.evidence import evidence_in_order
from reconcile.verify.assessed import EVENT, EVENTS, assessed
from reconcile.verify.debit_accounts import debit_accounts as accounts_as_read
from reconcile.verify.heads import Heads, Settings
from reconcile.verify.walk import Difference, Sections, Store, shown, unlike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from payments.domain.profile import Profile
    from reconcile.formats.contract import Format
    from reconcile.model import Reading

_PORTION = 2_000  # lines between two steps of the progress
_AMOUNT = attrgetter("amount_yen")
_DATES = frozenset({"paid_on", "remitted_on", "booked_on", "value_on"})
_SLIP = (
    "slip_no", "version", "term", "el_number", "konbini_barcode", "amount_yen", "due_on",
    "valid_until", "issued_on",
)  # fmt: skip
_SLIP_DATES = frozenset({"due_on", "valid_until", "issued_on"})
_VEHICLE = ("vehicle_no", "certificate_until")
_AT_ONCE = 500
_REGISTERS: dict[str, Any] = {
    form.LAYOUT.code: form
    for form in (assessments, debit_accounts, obligors, slip_register, vehicle_register)
}
_FIELDS: dict[str, Sequence[str]] = {
    "source_line": ReportLine._fields,
    "bank_line": BankLine._fields,
    "advice_line": AdviceLine._fields,
    "assessment_event": EVENT,
}


def evidence_and_lines(store: Store) -> Iterator[Difference]:
    """All files in the order they came: their bytes, their totals, their lines."""
    files = store.rows(
        """SELECT f.file_id, f.sha256, f.size_bytes, f.status, f.format_code, f.channel,
                  f.count AS records, f.amount_yen, j.file_id AS booked,
                  COALESCE(CAST(f.decided_at AS TEXT), CAST(f.taken_in_at AS TEXT)) AS accepted_at,
                  CAST(f.decided_at AS TEXT) AS decided_at, f.agent,
                  CAST(f.received_on AS TEXT) AS received_on,
                  CAST(f.created_on AS TEXT) AS created_on, j.journal_id,
                  CAST(j.booked_on AS TEXT) AS booked_on
           FROM source_file f
           LEFT JOIN (SELECT file_id, MIN(booked_on) AS booked_on, MIN(journal_id) AS journal_id
                      FROM journal WHERE municipality_code = :m GROUP BY file_id) j
             ON j.file_id = f.file_id
           WHERE f.municipality_code = :m ORDER BY f.file_id"""
    )
    stored = {table: _stored(store, table, fields) for table, fields in _FIELDS.items()}
    heads = Heads(store)
    done = 0
    code = store.profile.municipality_code
    for file, bytes_of in evidence_in_order(store.connection, code, files):
        yield from heads.came(file)
        try:
            data = bytes_of()
        except ConfigurationError as error:
            if error.error_code != "encryption_key_wrong":
                raise  # Without its key nothing can be said about the bytes.
            expected = f"{file.sha256} {file.size_bytes}"
            yield Difference("evidence_hash", f"file:{file.file_id}", expected, error.error_code)
            continue
        if (hashlib.sha256(data).hexdigest(), len(data)) != (file.sha256, file.size_bytes):
            yield Difference(
                "evidence_hash",
                f"file:{file.file_id}",
                f"{file.sha256} {file.size_bytes}",
                f"{hashlib.sha256(data).hexdigest()} {len(data)}",
            )
        elif file.status == "accepted":
            # Bytes that were changed say nothing about the lines any more.
            yield from _file(store, stored, heads, file, data, done)
        elif file.booked is not None:
            yield Difference("file_status", f"file:{file.file_id}", "accepted", file.status)
        else:
            yield from heads.aside(file, data)
        done += file.records


def _file(
    store: Store, stored: dict[str, Sections], heads: Heads, file: Any, data: bytes, done: int
) -> Iterator[Difference]:
    """One accepted file, read once more."""
    day = date.fromisoformat(file.received_on)
    mapped = mapping_of(store.profile, file.format_code)
    code = mapped.mapping.register if mapped else file.format_code
    if code in _REGISTERS:
        sheet = (mapped or _REGISTERS[code]).read(data, ReadContext(day, store.profile))
        if code == assessments.LAYOUT.code:
            yield from assessed(store, stored["assessment_event"], file.file_id, sheet)
        elif code == debit_accounts.LAYOUT.code:
            yield from accounts_as_read(store, file.file_id, sheet.lines)
        else:
            yield from _COMPARED[code](store, file, sheet)
        yield from _totals(file, sheet.count, sheet.amount_yen)
        yield from heads.register(file, sheet.findings)
    elif file.format_code == answers.FORMAT:
        yield from _answers(store, file, data)
    else:
        is_notification = file.channel == "notification"
        found = notification.FORMAT if is_notification else detect(data, store.profile)
        if isinstance(found, Finding) or found.code != file.format_code:
            yield Difference("file_format", f"file:{file.file_id}", found.code, file.format_code)
            return

        def read(profile: Profile, form: Format = found) -> Reading:
            return form.read(data, ReadContext(day, profile))

        reading = read(store.profile)
        yield from _report(store, stored, file, reading, done)
        yield from heads.report(file, reading, read)


def _answers(store: Store, file: Any, data: bytes) -> Iterator[Difference]:
    """受付結果: the totals, by the layout of then; what they say stands with the batches."""
    profile = Settings(store).at(file.accepted_at)
    try:
        lines = answers.read_answers(
            data, profile.debit.answers, date.fromisoformat(file.received_on)
        )
    except InvalidValueError as error:
        yield Difference("file_format", f"file:{file.file_id}", error.error_code, file.format_code)
        return
    yield from _totals(file, len(lines), sum(line.amount_yen for line in lines))


def _report(
    store: Store, stored: dict[str, Sections], file: Any, reading: Reading, done: int
) -> Iterator[Difference]:
    """A payment, bank or advice file: each line, then what goes beyond lines, then the totals."""
    totals = [0, 0]
    lines = _counted(store, reading.lines, totals, done)
    yield from _compare(stored, "source_line", file.file_id, lines)
    yield from _compare(stored, "bank_line", file.file_id, reading.bank_lines)
    yield from _compare(stored, "advice_line", file.file_id, reading.advice_lines)
    yield from _totals(file, reading.count, reading.amount_yen)
    if totals != [reading.count, reading.amount_yen]:
        yield Difference(
            "file_totals",
            f"file:{file.file_id}",
            f"{reading.count} {reading.amount_yen}",
            f"{totals[0]} {totals[1]}",
        )


def _counted(
    store: Store, lines: Iterable[ReportLine], totals: list[int], done: int
) -> Iterator[ReportLine]:
    """The lines on their way, counted (T1 of law.md 7.3)."""
    return chain.from_iterable(_counted_portions(store, iter(lines), totals, done))


def _counted_portions(
    store: Store, lines: Iterator[ReportLine], totals: list[int], done: int
) -> Iterator[list[ReportLine]]:
    """The same portion by portion, each shown to who waits."""
    while portion := [*islice(lines, _PORTION)]:
        totals[0] += len(portion)
        totals[1] += sum(filter(None, map(_AMOUNT, portion)))
        if store.progress is not None:
            store.progress(done + totals[0])
        yield portion


def _totals(file: Any, count: int, amount_yen: int) -> Iterator[Difference]:
    """The control totals that were recorded, against those of the bytes."""
    if (file.records, file.amount_yen) != (count, amount_yen):
        yield Difference(
            "file_totals",
            f"file:{file.file_id}",
            f"{count} {amount_yen}",
            f"{file.records} {file.amount_yen}",
        )


def _stored(store: Store, table: str, fields: Sequence[str]) -> Sections:
    """All rows of ``table`` in the order of files and lines."""
    if table == "assessment_event":
        return Sections(store.portions(EVENTS))
    columns = ", ".join(
        f"CAST({name} AS TEXT) AS {name}" if name in _DATES else name for name in fields
    )
    return Sections(
        store.portions(
            f"SELECT {columns}, file_id FROM {table} WHERE municipality_code = :m "
            "ORDER BY file_id, line_no"
        )
    )


def _compare(
    stored: dict[str, Sections], table: str, file_id: int, expected: Iterable[Any]
) -> Iterator[Difference]:
    """The rows of one file in ``table`` against what stands in its bytes, line by line."""
    for line_no, should, is_ in unlike(expected, stored[table].of(file_id)):
        yield _difference(table, f"{file_id}:{line_no}", should, is_)


def _difference(
    table: str, subject: str, should: list[tuple[Any, ...]], is_: list[tuple[Any, ...]]
) -> Difference:
    """The fields that differ, or how many lines there are."""
    if len(should) != 1 or len(is_) != 1:
        return Difference(table, subject, f"{len(should)} line", f"{len(is_)} line")
    fields = _FIELDS[table]
    return Difference(
        table, subject, shown(fields, should[0], is_[0]), shown(fields, is_[0], should[0])
    )


# ---- registers ----


def _slips(store: Store, file: Any, sheet: Any) -> Iterator[Difference]:
    """納付書台帳: every slip of a register is as it was handed in; only its state may move."""
    batch: dict[str, Any] = {}
    for line in sheet.lines:
        batch[line.slip_no] = line
        if len(batch) == _AT_ONCE:
            yield from _slip_batch(store, file.file_id, batch)
            batch = {}
    yield from _slip_batch(store, file.file_id, batch)


def _slip_batch(store: Store, file_id: int, lines: dict[str, Any]) -> Iterator[Difference]:
    """Some lines of a register against the slips of these numbers."""
    if not lines:
        return
    columns = ", ".join(
        f"CAST({name} AS TEXT) AS {name}" if name in _SLIP_DATES else name for name in _SLIP
    )
    rows = store.among(
        f"SELECT {columns} FROM slip WHERE municipality_code = :m AND slip_no IN :keys", [*lines]
    )
    stored = {row[0]: row for row in rows}
    for slip_no, line in lines.items():
        el_number = (
            line.collecting_body_code + line.case_key + line.confirmation_no + line.item_code
            if line.case_key
            else None
        )
        should = (
            slip_no, line.version, line.term, el_number, line.konbini_barcode or None,
            line.amount_yen, line.due_on, line.valid_until, line.issued_on,
        )  # fmt: skip
        is_ = stored.get(slip_no)
        if is_ is None:
            yield Difference("slip", f"{file_id}:{line.line_no}", slip_no, "")
        elif should != is_:
            yield Difference("slip", slip_no, shown(_SLIP, should, is_), shown(_SLIP, is_, should))


def _obligors(store: Store, file: Any, sheet: Any) -> Iterator[Difference]:
    """宛名: everybody of the file is in the register; a later line may say another name."""
    lines = iter(sheet.lines)
    while batch := [*islice(lines, _AT_ONCE)]:
        rows = store.among(
            "SELECT obligor_no FROM obligor WHERE municipality_code = :m AND obligor_no IN :keys",
            [line.obligor_no for line in batch],
        )
        known = {row[0] for row in rows}
        for line in batch:
            if line.obligor_no not in known:
                subject = f"{file.file_id}:{line.line_no}"
                yield Difference("obligor", subject, line.obligor_no, "")


def _vehicles(store: Store, file: Any, sheet: Any) -> Iterator[Difference]:
    """車両台帳: as of this file, the latest entry of every notice says what its line says."""
    lines = iter(sheet.lines)
    while batch := [*islice(lines, _AT_ONCE)]:
        rows = store.among(
            """SELECT n.item_code, n.levy_year, n.notice_no, v.vehicle_no,
                      COALESCE(CAST(v.certificate_until AS TEXT), '') AS certificate_until
               FROM notice n JOIN vehicle_entry v ON v.municipality_code = :m
                AND v.notice_id = n.notice_id AND v.file_id <= :file_id
               WHERE n.municipality_code = :m AND n.notice_no IN :keys
               ORDER BY v.notice_id, v.entry_no""",
            [line.notice_no for line in batch],
            file_id=file.file_id,
        )
        stored = {row[:3]: row[3:] for row in rows}
        for line in batch:
            should = (line.vehicle_no, line.certificate_until)
            is_ = stored.get((line.item_code, line.levy_year, line.notice_no), ("", ""))
            if should != is_:
                yield Difference(
                    "vehicle",
                    f"{file.file_id}:{line.line_no}",
                    shown(_VEHICLE, should, is_),
                    shown(_VEHICLE, is_, should),
                )


_COMPARED: dict[str, Callable[[Store, Any, Any], Iterator[Difference]]] = {
    slip_register.LAYOUT.code: _slips,
    obligors.LAYOUT.code: _obligors,
    vehicle_register.LAYOUT.code: _vehicles,
}
