"""購読者: who is told, where, what and how much of it; their secrets are shown once.

A secret lies sealed in the database. After a rotation the one before signs, too, until its time
is over, so that a receiver changes over when it suits it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError, RefusedError
from payments.store.bulk import take_numbers
from reconcile.announce import start
from reconcile.store.event_tables import EventRow
from web import clock
from web.events.addresses import URL_MAX, Reach, UnreachableError, require_permitted
from web.events.signature import new_secret
from web.events.tables import EventSubscriberRow
from web.notifications.sealed_secrets import pending, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from web.config import Settings

WEBHOOK, FOLDER = "webhook", "folder"
NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
OVERLAP = timedelta(hours=24)
OVERLAP_MAX = timedelta(days=30)

subscribers = EventSubscriberRow.__table__  # type: ignore[attr-defined]
_events = EventRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Wish:
    """購読の内容: what a subscriber asks for."""

    name: str
    channel: str
    address: str  # a URL, or a folder of this machine
    kinds: tuple[str, ...]
    numbers: tuple[str, ...]
    with_amounts: bool = False
    from_the_beginning: bool = False  # also what was written down before


@dataclass(frozen=True, slots=True)
class Subscriber:
    """購読者 as the database knows it, without secrets."""

    subscriber_no: int
    name: str
    channel: str
    address: str
    kinds: tuple[str, ...]
    numbers: tuple[str, ...]
    with_amounts: bool
    disabled: bool
    next_event_no: int
    old_until_at: datetime | None
    made_at: datetime
    made_by: str


def subscribe(
    connection: Connection, settings: Settings, municipality_code: str, wish: Wish, *, actor: str
) -> str:
    """購読の登録; returns the secret of a webhook, which is shown nowhere else, or "".

    Raises :class:`InvalidValueError` ``subscriber_name``, ``webhook_url`` or ``event_folder``,
    :class:`ConflictError` ``subscriber_exists``.
    """
    if NAME.fullmatch(wish.name) is None:
        raise InvalidValueError("subscriber_name", found=wish.name[:40])
    if any(known.name == wish.name for known in everybody(connection, municipality_code)):
        raise ConflictError("subscriber_exists", name=wish.name)
    address, secret = wish.address, ""
    if wish.channel == WEBHOOK:
        require_url(settings, address)
        secret = new_secret()
    else:
        address = str(_folder(address))
    start(connection, municipality_code)
    last = select(func.coalesce(func.max(_events.c.event_no), 0)).where(
        _events.c.municipality_code == municipality_code
    )
    number = take_numbers(connection, municipality_code, "event_subscriber", 1)
    connection.execute(
        insert(subscribers).values(
            municipality_code=municipality_code,
            subscriber_no=number,
            name=wish.name,
            channel=wish.channel,
            address=address,
            kinds=",".join(wish.kinds),
            numbers=",".join(wish.numbers),
            with_amounts=wish.with_amounts,
            disabled=False,
            secret=seal(settings, _place(municipality_code, number), secret) if secret else None,
            next_event_no=1
            if wish.from_the_beginning
            else connection.execute(last).scalar_one() + 1,
            written_file_no=0,
            made_at=clock.now(),
            made_by=actor,
        )
    )
    return secret


def require_url(settings: Settings, url: str) -> None:
    """A URL that this installation may call; :class:`InvalidValueError` ``webhook_url``."""
    try:
        require_permitted(Reach.of(settings), url)
    except UnreachableError as error:
        raise InvalidValueError("webhook_url", reason=error.reason) from None


def _folder(address: str) -> Path:
    folder = Path(address)
    if not folder.is_absolute() or len(address) > URL_MAX or "\0" in address:
        raise InvalidValueError("event_folder", found=address)
    return folder


def everybody(connection: Connection, municipality_code: str) -> tuple[Subscriber, ...]:
    """All subscribers, also those that were disabled."""
    rows = connection.execute(
        select(subscribers)
        .where(subscribers.c.municipality_code == municipality_code)
        .order_by(subscribers.c.subscriber_no)
    )
    return tuple(map(_subscriber, rows.mappings()))


def named(connection: Connection, municipality_code: str, name: str) -> Subscriber:
    """The subscriber of this name; :class:`NotFoundError` ``subscriber``."""
    for found in everybody(connection, municipality_code):
        if found.name == name:
            return found
    raise NotFoundError("subscriber", name=name)


def disable(connection: Connection, municipality_code: str, name: str) -> None:
    """購読の停止: nothing more is sent; what waits stays and would be sent if it were enabled."""
    _change(connection, municipality_code, name, {"disabled": True})


def enable(connection: Connection, municipality_code: str, name: str) -> None:
    """購読の再開: what has happened meanwhile is told now."""
    _change(connection, municipality_code, name, {"disabled": False})


def rotate(
    connection: Connection,
    settings: Settings,
    municipality_code: str,
    name: str,
    *,
    overlap: timedelta = OVERLAP,
) -> str:
    """秘密の更新: a new secret; the one before signs beside it until ``overlap`` is over.

    Raises :class:`RefusedError` ``subscriber_has_no_secret`` for a folder, and
    :class:`InvalidValueError` ``secret_overlap``.
    """
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise InvalidValueError("secret_overlap", expected=OVERLAP_MAX.days)
    known = named(connection, municipality_code, name)
    if known.channel != WEBHOOK:
        raise RefusedError("subscriber_has_no_secret", name=name)
    secret = new_secret()
    place = _place(municipality_code, known.subscriber_no)
    changes = {
        "old_secret": subscribers.c.secret,
        "secret": seal(settings, place, secret),
        "old_until_at": clock.now() + overlap,
    }
    _change(connection, municipality_code, name, changes)
    return secret


def secrets_of(
    connection: Connection,
    settings: Settings,
    municipality_code: str,
    subscriber_no: int,
    at: datetime,
) -> tuple[str, ...]:
    """The secrets in force, the newest first."""
    row = connection.execute(
        select(subscribers.c.secret, subscribers.c.old_secret, subscribers.c.old_until_at).where(
            subscribers.c.municipality_code == municipality_code,
            subscribers.c.subscriber_no == subscriber_no,
        )
    ).one()
    place = _place(municipality_code, subscriber_no)
    found = [row.secret] if row.secret else []
    if row.old_secret and row.old_until_at and clock.in_japan(row.old_until_at) > at:
        found.append(row.old_secret)
    return tuple(unseal(settings, place, bytes(sealed)) for sealed in found)


def reseal_secrets(
    connection: Connection, settings: Settings, municipality_code: str, *, clear: bool = False
) -> int:
    """封をし直す: every secret with the newest key of the installation; how many subscribers.

    With ``clear`` none of the key ring is needed behind it. Raises what
    :func:`web.notifications.sealed_secrets.unseal` raises.
    """
    mine = subscribers.c.municipality_code == municipality_code
    rows = connection.execute(
        select(subscribers.c.subscriber_no, subscribers.c.secret, subscribers.c.old_secret).where(
            mine, subscribers.c.secret.is_not(None)
        )
    ).all()
    for row in rows:
        place = _place(municipality_code, row.subscriber_no)
        again = {
            name: seal(settings, place, unseal(settings, place, bytes(sealed)), derived=clear)
            for name, sealed in (("secret", row.secret), ("old_secret", row.old_secret))
            if sealed is not None
        }
        connection.execute(
            update(subscribers)
            .where(mine, subscribers.c.subscriber_no == row.subscriber_no)
            .values(**again)
        )
    return len(rows)


def secrets_pending(
    connection: Connection, settings: Settings, municipality_code: str, *, clear: bool = False
) -> int:
    """未更新: how many secrets lie under another key than :func:`reseal_secrets` would use."""
    mine = subscribers.c.municipality_code == municipality_code
    rows = connection.execute(select(subscribers.c.secret, subscribers.c.old_secret).where(mine))
    return pending(settings, (each for row in rows for each in row), clear=clear)


def _change(
    connection: Connection, municipality_code: str, name: str, changes: Mapping[str, Any]
) -> None:
    changed = connection.execute(
        update(subscribers)
        .where(subscribers.c.municipality_code == municipality_code, subscribers.c.name == name)
        .values(**changes)
    )
    if not changed.rowcount:
        raise NotFoundError("subscriber", name=name)


def _place(municipality_code: str, subscriber_no: int) -> str:
    """Where a secret lies; it opens nowhere else."""
    return f"event_subscriber|{municipality_code}|{subscriber_no}"


def _subscriber(row: Mapping[Any, Any]) -> Subscriber:
    old_until = row["old_until_at"]
    return Subscriber(
        subscriber_no=row["subscriber_no"],
        name=row["name"],
        channel=row["channel"],
        address=row["address"],
        kinds=tuple(row["kinds"].split(",")),
        numbers=tuple(row["numbers"].split(",")),
        with_amounts=bool(row["with_amounts"]),
        disabled=bool(row["disabled"]),
        next_event_no=row["next_event_no"],
        old_until_at=None if old_until is None else clock.in_japan(old_until),
        made_at=clock.in_japan(row["made_at"]),
        made_by=row["made_by"],
    )
