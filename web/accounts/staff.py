"""職員: who may sign in, with what password, and what they did.

Passwords are kept as argon2id only. A wrong name costs the same time as a wrong password, and both
get the same answer.
"""

from __future__ import annotations

import functools
import re
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import delete, insert, select, update

from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError, RefusedError
from web import clock
from web.accounts import sessions
from web.accounts.common_passwords import is_common
from web.duties import ROLES
from web.tables import StaffEventRow, StaffRoleRow, StaffUserRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 200
USER_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")

users = StaffUserRow.__table__  # type: ignore[attr-defined]
held = StaffRoleRow.__table__  # type: ignore[attr-defined]
events = StaffEventRow.__table__  # type: ignore[attr-defined]
# RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes (the default of argon2-cffi).
_hasher = PasswordHasher()


@functools.cache
def _nobody() -> str:
    """What a wrong name is compared with, so that it takes as long as a wrong password.

    Made when first somebody signs in, whoever it is: commands need not wait for it.
    """
    return _hasher.hash(secrets.token_hex())


@dataclass(frozen=True, slots=True)
class StaffUser:
    """職員 as the rest of the service sees them: without the password."""

    user_name: str
    display_name: str
    roles: tuple[str, ...]  # in the order of :data:`web.duties.ROLES`
    disabled: bool
    password_once: bool = False  # set by somebody else, to be changed at the next sign-in


def random_password() -> str:
    """A password nobody chose: 20 characters that are hard to mistake for each other."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def add(
    connection: Connection,
    municipality_code: str,
    user_name: str,
    *,
    roles: Iterable[str],
    display_name: str,
    password: str,
    once: bool = False,
    waiting: bool = False,
) -> None:
    """Enter a member of staff; refuses a bad name, role or password, and a name that is there.

    ``once``: the password is to be changed at the first sign-in. ``waiting``: without roles and
    without the right to sign in, until two people have given them. Raises
    :class:`InvalidValueError` ``user_name``, ``user_role`` or what :func:`set_password` raises, and
    :class:`ConflictError` ``user_exists``.
    """
    if USER_NAME.fullmatch(user_name) is None:
        raise InvalidValueError("user_name", found=user_name)
    wanted = frozenset[str]() if waiting else known_roles(roles)
    if _row(connection, municipality_code, user_name) is not None:
        raise ConflictError("user_exists", user_name=user_name)
    connection.execute(
        users.insert().values(
            municipality_code=municipality_code,
            user_name=user_name,
            display_name=display_name[:60],
            password_hash=_hash(password, user_name),
            password_once=once,
            disabled=waiting,
            made_at=clock.now(),
        )
    )
    _give(connection, municipality_code, user_name, wanted)


def set_roles(
    connection: Connection,
    municipality_code: str,
    user_name: str,
    roles: Iterable[str],
    *,
    by: str = "cli",
) -> None:
    """Other roles than before; open sessions end.

    Raises :class:`NotFoundError` ``user``, :class:`InvalidValueError` ``user_role`` and
    :class:`RefusedError` ``user_last_admin``.
    """
    wanted = known_roles(roles)
    _known(connection, municipality_code, user_name)
    if "admin" not in wanted:
        _require_other_admin(connection, municipality_code, user_name)
    connection.execute(
        delete(held).where(
            held.c.municipality_code == municipality_code, held.c.user_name == user_name
        )
    )
    _give(connection, municipality_code, user_name, wanted)
    sessions.end_all(connection, municipality_code, user_name, by=by)


def everybody(connection: Connection, municipality_code: str) -> list[StaffUser]:
    """All members of staff, by name."""
    rows = connection.execute(
        select(users)
        .where(users.c.municipality_code == municipality_code)
        .order_by(users.c.user_name)
    )
    roles = _roles(connection, municipality_code)
    return [_user(row, roles.get(row.user_name, frozenset())) for row in rows]


def disable(
    connection: Connection, municipality_code: str, user_name: str, *, by: str = "cli"
) -> None:
    """End every session of this person and let nobody sign in as them any more.

    Raises :class:`NotFoundError` ``user`` and :class:`RefusedError` ``user_last_admin``.
    """
    _known(connection, municipality_code, user_name)
    _require_other_admin(connection, municipality_code, user_name)
    _change(connection, municipality_code, user_name, disabled=True)
    sessions.end_all(connection, municipality_code, user_name, by=by)


def enable(connection: Connection, municipality_code: str, user_name: str) -> None:
    """Let somebody sign in again; :class:`NotFoundError` ``user``."""
    _known(connection, municipality_code, user_name)
    _change(connection, municipality_code, user_name, disabled=False)


def set_password(
    connection: Connection,
    municipality_code: str,
    user_name: str,
    password: str,
    *,
    once: bool = False,
    by: str = "cli",
    but: str = "",
) -> None:
    """Another password; open sessions end, ``but`` one.

    ``once``: it is to be changed at the next sign-in. Raises :class:`NotFoundError` ``user`` and
    :class:`InvalidValueError` ``password_short`` or ``password_common``.
    """
    _known(connection, municipality_code, user_name)
    hashed = _hash(password, user_name)
    _change(connection, municipality_code, user_name, password_hash=hashed, password_once=once)
    sessions.end_all(connection, municipality_code, user_name, by=by, but=but)


def one(connection: Connection, municipality_code: str, user_name: str) -> StaffUser:
    """A member of staff; :class:`NotFoundError` ``user``."""
    row = _known(connection, municipality_code, user_name)
    return _user(row, _roles_of(connection, municipality_code, user_name))


def authenticate(
    connection: Connection, municipality_code: str, user_name: str, password: str
) -> StaffUser | None:
    """The person, or None; how long it takes tells nothing."""
    nobody = _nobody()
    row = _row(connection, municipality_code, user_name)
    known = row is not None and not row.disabled
    try:
        _hasher.verify(row.password_hash if row is not None else nobody, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return None
    if not known or row is None:
        return None
    return _user(row, _roles_of(connection, municipality_code, user_name))


def entitled(connection: Connection, municipality_code: str, user_name: str) -> StaffUser | None:
    """The person, as long as they may sign in."""
    row = _row(connection, municipality_code, user_name)
    if row is None or row.disabled:
        return None
    return _user(row, _roles_of(connection, municipality_code, user_name))


def record(
    connection: Connection,
    municipality_code: str,
    actor: str,
    event: str,
    subject: str = "",
    source: str = "cli",
) -> None:
    """操作記録: append what somebody did."""
    connection.execute(
        events.insert().values(
            municipality_code=municipality_code,
            event_id=uuid.uuid4().hex,
            happened_at=clock.now(),
            actor=actor[:60],
            source=source[:60],
            event=event,
            subject=subject[:80],
        )
    )


def _hash(password: str, user_name: str) -> str:
    """Long enough, and none that is tried first (NIST SP 800-63B 5.1.1.2); no other rules."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise InvalidValueError("password_short", expected=PASSWORD_LENGTH_MIN)
    if is_common(password, user_name):
        raise InvalidValueError("password_common")
    return _hasher.hash(password)


def _row(connection: Connection, municipality_code: str, user_name: str) -> Row[Any] | None:
    return connection.execute(
        select(users).where(
            users.c.municipality_code == municipality_code, users.c.user_name == user_name
        )
    ).one_or_none()


def _known(connection: Connection, municipality_code: str, user_name: str) -> Row[Any]:
    row = _row(connection, municipality_code, user_name)
    if row is None:
        raise NotFoundError("user", user_name=user_name)
    return row


def _change(
    connection: Connection, municipality_code: str, user_name: str, **values: object
) -> None:
    connection.execute(
        update(users)
        .where(users.c.municipality_code == municipality_code, users.c.user_name == user_name)
        .values(**values)
    )


def known_roles(roles: Iterable[str]) -> frozenset[str]:
    """At least one role, and none that there is not (``user_role``)."""
    wanted = frozenset(roles)
    if not wanted or not wanted <= set(ROLES):
        found = " / ".join(sorted(wanted - set(ROLES)))
        raise InvalidValueError("user_role", found=found, expected=" / ".join(ROLES))
    return wanted


def _give(
    connection: Connection, municipality_code: str, user_name: str, roles: frozenset[str]
) -> None:
    if not roles:
        return
    connection.execute(
        insert(held),
        [
            {"municipality_code": municipality_code, "user_name": user_name, "role": role}
            for role in sorted(roles)
        ],
    )


def _require_other_admin(connection: Connection, municipality_code: str, user_name: str) -> None:
    """Somebody else must be able to administer; :class:`RefusedError` ``user_last_admin``."""
    admins = connection.execute(
        select(users.c.user_name)
        .join(
            held,
            (held.c.municipality_code == users.c.municipality_code)
            & (held.c.user_name == users.c.user_name),
        )
        .where(
            users.c.municipality_code == municipality_code,
            held.c.municipality_code == municipality_code,
            held.c.role == "admin",
            users.c.disabled.is_(False),
        )
    )
    if admins.scalars().all() == [user_name]:
        raise RefusedError("user_last_admin", user_name=user_name)


def _roles(connection: Connection, municipality_code: str) -> dict[str, frozenset[str]]:
    """Everybody's roles."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(
        select(held.c.user_name, held.c.role).where(held.c.municipality_code == municipality_code)
    ):
        found.setdefault(row.user_name, set()).add(row.role)
    return {user_name: frozenset(roles) for user_name, roles in found.items()}


def _roles_of(connection: Connection, municipality_code: str, user_name: str) -> frozenset[str]:
    found = connection.execute(
        select(held.c.role).where(
            held.c.municipality_code == municipality_code, held.c.user_name == user_name
        )
    )
    return frozenset(found.scalars())


def _user(row: Row[Any], roles: frozenset[str]) -> StaffUser:
    ordered = tuple(role for role in ROLES if role in roles)
    return StaffUser(
        row.user_name, row.display_name, ordered, bool(row.disabled), bool(row.password_once)
    )
