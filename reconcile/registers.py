"""台帳の取込: assessments, slip and vehicle registers, taken in as carefully as payments.

Evidence first, then one transaction: a register is taken in entirely or not at all (files.md 3.1).
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.assess import NUMBER_BYTES, Assessor
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
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date, datetime

    from sqlalchemy import Connection, Engine

    from payments.domain.profile import Profile
    from reconcile.intake import Kept
    from reconcile.model import Delivery

_REPORT_EVERY = 2_000
# Where the files of payments that may follow at once find their keys and what is owed.
_LOOKED_UP = ("instalment", "instalment_account", "notice", "pay_key", "slip")
# What a vehicle register should have said.
_EXPECTED = {"unknown_notice": "調定のある通知書", "notice_twice": "一つの通知書に一行"}
# … and a register of accounts.
_EXPECTED_PAYER = {"unknown_obligor": "調定のある納付義務者", "account_twice": "一日に一行"}


class _RejectedError(Exception):
    """Roll back: the register is rejected whole."""


class Taking(NamedTuple):
    """取込の一回: one register in the transaction that takes it in."""

    connection: Connection
    profile: Profile
    kept: Kept
    sheet: Any
    delivery: Delivery
    received_on: date
    actor: str
    progress: Callable[[int], None] | None

    @property
    def code(self) -> str:
        """The municipality."""
        return self.profile.municipality_code

    def lines(self) -> Iterator[Any]:
        """The lines, with progress; a register found bad is only read on."""
        for number, line in enumerate(self.sheet.lines, start=1):
            if self.progress is not None and number % _REPORT_EVERY == 0:
                self.progress(number)
            if not self.sheet.failed:
                yield line

    def stop(self, errors: Iterable[tuple[int, str, str, str]], expected: dict[str, str]) -> None:
        """What is wrong with lines (number, code, field, value) stops the file."""
        for line_no, code, field, found in errors:
            self.sheet.findings.append(
                Finding(
                    code, Severity.FATAL, line_no, field=field, found=found, expected=expected[code]
                )
            )


class Register(NamedTuple):
    """台帳: what reads it, and what becomes of its lines (lines by outcome)."""

    form: Any
    work: Callable[[Taking], dict[str, int]]


def import_register(
    register: Register,
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    received_on: date,
    actor: str = "system",
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """台帳の取込: keep the bytes, then all of the register or nothing of it."""
    kept = keep_evidence(engine, municipality_code, delivery, received_on=received_on)
    if kept.is_duplicate:
        return FileReport(delivery.name, kept.sha256, FileStatus.DUPLICATE, kept.file_id)
    with read_only(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
    form = register.form
    if not form.identify(delivery.data):
        mapped = claiming(profile, delivery.data, form.LAYOUT.code)
        if len(mapped) != 1:
            finding = _not_this(delivery.data, form, [each.code for each in mapped])
            return _set_aside(engine, profile, delivery, kept, [finding])
        form = mapped[0]
    sheet = form.read(delivery.data, ReadContext(received_on, profile))
    try:
        with unit_of_work(engine, municipality_code) as connection:
            if decided_meanwhile(connection, municipality_code, kept):
                return FileReport(delivery.name, kept.sha256, FileStatus.DUPLICATE, kept.file_id)
            outcomes = register.work(
                Taking(connection, profile, kept, sheet, delivery, received_on, actor, progress)
            )
            if sheet.failed:
                raise _RejectedError  # noqa: TRY301  # rolls the transaction back
            for table in _LOOKED_UP:
                count_afresh(connection, sheet.count, table)
            summary = _summary(sheet)
            record_file(connection, municipality_code, kept.file_id, FileStatus.ACCEPTED, summary)
            record_findings(connection, municipality_code, kept.file_id, sheet.findings)
    except _RejectedError:
        return _set_aside(engine, profile, delivery, kept, sheet.findings, _summary(sheet))
    return _accepted(delivery, kept, form, sheet, outcomes)


def _accepted(
    delivery: Delivery, kept: Kept, form: Any, sheet: Any, outcomes: dict[str, int]
) -> FileReport:
    """What is told about a register that was taken in."""
    return FileReport(
        delivery.name,
        kept.sha256,
        FileStatus.ACCEPTED,
        kept.file_id,
        sheet.format_code,
        form.LABEL_JA,
        "register",
        sheet.count,
        sheet.amount_yen,
        outcomes={name: OutcomeSum(n, 0, 0, 0) for name, n in sorted(outcomes.items())},
        findings=tuple(sheet.findings),
    )


# ---- one register after the other ----


def import_assessments(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    reason: str = "",
    beside: Callable[[Connection, int], None] | None = None,
    **told: Any,
) -> FileReport:
    """調定の取込: take in an ``assessments-1`` file; ``reason``: why, for what it corrects.

    ``beside`` writes down, in the same transaction and with the number of the file, what a register
    of this service's own was made from; its years are those of other claims with good reason.
    ``told``: as for :func:`import_register`.
    """
    register = Register(assessments, partial(_assess, reason=reason, beside=beside))
    return import_register(register, engine, municipality_code, delivery, **told)


def _assess(
    taking: Taking, *, reason: str, beside: Callable[[Connection, int], None] | None
) -> dict[str, int]:
    connection, sheet, file_id = taking.connection, taking.sheet, taking.kept.file_id
    journal_id = open_journal(
        connection, taking.code, "assessments", taking.received_on, taking.actor,
        file_id=file_id, reason=reason,
    )  # fmt: skip
    assessor = Assessor(connection, taking.profile, file_id=file_id, journal_id=journal_id)
    result = assessor.apply(_named(taking))
    cases = [
        flag.Case("overpaid_by_correction", f"{s.notice_id}/{s.term}", s.amount_yen, file_id)
        for s in result.surpluses
    ]
    cases += [
        flag.Case(
            code, f"{file_id}:{line_no}", 0, file_id, line_no,
            details=_first_of(result.firsts.get(line_no)),
        )
        for line_no, code in result.errors
    ]  # fmt: skip
    flag.open_cases(
        connection, taking.code, cases, on=taking.received_on.isoformat(), actor=taking.actor
    )
    for line_no, code in result.errors:
        in_file = line_no // sheet.sheet.lines_apart
        sheet.findings.append(Finding(code, Severity.WARNING, in_file))
    if beside is not None and not sheet.failed:
        sheet.findings[:] = [each for each in sheet.findings if each.code != "fiscal_year"]
        beside(connection, file_id)
    return result.outcomes


def import_debit_accounts(
    engine: Engine, municipality_code: str, delivery: Delivery, *, at: datetime, **told: Any
) -> FileReport:
    """口座振替口座台帳の取込: take in a ``debit-account-1`` file, decided ``at``."""
    register = Register(debit_accounts, partial(_accounts, at=at))
    return import_register(register, engine, municipality_code, delivery, **told)


def _accounts(taking: Taking, *, at: datetime) -> dict[str, int]:
    occasion = Occasion(taking.actor, at, taking.delivery.name, taking.kept.file_id)
    result = register_accounts(taking.connection, taking.code, taking.lines(), occasion)
    taking.stop(result.errors, _EXPECTED_PAYER)
    return result.outcomes


def _slips(taking: Taking) -> dict[str, int]:
    result = Enroller(taking.connection, taking.profile).apply(taking.lines())
    for line_no, code, found in result.errors:
        taking.sheet.findings.append(Finding(code, Severity.FATAL, line_no or None, found=found))
    return result.outcomes


def _vehicles(taking: Taking) -> dict[str, int]:
    file_id = taking.kept.file_id
    result = register_vehicles(taking.connection, taking.code, file_id, taking.lines())
    taking.stop(result.errors, _EXPECTED)
    return result.outcomes


def _obligors(taking: Taking) -> dict[str, int]:
    """The latest line about a person counts."""
    return name_obligors(taking.connection, taking.code, (line[3:] for line in taking.lines()))


import_slips = partial(import_register, Register(slip_register, _slips))
import_vehicles = partial(import_register, Register(vehicle_register, _vehicles))
import_obligors = partial(import_register, Register(obligors, _obligors))


def _named(taking: Taking) -> Iterator[tuple[Any, bytes]]:
    """Every line with the digest of what stands in the file.

    Where a mapping says that names come from the 宛名 taken in before, they are put in here. A
    person without one stops the file.
    """
    lines, sheet = taking.lines(), taking.sheet
    while portion := [*islice(lines, _REPORT_EVERY)]:
        bare = {line.obligor_no for line in portion if not line.obligor_name}
        names = names_of(taking.connection, taking.code, sorted(bare)) if bare else {}
        for line in portion:
            digest = _content_of(line)
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
                    Finding("obligor_unnamed", Severity.FATAL,
                            line.line_no // sheet.sheet.lines_apart, line.byte_offset,
                            "obligor_no", line.obligor_no, "宛名のある納付義務者")
                )  # fmt: skip


def _content_of(line: Any) -> bytes:
    """内容: 16 bytes for all that a line says; of one with a 異動番号 the first half is of that."""
    if not line.change_no:
        return hashlib.blake2b(repr(line[2:]).encode(), digest_size=16).digest()
    rest = hashlib.blake2b(repr(line[2:]).encode(), digest_size=16 - NUMBER_BYTES).digest()
    return hashlib.blake2b(line.change_no.encode(), digest_size=NUMBER_BYTES).digest() + rest


def _first_of(line: tuple[int, int] | None) -> str:
    """What a change is compared with: the file and line that came first under its number."""
    if line is None:
        return ""
    return json.dumps({"first_change": f"{line[0]}:{line[1]}"})


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
