"""相違: one place where the paper says something else than the books."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from qr.digits import el_qr, konbini_barcode
from qr.digits.fields import SymbolError


@dataclass(frozen=True, slots=True)
class Difference:
    """相違: what stands on a page and what should; plain text, so that it travels anywhere."""

    file: str
    page: int  # 1-based; 0 for the whole file
    slip_no: str
    field: str  # stable code, as "el_qr.amount_yen"
    printed: str
    expected: str

    def as_dict(self) -> dict[str, Any]:
        """The difference as one JSON object."""
        return dataclasses.asdict(self)


Fault = tuple[str, str, str]
"""Field code, what is printed, what was expected: a difference whose page is known elsewhere."""


def symbol_faults(symbol: str, printed: str, expected: str) -> list[Fault]:
    """The fields in which two texts of a symbol differ; the whole texts when one is no symbol."""
    if printed == expected:
        return []
    there, wanted = _fields(symbol, printed), _fields(symbol, expected)
    named = [
        (f"{symbol}.{name}", str(there[name]), str(value))
        for name, value in wanted.items()
        if there and there[name] != value
    ]
    return named or [(symbol, printed, expected)]


def _fields(symbol: str, text: str) -> dict[str, Any]:
    """The fields of a symbol's text by name; none when it is not whole."""
    try:
        if symbol == "el_qr":
            return dataclasses.asdict(el_qr.parse(text))
        return dataclasses.asdict(konbini_barcode.parse(text))
    except SymbolError:
        return {}
