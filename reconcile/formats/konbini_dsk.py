"""コンビニ収納データ (電算システム, CSV): 速報, 確報, 速報取消 and postal payments (files.md 2.4).

Shift_JIS, CRLF, a column header and no trailer. What the shop scanned comes back as an echo that
must not be trusted whole: kind 12 echoes another 支払期限 and kind 22 another amount, so the key is
the free area and the money is column 8 (files.md 2.4, traps).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited import Column, Days, Layout, choice, digits, yen
from reconcile.formats.delimited_reader import FOUND_MAX, DelimitedFormat, Sheet, records
from reconcile.model import Channel, KeyKind, Reading, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.formats.contract import Format
    from reconcile.model import ReadContext

STAGES = {
    "01": Stage.PROVISIONAL.value,
    "02": Stage.CONFIRMED.value,
    "03": Stage.WITHDRAWAL.value,
    "12": Stage.CONFIRMED.value,  # 郵便振替
    "22": Stage.CONFIRMED.value,  # 郵便振替訂正
    "81": Stage.PROVISIONAL.value,  # リアルデータ
}
_CONFIRMED = frozenset({"02", "12", "22"})  # those name the 振込日
_POSTAL = frozenset({"12", "22"})  # they tell no time of day
_ERROR = b"error:"
_AMOUNT_DIGITS = 6  # the barcode has no room for more

LAYOUT = Layout(
    code="konbini_dsk",
    columns=(
        choice("種別", tuple(STAGES), "kind")._replace(wide=False),
        digits("収納日", 8, "date")._replace(expected="YYYYMMDD"),
        Column("収納時刻", "(?:[01][0-9]|2[0-3])[0-5][0-9]", "HHMM", "time"),
        Column("バーコード情報", "EAN91[0-9]{42}", "EANと91で始まる数字44桁", "barcode"),
        digits("ユーザー使用欄1", 6, "user_field"),
        digits("ユーザー使用欄2", 11, "user_field"),
        Column("印紙フラグ", "[01]", "0 / 1", "stamp_flag"),
        yen("金額", longest=_AMOUNT_DIGITS),
        digits("コンビニ本部コード", 3, "cvs_code"),
        Column(
            "コンビニ名",
            '[^,"\x00-\x1f\x7f\x80\xa0\uf8f0-\uf8f3]{0,60}',
            "60文字以内",
            "cvs_name",
            loose="(?s:.){0,60}",
            wide=True,
        ),
        digits("店舗コード", 6, "shop_code"),
        Column("振込日", "0|[0-9]{8}", "YYYYMMDDまたは0", "remittance"),
        digits("データ作成日", 8, "created_on")._replace(expected="YYYYMMDD"),
    ),
    money=7,
    encoding="cp932",  # Shift_JIS with the vendor's signs that Japanese systems write
    trailer=False,
    bom_ignored=False,
)
_CLOCK, _BARCODE = 2, 3
_SCANNED = slice(20, 64)  # bytes of the 44 digits in a line whose columns all have their form
# Sum of the ASCII codes of "0" with the weights of the check digit, mod 10: 48 × (3 + 1) × 22.
_ZEROS = 48 * 88 % 10


class DskRow(NamedTuple):
    """DSKの1行 without what the barcode already says (columns 5 to 7); dates YYYYMMDD."""

    kind: str
    paid_on: str
    paid_at: str  # HHMM, "0000" for 12 and 22
    barcode: str  # 44 digits
    amount_yen: int
    cvs_code: str
    cvs_name: str
    shop_code: str
    remitted_on: str  # "0" unless 02, 12, 22
    created_on: str


class KonbiniDsk(DelimitedFormat):
    """DSK収納データ: identify and read."""

    layout = LAYOUT
    code = LAYOUT.code
    label_ja = "コンビニ収納データ（DSK）"
    channel: Channel = Channel.KONBINI
    sources: tuple[str, ...] = ("files.md 2.4",)

    def identify(self, data: bytes) -> bool:
        """By the first two names of the column header, or the agent's `error:` answer."""
        return data.startswith(_ERROR) or LAYOUT.starts(data, 2)

    def read(self, data: bytes, context: ReadContext) -> Reading:
        """収納データ: one line per event; an `error:` answer is refused."""
        sheet = Sheet()
        reading = Reading(
            format_code=self.code,
            channel=self.channel,
            lines=iter(()),
            agent=self.code,
            findings=sheet.findings,
        )
        if data.startswith(_ERROR):
            answer = data.partition(b"\n")[0].rstrip(b"\r")[: 4 * FOUND_MAX]
            found = answer.decode("cp932", "replace")[:FOUND_MAX]
            sheet.refuse("agent_error", 1, 0, found, ",".join(LAYOUT.names))
        else:
            reading.lines = _lines(data, context.profile.konbini_client_code, sheet, reading)
        return reading


FORMAT: Format = KonbiniDsk()


def write(rows: Iterable[DskRow]) -> bytes:
    """A whole file; ユーザー使用欄 and 印紙フラグ are taken from the barcode."""
    return LAYOUT.write(
        (
            row.kind, row.paid_on, row.paid_at, f"EAN{row.barcode}",
            row.barcode[13:19], row.barcode[19:30], row.barcode[36:37],
            row.amount_yen, row.cvs_code, row.cvs_name, row.shop_code,
            row.remitted_on, row.created_on,
        )
        for row in rows
    )  # fmt: skip


def _lines(data: bytes, client_code: str, sheet: Sheet, reading: Reading) -> Iterator[ReportLine]:
    """Every data line as a report line."""
    days, clocks = Days(), _Clocks()
    new, digest = tuple.__new__, blake2b
    konbini = KeyKind.KONBINI.value
    created = ""
    for line_no, offset, length, raw, values, amount, bad in records(data, LAYOUT, sheet):
        (
            kind, collected, clock, echo, user_1, user_2, _, _,
            cvs, _, shop, remitted, created,
        ) = values  # fmt: skip
        confirmed = kind in _CONFIRMED
        paid_on = days[collected]
        remitted_on = days[remitted] if confirmed else None
        fault = None
        if (
            bad
            or paid_on is None
            or not amount
            or echo[16:33] != user_1 + user_2
            or (remitted_on is None if confirmed else remitted != "0")
            or days[created] is None
        ):
            fault = _fault(values, amount, bad, days)
        if not bad or _BARCODE not in bad:
            key, reissue, printed = echo[11:32], echo[32], echo[11:33]
            scanned = raw[_SCANNED] if not bad else echo[3:].encode()
            holds = (3 * sum(scanned[::2]) + sum(scanned[1::2])) % 10 == _ZEROS
            ours = key.startswith(client_code)
        else:
            key, reissue, printed, holds, ours = None, "", echo, False, False
        yield new(
            ReportLine,
            (
                line_no, offset, length,
                STAGES.get(kind, ""), kind, f"konbini_dsk:{printed}",
                f"konbini_dsk|{kind}|{collected}|{clock}|{echo[3:]}|{cvs}|{shop}",
                digest(raw[: raw.rfind(b",")], digest_size=16).digest(),
                f"konbini_dsk|{collected}|{clock}|{printed}|{cvs}|{shop}|{amount}"
                if fault is None else None,
                konbini, key, reissue, ours, holds,
                amount, paid_on,
                None if kind in _POSTAL or _CLOCK in bad else clocks[clock],
                "konbini_dsk", remitted_on, remitted_on, fault,
            ),
        )  # fmt: skip
    reading.count, reading.amount_yen = sheet.count, sheet.amount_yen
    if created:  # every line says it; there is no header that could
        reading.created_on = days[created]


class _Clocks(dict[str, str]):
    """時刻: HHMM → HH:MM, remembered."""

    def __missing__(self, digits: str) -> str:
        """Write out a time that has not been met yet."""
        self[digits] = time = f"{digits[:2]}:{digits[2:]}"
        return time


def _fault(values: tuple[str, ...], amount: int, bad: tuple[int, ...], days: Days) -> str:
    """Why a line is malformed: the first wrong column, then what contradicts itself."""
    if bad:
        return LAYOUT.columns[bad[0]].fault
    kind, collected, _, echo, user_1, user_2, _, _, _, _, _, remitted, created = values
    remittance_due = kind in _CONFIRMED
    faults = {
        "date": days[collected] is None,
        # The two columns repeat the key; a key that contradicts itself names no slip.
        "user_field": (echo[16:22], echo[22:33]) != (user_1, user_2),
        "amount_zero": amount == 0,
        "remittance": days[remitted] is None if remittance_due else remitted != "0",
        "created_on": days[created] is None,
    }
    return next(code for code, holds in faults.items() if holds)
