"""様式: the layouts that a municipality keeps beside those that ship with the project.

``KOKIN_HOME/layouts`` holds one TOML file per layout and the PNG pictures (a logo, say) that they
name. A layout stands in a run by name, version and hash, so that a change is always seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from qr.slip_layout_check import checked
from qr.slip_layout_file import parse_layout

if TYPE_CHECKING:
    from pathlib import Path

    from qr.slip_layout import SlipLayout

FOLDER = "layouts"


def own_layouts(home: Path) -> tuple[SlipLayout, ...]:
    """独自様式: every layout in the folder, each checked.

    Raises :class:`InvalidValueError` ``slip_layout`` with file, key, value found and expected, and
    :class:`ConfigurationError` ``file_unreadable``.
    """
    pictures = {path.name: _read(path) for path in sorted((home / FOLDER).glob("*.png"))}
    found = []
    for path in sorted((home / FOLDER).glob("*.toml")):
        text = _read(path).decode("utf-8", errors="replace")
        found.append(checked(parse_layout(text, path.name, pictures), path.name))
    return tuple(found)


def name_of(reference: str) -> str:
    """The name of a layout by its reference ``NAME-VERSION-HASH``."""
    return reference.rsplit("-", 2)[0]


def _read(path: Path) -> bytes:
    """The bytes of a file of the folder."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError("file_unreadable", path=str(path)) from error
