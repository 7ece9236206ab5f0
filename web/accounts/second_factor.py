"""二要素認証: what somebody has beside a password, and whether their body asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from payments.store.municipalities import is_live
from web.accounts import passkeys, recovery, totp
from web.accounts.tables import StaffPolicyRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from web.accounts.staff import StaffUser

# What shows who somebody is without a password, or beside one.
STRONG = frozenset({"totp", "passkey", "recovery", "provider_mfa"})

policies = StaffPolicyRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Factors:
    """登録済みの要素 of a person."""

    totp: bool
    passkeys: tuple[passkeys.Passkey, ...]
    recovery_left: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor at all."""
        return self.totp or bool(self.passkeys)


def factors_of(connection: Connection, municipality_code: str, user_name: str) -> Factors:
    """What a person has."""
    return Factors(
        totp.is_enrolled(connection, municipality_code, user_name),
        tuple(passkeys.of_person(connection, municipality_code, user_name)),
        recovery.left(connection, municipality_code, user_name),
    )


def is_required(connection: Connection, municipality_code: str) -> bool:
    """Whether everybody of the body needs one: it is live, or asks for it all the same."""
    return is_live(connection, municipality_code) or is_asked_for(connection, municipality_code)


def is_asked_for(connection: Connection, municipality_code: str) -> bool:
    """Whether the body asks for a second factor although it is not live yet."""
    found = connection.execute(
        select(policies.c.second_factor).where(policies.c.municipality_code == municipality_code)
    ).scalar_one_or_none()
    return bool(found)


def ask_for(connection: Connection, municipality_code: str, *, asked: bool) -> None:
    """方針の変更: from the next sign-in of everybody."""
    connection.execute(delete(policies).where(policies.c.municipality_code == municipality_code))
    connection.execute(
        insert(policies).values(municipality_code=municipality_code, second_factor=asked)
    )


def needs_of(
    connection: Connection, municipality_code: str, user: StaffUser, factors: tuple[str, ...]
) -> tuple[str, ...]:
    """What somebody still has to do who has shown ``factors``."""
    needs = []
    strong = not STRONG.isdisjoint(factors)
    has = factors_of(connection, municipality_code, user.user_name).any
    if has and not strong:
        needs.append("second_factor")
    if user.password_once and "password" in factors:
        needs.append("new_password")
    if not has and not strong and is_required(connection, municipality_code):
        needs.append("enrol")
    return tuple(needs)


def drop_all(connection: Connection, municipality_code: str, user_name: str) -> None:
    """全部の解除: for somebody who has lost everything; they enrol anew."""
    totp.drop(connection, municipality_code, user_name)
    recovery.drop(connection, municipality_code, user_name)
    for passkey in passkeys.of_person(connection, municipality_code, user_name):
        passkeys.drop(connection, municipality_code, user_name, passkey.credential_id)
