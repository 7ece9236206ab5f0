"""台帳の取込: assessments, slip and vehicle registers, taken in as carefully as payments.

Evidence first, then one transaction: a register is taken in entirely or not at all (files.md 3.1).
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any

from payments.assess import Assessor
from payments.enrol import Enroller
from payments.names import name_obligors, names_of
from payments.store.municipalities import load_profile
from payments.store.statistics import count_afresh
from payments.store.unit_of_work import reading as read_only
from payments.store.unit_of_work import unit_of_work
from payments.vehicles import register as register_vehicles
from reconcile import flag
from reconcile.debit.accounts import Occasion
from reconcile.debit.accounts import register as register_accounts
from reconcile.formats import (
    assessments,
    debit_accounts,
    obligors,
    slip_register,
    vehicle_register,
)
from reconcile.formats.detect import detect
from reconcile.formats.mapped import claiming
from reconcile.intake import (
    decided_meanwhile,
    keep_evidence,
    record_file,
    record_findings,
    status_of,
)
from reconcile.journal import open_journal
from reconcile.model import (
    Channel,
    FileReport,
    FileStatus,
    Finding,
    OutcomeSum,
    ReadContext,
    Reading,
    Severity,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from sqlalchemy import Connection, Engine

    from payments.domain.profile import Profile
    from reconcile.intake import Kept
    from reconcile.model import Delivery

_REPORT_EVERY = 2_000
# Where the files of payments that may follow at once find their keys and what is owed.
_LOOKED_UP = ("notice", "instalment", "instalment_account", "slip", "pay_key")
# What a vehicle register should have said.
_EXPECTED = {"unknown_notice": "調定のある通知書", "notice_twice": "一つの通知書に一行"}
# … and a register of accounts.
_EXPECTED_PAYER = {"unknown_obligor": "調定のある納付義務者", "account_twice": "一日に一行"}


class _RejectedError(Exception):
    """Roll back: the register is rejected whole."""


def import_assessments(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    received_on: date,
    actor: str = "system",
    reason: str = "",
    progress: Callable[[int], None] | None = None,
    beside: Callable[[Connection, int], None] | None = None,
) -> FileReport:
    """調定の取込: take in an ``assessments-1`` file; ``reason``: why, for what it corrects.

    ``beside`` writes down, in the same transaction and with the number of the file, what a register
    of this service's own was made from; its years are those of other claims with good reason.
    """

    def work(connection: Connection, profile: Profile, kept: Kept, sheet: Any) -> dict[str, int]:
        journal_id = open_journal(
            connection, municipality_code, "assessments", received_on, actor,
            file_id=kept.file_id, reason=reason,
        )  # fmt: skip
        assessor = Assessor(connection, profile, file_id=kept.file_id, journal_id=journal_id)
        result = assessor.apply(_named(connection, municipality_code, sheet, progress))
        cases = [
            flag.Case(
                "overpaid_by_correction", f"{s.notice_id}/{s.term}", s.amount_yen, kept.file_id
            )
            for s in result.surpluses
        ]
        cases += [
            flag.Case(code, f"{kept.file_id}:{line_no}", 0, kept.file_id, line_no)
            for line_no, code in result.errors
        ]
        flag.open_cases(
            connection, municipality_code, cases, on=received_on.isoformat(), actor=actor
        )
        for line_no, code in result.errors:
            sheet.findings.append(Finding(code, Severity.WARNING, line_no))
        if beside is not None and not sheet.failed:
            sheet.findings[:] = [each for each in sheet.findings if each.code != "fiscal_year"]
            beside(connection, kept.file_id)
        return result.outcomes

    return _take_in(engine, municipality_code, delivery, received_on, assessments, work)


def import_slips(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    received_on: date,
    actor: str = "system",
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """納付書台帳の取込: take in a ``slip-register-1`` file."""
    _ = actor

    def work(connection: Connection, profile: Profile, _kept: Kept, sheet: Any) -> dict[str, int]:
        result = Enroller(connection, profile).apply(_watched(sheet, progress))
        for line_no, code, found in result.errors:
            sheet.findings.append(Finding(code, Severity.FATAL, line_no or None, found=found))
        return result.outcomes

    return _take_in(engine, municipality_code, delivery, received_on, slip_register, work)


def import_vehicles(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    received_on: date,
    actor: str = "system",
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """車両台帳の取込: take in a ``vehicle-register-1`` file."""
    _ = actor

    def work(connection: Connection, _profile: Profile, kept: Kept, sheet: Any) -> dict[str, int]:
        lines = _watched(sheet, progress)
        result = register_vehicles(connection, municipality_code, kept.file_id, lines)
        for line_no, code, field, found in result.errors:
            expected = _EXPECTED[code]
            sheet.findings.append(
                Finding(code, Severity.FATAL, line_no, field=field, found=found, expected=expected)
            )
        return result.outcomes

    return _take_in(engine, municipality_code, delivery, received_on, vehicle_register, work)


def import_debit_accounts(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    received_on: date,
    actor: str = "system",
    at: datetime,
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """口座振替口座台帳の取込: take in a ``debit-account-1`` file."""

    def work(connection: Connection, _profile: Profile, kept: Kept, sheet: Any) -> dict[str, int]:
        occasion = Occasion(actor, at, delivery.name, kept.file_id)
        lines = _watched(sheet, progress)
        result = register_accounts(connection, municipality_code, lines, occasion)
        for line_no, code, field, found in result.errors:
            expected = _EXPECTED_PAYER[code]
            sheet.findings.append(
                Finding(code, Severity.FATAL, line_no, field=field, found=found, expected=expected)
            )
        return result.outcomes

    return _take_in(engine, municipality_code, delivery, received_on, debit_accounts, work)


def import_obligors(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    received_on: date,
    actor: str = "system",
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """宛名の取込: take in names and addresses; the latest line about a person counts."""
    _ = actor

    def work(connection: Connection, _profile: Profile, _kept: Kept, sheet: Any) -> dict[str, int]:
        lines = _watched(sheet, progress)
        return name_obligors(connection, municipality_code, (line[3:] for line in lines))

    return _take_in(engine, municipality_code, delivery, received_on, obligors, work)


def _named(
    connection: Connection,
    municipality_code: str,
    sheet: Any,
    progress: Callable[[int], None] | None,
) -> Iterator[tuple[Any, bytes]]:
    """Every line with the digest of what stands in the file.

    Where a mapping says that names come from the 宛名 taken in before, they are put in here. A
    person without one stops the file.
    """
    lines = _watched(sheet, progress)
    while portion := [*islice(lines, _REPORT_EVERY)]:
        bare = {line.obligor_no for line in portion if not line.obligor_name}
        names = names_of(connection, municipality_code, sorted(bare)) if bare else {}
        for line in portion:
            digest = hashlib.blake2b(repr(line[2:]).encode(), digest_size=16).digest()
            if line.obligor_name:
                yield line, digest
            elif line.obligor_no in names:
                name, kana, postal_code, address = names[line.obligor_no]
                yield (
                    line._replace(
                        obligor_name=name,
                        obligor_kana=kana,
                        postal_code=postal_code,
                        address=address,
                    ),
                    digest,
                )
            elif not sheet.sheet.full:
                sheet.findings.append(
                    Finding("obligor_unnamed", Severity.FATAL, line.line_no, line.byte_offset,
                            "obligor_no", line.obligor_no, "宛名のある納付義務者")
                )  # fmt: skip


def _watched(sheet: Any, progress: Callable[[int], None] | None) -> Iterator[Any]:
    """The lines of a register, with progress; a register found bad is only read on."""
    for number, line in enumerate(sheet.lines, start=1):
        if progress is not None and number % _REPORT_EVERY == 0:
            progress(number)
        if not sheet.failed:
            yield line


def _take_in(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    received_on: date,
    register: Any,
    work: Callable[[Connection, Profile, Kept, Any], dict[str, int]],
) -> FileReport:
    """Keep the bytes, then all of the register or nothing of it."""
    kept = keep_evidence(engine, municipality_code, delivery, received_on=received_on)
    if kept.is_duplicate:
        return FileReport(delivery.name, kept.sha256, FileStatus.DUPLICATE, kept.file_id)
    with read_only(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
    if not register.identify(delivery.data):
        mapped = claiming(profile, delivery.data, register.LAYOUT.code)
        if len(mapped) != 1:
            finding = _not_this(delivery.data, register, [each.code for each in mapped])
            return _set_aside(engine, profile, delivery, kept, [finding])
        register = mapped[0]
    sheet = register.read(delivery.data, ReadContext(received_on, profile))
    try:
        with unit_of_work(engine, municipality_code) as connection:
            if decided_meanwhile(connection, municipality_code, kept):
                return FileReport(delivery.name, kept.sha256, FileStatus.DUPLICATE, kept.file_id)
            outcomes = work(connection, profile, kept, sheet)
            if sheet.failed:
                raise _RejectedError  # noqa: TRY301  # rolls the transaction back
            for table in _LOOKED_UP:
                count_afresh(connection, sheet.count, table)
            summary = _summary(sheet)
            record_file(connection, municipality_code, kept.file_id, FileStatus.ACCEPTED, summary)
            record_findings(connection, municipality_code, kept.file_id, sheet.findings)
    except _RejectedError:
        return _set_aside(engine, profile, delivery, kept, sheet.findings, _summary(sheet))
    return FileReport(
        delivery.name,
        kept.sha256,
        FileStatus.ACCEPTED,
        kept.file_id,
        sheet.format_code,
        register.LABEL_JA,
        "register",
        sheet.count,
        sheet.amount_yen,
        outcomes={name: OutcomeSum(n, 0, 0, 0) for name, n in sorted(outcomes.items())},
        findings=tuple(sheet.findings),
    )


def _summary(sheet: Any) -> Reading:
    """A register's totals in the shape that every file's record takes."""
    return Reading(
        format_code=sheet.format_code,
        channel=Channel.REGISTER,
        lines=iter(()),
        count=sheet.count,
        amount_yen=sheet.amount_yen,
    )


def _not_this(data: bytes, register: Any, mapped: list[str]) -> Finding:
    """The file is not this register; say what it looks like instead."""
    if mapped:
        return Finding("several_formats", Severity.REFUSED, found=", ".join(mapped))
    found = detect(data)
    if isinstance(found, Finding) and found.code != "wrong_command":
        return found
    name = found.found if isinstance(found, Finding) else found.code
    return Finding("wrong_register", Severity.REFUSED, found=name, expected=register.LAYOUT.code)


def _set_aside(
    engine: Engine,
    profile: Profile,
    delivery: Delivery,
    kept: Kept,
    findings: list[Finding],
    summary: Reading | None = None,
) -> FileReport:
    """保留・取込対象外: the register stays as evidence with its findings; nothing else changes."""
    status = status_of(findings)
    with unit_of_work(engine, profile.municipality_code) as connection:
        if decided_meanwhile(connection, profile.municipality_code, kept):
            return FileReport(delivery.name, kept.sha256, FileStatus.DUPLICATE, kept.file_id)
        record_file(connection, profile.municipality_code, kept.file_id, status, summary)
        record_findings(connection, profile.municipality_code, kept.file_id, findings)
    return FileReport(
        delivery.name,
        kept.sha256,
        status,
        kept.file_id,
        summary.format_code if summary else "",
        count=summary.count if summary else 0,
        amount_yen=summary.amount_yen if summary else 0,
        findings=tuple(findings),
    )
