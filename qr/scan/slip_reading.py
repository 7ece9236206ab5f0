"""納付書ごとの読取結果: which symbols belong to one slip, and whether they contradict each other.

Symbols of one page are put together by where they stand: each barcode with the nearest eL-QR that
has none yet, each printed number with the nearest symbol. The digits themselves never decide
that, or a contradiction could not be seen.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from qr.digits.symbol_reading import SymbolReading, Values, interpret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qr.scan.images import Point

_SIDES_APART = 8  # an eL-QR and a barcode further apart than this many sides are of two slips
_OWN = {"check_digit", "check_digits", "crc", "expires", "konbini_barcode"}
"""Fields that say something about their own symbol only."""


class Placed(NamedTuple):
    """場所のある読取: a text to be judged, and where on its page it stands."""

    kind: str  # as :func:`qr.digits.symbol_reading.interpret` takes it
    text: str
    middle: Point
    side: float  # of the symbol in pixels, 0 for printed digits
    sure: bool = True


@dataclass(frozen=True, slots=True)
class SlipReading:
    """一枚の納付書: its symbols, what they say together, and every finding about them.

    ``fields`` come from valid symbols alone, the eL-QR before the printed lines before the barcode.
    """

    number: int  # from 1 through the file
    page: int
    symbols: tuple[SymbolReading, ...]
    fields: Values
    findings: tuple[Values, ...]

    @property
    def good(self) -> bool:
        """Whether every symbol is valid and none contradicts another."""
        return all(symbol.valid and not symbol.contradicted for symbol in self.symbols)

    @classmethod
    def from_dict(cls, values: Values) -> Self:
        """The same again from what :func:`dataclasses.asdict` made of one."""
        return cls(
            **{
                **values,
                "symbols": tuple(SymbolReading(**symbol) for symbol in values["symbols"]),
                "findings": tuple(values["findings"]),
            }
        )


def slips_of_page(
    file: str, page: int, placed: Iterable[Placed], first_number: int
) -> list[SlipReading]:
    """The slips of one page from top to bottom, numbered from ``first_number``."""
    groups = sorted(_groups(list(placed)), key=lambda group: min(p.middle[1] for p in group))
    return [
        _slip(file, page, group, number) for number, group in enumerate(groups, start=first_number)
    ]


def _groups(placed: list[Placed]) -> list[list[Placed]]:
    """What stands together."""
    codes = [[code] for code in placed if code.kind == "el_qr"]
    bars = [one for one in placed if one.kind == "konbini"]
    pairs = sorted(
        (math.dist(group[0].middle, bar.middle) / max(group[0].side, 1), place, bar)
        for place, group in enumerate(codes)
        for bar in bars
    )
    alone = list(bars)
    for distance, place, bar in pairs:
        if bar in alone and len(codes[place]) == 1 and distance < _SIDES_APART:
            codes[place].append(bar)
            alone.remove(bar)
    groups = codes + [[bar] for bar in alone]
    printed = [one for one in placed if one.kind not in {"el_qr", "konbini"}]
    if not groups and printed:
        return _groups_of_print(printed)
    for one in printed:
        nearest = min(groups, key=lambda g: min(math.dist(s.middle, one.middle) for s in g[:2]))
        nearest.append(one)
    return groups


def _groups_of_print(printed: list[Placed]) -> list[list[Placed]]:
    """Printed numbers without any symbol: another upper line begins another slip."""
    groups: list[list[Placed]] = [[]]
    for one in sorted(printed, key=lambda p: p.middle[1]):
        if one.kind == "ocr_upper" and any(other.kind == "ocr_upper" for other in groups[-1]):
            groups.append([])
        groups[-1].append(one)
    return groups


def _slip(file: str, page: int, group: list[Placed], number: int) -> SlipReading:
    """Judge the symbols of one slip and compare them."""
    judged = []
    for kind, text in dict.fromkeys((one.kind, one.text) for one in group):
        reading = dataclasses.replace(interpret(file, page, kind, text), slip=number)
        sure = any(one.sure for one in group if (one.kind, one.text) == (kind, text))
        if reading.valid and not sure:
            reading = _doubted(reading, "symbol_unsure")
        judged.append((kind, reading))
    valid = [reading for _, reading in judged if reading.valid]
    symbols = []
    for kind, reading in judged:
        others = [other for other in valid if other is not reading]
        disagreements = _disagreements(reading, others) if reading.valid else []
        checked = dataclasses.replace(reading, findings=[*reading.findings, *disagreements])
        if kind == "el_number" and not disagreements and not _confirmed(reading, others):
            checked = _doubted(checked, "el_number_unchecked")
        symbols.append(checked)
    fields: Values = {}
    for symbol in symbols:
        for name, value in symbol.fields.items() if symbol.valid else ():
            fields.setdefault(name, value)
    findings = [finding for symbol in symbols for finding in symbol.findings]
    unlike = [f for place, f in enumerate(findings) if f not in findings[:place]]
    return SlipReading(number, page, tuple(symbols), fields, tuple(unlike))


def _doubted(reading: SymbolReading, code: str) -> SymbolReading:
    """The reading as one that must not be relied on, with the reason."""
    finding = {"code": code, "field": "", "found": reading.text, "expected": ""}
    return dataclasses.replace(reading, valid=False, findings=[*reading.findings, finding])


def _disagreements(reading: SymbolReading, others: list[SymbolReading]) -> list[Values]:
    """Fields in which another symbol of the slip says something else; each once."""
    found: list[Values] = []
    for other in others:
        for name in reading.fields.keys() & other.fields.keys() - _OWN:
            ours, theirs = reading.fields[name], other.fields[name]
            # A barcode without an expiry says nothing about the last day.
            if ours == theirs or None in {ours, theirs}:
                continue
            found.append(
                {
                    "code": "symbols_disagree",
                    "field": name,
                    "found": str(ours),
                    "expected": str(theirs),
                    "symbol": other.symbol,
                }
            )
    found.sort(key=lambda finding: (finding["field"], finding["symbol"]))
    return [finding for place, finding in enumerate(found) if finding not in found[:place]]


def _confirmed(reading: SymbolReading, others: list[SymbolReading]) -> bool:
    """Whether symbols with check digits say every part of a printed eL番号 as well."""
    said = {
        (name, value)
        for other in others
        if "el_number" not in other.fields or other.symbol == "el_qr"
        for name, value in other.fields.items()
    }
    parts = {name: value for name, value in reading.fields.items() if name != "el_number"}
    return all(part in said for part in parts.items())
