"""The values that travel between the stages of a reconciliation (照合の各段階で受け渡す値).

Everything here is immutable and knows no database. A channel's record becomes one
:class:`ReportLine` whatever the channel; what is wrong with a file becomes :class:`Finding` values
that name the place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from payments.domain.profile import Profile

Columns = list[tuple[Any, ...]]  # the fields of ReportLine, each with its value in every line
_PORTION = 2_000  # lines


class Channel(StrEnum):
    """収納チャネル: where a report came from (outcomes.md 8)."""

    KONBINI = "konbini"
    ELTAX = "eltax"
    DEBIT = "debit"
    BANK = "bank"
    ADVICE = "advice"
    NOTIFICATION = "notification"
    REGISTER = "register"  # 台帳: assessments and slips; no payment report


class Stage(StrEnum):
    """速報・確報・取消: how far the channel stands behind its report."""

    NONE = ""
    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    WITHDRAWAL = "withdrawal"


class KeyKind(StrEnum):
    """照合キーの種類: which number names the slip."""

    NONE = ""
    EL = "el"  # eL番号, 34 digits
    KONBINI = "konbini"  # 自由使用欄, 21 digits
    DEBIT = "debit"  # 顧客番号, 20 digits


class Severity(StrEnum):
    """指摘の重さ: does the finding stop the file, or does it only inform?"""

    REFUSED = "refused"  # 取込対象外: not for intake at all
    FATAL = "fatal"  # 保留: a known format that fails its own checks
    WARNING = "warning"  # 注意: the file goes on


@dataclass(frozen=True, slots=True)
class Finding:
    """指摘: one thing wrong with a file, with its place and both values.

    ``line_no`` is the 1-based record number in the file as delivered, ``byte_offset`` the 0-based
    offset of the field (or record) in the file; both are None when the finding is about the whole
    file. ``field`` is the official Japanese field name.
    """

    code: str
    severity: Severity
    line_no: int | None = None
    byte_offset: int | None = None
    field: str = ""
    found: str = ""
    expected: str = ""


class ReportLine(NamedTuple):
    """報告明細: one data record of any channel, in one shape.

    Dates are ISO text (``YYYY-MM-DD``), amounts integer yen. A value that could not be read is
    None (text keys) and ``fault`` then says why the line alone is malformed.
    """

    line_no: int  # 1-based record number in the file, headers and trailers counted
    byte_offset: int  # 0-based start of the record in the file
    byte_length: int  # without the line end
    stage: str  # Stage value
    kind: str  # 種別 as written: 01 02 03 12 22 81 / 1 2 3 / 振替結果コード / 入払区分
    identity: str  # finds earlier lines of the same record or payment (never empty)
    record_key: str  # R3: the record key of files.md 2.7, 2.8, 3.2 as text
    content: bytes  # 16-byte digest of all fields but データ作成日 and 客層
    payment_key: str | None  # "same payment" of outcomes.md 5
    key_kind: str  # KeyKind value
    slip_key: str | None  # the 34, 21 or 20 digits that name the slip
    reissue: str  # 再発行区分 (konbini), else ""
    is_ours: bool  # body code or client code belongs to this municipality
    key_valid: bool  # the key's own check digit holds (True where it has none)
    amount_yen: int | None
    paid_on: str | None  # 領収日; for bank lines 勘定日, for advice 資金化日
    paid_at: str | None  # HH:MM
    operator: str  # agent, bank or app operator
    remittance_ref: str | None  # what names the remittance group: date or number
    remitted_on: str | None  # 資金化日 (振込予定日)
    fault: str | None  # reason code of a malformed line, None when it reads well


class Before(NamedTuple):
    """既出の明細: numbers of the lines of a file whose record or payment has come before."""

    earlier: list[int]  # in the books
    again: list[int]  # in the file itself; the line that said it first is not among them


class ColumnedLines:
    """列で渡る明細: lines that travel as columns, some thousand at a time.

    Who writes a million of them takes the ``portions`` as they are; anybody else goes from line to
    line. Each portion is there for one of them, once. Who holds the books calls ``compare`` before
    the first; behind the last ``before`` may say which lines have come before.
    """

    def __init__(
        self, portions: Iterator[Columns], compare: Callable[[], None] = lambda: None
    ) -> None:
        """The lines of ``portions``."""
        self.portions = portions
        self.compare = compare
        self.before: Before | None = None
        self._lines = (
            ReportLine._make(values) for each in portions for values in zip(*each, strict=True)
        )

    def __iter__(self) -> Iterator[ReportLine]:
        """The lines themselves."""
        return self

    def __next__(self) -> ReportLine:
        """The next line."""
        return next(self._lines)


def in_columns(lines: Iterable[ReportLine]) -> Iterator[Columns]:
    """明細を列に: lines field by field, some thousand at a time."""
    lines = iter(lines)
    while portion := list(islice(lines, _PORTION)):
        yield list(zip(*portion, strict=True))


class BankLine(NamedTuple):
    """入出金明細: what a statement line says beyond its :class:`ReportLine`."""

    line_no: int
    account_key: str  # bank-branch-type-number
    source: str  # "03" or "01"
    direction: str  # "credit" 入金 / "debit" 出金 / "cancel" (01 with 取消区分 1)
    inquiry_no: str  # 照会番号
    booked_on: str  # 勘定日, ISO
    value_on: str | None  # 起算日, ISO
    payer_code: str  # 振込依頼人コード, "" when zeros or blank
    payer_name: str  # 振込依頼人名
    remarks: str  # 摘要
    edi: str  # EDI情報


class AdviceLine(NamedTuple):
    """払込明細: what an advice line says beyond its :class:`ReportLine`."""

    line_no: int
    remittance_no: str
    remitted_on: str
    channel: str
    item_code: str
    count: int  # type: ignore[assignment]  # the column's name in files.md 3.3
    gross_yen: int
    fee_yen: int
    net_yen: int


@dataclass(frozen=True, slots=True)
class ReadContext:
    """読取条件: what a format may know besides the bytes."""

    received_on: date
    profile: Profile


@dataclass(slots=True)
class Reading:
    """読取: one file being read. Iterate ``lines`` to the end, then look at the rest.

    ``lines`` is lazy so that a million records never stand in memory at once; ``findings``,
    ``bank_lines``, ``advice_lines``, ``count`` and ``amount_yen`` are complete only when it is
    exhausted. A fatal finding means: the whole file is quarantined and posts nothing (R4).
    """

    format_code: str
    channel: Channel
    lines: Iterator[ReportLine]
    agent: str = ""  # 収納代行会社, 委託者 or 口座 that the header names
    counts_equal_lines: bool = True  # R3: equal lines are counted (False: the 2nd is a repeat)
    created_on: str | None = None  # データ作成日 of the header
    findings: list[Finding] = field(default_factory=list)
    bank_lines: list[BankLine] = field(default_factory=list)
    advice_lines: list[AdviceLine] = field(default_factory=list)
    count: int = 0  # data records read
    amount_yen: int = 0  # Σ of their amounts, as the trailer counts them

    @property
    def failed(self) -> bool:
        """True when any finding stops the file."""
        return any(f.severity is not Severity.WARNING for f in self.findings)


class FileStatus(StrEnum):
    """資料の状態 (outcomes.md 10); ``stopped``: it would have opened absurdly many cases."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate_file"
    QUARANTINED = "quarantined"
    REFUSED = "refused"
    STOPPED = "stopped"

    @property
    def is_good(self) -> bool:
        """True when the command may exit with 0."""
        return self in {FileStatus.ACCEPTED, FileStatus.DUPLICATE}


@dataclass(frozen=True, slots=True)
class Delivery:
    """届いた資料: a name and the bytes, nothing else."""

    name: str
    data: bytes


class OutcomeSum(NamedTuple):
    """照合結果の集計 of one outcome in one file."""

    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int
    applied_yen: int
    suspense_yen: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """取込結果: what became of one file."""

    name: str
    sha256: str
    status: FileStatus
    file_id: int | None = None
    format_code: str = ""
    label_ja: str = ""
    channel: str = ""
    count: int = 0
    amount_yen: int = 0
    cases_opened: int = 0
    outcomes: dict[str, OutcomeSum] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingReport:
    """再照合結果: what ``kokin reconcile`` found among what is waiting."""

    as_of: date
    credits_settled: int = 0
    cases_opened: dict[str, int] = field(default_factory=dict)
