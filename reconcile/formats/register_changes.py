"""異動の行: what an amount of a change means, before the books are asked what is owed now.

Our own register names the new full amount (files.md 3.5). A core system may name the difference
instead (増減額), the amount that is cancelled (取消), or both amounts (更正前・更正後).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.formats import assessments
from reconcile.formats.register_lines import LineFault

if TYPE_CHECKING:
    from reconcile.formats.assessments import AssessmentLine

# Added to what is owed now, or taken off it; ``decrease`` becomes a negative ``difference``.
KINDS = frozenset({"difference", "decrease"})
KIND, AMOUNT = (assessments.LAYOUT.names.index(name) for name in ("kind", "amount_yen"))


class ChangeLine(NamedTuple):
    """調定異動の1行: an :class:`AssessmentLine` with what its change was worked out from.

    ``kind`` may also be ``difference``; ``amount_yen`` is then what is added, below 0 for less.
    """

    line_no: int  # of the file, or times 100 and with the 期別 where a line is several instalments
    byte_offset: int
    municipality_code: str
    item_code: str
    fiscal_year: int
    levy_year: int
    notice_no: str
    term: str
    obligor_no: str
    obligor_name: str
    obligor_kana: str
    postal_code: str
    address: str
    amount_yen: int
    due_on_statutory: str
    kind: str
    whole_year_group: str
    flags: str
    before_yen: int | None  # what was owed before, where the file says it
    change_no: str  # what tells this change from another like it


class Meant(NamedTuple):
    """異動の意味: the values of a line as our register has them."""

    values: tuple[str, ...]
    amount_yen: int
    before_yen: int | None


def meant(values: tuple[str, ...], amount: int, before: int | None) -> Meant | LineFault:
    """What a line of changes says; :class:`LineFault` where its amount cannot be so."""
    kind = values[KIND]
    if kind == "decrease":
        kind, amount = "difference", -amount
    elif kind == "cancellation" and amount:
        # 取消 names what is taken back: it must be what was owed.
        if before not in {None, abs(amount)}:
            return LineFault("cancellation_amount", AMOUNT, f"0 / {before}")
        amount, before = 0, abs(amount)
    elif amount < 0 and kind != "difference":
        return LineFault("amount", AMOUNT, "0以上")
    changed = [*values]
    changed[KIND], changed[AMOUNT] = kind, str(amount)
    return Meant(tuple(changed), amount, before)


def change_of(line: AssessmentLine, before_yen: int | None, change_no: str) -> Any:
    """The line with what its change was worked out from."""
    return ChangeLine(*line, before_yen, change_no)


def of_yen(text: str) -> str:
    """増減額 as digits, with ``-`` before what is taken off: 1,000 -1,000 1,000- △1,000 ▲1,000."""
    digits = text.replace(",", "").strip()
    if digits.endswith("-"):
        digits = f"-{digits[:-1]}"
    if digits[:1] in {*_MINUS}:
        return f"-{digits[1:]}"
    return digits.removeprefix("+")


_MINUS = "-−－△▲"
