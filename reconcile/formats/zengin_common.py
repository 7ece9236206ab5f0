"""全銀フォーマットの共通部: dates without an era or a year, kana, and the header's guards.

Sources: 全銀協 fixed-length formats as described in files.md 1.6 to 1.8.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.wareki import parse_yymmdd
from reconcile.formats.fixed_reader import GroupReader

if TYPE_CHECKING:
    from reconcile.formats.fixed_length import Record
    from reconcile.model import ReadContext, Reading

_DAYS_AHEAD = 7  # a bank may date a file a few days ahead, over holidays
_MMDD = 4

_REFUSED_ACCOUNT_TYPES = {"5": "通知", "6": "定期", "7": "積立定期"}
_SMALL_KANA = str.maketrans("ｬｭｮｯｧｨｩｪｫｰ‐－", "ﾔﾕﾖﾂｱｲｳｴｵ---")


class EraDates(dict[str, "str | None"]):
    """和暦 YYMMDD → ISO, remembered; None where it is no date near the day received."""

    def __init__(self, received_on: date) -> None:
        """Dates are read relative to the day the file was received (files.md 1.7)."""
        super().__init__()
        self._received_on = received_on

    def __missing__(self, text: str) -> str | None:
        """Work out a date that has not been met yet."""
        try:
            day = parse_yymmdd(text, "date", received_on=self._received_on, days_ahead=_DAYS_AHEAD)
        except InvalidValueError:
            self[text] = None
        else:
            self[text] = day.isoformat()
        return self[text]


def yearless_date(text: str, received_on: date) -> str | None:
    """MMDD as ISO text: the newest such day not more than a week after the day received."""
    if len(text) != _MMDD or not (text.isascii() and text.isdigit()):
        return None
    month, day = int(text[:2]), int(text[2:])
    for year in range(received_on.year + 1, received_on.year - 2, -1):
        try:
            found = date(year, month, day)
        except ValueError:  # 29 February in another year
            continue
        if found <= received_on + timedelta(days=_DAYS_AHEAD):
            return found.isoformat()
    return None


def zengin_text(text: str) -> str:
    """Text as a bank file may carry it (files.md 1.8): half-width, no small kana, ｰ as -."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    return "".join(_HALF.get(c, c) for c in folded).translate(_SMALL_KANA).upper()


_HALF = {
    **{unicodedata.normalize("NFKC", chr(c)): chr(c) for c in range(0xFF61, 0xFF9E)},
    "\u3099": "ﾞ",
    "\u309a": "ﾟ",
}


# What a bank takes on output (files.md 1.8): no ｦ, no small kana, never a comma.
_BANK_NAME = "A-Z0-9ｱ-ﾝﾞﾟ-"
_ALLOWED = {
    **dict.fromkeys(("bank_name", "branch_name"), re.compile(f"[{_BANK_NAME}]*")),
    **dict.fromkeys(
        ("account_name", "orderer_name", "payee_name", "holder_name", "consignor_name"),
        re.compile(f"[ (). {_BANK_NAME}]*"),
    ),
    "edi": re.compile(rf"[ ().ｦ\\｢｣/{_BANK_NAME}]*"),
}


def bank_text(text: str, field: str) -> str:
    """Text for a file of ours to a bank, folded; the characters depend on the field.

    Raises :class:`InvalidValueError` ``record_character`` for any other character.
    """
    folded = zengin_text(text)
    if _ALLOWED[field].fullmatch(folded) is None:
        raise InvalidValueError("record_character", field=field, found=text)
    return folded


class ZenginReader(GroupReader):
    """全銀ファイルの読取: what the headers of all three kinds have in common."""

    kind = ""

    def __init__(self, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Prepare the date table of this file."""
        super().__init__(data, reading, context)
        self.dates = EraDates(context.received_on)

    def check_opening(self, record: Record) -> bool:
        """種別コード and コード区分; False when the file cannot be read any further."""
        text = record[3]
        if text[1:3] != self.kind:
            self.fatal("kind", record, "kind", found=text[1:3], expected=self.kind)
        elif text[3] == "1":
            self.refuse("ebcdic", record, "code_type", found="1", expected="0")
        elif text[3] != "0":
            self.fatal("code_type", record, "code_type", found=text[3], expected="0")
        else:
            return True
        self.stopped = True
        return False

    def account_of(self, record: Record, number: str) -> str:
        """The account key of a header, known or not; an unknown account refuses the file."""
        text, slices = record[3], self.layouts["1"].slices
        account_type = text[slices["account_type"]]
        bank, branch = text[slices["bank_code"]], text[slices["branch_code"]]
        key = f"{bank}-{branch}-{account_type}-{number}"
        if account_type in _REFUSED_ACCOUNT_TYPES:
            found = f"{account_type} {_REFUSED_ACCOUNT_TYPES[account_type]}"
            self.refuse("time_deposit", record, "account_type", found=found, expected="1, 2, 4")
            self.stopped = True
        elif self.context.profile.account(key) is None:
            known = ", ".join(account.key for account in self.context.profile.accounts)
            self.refuse("unknown_account", record, "account_no", found=key, expected=known)
            self.stopped = True
        return key

    def number(self, record: Record, name: str) -> int | None:
        """An amount or count; anything but digits stops the file (it cannot tie)."""
        text = record[3]
        raw = text[self.layouts[text[0]].slices[name]]
        if raw.isdigit():
            return int(raw)
        self.damaged = True
        self.fatal("not_digits", record, name, found=raw, expected="0-9")
        return None

    def tie(self, record: Record, totals: dict[str, int]) -> None:
        """What a trailer or end record says must be what was counted, field by field."""
        for name, counted in totals.items():
            stated = self.number(record, name)
            if stated is not None and stated != counted and not self.damaged:
                self.fatal("total_mismatch", record, name, found=stated, expected=counted)
