"""説明の値: the values of an explanation as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from web import formatting, messages
from web.language import translate as _
from web.language import translated
from web.texts import explain as words

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.explain.model import Facts, Value


def say(code: str, **values: object) -> str:
    """文: a sentence with its values."""
    return words.SENTENCES[code].format(**values)


def term(value: str) -> str:
    """期別 as people say it: ``全期``, ``第1期``."""
    if value == "00":
        return _("全期")
    return _("第{number}期", number=int(value)) if value.isascii() and value.isdigit() else value


def named(facts: Facts, *, absent: bool = False) -> tuple[tuple[str, str], ...]:
    """Named values in the order given; ``absent`` says also what is not there."""
    return tuple(
        (
            translated(words.FACTS.get(name, (name, ""))[0]),
            shown(words.FACTS.get(name, ("", ""))[1], value),
        )
        for name, value in facts.items()
        if absent or value not in {None, ""}
    )


def shown(kind: str, value: Value) -> str:
    """One value as people read it."""
    if value is None or value == "":
        return words.ABSENT.get(kind, "—")
    text = str(value)
    if kind in words.VALUES:
        return words.VALUES[kind].get(text, text)
    show = _SHOWN.get(kind)
    return show(text) if show is not None else messages.label(kind, text) if kind else text


_SHOWN: dict[str, Callable[[str], str]] = {
    "yen": lambda text: formatting.yen(int(text)),
    "day": formatting.long_day,
    "yes": lambda text: _("いいえ") if text in {"0", "False"} else _("はい"),
    "count": lambda text: formatting.count(int(text)),
    "there": lambda _text: _("あり"),
    "ref": lambda text: text.replace("|", " / "),
    "wide": formatting.wide,
    "term": term,
    "fault": messages.fault,
}


def occasion_of(kind: str, file_name: str) -> str:
    """仕訳の機会: what was going on, and with which file."""
    name = words.JOURNALS.get(kind, kind)
    return f"{name} {file_name}" if file_name else name


def moment(instant: str) -> str:
    """日時 in Japanese time; "" is a dash."""
    return formatting.moment(datetime.fromisoformat(instant) if instant else None)
