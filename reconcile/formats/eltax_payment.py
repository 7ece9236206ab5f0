"""納付情報 (中立プロファイル `eltax-neutral-1`): payments of the joint channel (files.md 3.1, 3.2).

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
from reconcile.formats.delimited_reader import DelimitedFormat, Sheet, records
from reconcile.model import Channel, KeyKind, Reading, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.formats.contract import Format
    from reconcile.model import ReadContext

STAGES = {
    "1": Stage.PROVISIONAL.value,
    "2": Stage.CONFIRMED.value,
    "3": Stage.WITHDRAWAL.value,
}

LAYOUT = Layout(
    code="eltax_payment",
    columns=(
        choice("record_kind", tuple(STAGES), "kind")._replace(wide=False),
        digits("collecting_body_code", 5, "body_code"),
        digits("item_code", 3, "item_code"),
        digits("case_key", 20, "case_key"),
        digits("confirmation_no", 6, "confirmation_no"),
        yen("amount_yen"),
        day("paid_on"),
        Column("paid_at", "(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])?", "HH:MMまたは空欄", "time"),
        choice("channel", PAYMENT_CHANNELS, "channel_list"),
        text("operator_code", 1, 10, "operator_code"),
        text("operator_name", 0, 60, "operator_name"),
        Column(
            "transaction_id",
            "[A-Za-z0-9-]{1,40}",
            "英数字と-で1〜40文字",
            "transaction_id",
            wide=True,
        ),
        day("remittance_on", "remittance", optional=True),
        text("remittance_no", 0, 20, "remittance"),
    ),
    money=5,
)
_PAID_AT = 7
_KEY_COLUMNS = frozenset({1, 2, 3, 4})


class PaymentRow(NamedTuple):
    """納付情報の1行: the columns of the file as they are written; dates ISO text or empty."""

    record_kind: str
    collecting_body_code: str
    item_code: str
    case_key: str
    confirmation_no: str
    amount_yen: int
    paid_on: str
    paid_at: str
    channel: str
    operator_code: str
    operator_name: str
    transaction_id: str
    remittance_on: str
    remittance_no: str


class EltaxPayment(DelimitedFormat):
    """納付情報: identify and read."""

    layout = LAYOUT
    code = LAYOUT.code
    label_ja = "納付情報（中立プロファイル）"
    channel: Channel = Channel.ELTAX
    sources: tuple[str, ...] = ("files.md 3.2",)

    def identify(self, data: bytes) -> bool:
        """By the first two names of the column header; whether all are right is a check."""
        return LAYOUT.starts(data, 2)

    def read(self, data: bytes, context: ReadContext) -> Reading:
        """納付情報: one line per report of the channel."""
        sheet = Sheet()
        reading = Reading(
            format_code=self.code,
            channel=self.channel,
            lines=iter(()),
            agent="eltax",
            counts_equal_lines=False,  # a transaction id is unique by definition (outcomes.md 9)
            findings=sheet.findings,
        )
        reading.lines = _lines(data, context.profile.collecting_body_code, sheet, reading)
        return reading


FORMAT: Format = EltaxPayment()


def write(rows: Iterable[PaymentRow]) -> bytes:
    """A whole file with column header and trailer."""
    return LAYOUT.write(rows)


def _lines(data: bytes, body_code: str, sheet: Sheet, reading: Reading) -> Iterator[ReportLine]:
    """Every data line as a report line."""
    days = Days()
    make = ReportLine._make
    el, nothing = KeyKind.EL.value, Stage.NONE.value
    for line_no, offset, length, raw, values, amount, bad in records(data, LAYOUT, sheet):
        (
            kind, body, item, case_key, confirmation, _, paid, paid_at,
            channel, operator, _, transaction, remitted, remittance_no,
        ) = values  # fmt: skip
        identity = f"{channel}:{operator}:{transaction}"
        paid_on = days[paid]
        remitted_on = days[remitted] if remitted else ""
        second = kind == "2"
        fault = None
        if (
            bad
            or paid_on is None
            or not amount
            or remitted_on is None
            or (remitted_on != "") is not second
            or (remittance_no != "") is not second
        ):
            fault = _fault(paid_on, amount, bad)
        readable = not bad or _KEY_COLUMNS.isdisjoint(bad)
        yield make(
            (
                line_no, offset, length,
                STAGES.get(kind, nothing), kind, identity, f"{kind}|{identity}",
                blake2b(raw, digest_size=16).digest(),
                identity if fault is None else None,
                el,
                f"{body}{case_key}{confirmation}{item}" if readable else None,
                "", body == body_code, True,
                amount, paid_on, None if _PAID_AT in bad else paid_at or None, operator,
                remittance_no or None, remitted_on or None, fault,
            )
        )  # fmt: skip
    reading.count, reading.amount_yen = sheet.count, sheet.amount_yen


def _fault(paid_on: str | None, amount: int, bad: tuple[int, ...]) -> str:
    """Why a line is malformed: the first wrong column, then what contradicts itself."""
    if bad:
        return LAYOUT.columns[bad[0]].fault
    if paid_on is None:
        return "date"
    return "remittance" if amount else "amount_zero"
