"""様式ファイル: TOML text → :class:`qr.layout.shapes.SlipLayout`; every key and type is checked.

The first deviation is an ``InvalidValueError`` ``slip_layout`` that names file, key, value found
and what was expected.
"""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any, get_type_hints

from payments.domain.errors import InvalidValueError
from qr.layout import shapes
from qr.layout.shapes import SlipLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

_LISTS = {
    "parts": shapes.Part,
    "texts": shapes.Text,
    "labels": shapes.Label,
    "frames": shapes.Frame,
    "rules": shapes.Rule,
    "cuts": shapes.Cut,
    "reserved": shapes.Frame,
    "pictures": shapes.Picture,
}
_SINGLE = {"el_qr": shapes.Symbol, "konbini": shapes.Symbol, "sample_note": shapes.Label}
# Asked once: a layout has some hundred shapes of these few classes.
_KINDS = (*_LISTS.values(), *_SINGLE.values())
_HINTS = {kind: get_type_hints(kind) for kind in _KINDS}
_FIELDS = {
    kind: {item.name: item for item in fields(kind) if item.name != "data"} for kind in _KINDS
}
_PLAIN = ("name", "version", "title", "fallback")
_EXPECTED = {float: "a number", int: "a whole number", str: "a text"}
_NUMBER_MAX = 1_000_000  # millimetres and points: far more than any sheet has
_ALIGNMENTS = ("left", "center", "right")


class LayoutFault(Exception):  # noqa: N818 - carried inside the package, raised as slip_layout
    """様式の誤り: one key, what stands there and what should."""

    def __init__(self, key: str, found: object, expected: str) -> None:
        """Keep all three."""
        super().__init__(key, found, expected)
        self.key, self.found, self.expected = key, found, expected


def layout_error(file: str, fault: LayoutFault) -> InvalidValueError:
    """The error that a caller sees."""
    return InvalidValueError(
        "slip_layout",
        file=file,
        key=fault.key,
        found=str(fault.found),
        expected=fault.expected,
    )


def parse_layout(text: str, file: str, pictures: Mapping[str, bytes] | None = None) -> SlipLayout:
    """Read a layout; ``pictures`` are the PNG files that it may name."""
    try:
        return _layout(tomllib.loads(text), text, pictures or {})
    except LayoutFault as fault:
        raise layout_error(file, fault) from fault
    # TOMLDecodeError is a ValueError; numbers of thousands of digits and tables within tables
    # without end are refused by Python itself.
    except (ValueError, RecursionError) as error:
        raise layout_error(file, LayoutFault("TOML", error, "TOML 1.0")) from error


def _layout(data: dict[str, Any], text: str, pictures: Mapping[str, bytes]) -> SlipLayout:
    """The parsed TOML as values of the right types."""
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key in _LISTS:
            if not isinstance(value, list):
                raise LayoutFault(key, value, "a list of tables")
            values[key] = tuple(
                _shape(_LISTS[key], item, f"{key}[{number}]")
                for number, item in enumerate(value, start=1)
            )
        elif key in _SINGLE:
            values[key] = _shape(_SINGLE[key], value, key)
        elif key in _PLAIN:
            values[key] = _plain(value, str, key)
        elif key == "faces":
            if not isinstance(value, dict):
                raise LayoutFault(key, value, "a table of font files")
            values[key] = {name: _plain(file, str, f"faces.{name}") for name, file in value.items()}
        else:
            raise LayoutFault(
                key, value, f"one of {', '.join((*_PLAIN, 'faces', *_SINGLE, *_LISTS))}"
            )
    for key in (*_PLAIN, "faces", "el_qr", "konbini", "parts", "texts"):
        if key not in values:
            raise LayoutFault(key, "", "must be given")
    values["pictures"] = tuple(
        _loaded(picture, pictures, f"pictures[{number}].file")
        for number, picture in enumerate(values.get("pictures", ()), start=1)
    )
    digest = sha256(text.encode())
    for picture in values["pictures"]:
        digest.update(picture.data)
    return SlipLayout(**values, source=text, digest=digest.hexdigest())


def _shape(kind: type[Any], data: object, key: str) -> Any:
    """One table as a value of this class."""
    if not isinstance(data, dict):
        raise LayoutFault(key, data, "a table")
    hints, known = _HINTS[kind], _FIELDS[kind]
    for name in data:
        if name not in known:
            raise LayoutFault(f"{key}.{name}", data[name], f"one of {', '.join(known)}")
    values = {}
    for name, item in known.items():
        if name in data:
            values[name] = _plain(data[name], hints[name], f"{key}.{name}")
        elif item.default is MISSING:
            raise LayoutFault(f"{key}.{name}", "", "must be given")
    return kind(**values)


def _plain(value: object, kind: Any, key: str) -> Any:
    """A number, a whole number or a text; whole numbers may stand for numbers."""
    if kind not in _EXPECTED:
        if value not in _ALIGNMENTS:
            raise LayoutFault(key, value, " / ".join(_ALIGNMENTS))
        return value
    numbers = (int, float) if kind is float else kind
    if not isinstance(value, numbers) or isinstance(value, bool):
        raise LayoutFault(key, value, _EXPECTED[kind])
    if kind is str:
        return value
    if not abs(value) <= _NUMBER_MAX:  # nan is neither more nor less than anything
        raise LayoutFault(key, value, _EXPECTED[kind])
    return kind(value)


def _loaded(picture: shapes.Picture, files: Mapping[str, bytes], key: str) -> shapes.Picture:
    """The picture with its bytes."""
    if picture.file not in files:
        raise LayoutFault(key, picture.file, "a PNG file beside the layout")
    sizes = {item.name: getattr(picture, item.name) for item in fields(picture)}
    return shapes.Picture(**{**sizes, "data": files[picture.file]})
