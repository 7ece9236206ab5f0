"""一覧の条件: what a person asks the worklist for, in an address, in a session, in a saved view.

Amounts and words that people type stay out of addresses and logs: an address carries a short key,
and the session what is behind it. Everything else is plain, so that an address can be passed on.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from reconcile.case_list import DUE, NEWEST, ORDERS, STATES, WAITING, WAITS, Order, Wanted
from reconcile.model import Channel
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

MINE = "mine"  # the owner that means whoever looks
EVERY = "every"  # the state that means all of them
KEPT = 5  # private conditions that a session remembers
SESSION = "case_words"
TEXT_MAX, AGE_MAX = 60, 9_999
_CODE = re.compile(r"[a-z_]{1,30}")
_YEN = re.compile(r"[0-9]{1,11}")
_KEY = re.compile(r"[A-Za-z0-9_-]{8}")
CHANNELS = tuple(str(channel) for channel in Channel)
PRIVATE = ("amount_from", "amount_to", "words")


@dataclass(frozen=True, slots=True)
class Asked:
    """条件と並び順, and the private key of what is not in the address."""

    wanted: Wanted = WAITS
    order: Order = NEWEST
    key: str = ""
    view_no: int = 0

    def address(self, **changed: object) -> dict[str, Any]:
        """The arguments of an address that asks for the same, but for what is ``changed``."""
        wanted, order = self.wanted, self.order
        if self.view_no:
            plain = {"view": self.view_no, "sort": order.column, **_up(order)}
            return {name: value for name, value in {**plain, **changed}.items() if value}
        plain = {
            "state": _state(wanted.states),
            "kind": wanted.kinds[0] if wanted.kinds else "",
            "owner": wanted.owner,
            "due": wanted.due,
            "channel": wanted.channel,
            "age": "" if wanted.age_days is None else str(wanted.age_days),
            "from": str(wanted.opened_from or ""),
            "to": str(wanted.opened_to or ""),
            "sort": "" if order == NEWEST else order.column,
            **_up(order),
            "key": self.key,
        }
        return {name: value for name, value in {**plain, **changed}.items() if value}

    @property
    def narrowed(self) -> bool:
        """Whether anything but what waits is asked for."""
        return self.wanted != WAITS


def read(values: Mapping[str, str], user_name: str, session: Mapping[str, Any]) -> Asked:
    """条件 from the arguments of an address or the fields of a form; nonsense asks for nothing."""
    key = values.get("key", "")
    private = session.get(SESSION, {}).get(key, {}) if _KEY.fullmatch(key) else {}
    private = private | {name: values[name] for name in PRIVATE if name in values}
    owner, due, channel = (values.get(name, "") for name in ("owner", "due", "channel"))
    kind, age = values.get("kind", ""), values.get("age", "")
    wanted = Wanted(
        states=_states(values.get("state", "")),
        kinds=(kind,) if _CODE.fullmatch(kind) else (),
        owner=user_name if owner == MINE else owner[:TEXT_MAX],
        due=due if due in DUE else "",
        channel=channel if channel in CHANNELS else "",
        age_days=min(int(age), AGE_MAX) if age.isascii() and age.isdigit() else None,
        opened_from=day_or_none(values.get("from", "")),
        opened_to=day_or_none(values.get("to", "")),
        amount_from=_yen(private.get("amount_from", "")),
        amount_to=_yen(private.get("amount_to", "")),
        words=str(private.get("words", "")).strip()[:TEXT_MAX],
    )
    column = values.get("sort", "")
    order = Order(column, values.get("dir") != "up") if column in ORDERS else NEWEST
    return Asked(wanted, order, key if private else "")


def keep(asked: Asked, session: MutableMapping[str, Any]) -> Asked:
    """The same with what is private in the session, under a key that says nothing."""
    private = {
        name: str(value)
        for name in PRIVATE
        if (value := getattr(asked.wanted, name)) not in {None, ""}
    }
    if not private:
        return replace(asked, key="")
    before = list(session.get(SESSION, {}).items())[1 - KEPT :]
    key = secrets.token_urlsafe(6)
    session[SESSION] = {**dict(before), key: private}
    return replace(asked, key=key)


def as_json(asked: Asked) -> str:
    """条件 as a saved view keeps it."""
    data = asdict(asked.wanted) | {"order": list(asked.order)}
    return json.dumps(data, ensure_ascii=False, default=str)


def from_json(text: str, view_no: int) -> Asked:
    """条件 of a saved view."""
    data = json.loads(text)
    order = Order(*data.pop("order"))
    for name in ("opened_from", "opened_to"):
        data[name] = day_or_none(data[name] or "")
    for name in ("states", "kinds"):
        data[name] = tuple(data[name])
    return Asked(Wanted(**data), order, view_no=view_no)


def sorted_as(asked: Asked, values: Mapping[str, str]) -> Asked:
    """The same in the order that an address asks for, if it does."""
    if values.get("sort", "") not in ORDERS:
        return asked
    return replace(asked, order=Order(values["sort"], values.get("dir") != "up"))


def _up(order: Order) -> dict[str, object]:
    return {} if order.descending else {"dir": "up"}


def _states(value: str) -> tuple[str, ...]:
    if value == EVERY:
        return STATES
    return (value,) if value in STATES else WAITING


def _state(states: tuple[str, ...]) -> str:
    """The word of an address for these states."""
    if states == WAITING:
        return ""
    return EVERY if len(states) > 1 else states[0]


def _yen(text: object) -> int | None:
    """金額 as people type it; anything else is no condition."""
    plain = unicodedata.normalize("NFKC", str(text)).replace(",", "").strip().removesuffix("円")
    return int(plain) if _YEN.fullmatch(plain) else None
