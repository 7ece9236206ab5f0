"""様式の一覧: the layouts that ship with the project, read and checked once per process."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from qr.layout.check import checked
from qr.layout.file import parse_layout

if TYPE_CHECKING:
    from qr.layout.shapes import SlipLayout

SHIPPED = ("standard", "vehicle", "window", "dunning", "dunning_fee")


@cache
def slip_layout(name: str = "standard") -> SlipLayout:
    """A layout of the project by its name; ``KeyError`` for a name that is not in ``SHIPPED``."""
    if name not in SHIPPED:
        raise KeyError(name)
    file = f"{name}.toml"
    text = files("qr.layout").joinpath(file).read_text("utf-8")
    return checked(parse_layout(text, file), file)
