"""試験用の明細: report lines and files made from field values.

Every maker returns a :class:`Made`: the :class:`ReportLine` as a format module would read it, and
``fields``, the values under it by column, from which a writer can make the file's bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reference_rows import check_digit, sample_profile

from reconcile.model import AdviceLine, BankLine, Channel, KeyKind, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_STAGES = {
    "01": Stage.PROVISIONAL.value,
    "81": Stage.PROVISIONAL.value,
    "1": Stage.PROVISIONAL.value,
    "03": Stage.WITHDRAWAL.value,
    "3": Stage.WITHDRAWAL.value,
    "02": Stage.CONFIRMED.value,
    "12": Stage.CONFIRMED.value,
    "22": Stage.CONFIRMED.value,
    "2": Stage.CONFIRMED.value,
}
ACCOUNT = "9999-999-1-1234567"
_BLANK = ReportLine(
    line_no=2,
    byte_offset=0,
    byte_length=200,
    stage=Stage.NONE.value,
    kind="",
    identity="",
    record_key="",
    content=b"",
    payment_key=None,
    key_kind=KeyKind.NONE.value,
    slip_key=None,
    reissue="",
    is_ours=True,
    key_valid=True,
    amount_yen=None,
    paid_on=None,
    paid_at=None,
    operator="",
    remittance_ref=None,
    remitted_on=None,
    fault=None,
)


@dataclass(frozen=True)
class Made:
    """One record: what a format reads, and the values it was made from."""

    report: ReportLine
    fields: dict[str, str] = field(default_factory=dict)
    bank: BankLine | None = None
    advice: AdviceLine | None = None

    def at(self, line_no: int) -> Made:
        """The same record at another place of a file."""
        return Made(
            self.report._replace(line_no=line_no, byte_offset=200 * (line_no - 1)),
            self.fields,
            self.bank._replace(line_no=line_no) if self.bank else None,
            self.advice._replace(line_no=line_no) if self.advice else None,
        )


@dataclass(frozen=True)
class MadeFile:
    """A file ready for intake: `city.intake(**file.arguments)`."""

    name: str
    channel: Channel
    agent: str
    received_on: date
    records: tuple[Made, ...]
    counts_equal_lines: bool = True

    @property
    def sha256(self) -> str:
        """Equal contents are equal bytes; what a nil report contains is its format."""
        contents = [self.channel.value, self.agent, [record.fields for record in self.records]]
        return hashlib.sha256(repr(contents).encode()).hexdigest()

    @property
    def arguments(self) -> dict[str, Any]:
        """What :meth:`ReferenceCity.intake` takes."""
        return {
            "file_name": self.name,
            "sha256": self.sha256,
            "channel": self.channel,
            "lines": [record.report for record in self.records],
            "bank_lines": [record.bank for record in self.records if record.bank],
            "advice_lines": [record.advice for record in self.records if record.advice],
            "counts_equal_lines": self.counts_equal_lines,
            "received_on": self.received_on,
            "agent": self.agent,
        }


def file_of(
    channel: Channel, records: Sequence[Made], received_on: date, *, agent: str = "", name: str = ""
) -> MadeFile:
    """Records in one file; they are numbered from 2, after the header."""
    placed = tuple(record.at(number) for number, record in enumerate(records, start=2))
    counts = channel not in {Channel.ELTAX, Channel.NOTIFICATION, Channel.ADVICE}
    if channel == Channel.KONBINI:
        agent = agent or "konbini_dsk"
    return MadeFile(name or f"{channel.value}.dat", channel, agent, received_on, placed, counts)


def digest(fields: dict[str, str]) -> bytes:
    """content: all fields but データ作成日 and 客層."""
    kept = [f"{k}={v}" for k, v in fields.items() if k not in {"データ作成日", "客層"}]
    return hashlib.blake2b("\n".join(kept).encode(), digest_size=16).digest()


def konbini_line(
    *,
    kind: str,
    paid_on: str,
    code: str,
    amount_yen: int,
    paid_at: str = "1234",
    agent: str = "konbini_dsk",
    cvs: str = "030",
    shop: str = "001234",
    remitted_on: str = "",
    created_on: str = "2026-06-01",
    fault: str | None = None,
) -> Made:
    """A line of a 収納代行会社 (files.md 2); ``code`` is the 44 digits as the line has them."""
    fields = {
        "種別": kind,
        "収納日": paid_on,
        "収納時刻": paid_at,
        "バーコード情報": code,
        "金額": str(amount_yen),
        "コンビニ本部コード": cvs,
        "店舗コード": shop,
        "振込日": remitted_on,
        "データ作成日": created_on,
    }
    readable = len(code) == 44 and code.isdigit()
    free, reissue = (code[8:29], code[29]) if readable else (None, "")
    pay = f"{agent}|{paid_on}|{paid_at}|{free}{reissue}|{cvs}|{shop}|{amount_yen}"
    report = _BLANK._replace(
        stage=_STAGES.get(kind, Stage.NONE.value),
        kind=kind,
        identity=f"{agent}:{free}{reissue}" if readable else f"{agent}:{code}",
        record_key=f"{agent}|{kind}|{paid_on}|{paid_at}|{code}|{cvs}|{shop}",
        content=digest(fields),
        payment_key=None if fault else pay,
        key_kind=KeyKind.KONBINI.value if readable else KeyKind.NONE.value,
        slip_key=free,
        reissue=reissue,
        is_ours=readable and code[8:13] == sample_profile().konbini_client_code,
        key_valid=readable and check_digit(code[:43]) == code[43],
        amount_yen=None if fault == "amount" else amount_yen,
        paid_on=None if fault == "date" else paid_on,
        paid_at=f"{paid_at[:2]}:{paid_at[2:]}",
        operator=agent,
        remittance_ref=remitted_on or None,
        remitted_on=remitted_on or None,
        fault=fault,
    )
    return Made(report, fields)


def eltax_line(
    *,
    kind: str,
    el_key: str,
    amount_yen: int,
    paid_on: str,
    transaction_id: str,
    channel: str = "app",
    operator: str = "0820",
    paid_at: str = "",
    remittance_no: str = "",
    remitted_on: str = "",
    fault: str | None = None,
) -> Made:
    """A line of `eltax-neutral-1` (files.md 3.2); ``el_key`` has body, case, confirmation, item."""
    fields = {
        "record_kind": kind,
        "collecting_body_code": el_key[:5],
        "item_code": el_key[31:],
        "case_key": el_key[5:25],
        "confirmation_no": el_key[25:31],
        "amount_yen": str(amount_yen),
        "paid_on": paid_on,
        "paid_at": paid_at,
        "channel": channel,
        "operator_code": operator,
        "operator_name": "",
        "transaction_id": transaction_id,
        "remittance_on": remitted_on,
        "remittance_no": remittance_no,
    }
    identity = f"{channel}:{operator}:{transaction_id}"
    report = _BLANK._replace(
        stage=_STAGES.get(kind, Stage.NONE.value),
        kind=kind,
        identity=identity,
        record_key=f"{kind}|{identity}",
        content=digest(fields),
        payment_key=None if fault else identity,
        key_kind=KeyKind.EL.value,
        slip_key=el_key,
        is_ours=el_key[:5] == sample_profile().collecting_body_code,
        amount_yen=amount_yen,
        paid_on=None if fault == "date" else paid_on,
        paid_at=paid_at or None,
        operator=operator,
        remittance_ref=remittance_no or None,
        remitted_on=remitted_on or None,
        fault=fault,
    )
    return Made(report, fields)


def debit_line(
    *,
    customer_no: str,
    amount_yen: int,
    debit_on: str,
    code: str = "0",
    bank: str = "9999",
    fault: str | None = None,
) -> Made:
    """A line of a debit result (files.md 1.3)."""
    consignor = sample_profile().debit_consignor_code
    fields = {
        "引落日": debit_on,
        "取引銀行番号": bank,
        "引落金額": str(amount_yen),
        "顧客番号": customer_no,
        "振替結果コード": code,
    }
    identity = f"{consignor}|{debit_on}|{bank}|{customer_no}"
    report = _BLANK._replace(
        stage=Stage.CONFIRMED.value if code == "0" else Stage.NONE.value,
        kind=code,
        identity=identity,
        record_key=identity,
        content=digest(fields),
        payment_key=None if fault else identity,
        key_kind=KeyKind.DEBIT.value,
        slip_key=customer_no,
        amount_yen=amount_yen,
        paid_on=debit_on,
        operator=consignor,
        remittance_ref=f"{debit_on}|{bank}",
        remitted_on=debit_on,
        fault=fault,
    )
    return Made(report, fields)


def bank_line(
    *,
    amount_yen: int,
    booked_on: str,
    inquiry_no: str,
    direction: str = "credit",
    source: str = "03",
    payer_code: str = "",
    payer_name: str = "",
    remarks: str = "",
    edi: str = "",
    account_key: str = ACCOUNT,
    fault: str | None = None,
) -> Made:
    """A statement line (03) or a notice (01), files.md 1.1 and 1.2."""
    bank = BankLine(
        line_no=2,
        account_key=account_key,
        source=source,
        direction=direction,
        inquiry_no=inquiry_no,
        booked_on=booked_on,
        value_on=booked_on,
        payer_code=payer_code,
        payer_name=payer_name,
        remarks=remarks,
        edi=edi,
    )
    kind = {"credit": "1", "debit": "2", "cancel": "cancel"}[direction]
    fields = {k: str(v) for k, v in bank._asdict().items() if k != "line_no"}
    fields["amount_yen"] = str(amount_yen)
    identity = f"{account_key}|{booked_on}|{inquiry_no}"
    record_key = f"{identity}|{kind}|{amount_yen}"
    if source == "01":
        record_key = f"{identity}|{'1' if direction == 'cancel' else ''}"
    report = _BLANK._replace(
        kind=kind,
        identity=identity,
        record_key=record_key,
        content=digest(fields),
        amount_yen=amount_yen,
        paid_on=booked_on,
        fault=fault,
    )
    return Made(report, fields, bank=bank)


def advice_line(
    *,
    remittance_no: str,
    remitted_on: str,
    count: int,
    gross_yen: int,
    fee_yen: int = 0,
    channel: str = "app",
    item_code: str = "901",
) -> Made:
    """A line of `eltax-remittance-1` (files.md 3.3)."""
    advice = AdviceLine(
        line_no=2,
        remittance_no=remittance_no,
        remitted_on=remitted_on,
        channel=channel,
        item_code=item_code,
        count=count,
        gross_yen=gross_yen,
        fee_yen=fee_yen,
        net_yen=gross_yen - fee_yen,
    )
    fields = {k: str(v) for k, v in advice._asdict().items() if k != "line_no"}
    identity = f"{remittance_no}|{channel}|{item_code}"
    report = _BLANK._replace(
        identity=identity,
        record_key=identity,
        content=digest(fields),
        amount_yen=advice.net_yen,
        paid_on=remitted_on,
        remittance_ref=remittance_no,
        remitted_on=remitted_on,
    )
    return Made(report, fields, advice=advice)
