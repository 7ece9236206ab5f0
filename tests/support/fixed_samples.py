"""What the tests of the fixed-length formats share: small valid files and how to spoil them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from delimited_samples import CONTEXT, GOLDEN, PROFILE, barcode, only

from payments.domain.profile import Account
from reconcile.formats import debit_result, zengin_credit, zengin_statement
from reconcile.formats.konbini_fixed import Collected, CollectedGroup
from reconcile.model import ReadContext, Severity

if TYPE_CHECKING:
    from reconcile.formats.contract import Format
    from reconcile.model import Finding, Reading, ReportLine

__all__ = ["CONTEXT", "GOLDEN", "PROFILE", "barcode", "only"]

DAY = date(2026, 6, 1)
ACCOUNT = PROFILE.accounts[0]
# The golden statement of files.md 1.9 is about a 当座 account.
GOLDEN_ACCOUNT = replace(ACCOUNT, account_type="2")
SECOND_ACCOUNT = Account("9999", "ﾃｽﾄ", "999", "ﾎﾝﾃﾝ", "2", "7654321", "01")
TWO_ACCOUNTS = ReadContext(
    CONTEXT.received_on, replace(PROFILE, accounts=(ACCOUNT, SECOND_ACCOUNT))
)


def read(
    form: Format, data: bytes, context: ReadContext = CONTEXT
) -> tuple[list[ReportLine], Reading]:
    """All lines, and the reading after them."""
    reading = form.read(data, context)
    return list(reading.lines), reading


def findings(form: Format, data: bytes, context: ReadContext = CONTEXT) -> list[Finding]:
    """What is wrong with a file."""
    return read(form, data, context)[1].findings


def quarantined(form: Format, data: bytes, code: str) -> Finding:
    """The one finding, which must put the file aside."""
    return _stopped(form, data, code, Severity.FATAL)


def refused(form: Format, data: bytes, code: str) -> Finding:
    """The one finding, which must refuse the file."""
    return _stopped(form, data, code, Severity.REFUSED)


def _stopped(form: Format, data: bytes, code: str, severity: Severity) -> Finding:
    everything = findings(form, data)
    found = only([each for each in everything if each.severity is not Severity.WARNING])
    assert (found.code, found.severity) == (code, severity)
    return found


def records(data: bytes) -> list[bytes]:
    """The records of a CRLF file."""
    return data.removesuffix(b"\r\n").split(b"\r\n")


def join(rows: list[bytes]) -> bytes:
    """A CRLF file again."""
    return b"".join(row + b"\r\n" for row in rows)


def patch(data: bytes, line_no: int, position: int, value: bytes) -> bytes:
    """The file with other bytes at a 1-based position of a record, as the layouts count them."""
    rows = records(data)
    row = rows[line_no - 1]
    rows[line_no - 1] = row[: position - 1] + value + row[position - 1 + len(value) :]
    return join(rows)


def statement(
    *movements: zengin_statement.Movement, before: int = 1_000_000, account: Account = ACCOUNT
) -> zengin_statement.Statement:
    """One account's statement; two credits and an outgoing payment unless told otherwise."""
    rows = movements or (
        zengin_statement.Movement(1, DAY, 12300, payer_code="9000000001", payer_name="ﾐﾎﾝｼﾕｳﾉｳA"),
        zengin_statement.Movement(2, DAY, 456000, transaction="14", remarks="ｺｳｷﾝ", edi="R1"),
        zengin_statement.Movement(3, DAY, 1000, direction="2", transaction="14"),
    )
    return zengin_statement.Statement(account, "ﾐﾎﾝｼ", DAY, DAY, DAY, before, rows)


def notices(*rows: zengin_credit.Notice, account: Account = ACCOUNT) -> zengin_credit.NoticeGroup:
    """One account's notices; two credits and a cancellation unless told otherwise."""
    usual = rows or (
        zengin_credit.Notice(1, DAY, 12300, payer_code="9000000001", payer_name="ﾐﾎﾝｼﾕｳﾉｳA"),
        zengin_credit.Notice(2, DAY, 45600, payer_name="ｾﾞｲﾓｸ ﾀﾛｳ", edi="R1"),
        zengin_credit.Notice(3, DAY, 45600, cancels=True),
    )
    return zengin_credit.NoticeGroup(account, "ﾐﾎﾝｼ", DAY, DAY, DAY, usual)


def batch(*rows: debit_result.Debit) -> debit_result.Batch:
    """One debit batch; one done and one failed unless told otherwise."""
    usual = rows or (
        debit_result.Debit("20269990001234500101", 12300, holder_name="ｾﾞｲﾓｸ ﾀﾛｳ"),
        debit_result.Debit("20269990001234500201", 4560, "1", holder_name="ｾﾞｲﾓｸ ﾊﾅｺ"),
    )
    return debit_result.Batch(
        "1234567890", "ﾐﾎﾝｼ", DAY, "9999", "ﾃｽﾄ", "999", "ﾎﾝﾃﾝ", "1", "1234567", usual
    )


def collected(*rows: Collected) -> CollectedGroup:
    """One konbini group: 速報, 確報 and 速報取消 unless told otherwise."""
    day = date(2026, 5, 20)
    code = barcode()
    usual = rows or (
        Collected("01", code, day, "1234"),
        Collected("02", code, day, "1234", remitted_on=date(2026, 6, 5)),
        Collected("03", barcode("0000000000123468"), day, "0901"),
    )
    return CollectedGroup(date(2026, 5, 21), usual)
