"""口座振替口座台帳 (`debit-account-1`): which account a payer's debits go to, from which day on.

A layout of this project's own; a tax system or a bank's list of mandates (口座振替依頼書) is
brought into it. One line is one payer and item (an empty item means all). Any bad value rejects the
file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from reconcile.formats.debit_records import Debit, checked
from reconcile.formats.delimited import Column, Days, Layout, choice, day, digits, text
from reconcile.formats.delimited_reader import RegisterReading, Sheet, place, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from payments.domain.profile import Profile
    from reconcile.model import ReadContext

LABEL_JA = "口座振替口座台帳（debit-account-1）"
_NAME = '[^,"\x00-\x1f\x7f]'
_KANA = "半角カナ・英数字"

LAYOUT = Layout(
    code="debit_accounts",
    columns=(
        digits("municipality_code", 5, "municipality_code"),
        text("obligor_no", 1, 15, "obligor_no"),
        digits("item_code", 3, "item_code", optional=True),
        choice("event", ("set", "ended"), "account_event"),
        day("from_on"),
        digits("bank_code", 4, "account_form", optional=True),
        Column("bank_name", f"{_NAME}{{0,15}}", _KANA, "account_form", wide=True),
        digits("branch_code", 3, "account_form", optional=True),
        Column("branch_name", f"{_NAME}{{0,15}}", _KANA, "account_form", wide=True),
        Column("account_type", "[1239]?", "1, 2, 3, 9", "account_form"),
        digits("account_no", 7, "account_form", optional=True),
        Column("holder_name", f"{_NAME}{{0,30}}", _KANA, "account_form", wide=True),
    ),
    money=None,
    strict=True,
)
_ITEM, _EVENT, _FROM, _BANK = 2, 3, 4, 5


class AccountRow(NamedTuple):
    """口座振替口座台帳の1行: the columns of the file; the date ISO text."""

    municipality_code: str
    obligor_no: str
    item_code: str
    event: str
    from_on: str
    bank_code: str = ""
    bank_name: str = ""
    branch_code: str = ""
    branch_name: str = ""
    account_type: str = ""
    account_no: str = ""
    holder_name: str = ""


class AccountLine(NamedTuple):
    """The same as read: its place in the file, then the columns of :class:`AccountRow`."""

    line_no: int
    byte_offset: int
    municipality_code: str
    obligor_no: str
    item_code: str
    event: str
    from_on: str
    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str
    account_no: str
    holder_name: str


def identify(data: bytes) -> bool:
    """By the first four names of the column header."""
    return LAYOUT.starts(data, 4)


def read(data: bytes, context: ReadContext) -> RegisterReading[AccountLine]:
    """口座振替口座台帳: lines lazily; look at ``failed`` after the last one."""
    sheet = Sheet()
    return RegisterReading(LAYOUT.code, _lines(data, context.profile, sheet), sheet)


def write(rows: Iterable[AccountRow]) -> bytes:
    """A whole file with column header and trailer."""
    return LAYOUT.write(rows)


def require_account(values: Iterable[str]) -> None:
    """口座の確認: bank code to holder, as a bank takes them; raises as ``checked``."""
    bank, bank_name, branch, branch_name, kind, number, holder = values
    if not holder.strip():
        raise InvalidValueError("debit_account_form", field="holder_name", found="")
    checked(
        Debit(
            "0" * 20, 1, "0", bank, bank_name, branch, branch_name, kind, number, holder,
        )
    )  # fmt: skip


def _lines(data: bytes, profile: Profile, sheet: Sheet) -> Iterator[AccountLine]:
    """Every line in which nothing is wrong."""
    days = Days()
    items = {"", *(item.item_code for item in profile.items)}
    for line_no, offset, length, _, values, _amount, bad in records(data, LAYOUT, sheet):
        if bad:
            continue
        faults: list[tuple[str, int, str]] = []
        if values[0] != profile.municipality_code:
            faults.append(("other_municipality", 0, profile.municipality_code))
        if values[_ITEM] not in items:
            faults.append(("unknown_item", _ITEM, "団体設定の科目"))
        if days[values[_FROM]] is None:
            faults.append(("date", _FROM, "YYYY-MM-DD"))
        faults += _account_faults(values)
        for code, index, expected in faults:
            where = place(data, LAYOUT, offset, length, index)
            sheet.fatal(code, line_no, where, LAYOUT.names[index], values[index], expected)
        if not faults:
            yield AccountLine._make((line_no, offset, *values))


def _account_faults(values: tuple[str, ...]) -> list[tuple[str, int, str]]:
    """What is wrong with the account of a line: an end has none, a beginning one a bank takes."""
    account = values[_BANK:]
    if values[_EVENT] == "ended":
        given = [n for n, value in enumerate(account, start=_BANK) if value]
        return [("account_of_end", given[0], "空欄")] if given else []
    try:
        require_account(account)
    except InvalidValueError as error:
        name = str(error.details.get("field", "holder_name"))
        index = LAYOUT.names.index(name) if name in LAYOUT.names else _BANK
        return [("account_form", index, LAYOUT.columns[index].expected)]
    return []
