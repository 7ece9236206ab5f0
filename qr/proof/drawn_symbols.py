"""描かれた記号: the symbols of a batch of pages, measured and decoded from what draws them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qr.proof.bar_decode import decode_bars
from qr.proof.page_content import RectangleReader
from qr.proof.symbol_decode import DecodedSymbol, decode_symbols

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qr.digits.difference import Fault
    from qr.layout.symbol_places import SymbolPlace
    from qr.proof.page_content import PageContent

GRID_PT = 0.48
_POINTS_OFF = 0.006  # two decimals are written
_BAR_HEIGHT_MIN_PT = 10 * 72 / 25.4  # symbols.md 3.5

Frame = tuple[bytes, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class PageSymbols:
    """ページの記号: what was decoded, by symbol, and every fault of size and place."""

    decoded: dict[str, DecodedSymbol] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class SymbolReader:
    """記号の読取: both symbols of many pages; a frame is judged once, it comes again every page."""

    def __init__(self, places: dict[str, SymbolPlace]) -> None:
        """Take where the symbols must stand."""
        self._places = places
        self._grids = {
            name: RectangleReader(place.rows, place.columns) for name, place in places.items()
        }
        self._judged: dict[tuple[str, Frame], list[Fault]] = {}

    def read(self, pages: Sequence[PageContent]) -> list[PageSymbols]:
        """One result per page; of two symbols of a kind the first is decoded, the second named."""
        results = [PageSymbols() for _ in pages]
        for name in self._places:
            owners, drawings = [], []
            for result, page in zip(results, pages, strict=True):
                drawn = [s for s in page.symbols if s.square == (name == "el_qr")]
                if len(drawn) > 1:
                    result.faults.append((name, f"{len(drawn)}", "1"))
                for symbol in drawn[:1]:
                    result.faults.extend(self._frame_faults(name, symbol.frame))
                    owners.append(result)
                    drawings.append(symbol.rectangles)
            for result, decoded in zip(owners, self._decode(name, drawings), strict=True):
                result.decoded[name] = decoded
        return results

    def _decode(self, name: str, drawings: list[bytes]) -> list[DecodedSymbol]:
        """Drawings of one symbol → digits or faults."""
        if not drawings:
            return []
        modules, well = self._grids[name].modules(drawings)
        decoded = decode_symbols(modules) if name == "el_qr" else decode_bars(modules[:, 0])
        return [
            result if fine else DecodedSymbol("", "rectangles")
            for result, fine in zip(decoded, well.tolist(), strict=True)
        ]

    def _frame_faults(self, name: str, frame: Frame) -> list[Fault]:
        """What is wrong with size and place of a symbol; remembered."""
        if (name, frame) not in self._judged:
            self._judged[name, frame] = frame_faults(self._places[name], frame)
        return self._judged[name, frame]


def frame_faults(place: SymbolPlace, frame: Frame) -> list[Fault]:
    """Module size, height and corner of one symbol against what they must be."""
    name = place.symbol
    try:
        module, height, x, y = map(float, frame)
    except ValueError:
        return [(f"{name}.position", b" ".join(frame).decode("latin-1"), "numbers")]
    faults = []
    if abs(module - place.module_pt) > _POINTS_OFF / place.columns:
        faults.append((f"{name}.module_size", f"{module:g} pt", f"{place.module_pt:g} pt"))
    wanted = place.height / place.rows
    tall = abs(height - wanted) <= _POINTS_OFF and height * place.rows >= _BAR_HEIGHT_MIN_PT
    if not tall:
        faults.append((f"{name}.height", f"{height:g} pt", f"{wanted:g} pt"))
    off_grid = max(abs(v / GRID_PT - round(v / GRID_PT)) * GRID_PT for v in (x, y))
    if max(abs(x - place.x), abs(y - place.y), off_grid) > _POINTS_OFF:
        faults.append((f"{name}.position", f"{x:g} {y:g} pt", f"{place.x:g} {place.y:g} pt"))
    return faults
