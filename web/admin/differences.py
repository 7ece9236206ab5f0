"""設定の違い: what one profile says otherwise than another one (pure).

Settings with a code (科目, 収納機関, 口座) are compared by it, so that a new one in between does
not look like a change of all that follow. A section of its own (還付) is compared value by value, a
list within it (``debit.banks``) by its codes again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from web.texts import admin as words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
# By which of its values an entry of a list is known.
CODES: dict[str, tuple[str, ...]] = {
    "items": ("item_code",),
    "agents": ("code",),
    "accounts": ("bank_code", "branch_code", "account_type", "account_no"),
    "arrivals": ("source",),
    "slip_layouts": ("file",),
    "debit.banks": ("bank_code",),
    "charges.levies": ("item_code",),
    "charges.fees": ("item_code", "from_on", "trigger"),
    "enquiries.ways": ("code",),
    "retention": ("record", "from_on"),
}
_SHOWN_MAX = 200  # characters of a value that people compare by eye


class Difference(NamedTuple):
    """違い: one value, by its section, the code of its entry ("" for the body's own) and name."""

    section: str
    entry: str
    name: str
    change: str  # ADDED, REMOVED or CHANGED
    before: str
    after: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """違い, in the order in which a profile is written."""
    found: list[Difference] = []
    for name in after:
        old, new = before.get(name), after[name]
        if isinstance(new, dict):
            for inner, value in new.items():
                found += _of_value(name, inner, (old or {}).get(inner), value)
        else:
            found += _of_value("", name, old, new)
    return found


def _of_value(section: str, name: str, old: Any, new: Any) -> list[Difference]:
    """違い of one value, or of the entries of a list; ``section`` is "" for the body's own."""
    path = f"{section}.{name}".lstrip(".")
    if path in CODES:
        return _entries(path, old or (), new)
    if _plain(old) == _plain(new):
        return []
    return [Difference(section or "body", "", name, CHANGED, _shown(old), _shown(new))]


def code_of(section: str, entry: Mapping[str, Any]) -> str:
    """The code by which an entry of this section is known."""
    return "-".join(str(entry[name]) for name in CODES[section])


def change_words(change: Difference) -> tuple[str, str]:
    """Where a change is, and what: 科目 901, 名称."""
    section = words.SECTIONS.get(change.section, change.section)
    name = words.field_word(change.section, change.name) or words.CHANGES[change.change]
    return f"{section} {change.entry}".strip(), name


def change_row(change: Difference) -> tuple[str, str, str, str]:
    """A change as a table shows it: where, what, and both values as people call them."""
    said = [
        words.choice_word(change.section, change.name, value) or "—"
        for value in (change.before, change.after)
    ]
    return (*change_words(change), said[0], said[1])


def _entries(
    section: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    old = {code_of(section, entry): entry for entry in before}
    new = {code_of(section, entry): entry for entry in after}
    found = []
    for code, entry in new.items():
        if code not in old:
            found.append(Difference(section, code, "", ADDED, "", _line(entry)))
            continue
        found += [
            Difference(section, code, name, CHANGED, _shown(old[code].get(name)), _shown(value))
            for name, value in entry.items()
            if _plain(old[code].get(name)) != _plain(value)
        ]
    found += [
        Difference(section, code, "", REMOVED, _line(entry), "")
        for code, entry in old.items()
        if code not in new
    ]
    return found


def _plain(value: Any) -> Any:
    """Lists and tuples are the same thing, written in JSON or not."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _line(entry: Mapping[str, Any]) -> str:
    """An entry on one line, without what is empty."""
    said = [value for value in entry.values() if value not in ("", None, False, ())]
    return "、".join(map(_shown, said))


def _shown(value: Any) -> str:
    """A value as people compare it."""
    if isinstance(value, bool):
        return words.YES if value else words.NO
    if isinstance(value, list | tuple):
        return "、".join(_shown(each) for each in value)
    if isinstance(value, dict):
        return "、".join(f"{name}={_shown(each)}" for name, each in value.items())
    told = str(value if value is not None else "")
    return told if len(told) <= _SHOWN_MAX else f"{told[:_SHOWN_MAX]}…"
