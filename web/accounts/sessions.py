"""セッション: who is signed in where; kept in the database, so that anybody can be shown the door.

The cookie carries the id of a session and a secret that nobody chose; here lies its digest. A
session ends an hour after its last request and eight hours after it began, when somebody ends it,
and with every change of the person's password, roles or right to sign in. It gets a new secret
whenever more has been proved (OWASP ASVS 5.0, 7.2.4).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import NotFoundError
from payments.store.engine import is_busy
from payments.store.unit_of_work import side_work
from web import clock
from web.accounts.tables import StaffSessionRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Engine, Row

LASTS = timedelta(hours=8)
IDLE = timedelta(hours=1)
PROVED = timedelta(minutes=10)  # how long a proof of who one is stands for sensitive acts
KEPT = timedelta(days=30)  # how long an ended session is shown
SEEN_EVERY = timedelta(minutes=5)
# What may still be needed after the password, in the order in which it is asked for.
STEPS = ("second_factor", "new_password", "enrol")

sessions = StaffSessionRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class StaffSession:
    """セッション of one person on one device; ``needs`` is what comes before everything else."""

    session_id: str
    user_name: str
    factors: tuple[str, ...]
    needs: tuple[str, ...]
    source: str
    device: str
    made_at: datetime
    seen_at: datetime
    proved_at: datetime
    ended_at: datetime | None
    ended_by: str

    def is_open(self, now: datetime) -> bool:
        """Whether it still lets anybody in."""
        lasts = self.made_at + LASTS > now and self.seen_at + IDLE + SEEN_EVERY > now
        return self.ended_at is None and lasts

    def was_seen_lately(self, now: datetime) -> bool:
        """Whether its last use is known well enough."""
        return self.seen_at + SEEN_EVERY > now

    def is_proved(self, now: datetime) -> bool:
        """Whether the person has just shown who they are."""
        return not self.needs and self.proved_at + PROVED > now


@dataclass(frozen=True, slots=True)
class SignIn:
    """サインインの様子: by what somebody is known, what is missing, and from where they come."""

    factors: tuple[str, ...]
    needs: tuple[str, ...]
    source: str
    device: str


def begin(connection: Connection, municipality_code: str, user_name: str, how: SignIn) -> str:
    """A new session: what the cookie is to carry."""
    now = clock.now()
    connection.execute(
        delete(sessions).where(
            sessions.c.municipality_code == municipality_code, sessions.c.made_at < now - KEPT
        )
    )
    session_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    connection.execute(
        insert(sessions).values(
            municipality_code=municipality_code,
            session_id=session_id,
            user_name=user_name,
            secret_digest=_digest(secret),
            factors=" ".join(how.factors),
            needs=" ".join(step for step in STEPS if step in how.needs),
            source=how.source[:60],
            device=how.device[:60],
            made_at=now,
            seen_at=now,
            proved_at=now,
            ended_by="",
        )
    )
    return f"{session_id}.{secret}"


def find(connection: Connection, municipality_code: str, token: str) -> StaffSession | None:
    """The open session of a cookie, or None."""
    session_id, _, secret = token.partition(".")
    row = connection.execute(select(sessions).where(*_is(municipality_code, session_id))).first()
    if row is None or not hmac.compare_digest(row.secret_digest, _digest(secret)):
        return None
    found = _session(row)
    return found if found.is_open(clock.now()) else None


def prove(
    connection: Connection,
    municipality_code: str,
    session: StaffSession,
    *,
    factor: str = "",
    done: str = "",
    stands: bool = True,
) -> str:
    """本人確認: the person has shown who they are; the cookie's new content.

    ``factor`` is what they have shown, ``done`` the step that is behind them now. What does not
    ``stand`` is good for the one act that asked for it, and for none of the next minutes.
    """
    secret = secrets.token_urlsafe(32)
    factors = (*session.factors, *((factor,) if factor not in {"", *session.factors} else ()))
    proved = {"proved_at": clock.now()} if stands else {}
    connection.execute(
        update(sessions)
        .where(*_is(municipality_code, session.session_id))
        .values(
            secret_digest=_digest(secret),
            factors=" ".join(factors),
            needs=" ".join(step for step in session.needs if step != done),
            **proved,
        )
    )
    return f"{session.session_id}.{secret}"


def seen(engine: Engine, municipality_code: str, session: StaffSession) -> None:
    """最後の利用: noted now and then; whoever holds the books at the moment goes first."""
    try:
        with side_work(engine, municipality_code) as connection:
            connection.execute(
                update(sessions)
                .where(*_is(municipality_code, session.session_id))
                .values(seen_at=clock.now())
            )
    except DBAPIError as error:
        if not is_busy(error):
            raise


def end(
    connection: Connection, municipality_code: str, user_name: str, session_id: str, *, by: str
) -> None:
    """End one session of a person; :class:`NotFoundError` ``session`` when there is none."""
    changed = _end(
        connection, municipality_code, user_name, by, (sessions.c.session_id == session_id,)
    )
    if not changed:
        raise NotFoundError("session")


def end_all(
    connection: Connection, municipality_code: str, user_name: str, *, by: str, but: str = ""
) -> int:
    """End every session of a person, ``but`` one; how many there were."""
    return _end(connection, municipality_code, user_name, by, (sessions.c.session_id != but,))


def of_person(connection: Connection, municipality_code: str, user_name: str) -> list[StaffSession]:
    """The sessions of a person, the newest first; ended ones of the last days, too."""
    rows = connection.execute(
        select(sessions)
        .where(
            sessions.c.municipality_code == municipality_code,
            sessions.c.user_name == user_name,
        )
        .order_by(sessions.c.made_at.desc(), sessions.c.session_id)
        .limit(50)
    )
    return [_session(row) for row in rows]


def whose(connection: Connection, municipality_code: str, token: str) -> str:
    """Whose session it is or was; nobody's without its secret."""
    session_id, _, secret = token.partition(".")
    row = connection.execute(select(sessions).where(*_is(municipality_code, session_id))).first()
    known = row is not None and hmac.compare_digest(row.secret_digest, _digest(secret))
    return str(row.user_name) if known and row is not None else ""


def device_words(user_agent: str) -> str:
    """端末: Windows・Chrome, from what a browser says of itself; it may say what it likes."""
    platform = next((word for mark, word in _PLATFORMS if mark in user_agent), "")
    browser = next((word for mark, word in _BROWSERS if mark in user_agent), "")
    return "・".join(filter(None, (platform, browser))) or "不明な端末"


_PLATFORMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
# In this order: every browser also names those that it wants to be taken for.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)


def _end(
    connection: Connection,
    municipality_code: str,
    user_name: str,
    by: str,
    which: Iterable[Any],
) -> int:
    return connection.execute(
        update(sessions)
        .where(
            sessions.c.municipality_code == municipality_code,
            sessions.c.user_name == user_name,
            sessions.c.ended_at.is_(None),
            *which,
        )
        .values(ended_at=clock.now(), ended_by=by[:60])
    ).rowcount


def _is(municipality_code: str, session_id: str) -> tuple[Any, ...]:
    return (
        sessions.c.municipality_code == municipality_code,
        sessions.c.session_id == session_id,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _session(row: Row[Any]) -> StaffSession:
    return StaffSession(
        row.session_id,
        row.user_name,
        tuple(row.factors.split()),
        tuple(row.needs.split()),
        row.source,
        row.device,
        clock.in_japan(row.made_at),
        clock.in_japan(row.seen_at),
        clock.in_japan(row.proved_at),
        clock.in_japan(row.ended_at) if row.ended_at else None,
        row.ended_by,
    )
