"""認証アプリ: six digits that change every thirty seconds (TOTP, RFC 6238).

The shared secret lies sealed in the database. A code holds for its own time step and for one before
and behind it, and each step only once: who looks over a shoulder has nothing to type again.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import pyotp
from sqlalchemy import delete, insert, select, update

from qr.encode.inline import inline_svg
from web import clock
from web.accounts.tables import StaffTotpRow
from web.notifications.sealed_secrets import seal, unseal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from web.config import Settings

STEP_SECONDS = 30
DRIFT_STEPS = 1

totps = StaffTotpRow.__table__  # type: ignore[attr-defined]


def begin(
    connection: Connection, settings: Settings, municipality_code: str, user_name: str
) -> str:
    """登録の開始: the secret to enter into an app; in force when a code has shown that it is there.

    What was begun before is continued, so that a page that is loaded again shows the same.
    """
    mine = _is(municipality_code, user_name)
    row = connection.execute(select(totps).where(*mine)).first()
    if row is not None and row.confirmed_at is None:
        return unseal(settings, _place(municipality_code, user_name), row.sealed)
    secret = pyotp.random_base32()
    connection.execute(delete(totps).where(*mine))
    connection.execute(
        insert(totps).values(
            municipality_code=municipality_code,
            user_name=user_name,
            sealed=seal(settings, _place(municipality_code, user_name), secret),
            made_at=clock.now(),
            last_step=0,
        )
    )
    return secret


def accept(
    connection: Connection,
    settings: Settings,
    municipality_code: str,
    user_name: str,
    code: str,
    *,
    enrolling: bool = False,
) -> bool:
    """確認: whether the code is one of now that was not used before; it is used from here on.

    ``enrolling``: it shows that the app has the secret, which is in force from now on.
    """
    mine = _is(municipality_code, user_name)
    row = connection.execute(select(totps).where(*mine)).first()
    if row is None or (row.confirmed_at is None) is not enrolling:
        return False
    secret = unseal(settings, _place(municipality_code, user_name), row.sealed)
    step = _step_of(secret, "".join(code.split()))
    if step is None:
        return False
    confirmed = {"confirmed_at": clock.now()} if enrolling else {}
    # Of two requests with one code, the second finds the step taken.
    taken = connection.execute(
        update(totps).where(*mine, totps.c.last_step < step).values(last_step=step, **confirmed)
    )
    return taken.rowcount == 1


def is_enrolled(connection: Connection, municipality_code: str, user_name: str) -> bool:
    """Whether the person has an app that is in force."""
    found = connection.execute(
        select(totps.c.confirmed_at).where(*_is(municipality_code, user_name))
    ).scalar_one_or_none()
    return found is not None


def drop(connection: Connection, municipality_code: str, user_name: str) -> bool:
    """解除; whether there was one."""
    gone = connection.execute(delete(totps).where(*_is(municipality_code, user_name)))
    return gone.rowcount > 0


def drawing(secret: str, *, user_name: str, issuer: str, title: str) -> str:
    """登録用の二次元コード: an ``<svg>`` without a style or an address in it (CSP)."""
    address = pyotp.TOTP(secret).provisioning_uri(name=user_name, issuer_name=issuer)
    return inline_svg(address, title=title)


def _step_of(secret: str, code: str) -> int | None:
    """The time step to which a code belongs, among those that hold now."""
    clockwork = pyotp.TOTP(secret, interval=STEP_SECONDS)
    now = int(clock.now().timestamp()) // STEP_SECONDS
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(clockwork.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def _place(municipality_code: str, user_name: str) -> str:
    return f"totp {municipality_code} {user_name}"


def _is(municipality_code: str, user_name: str) -> tuple[Any, ...]:
    return totps.c.municipality_code == municipality_code, totps.c.user_name == user_name
