"""車両台帳 (`vehicle-register-1`): 標識番号 and 有効期限 for the certificate of a light vehicle.

A layout of this project's own; a light-vehicle tax system exports such a list beside its
assessments. One notice is one vehicle. Any bad value rejects the whole file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited import YEAR, Column, Days, Layout, day, digits, text
from reconcile.formats.delimited_reader import RegisterReading, Sheet
from reconcile.formats.register_lines import LineFault, sound_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from payments.domain.profile import Profile
    from reconcile.model import ReadContext

LABEL_JA = "車両台帳（vehicle-register-1）"

LAYOUT = Layout(
    code="vehicle_register",
    columns=(
        digits("municipality_code", 5, "municipality_code"),
        digits("item_code", 3, "item_code"),
        Column("levy_year", YEAR, "YYYY", "year"),
        text("notice_no", 1, 20, "notice_no"),
        text("vehicle_no", 1, 30, "vehicle_no"),
        day("certificate_until", optional=True),
    ),
    money=None,
    strict=True,
)
_UNTIL = 5


class VehicleRow(NamedTuple):
    """車両台帳の1行: the columns of the file; the date ISO text, empty without a certificate."""

    municipality_code: str
    item_code: str
    levy_year: int
    notice_no: str
    vehicle_no: str
    certificate_until: str


class VehicleLine(NamedTuple):
    """車両台帳の1行 as read: its place in the file, then the columns of :class:`VehicleRow`."""

    line_no: int  # 1-based record number in the file, the column header counted
    byte_offset: int
    municipality_code: str
    item_code: str
    levy_year: int
    notice_no: str
    vehicle_no: str
    certificate_until: str


def identify(data: bytes) -> bool:
    """By the first five names of the column header; four are those of a slip register."""
    return LAYOUT.starts(data, 5)


def read(data: bytes, context: ReadContext) -> RegisterReading[VehicleLine]:
    """車両台帳: lines lazily; look at ``failed`` after the last one."""
    sheet = Sheet()
    return RegisterReading(LAYOUT.code, _lines(data, context.profile, sheet), sheet)


def write(rows: Iterable[VehicleRow]) -> bytes:
    """A whole file with column header and trailer."""
    return LAYOUT.write(rows)


def _lines(data: bytes, profile: Profile, sheet: Sheet) -> Iterator[VehicleLine]:
    """Every line in which nothing is wrong."""
    days = Days()

    def faults(values: tuple[str, ...], _amount: int) -> Iterator[LineFault]:
        if values[_UNTIL] and days[values[_UNTIL]] is None:
            yield LineFault("date", _UNTIL, "YYYY-MM-DDまたは空欄")

    for line_no, offset, _, values, _ in sound_lines(data, LAYOUT, profile, sheet, faults):
        yield VehicleLine._make((line_no, offset, *values[:2], int(values[2]), *values[3:]))
