"""記号の位置: where both symbols must stand on the finished page, and how large they must be.

Sizes, grid and quiet zones are those of symbols.md 1.5 and 3.5, said here a second time for the
side that checks; only the corner is taken from the layout, and it must lie on the printer grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qr.digits.el_qr import ElQrLayout
    from qr.layout.shapes import SlipLayout

POINTS_PER_MM = 72 / 25.4
GRID_PT = 0.48  # 4 dots at 600 dpi, 2 at 300
_QR_QUIET_MODULES = 4
_BAR_MODULES = 288
_BAR_QUIET_MM = 2.54


@dataclass(frozen=True, slots=True)
class SymbolPlace:
    """記号の位置: lower left corner, size and quiet zone of a symbol, in points."""

    symbol: str  # "el_qr" or "konbini"
    columns: int  # modules across
    rows: int  # modules down; 1 for bars
    module_pt: float
    x: float
    y: float
    height: float
    quiet_x: float  # on the left and on the right
    quiet_y: float  # above and below

    @property
    def width(self) -> float:
        """Points across, without the quiet zones."""
        return self.columns * self.module_pt

    @property
    def quiet_zone(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the symbol with its quiet zone."""
        return (
            self.x - self.quiet_x,
            self.y - self.quiet_y,
            self.x + self.width + self.quiet_x,
            self.y + self.height + self.quiet_y,
        )


def symbol_places(layout: SlipLayout, el_qr: ElQrLayout) -> dict[str, SymbolPlace]:
    """Both symbols by name, for this form of the slip and this version of the eL-QR."""
    modules = 17 + 4 * el_qr.symbol_version
    module = layout.el_qr.module_pt
    qr = SymbolPlace(
        "el_qr",
        modules,
        modules,
        module,
        *layout.qr_origin(modules),
        height=modules * module,
        quiet_x=_QR_QUIET_MODULES * module,
        quiet_y=_QR_QUIET_MODULES * module,
    )
    bars = SymbolPlace(
        "konbini",
        _BAR_MODULES,
        1,
        layout.konbini.module_pt,
        *layout.barcode_origin(),
        height=layout.konbini.bar_height * POINTS_PER_MM,
        quiet_x=_BAR_QUIET_MM * POINTS_PER_MM,
        quiet_y=0.0,
    )
    return {"el_qr": qr, "konbini": bars}
