"""設定の様式: the settings of a body as the fields of a page, and back (pure).

A page shows one section of the profile, or one entry of a section with several. What it sends is
put into the whole profile, which is then checked as any other.
"""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING, Any

from payments.domain.errors import InvalidValueError, NotFoundError
from web.admin.differences import CODES, code_of
from web.admin.fields import BODY, SECTIONS, USUAL, Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BODY", "SECTIONS", "Field", "changed", "entries", "options", "values_of", "without"]


def values_of(profile: Mapping[str, Any], section: str, entry: str) -> dict[str, str]:
    """What the fields show; for a new entry what is usual.

    Raises :class:`NotFoundError` ``parameters_section`` for an entry that there is not.
    """
    fields = _fields(section)
    if section not in CODES:
        source: Mapping[str, Any] = _at(profile, section)
    elif entry:
        source = _entry(profile, section, entry)
    else:
        source = USUAL[section]
    return {field.name: _written(source.get(field.name, "")) for field in fields}


def entries(profile: Mapping[str, Any], section: str) -> list[str]:
    """The codes of the entries of a section; the one empty code of a section without entries."""
    if section not in CODES:
        return [""]
    return [code_of(section, entry) for entry in _at(profile, section)]


def options(profile: Mapping[str, Any], field: Field) -> tuple[str, ...]:
    """選択肢 of a field, with an empty one where it may be left out."""
    found = field.choices
    if field.of:
        found = tuple(code_of(field.of, entry) for entry in profile[field.of])
    return found if field.needed else ("", *found)


def changed(
    profile: Mapping[str, Any], section: str, entry: str, sent: Mapping[str, str]
) -> dict[str, Any]:
    """The whole profile with what was sent; a new entry when ``entry`` is empty.

    Raises :class:`InvalidValueError` ``parameters_value`` with the field and what was found, and
    :class:`NotFoundError` ``parameters_section``.
    """
    fields = _fields(section)
    values = {
        field.name: _read(field, sent.get(field.name, ""), options(profile, field))
        for field in fields
    }
    if section not in CODES:
        return _put(profile, section, {**_at(profile, section), **values})
    kept: list[Mapping[str, Any]] = list(_at(profile, section))
    if not entry:
        kept.append(values)
    else:
        known = _entry(profile, section, entry)
        names = {field.name: known[field.name] for field in fields if field.fixed}
        kept = [
            {**each, **values, **names} if code_of(section, each) == entry else each
            for each in kept
        ]
    return _put(profile, section, kept)


def without(profile: Mapping[str, Any], section: str, entry: str) -> dict[str, Any]:
    """The whole profile without one entry; :class:`NotFoundError` ``parameters_section``."""
    _fields(section)
    _entry(profile, section, entry)
    kept = [each for each in _at(profile, section) if code_of(section, each) != entry]
    return _put(profile, section, kept)


def _at(profile: Mapping[str, Any], section: str) -> Any:
    """What the profile has of a section: its values, or its entries."""
    found: Any = profile
    for name in [] if section == BODY else section.split("."):
        found = found[name]
    return found


def _put(profile: Mapping[str, Any], section: str, value: Any) -> dict[str, Any]:
    """The profile with another section."""
    if section == BODY:
        return dict(value)
    outer, _, inner = section.partition(".")
    return {**profile, outer: {**profile[outer], inner: value} if inner else value}


def _fields(section: str) -> tuple[Field, ...]:
    if section not in SECTIONS:
        raise NotFoundError("parameters_section", found=section)
    return SECTIONS[section]


def _entry(profile: Mapping[str, Any], section: str, entry: str) -> Mapping[str, Any]:
    known: Sequence[Mapping[str, Any]] = _at(profile, section) if section in CODES else ()
    for each in known:
        if code_of(section, each) == entry:
            return each
    raise NotFoundError("parameters_section", found=f"{section} {entry}")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    if isinstance(value, dict):
        return "\n".join(f"{code}={yen}" for code, yen in value.items())
    return str(value)


def _read(field: Field, sent: str, choices: Sequence[str]) -> Any:
    """The value that a field means; raises ``parameters_value``."""
    sent = sent.strip()
    if field.kind == "yes":
        return sent == "yes"
    if field.kind == "lines":
        return _lines(sent)
    if field.kind == "prices":
        return dict(_price(field, line) for line in _lines(sent))
    if field.kind == "number":
        return _number(field, sent or ("" if field.needed else "0"))
    if field.kind == "share":
        return _share(field, sent)
    if field.needed and not sent:
        raise _wrong(field, "", "…")
    if field.kind == "choice" and sent not in choices:
        raise _wrong(field, sent, " / ".join(choices))
    if field.kind in _MOMENTS:
        _require_moment(field, sent)
    return sent


_MOMENTS = {"day": (date.fromisoformat, "YYYY-MM-DD"), "clock": (time.fromisoformat, "HH:MM")}


def _require_moment(field: Field, sent: str) -> None:
    """A day or a time as browsers send it."""
    read, expected = _MOMENTS[field.kind]
    try:
        read(sent)
    except ValueError:
        raise _wrong(field, sent, expected) from None
    if len(sent) != len(expected):  # other forms of ISO 8601
        raise _wrong(field, sent, expected)


def _lines(sent: str) -> list[str]:
    return [line.strip() for line in sent.splitlines() if line.strip()]


def _price(field: Field, line: str) -> tuple[str, int]:
    """A line of 単価: what it is for, and how much."""
    code, equals, value = (part.strip() for part in line.partition("="))
    if not (code and equals):
        raise _wrong(field, line, "konbini=60")
    return code, _number(field, value)


def _number(field: Field, sent: str) -> int:
    if not (sent.isascii() and sent.isdigit() and len(sent) <= len(str(field.most))) or (
        int(sent) > field.most
    ):
        raise _wrong(field, sent, f"0–{field.most:,}")
    return int(sent)


def _share(field: Field, sent: str) -> float:
    """A share of cases, which is no money."""
    try:
        share = float(sent)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise _wrong(field, sent, "0–1")
    return share


def _wrong(field: Field, found: str, expected: str) -> InvalidValueError:
    return InvalidValueError("parameters_value", field=field.name, found=found, expected=expected)
