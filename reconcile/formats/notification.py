"""納付通知: one payment as an operator reports it by HTTP, a JSON object of this project's own.

The members are the columns of ``eltax-neutral-1`` (files.md 3.2), but ``el_number`` (34 digits) for
the four parts of the eL number and ``kind`` for ``record_kind``; both are ``paid`` unless given. A
slip paid by its barcode is named by ``konbini_barcode`` (44 digits) with ``agent``, ``cvs_code``
and ``shop_code``. The interface takes the newer names only (:mod:`web.notifications.schemas`);
what lies here as evidence may have either, and is read for ever.

Identity and payment key are those of the file line that reports the same payment later, so that
the two are one payment (outcomes.md 5); so is the record key, so that a second report with another
amount is a ``conflict``. A barcode payment is reported like 種別 81, the immediate notice of files,
its withdrawal like 種別 03, and its 確報 like 種別 02, with the day of the remittance (振込予定日).
"""

from __future__ import annotations

import json
import re
from datetime import date
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from payments.domain.identifiers import konbini_check_digit
from payments.domain.money import AMOUNT_YEN_MAX
from reconcile.formats.delimited import PAYMENT_CHANNELS
from reconcile.formats.eltax_payment import STAGES
from reconcile.model import Channel, Finding, KeyKind, Reading, ReportLine, Severity, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payments.domain.profile import Profile
    from reconcile.formats.contract import Format
    from reconcile.model import ReadContext

FOUND_MAX = 60
KONBINI_KIND = "81"  # リアルデータ (files.md 2.1)
KONBINI_WITHDRAWAL = "03"
KONBINI_CONFIRMED = "02"
# No members of a body: added for a barcode payment that is cancelled, or confirmed.
_WITHDRAWN, _CONFIRMED = "(withdrawn)", "(confirmed)"
KINDS = {"paid": "1", "confirmed": "2", "cancelled": "3"}  # kind → record_kind
AGENTS = ("konbini_dsk", "konbini_muf120", "konbini_mizuho120")

# Members and what each must look like; a wrong one makes the line malformed (outcomes.md 9).
_COMMON = {
    "record_kind": ("[123]", "kind"),
    "paid_on": ("[0-9]{4}-[0-9]{2}-[0-9]{2}", "date"),
    "paid_at": ("(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])?", "time"),
}
_UNIFIED = {
    "collecting_body_code": ("[0-9]{5}", "body_code"),
    "item_code": ("[0-9]{3}", "item_code"),
    "case_key": ("[0-9]{20}", "case_key"),
    "confirmation_no": ("[0-9]{6}", "confirmation_no"),
    "channel": ("|".join(PAYMENT_CHANNELS), "channel_list"),
    "operator_code": (".{1,10}", "operator_code"),
    "operator_name": (".{0,60}", "operator_name"),
    "transaction_id": ("[A-Za-z0-9-]{1,40}", "transaction_id"),
    "remittance_on": ("(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?", "date"),
    "remittance_no": (".{0,20}", "remittance"),
}
_KONBINI = {
    "konbini_barcode": ("[0-9]{44}", "barcode"),
    "agent": ("|".join(AGENTS), "agent"),
    "cvs_code": ("[0-9]{3,6}", "cvs_code"),
    "shop_code": ("[0-9]{6,7}", "shop_code"),
}
_EL_PARTS = {  # member → where it stands in the 34 digits
    "collecting_body_code": slice(5),
    "case_key": slice(5, 25),
    "confirmation_no": slice(25, 31),
    "item_code": slice(31, 34),
}
_EL_NUMBER = re.compile("[0-9]{34}")
_KONBINI_REMITTED = {"remittance_on": _UNIFIED["remittance_on"]}  # with a 確報 only
_OTHER_MEMBERS = {"amount_yen", "notification_id", _WITHDRAWN, _CONFIRMED}
_OPTIONAL = {"record_kind": "1", "paid_at": "", "operator_name": "", "remittance_on": "",
             "remittance_no": ""}  # fmt: skip
_YEARS = range(1950, 2100)
# JSON can name what no database column holds: control characters and halves of surrogate pairs.
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Notification:
    """納付通知: identify and read."""

    code = "notification"
    label_ja = "納付通知（HTTP）"
    channel: Channel = Channel.NOTIFICATION
    sources: tuple[str, ...] = ("files.md 3.2",)

    def identify(self, data: bytes) -> bool:
        """A JSON object; no other format begins with a brace."""
        return data.lstrip()[:1] == b"{"

    def read(self, data: bytes, context: ReadContext) -> Reading:
        """納付通知: exactly one line."""
        findings: list[Finding] = []
        reading = Reading(
            format_code=self.code,
            channel=self.channel,
            lines=iter(()),
            counts_equal_lines=False,  # a transaction id is unique by definition (outcomes.md 9)
            findings=findings,
        )
        members = _members(data, findings)
        if members is not None:
            reading.lines = _lines(data, members, context.profile, reading)
        return reading


FORMAT: Format = Notification()


def write(members: dict[str, Any]) -> bytes:
    """The JSON object as an operator would send it."""
    return json.dumps(members, ensure_ascii=False).encode("utf-8")


def _members(data: bytes, findings: list[Finding]) -> dict[str, Any] | None:
    """The JSON object with its optional members filled in; None when it cannot be one payment."""
    try:
        body = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        findings.append(_stop("json", found=str(error), expected="JSON (UTF-8)"))
        return None
    if not isinstance(body, dict):
        findings.append(_stop("json", found=type(body).__name__, expected="{…}"))
        return None
    for name in sorted({_WITHDRAWN, _CONFIRMED} & body.keys()):
        findings.append(_stop("unknown_member", name, found=name))
        return None
    body = _older_names(body)
    known = _COMMON | (_KONBINI if "konbini_barcode" in body else _UNIFIED)
    if _CONFIRMED in body:
        known |= _KONBINI_REMITTED
    strange = body.keys() - known.keys() - _OTHER_MEMBERS
    missing = known.keys() - _OPTIONAL.keys() - body.keys()
    not_text = {name for name in body.keys() & known.keys() if not _is_text(body[name])}
    findings.extend(_stop("unknown_member", name, found=name) for name in strange)
    findings.extend(_stop("missing_member", name, expected=name) for name in missing)
    findings.extend(
        _stop("not_text", name, found=repr(body[name]), expected='"…"') for name in not_text
    )
    amount = body.get("amount_yen")
    # bool is an int in Python, and 1.0 is not a whole number that somebody wrote as one.
    if type(amount) is not int or not 0 <= amount <= AMOUNT_YEN_MAX:
        expected = f"0…{AMOUNT_YEN_MAX}"
        findings.append(_stop("amount", "amount_yen", found=repr(amount), expected=expected))
    findings.sort(key=lambda finding: (finding.field, finding.code))
    return None if findings else {**_OPTIONAL, **body}


def _older_names(body: dict[str, Any]) -> dict[str, Any]:
    """The members that ``kind`` and ``el_number`` stand for; wrong ones stay, and are unknown."""
    body = dict(body)
    konbini = "konbini_barcode" in body
    kind, number = body.get("kind"), body.get("el_number")
    if isinstance(kind, str) and kind in KINDS and "record_kind" not in body:
        del body["kind"]
        body["record_kind"] = KINDS[kind]
        if konbini and kind == "cancelled":
            body["record_kind"], body[_WITHDRAWN] = "1", "1"
        if konbini and kind == "confirmed":
            body["record_kind"], body[_CONFIRMED] = "1", "1"
    if konbini:
        body.pop("transaction_id", None)  # A barcode payment is named by place and moment.
    elif (
        isinstance(number, str)
        and _EL_NUMBER.fullmatch(number)
        and not body.keys() & _EL_PARTS.keys()
    ):
        del body["el_number"]
        body |= {name: number[place] for name, place in _EL_PARTS.items()}
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no member is named twice: which of the two would count?"""
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a member is named twice"
        raise ValueError(message)
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and _UNFIT.search(value) is None


def _stop(code: str, field: str = "", found: str = "", expected: str = "") -> Finding:
    field, found, expected = (
        _UNFIT.sub("?", text[:FOUND_MAX]) for text in (field, found, expected)
    )
    return Finding(code, Severity.FATAL, 1, 0, field, found, expected)


def _lines(
    data: bytes, members: dict[str, Any], profile: Profile, reading: Reading
) -> Iterator[ReportLine]:
    """The one line of the notification."""
    barcode = "konbini_barcode" in members
    line = (_konbini_line if barcode else _unified_line)(members, len(data), profile)
    reading.agent = line.operator if barcode else "eltax"
    reading.count, reading.amount_yen = 1, members["amount_yen"]
    yield line


def _fault(members: dict[str, Any], patterns: dict[str, tuple[str, str]]) -> str | None:
    """Why the line is malformed: the first member that is not what it must be."""
    for name, (pattern, fault) in (_COMMON | patterns).items():
        if re.fullmatch(pattern, members[name]) is None:
            return fault
        if name.endswith("_on") and members[name] and _day(members[name]) is None:
            return "date"
    return None if members["amount_yen"] else "amount_zero"


def _day(text: str) -> str | None:
    """ISO text of a day that exists, or None."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found.isoformat() if found.year in _YEARS else None


def _time(text: str) -> str | None:
    """HH:MM, or None for none and for one that cannot be."""
    return text if text and re.fullmatch(_COMMON["paid_at"][0], text) else None


def _unified_line(members: dict[str, Any], length: int, profile: Profile) -> ReportLine:
    """納付: a payment of the joint channel, named by the eL number."""
    fault = _fault(members, _UNIFIED)
    kind = members["record_kind"]
    settles = kind == "2"  # 資金化日 and number are filled exactly on 確報 (files.md 3.2)
    if fault is None and {bool(members["remittance_on"]), bool(members["remittance_no"])} != {
        settles
    }:
        fault = "remittance"
    identity = f"{members['channel']}:{members['operator_code']}:{members['transaction_id']}"
    parts = ("collecting_body_code", "case_key", "confirmation_no", "item_code")
    readable = all(re.fullmatch(_UNIFIED[name][0], members[name]) for name in parts)
    slip_key = "".join(members[name] for name in parts) if readable else None
    return ReportLine(
        line_no=1,
        byte_offset=0,
        byte_length=length,
        stage=STAGES.get(kind, Stage.NONE.value),
        kind=kind[:6],
        identity=identity,
        record_key=f"{kind}|{identity}",
        content=_content(slip_key, members),
        payment_key=identity if fault is None else None,
        key_kind=KeyKind.EL.value,
        slip_key=slip_key,
        reissue="",
        is_ours=members["collecting_body_code"] == profile.collecting_body_code,
        key_valid=True,
        amount_yen=members["amount_yen"],
        paid_on=_day(members["paid_on"]),
        paid_at=_time(members["paid_at"]),
        operator=members["operator_code"],
        remittance_ref=members["remittance_no"] or None,
        remitted_on=_day(members["remittance_on"]),
        fault=fault,
    )


def _konbini_line(members: dict[str, Any], length: int, profile: Profile) -> ReportLine:
    """コンビニ納付: a payment by barcode, its 確報 or withdrawal, as in the agent's file.

    A file of an agent names the remittance by its day, and so does this (files.md 2.1).
    """
    kind, stage = KONBINI_KIND, Stage.PROVISIONAL
    if _WITHDRAWN in members:
        kind, stage = KONBINI_WITHDRAWAL, Stage.WITHDRAWAL
    confirmed = _CONFIRMED in members
    if confirmed:
        kind, stage = KONBINI_CONFIRMED, Stage.CONFIRMED
    fault = _fault(members, _KONBINI | (_KONBINI_REMITTED if confirmed else {}))
    if fault is None and members["record_kind"] != "1":
        fault = "kind"
    if fault is None and not members["paid_at"]:
        fault = "time"
    if fault is None and confirmed and not members["remittance_on"]:
        fault = "remittance"
    remitted_on = _day(members["remittance_on"]) if confirmed else None
    agent, code = members["agent"], members["konbini_barcode"]
    readable = re.fullmatch(_KONBINI["konbini_barcode"][0], code) is not None
    key, reissue = (code[8:29], code[29]) if readable else (None, "")
    clock = members["paid_at"].replace(":", "")
    day = members["paid_on"].replace("-", "")
    amount, cvs, shop = members["amount_yen"], members["cvs_code"], members["shop_code"]
    return ReportLine(
        line_no=1,
        byte_offset=0,
        byte_length=length,
        stage=stage.value,
        kind=kind,
        identity=f"{agent}:{key}{reissue}" if readable else f"{agent}:{code}",
        record_key=f"{agent}|{kind}|{day}|{clock}|{code}|{cvs}|{shop}",
        content=_content(key, members),
        payment_key=f"{agent}|{day}|{clock}|{key}{reissue}|{cvs}|{shop}|{amount}"
        if fault is None
        else None,
        key_kind=KeyKind.KONBINI.value,
        slip_key=key,
        reissue=reissue,
        is_ours=key is not None and key.startswith(profile.konbini_client_code),
        key_valid=readable and int(code[43]) == konbini_check_digit(code[:43]),
        amount_yen=amount,
        paid_on=_day(members["paid_on"]),
        paid_at=_time(members["paid_at"]),
        operator=agent,
        remittance_ref=remitted_on,
        remitted_on=remitted_on,
        fault=fault,
    )


def _content(slip_key: str | None, members: dict[str, Any]) -> bytes:
    """What two notifications of one record must have in common: slip, amount, 領収日."""
    text = f"{slip_key}|{members['amount_yen']}|{members['paid_on']}"
    return blake2b(text.encode(), digest_size=16).digest()
