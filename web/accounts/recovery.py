"""回復用コード: ten codes on paper, each good for one sign-in without app or passkey."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from web import clock
from web.accounts.tables import StaffRecoveryRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is mistaken for another

codes = StaffRecoveryRow.__table__  # type: ignore[attr-defined]


def make(connection: Connection, municipality_code: str, user_name: str) -> list[str]:
    """New codes, in clear for this once; those of before are void."""
    drop(connection, municipality_code, user_name)
    made = ["-".join(_letters() for _ in range(4)) for _ in range(CODES)]
    connection.execute(
        insert(codes),
        [
            {
                "municipality_code": municipality_code,
                "user_name": user_name,
                "secret_digest": _digest(code),
                "made_at": clock.now(),
            }
            for code in made
        ],
    )
    return made


def accept(connection: Connection, municipality_code: str, user_name: str, code: str) -> bool:
    """Whether it is a code that was not used before; it is used from here on."""
    used = connection.execute(
        update(codes)
        .where(
            *_of(municipality_code, user_name),
            codes.c.secret_digest == _digest(code),
            codes.c.used_at.is_(None),
        )
        .values(used_at=clock.now())
    )
    return used.rowcount == 1


def left(connection: Connection, municipality_code: str, user_name: str) -> int:
    """How many codes are still good."""
    return int(
        connection.execute(
            select(func.count()).where(
                *_of(municipality_code, user_name), codes.c.used_at.is_(None)
            )
        ).scalar_one()
    )


def drop(connection: Connection, municipality_code: str, user_name: str) -> None:
    """All codes of a person are void."""
    connection.execute(delete(codes).where(*_of(municipality_code, user_name)))


def _letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(4))


def _digest(code: str) -> str:
    """79 random bits need no salt and no slow digest: nobody has a list of them."""
    letters = "".join(letter for letter in code.lower() if letter in _LETTERS)
    return hashlib.sha256(letters.encode()).hexdigest()


def _of(municipality_code: str, user_name: str) -> tuple[Any, ...]:
    return codes.c.municipality_code == municipality_code, codes.c.user_name == user_name
