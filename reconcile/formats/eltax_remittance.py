"""払込明細 (中立プロファイル `eltax-remittance-1`): what one bank credit holds (files.md 3.1, 3.3).

A layout of this project's own, to be mapped per municipality; it is no eLTAX format.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited import (
    PAYMENT_CHANNELS,
    Column,
    Days,
    Layout,
    choice,
    day,
    digits,
    text,
    yen,
)
from reconcile.formats.delimited_reader import DelimitedFormat, Sheet, place, records
from reconcile.model import AdviceLine, Channel, KeyKind, Reading, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.formats.contract import Format
    from reconcile.model import ReadContext

# A sum over many payments has room for more digits than one payment.
_SUM_DIGITS = 15

LAYOUT = Layout(
    code="eltax_remittance",
    columns=(
        text("remittance_no", 1, 20, "remittance"),
        day("remitted_on"),
        choice("channel", PAYMENT_CHANNELS, "channel_list"),
        digits("item_code", 3, "item_code"),
        Column("count", "[0-9]{1,9}", "数字1〜9桁", "payment_count", fatal=True),
        yen("gross_yen", longest=_SUM_DIGITS),
        yen("fee_yen", longest=_SUM_DIGITS),
        yen("net_yen", longest=_SUM_DIGITS),
    ),
    money=7,
)
_NET = 7


class RemittanceRow(NamedTuple):
    """払込明細の1行: the columns of the file; the date ISO text."""

    remittance_no: str
    remitted_on: str
    channel: str
    item_code: str
    payment_count: int  # column ``count``, a name that tuples have taken
    gross_yen: int
    fee_yen: int
    net_yen: int


class EltaxRemittance(DelimitedFormat):
    """払込明細: identify and read."""

    layout = LAYOUT
    code = LAYOUT.code
    label_ja = "払込明細（中立プロファイル）"
    channel: Channel = Channel.ADVICE
    sources: tuple[str, ...] = ("files.md 3.3",)

    def identify(self, data: bytes) -> bool:
        """By the first two names of the column header; whether all are right is a check."""
        return LAYOUT.starts(data, 2)

    def read(self, data: bytes, context: ReadContext) -> Reading:
        """払込明細: one line per (remittance number, channel, item)."""
        sheet = Sheet()
        reading = Reading(
            format_code=self.code,
            channel=self.channel,
            lines=iter(()),
            agent="eltax",
            counts_equal_lines=False,
            findings=sheet.findings,
        )
        reading.lines = _lines(data, sheet, reading)
        return reading


FORMAT: Format = EltaxRemittance()


def write(rows: Iterable[RemittanceRow]) -> bytes:
    """A whole file with column header and trailer."""
    return LAYOUT.write(rows)


def _lines(data: bytes, sheet: Sheet, reading: Reading) -> Iterator[ReportLine]:
    """Every data line as a report line, and as an advice line where it reads well."""
    days = Days()
    for line_no, offset, length, raw, values, net, bad in records(data, LAYOUT, sheet):
        number, remitted, channel, item = values[:4]
        count, gross, fee = map(int, values[4:7])
        if net != gross - fee:
            where = place(data, LAYOUT, offset, length, _NET)
            sheet.fatal("net_amount", line_no, where, "net_yen", values[_NET], str(gross - fee))
            continue
        remitted_on = days[remitted]
        fault = _fault(remitted_on, count, gross, bad)
        if remitted_on is not None and fault is None:
            reading.advice_lines.append(
                AdviceLine(line_no, number, remitted_on, channel, item, count, gross, fee, net)
            )
        key = f"{number}|{channel}|{item}"
        yield ReportLine(
            line_no=line_no,
            byte_offset=offset,
            byte_length=length,
            stage=Stage.NONE.value,
            kind="",
            identity=key,
            record_key=key,
            content=blake2b(raw, digest_size=16).digest(),
            payment_key=None,
            key_kind=KeyKind.NONE.value,
            slip_key=None,
            reissue="",
            is_ours=True,
            key_valid=True,
            amount_yen=net,
            paid_on=remitted_on,
            paid_at=None,
            operator="eltax",
            remittance_ref=number or None,
            remitted_on=remitted_on,
            fault=fault,
        )
    reading.count, reading.amount_yen = sheet.count, sheet.amount_yen


def _fault(remitted_on: str | None, count: int, gross: int, bad: tuple[int, ...]) -> str | None:
    """Why a line is malformed, None when it reads well."""
    if bad:
        return LAYOUT.columns[bad[0]].fault
    if remitted_on is None:
        return "date"
    if count == 0:
        return "count_zero"
    return None if gross else "amount_zero"
