"""独自様式の表: taking values out of a described layout, every mistake named with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_T = TypeVar("_T", str, int, bool, list[Any], dict[str, Any])
_NAMES = {str: "文字列", int: "整数", bool: "true / false", list: "[…]", dict: "{…}"}


class Table:
    """表: one table of the description and where it stands in its file."""

    def __init__(self, data: Mapping[str, Any], file: str, key: str) -> None:
        """``key`` is the path of the table, e.g. ``layouts[0].records[1]``."""
        self._data = dict(data)
        self.file = file
        self.key = key

    def path(self, name: str) -> str:
        """The full key of one value."""
        return f"{self.key}.{name}" if self.key else name

    def fail(self, code: str, name: str, found: object, expected: object) -> NoReturn:
        """Refuse the description; the sentence names file, key, value and what was expected."""
        raise InvalidValueError(
            code, file=self.file, key=self.path(name), found=str(found), expected=str(expected)
        )

    def take(self, name: str, shape: type[_T], default: _T | None = None) -> _T:
        """A value of this shape; without a default it must be there."""
        if name not in self._data:
            if default is None:
                self.fail("layout_missing", name, "", _NAMES[shape])
            return default
        value = self._data.pop(name)
        # A truth value is an integer to Python, not to a person.
        if not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
            self.fail("layout_value", name, value, _NAMES[shape])
        return value

    def choose(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """A word of a closed list."""
        value = self.take(name, str, default)
        if value not in choices:
            self.fail("layout_value", name, value, " / ".join(choices))
        return value

    def number(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number between two bounds."""
        value = self.take(name, int, default)
        if not least <= value <= most:
            self.fail("layout_value", name, value, f"{least}〜{most}")
        return value

    def texts(self, name: str, default: list[Any] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        values = self.take(name, list, default)
        for place, value in enumerate(values):
            if not isinstance(value, str) or not value:
                self.fail("layout_value", f"{name}[{place}]", value, _NAMES[str])
        return tuple(values)

    def tables(self, name: str, default: list[Any] | None = None) -> list[Table]:
        """A list of tables."""
        values = self.take(name, list, default)
        for place, value in enumerate(values):
            if not isinstance(value, dict):
                self.fail("layout_value", f"{name}[{place}]", value, _NAMES[dict])
        return [
            Table(value, self.file, self.path(f"{name}[{place}]"))
            for place, value in enumerate(values)
        ]

    def table(self, name: str) -> Table:
        """A table inside this one; empty when it is not there."""
        return Table(self.take(name, dict, {}), self.file, self.path(name))

    def peek(self, name: str) -> object:
        """The value as it stands, not taken yet; None when it is not there."""
        return self._data.get(name)

    def is_table(self, name: str) -> bool:
        """Whether the value is a table rather than a word or a list of words."""
        return isinstance(self._data.get(name), dict)

    def one_or_more(self, name: str) -> tuple[str, ...]:
        """A text, or a list of texts that is not empty."""
        if isinstance(self._data.get(name), str):
            return (self.take(name, str),)
        values = self.texts(name)
        if not values:
            self.fail("layout_value", name, "[]", _NAMES[str])
        return values

    def names(self) -> tuple[str, ...]:
        """The keys that have not been taken."""
        return tuple(self._data)

    def finish(self, expected: Collection[str]) -> None:
        """Nothing may be left over: a misspelt key would quietly do nothing."""
        for name, value in self._data.items():
            self.fail("layout_unknown", name, value, ", ".join(expected))
