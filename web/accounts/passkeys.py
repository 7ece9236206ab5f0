"""パスキー (WebAuthn): a key that never leaves a person's device and signs for this address only.

Every question is asked once and answered once; the device has to verify its user. A passkey stands
beside a password, and alone in its place: it is two factors in one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import webauthn
from sqlalchemy import delete, insert, select, update
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from payments.domain.errors import ConflictError, NotFoundError, RefusedError
from web import clock
from web.accounts.tables import StaffChallengeRow, StaffPasskeyRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from web.accounts.staff import StaffUser

ANSWERED_WITHIN = timedelta(minutes=5)
PASSKEYS_MAX = 10  # of one person
LABEL_MAX = 40
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,90}")
# What reading an answer of anybody's may end in; a deeply nested one in the last.
NONSENSE = (WebAuthnException, ValueError, KeyError, TypeError, RecursionError)

passkeys = StaffPasskeyRow.__table__  # type: ignore[attr-defined]
challenges = StaffChallengeRow.__table__  # type: ignore[attr-defined]


class Passkey(NamedTuple):
    """パスキー without its key."""

    credential_id: str
    user_name: str
    label: str
    made_at: datetime
    used_at: datetime | None

    @property
    def passkey_id(self) -> str:
        """A short name for addresses of pages; the id itself may be very long."""
        return hashlib.sha256(self.credential_id.encode()).hexdigest()[:16]


class Site(NamedTuple):
    """宛先: what a passkey belongs to: the host of our pages, and their origin."""

    host: str
    origin: str


def ask_to_register(
    connection: Connection, municipality_code: str, user: StaffUser, site: Site, handle: bytes
) -> str:
    """登録の問い: the options for the browser, as JSON; ``handle`` names the person for devices."""
    known = of_person(connection, municipality_code, user.user_name)
    if len(known) >= PASSKEYS_MAX:
        raise ConflictError("passkeys_many", expected=PASSKEYS_MAX)
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="公金",
        user_id=handle,
        user_name=user.user_name,
        user_display_name=user.display_name,
        exclude_credentials=[_descriptor(each) for each in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    _ask(connection, municipality_code, options.challenge, "register", user.user_name)
    return webauthn.options_to_json(options)


def register(
    connection: Connection,
    municipality_code: str,
    user_name: str,
    site: Site,
    *,
    answer: str,
    label: str,
) -> None:
    """登録: keep the public half; raises :class:`RefusedError` ``passkey``."""
    try:
        challenge = _answered(connection, municipality_code, answer, "register", user_name)
        found = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except NONSENSE as error:
        raise RefusedError("passkey") from error
    credential_id = bytes_to_base64url(found.credential_id)
    if _row(connection, municipality_code, credential_id) is not None:
        raise RefusedError("passkey")
    connection.execute(
        insert(passkeys).values(
            municipality_code=municipality_code,
            credential_id=credential_id,
            user_name=user_name,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            label=label.strip()[:LABEL_MAX] or "パスキー",
            made_at=clock.now(),
        )
    )


def ask_to_sign(connection: Connection, municipality_code: str, user_name: str, site: Site) -> str:
    """本人確認の問い: of one person's passkeys, or with no name of any that the device offers."""
    known = of_person(connection, municipality_code, user_name) if user_name else []
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        allow_credentials=[_descriptor(each) for each in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    purpose = "second" if user_name else "alone"
    _ask(connection, municipality_code, options.challenge, purpose, user_name)
    return webauthn.options_to_json(options)


def accept(
    connection: Connection,
    municipality_code: str,
    user_name: str,
    site: Site,
    answer: str,
) -> str:
    """本人確認: whose passkey has signed. Raises :class:`RefusedError` ``passkey``.

    With ``user_name`` only a passkey of that person is taken. A counter that does not go up (by a
    device that counts) is a copy, and refused.
    """
    purpose = "second" if user_name else "alone"
    try:
        challenge = _answered(connection, municipality_code, answer, purpose, user_name)
        credential = parse_authentication_credential_json(answer)
        row = _row(connection, municipality_code, bytes_to_base64url(credential.raw_id))
        if row is None or user_name not in {"", row.user_name}:
            raise RefusedError("passkey")
        found = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except NONSENSE as error:
        raise RefusedError("passkey") from error
    connection.execute(
        update(passkeys)
        .where(
            passkeys.c.municipality_code == municipality_code,
            passkeys.c.credential_id == row.credential_id,
        )
        .values(sign_count=found.new_sign_count, used_at=clock.now())
    )
    return str(row.user_name)


def of_person(connection: Connection, municipality_code: str, user_name: str) -> list[Passkey]:
    """The passkeys of a person, the oldest first."""
    rows = connection.execute(
        select(
            passkeys.c.credential_id,
            passkeys.c.user_name,
            passkeys.c.label,
            passkeys.c.made_at,
            passkeys.c.used_at,
        )
        .where(passkeys.c.municipality_code == municipality_code, passkeys.c.user_name == user_name)
        .order_by(passkeys.c.made_at, passkeys.c.credential_id)
    )
    return [Passkey(*row) for row in rows]


def find(
    connection: Connection, municipality_code: str, user_name: str, passkey_id: str
) -> Passkey:
    """One passkey of a person; :class:`NotFoundError` ``passkey``."""
    for passkey in of_person(connection, municipality_code, user_name):
        if hmac.compare_digest(passkey.passkey_id, passkey_id):
            return passkey
    raise NotFoundError("passkey")


def drop(
    connection: Connection, municipality_code: str, user_name: str, credential_id: str
) -> None:
    """解除 of one passkey."""
    connection.execute(
        delete(passkeys).where(
            passkeys.c.municipality_code == municipality_code,
            passkeys.c.user_name == user_name,
            passkeys.c.credential_id == credential_id,
        )
    )


def _ask(
    connection: Connection, municipality_code: str, challenge: bytes, purpose: str, user_name: str
) -> None:
    """Note a question; questions that nobody has answered in time are forgotten."""
    now = clock.now()
    connection.execute(
        delete(challenges).where(
            challenges.c.municipality_code == municipality_code,
            challenges.c.made_at < now - ANSWERED_WITHIN,
        )
    )
    connection.execute(
        insert(challenges).values(
            municipality_code=municipality_code,
            challenge=bytes_to_base64url(challenge),
            purpose=purpose,
            user_name=user_name,
            made_at=now,
        )
    )


def _answered(
    connection: Connection, municipality_code: str, answer: str, purpose: str, user_name: str
) -> bytes:
    """The question that an answer says it is about; it is not asked any more."""
    challenge = _challenge_in(answer)
    asked = connection.execute(
        delete(challenges).where(
            challenges.c.municipality_code == municipality_code,
            challenges.c.challenge == challenge,
            challenges.c.purpose == purpose,
            challenges.c.user_name == user_name,
            challenges.c.made_at > clock.now() - ANSWERED_WITHIN,
        )
    )
    if asked.rowcount != 1:
        raise RefusedError("passkey")
    return base64url_to_bytes(challenge)


def _challenge_in(answer: str) -> str:
    """Which question a browser's answer names; the signature decides whether it is so."""
    said = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))
    challenge = str(said["challenge"])
    if _CHALLENGE.fullmatch(challenge) is None:
        raise RefusedError("passkey")
    return challenge


def _row(connection: Connection, municipality_code: str, credential_id: str) -> Any:
    return connection.execute(
        select(passkeys).where(
            passkeys.c.municipality_code == municipality_code,
            passkeys.c.credential_id == credential_id,
        )
    ).one_or_none()


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id))
