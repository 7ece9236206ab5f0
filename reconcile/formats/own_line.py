"""独自様式の明細: from the fields of a described record to a report line (outcomes.md 3 and 5).

The keys are built as the formats of the same channel build them, so that a described layout may
take the place of a shipped one without a line being read twice as two payments.
"""

from __future__ import annotations

from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited import PAYMENT_CHANNELS
from reconcile.formats.konbini_fixed import check_digit_holds
from reconcile.formats.own_layout import DATA, HEADER, STAGES, TARGETS
from reconcile.formats.own_values import Readers, is_blank
from reconcile.model import Channel, KeyKind, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconcile.formats.own_layout import OwnLayout, Part
    from reconcile.model import ReadContext

_KIND_MAX = 6  # characters of a kind that a line keeps
_POSTAL = frozenset({"12", "22"})  # those tell no time of day (files.md 2.4)


class Said(NamedTuple):
    """読み取った値: one data record in the words of its layout."""

    line_no: int
    byte_offset: int
    byte_length: int
    content: bytes
    values: Mapping[str, str]  # of the data record
    header: Mapping[str, str]
    amount_yen: int
    bad: frozenset[str]  # data fields whose text is not of their kind


class LineMaker:
    """明細の組立: one file's records, in file order, as report lines."""

    def __init__(self, own: OwnLayout, context: ReadContext) -> None:
        """Dates are read against the day of receipt; whose slip it is, the profile says."""
        self.own = own
        self.profile = context.profile
        self.readers = Readers(context.received_on)
        self._getters = {
            target: _getter(own.line.get(target, ())) for target in TARGETS[own.channel]
        }
        self._dates = {
            target: field.kind
            for target, (part, *_) in own.line.items()
            if part.role and (field := own.records[part.role].field(part.text))
        }
        stages = STAGES[own.channel]
        self._kinds = {written: (kind, stages[kind], True) for written, kind in own.kinds.items()}
        self._make: Callable[[Said], ReportLine] = {
            Channel.KONBINI: self._konbini,
            Channel.ELTAX: self._unified,
            Channel.DEBIT: self._debit,
        }[own.channel]

    def line(self, said: Said) -> ReportLine:
        """The line of one record; a field of the wrong form makes it malformed, nothing else."""
        made = self._make(said)
        if made.fault is None and said.bad:
            return made._replace(fault="field_value", payment_key=None)
        return made

    def text(self, said: Said, target: str) -> str:
        """What stands in the fields of a target, joined; empty where the layout has none."""
        return self._getters[target](said)

    def bare(self, said: Said, target: str) -> str:
        """The same without the padding of a fixed-length text."""
        return self.text(said, target).strip(" ")

    def day(self, said: Said, target: str) -> str | None:
        """The date of a target as ISO text."""
        kind = self._dates.get(target)
        return self.readers.day(kind, self.text(said, target)) if kind else None

    def kind(self, said: Said) -> tuple[str, str, bool]:
        """Our kind, its stage, and whether the layout knows the kind as written."""
        written = self.bare(said, "kind")
        return self._kinds.get(written) or (written[:_KIND_MAX], Stage.NONE.value, False)

    def _counts(self, target: str, text: str) -> bool:
        """Whether a number has exactly the digits that its target needs."""
        length = TARGETS[self.own.channel][target].length
        return len(text) == length and text.isascii() and text.isdigit()

    def _is_bad(self, said: Said, target: str) -> bool:
        """Whether a field of this target is not of its kind."""
        return bool(said.bad) and any(
            part.role == DATA and part.text in said.bad for part in self.own.line.get(target, ())
        )

    def _konbini(self, said: Said) -> ReportLine:
        """コンビニ収納: named by the free area, whatever else the echoed barcode says."""
        agent = self.own.code
        kind, stage, known = self.kind(said)
        paid_on, remitted_on = self.day(said, "paid_on"), self.day(said, "remitted_on")
        paid_at = self.readers.time(self.text(said, "paid_at"))
        has_time = "paid_at" in self.own.line
        day = paid_on.replace("-", "") if paid_on else self.bare(said, "paid_on")
        clock = paid_at.replace(":", "") if paid_at else self.text(said, "paid_at")
        company, shop = self.bare(said, "company"), self.bare(said, "shop")
        confirmed = stage == Stage.CONFIRMED
        written, key, reissue, holds = self._slip(said)
        fault = None
        if key is None:
            fault = "barcode"
        elif not known:
            fault = "kind"
        elif paid_on is None:
            fault = "date"
        elif has_time and paid_at is None:
            fault = "time"
        elif not said.amount_yen:
            fault = "amount_zero"
        elif self._is_bad(said, "shop"):
            fault = "shop_code"
        elif self._is_bad(said, "company"):
            fault = "cvs_code"
        elif remitted_on is None if confirmed else not is_blank(self.text(said, "remitted_on")):
            fault = "remittance"
        named = f"{key}{reissue}" if key else written
        place = f"{company}|{shop}"
        remitted_on = remitted_on if confirmed else None
        payment_key = f"{agent}|{day}|{clock}|{named}|{place}|{said.amount_yen}"
        return ReportLine(
            line_no=said.line_no,
            byte_offset=said.byte_offset,
            byte_length=said.byte_length,
            stage=stage,
            kind=kind,
            identity=f"{agent}:{named}",
            record_key=f"{agent}|{kind}|{day}|{clock}|{written}|{place}",
            content=said.content,
            payment_key=None if fault else payment_key,
            key_kind=KeyKind.KONBINI.value,
            slip_key=key,
            reissue=reissue,
            is_ours=key is None or key.startswith(self.profile.konbini_client_code),
            key_valid=holds,
            amount_yen=said.amount_yen,
            paid_on=paid_on,
            paid_at=None if kind in _POSTAL else paid_at,
            operator=agent,
            remittance_ref=remitted_on,
            remitted_on=remitted_on,
            fault=fault,
        )

    def _slip(self, said: Said) -> tuple[str, str | None, str, bool]:
        """The number as written, its free area or None, 再発行区分, whether the C/D holds."""
        if "barcode" not in self.own.line:
            key, reissue = self.text(said, "free_area"), self.text(said, "reissue")
            readable = self._counts("free_area", key) and (
                "reissue" not in self.own.line or self._counts("reissue", reissue)
            )
            return f"{key}{reissue}", key if readable else None, reissue if readable else "", True
        code = self.text(said, "barcode")
        if not (self._counts("barcode", code) and code.startswith("91")):
            return code, None, "", False
        return code, code[8:29], code[29], check_digit_holds(code.encode())

    def _unified(self, said: Said) -> ReportLine:
        """納付: a payment of the joint channel, named by the eL number."""
        kind, stage, known = self.kind(said)
        paid_on, remitted_on = self.day(said, "paid_on"), self.day(said, "remitted_on")
        paid_at = self.readers.time(self.text(said, "paid_at"))
        key = self.text(said, "el_number")
        channel, operator = self.bare(said, "channel"), self.bare(said, "operator")
        number = self.bare(said, "transaction_id")
        remittance_no = self.bare(said, "remittance_no")
        confirmed = stage == Stage.CONFIRMED
        blank = is_blank(self.text(said, "remitted_on")) and not remittance_no
        readable = self._counts("el_number", key)
        fault = None
        if not readable:
            fault = "el_number"
        elif not known:
            fault = "kind"
        elif paid_on is None:
            fault = "date"
        elif not said.amount_yen:
            fault = "amount_zero"
        elif channel not in PAYMENT_CHANNELS:
            fault = "channel_list"
        elif not operator:
            fault = "operator_code"
        elif not number:
            fault = "transaction_id"
        elif not (remitted_on and remittance_no) if confirmed else not blank:
            fault = "remittance"
        identity = f"{channel}:{operator}:{number}"
        return ReportLine(
            line_no=said.line_no,
            byte_offset=said.byte_offset,
            byte_length=said.byte_length,
            stage=stage,
            kind=kind,
            identity=identity,
            record_key=f"{kind}|{identity}",
            content=said.content,
            payment_key=None if fault else identity,
            key_kind=KeyKind.EL.value,
            slip_key=key if readable else None,
            reissue="",
            is_ours=key.startswith(self.profile.collecting_body_code),
            key_valid=True,
            amount_yen=said.amount_yen,
            paid_on=paid_on,
            paid_at=paid_at,
            operator=operator,
            remittance_ref=remittance_no if confirmed and remittance_no else None,
            remitted_on=remitted_on if confirmed else None,
            fault=fault,
        )

    def _debit(self, said: Said) -> ReportLine:
        """口座振替: what became of one debit of ours, named by 顧客番号."""
        code, stage, known = self.kind(said)
        debited_on = self.day(said, "paid_on")
        customer_no, bank = self.text(said, "customer_no"), self.text(said, "bank")
        batch = f"{debited_on or self.bare(said, 'paid_on')}|{bank}"
        fault = None
        if not known:
            fault = "result_code"
        elif not self._counts("customer_no", customer_no):
            fault = "customer_no"
        elif debited_on is None:
            fault = "date"
        elif not said.amount_yen:
            fault = "amount_zero"
        identity = f"{self.text(said, 'consignor')}|{batch}|{customer_no}"
        return ReportLine(
            line_no=said.line_no,
            byte_offset=said.byte_offset,
            byte_length=said.byte_length,
            stage=stage,
            kind=code,
            identity=identity,
            record_key=identity,
            content=said.content,
            payment_key=None if fault else identity,
            key_kind=KeyKind.DEBIT.value,
            slip_key=customer_no,
            reissue="",
            is_ours=customer_no.startswith(self.profile.debit_prefix),
            key_valid=True,
            amount_yen=said.amount_yen,
            paid_on=debited_on,
            paid_at=None,
            operator=bank,
            remittance_ref=batch,
            remitted_on=debited_on,
            fault=fault,
        )


def _getter(parts: tuple[Part, ...]) -> Callable[[Said], str]:
    """How the text of a target is put together, worked out once per file."""
    if len(parts) == 1 and parts[0].role == DATA:
        name = parts[0].text
        return lambda said: said.values[name]
    names = [part.text for part in parts if part.role == DATA]
    if names and len(names) == len(parts):
        pick = itemgetter(*names)
        return lambda said: "".join(pick(said.values))
    return lambda said: "".join(
        (said.header if part.role == HEADER else said.values)[part.text] if part.role else part.text
        for part in parts
    )


def content_of(text: str, encoding: str) -> bytes:
    """内容の要約: what two lines of one record key must have in common."""
    return blake2b(text.encode(encoding), digest_size=16).digest()
