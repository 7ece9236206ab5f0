"""Municipalities and their profiles in the database (団体と団体設定)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import ConflictError, NotFoundError
from payments.domain.profile import Profile, profile_from_mapping
from payments.store import former

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

# What anybody may know of every body. On PostgreSQL a function answers it for the owner of the
# tables: no transaction of the service sees the rows of two bodies (payments.store.row_security).
_BODIES = {
    "postgresql": text("SELECT code, name, collecting_body_code, disabled FROM kokin_bodies()"),
    "sqlite": text(
        "SELECT municipality_code AS code, name, "
        "json_extract(profile_json, '$.collecting_body_code') AS collecting_body_code, disabled "
        "FROM municipality ORDER BY municipality_code"
    ),
}


@dataclass(frozen=True, slots=True)
class Body:
    """団体 as everybody may know it: ``collecting_body_code`` is 収納機関番号 of its slips.

    One that is ``disabled`` is not served any more: nobody signs in, no notification is taken, no
    job runs. Its books stay, and commands that name it still read them.
    """

    code: str
    name: str
    collecting_body_code: str
    disabled: bool


def save_profile(connection: Connection, profile: Profile) -> None:
    """Enter the municipality or bring its profile up to date; what it was before is kept."""
    code, written = profile.municipality_code, json.dumps(asdict(profile), ensure_ascii=False)
    before = _stored(connection, code)
    if before is not None and before != written:
        former.keep(connection, code, "municipality", "", {"profile_json": before})
    connection.execute(
        text(
            "INSERT INTO municipality (municipality_code, name, profile_json, live) "
            "VALUES (:m, :name, :profile, :live) ON CONFLICT (municipality_code) "
            "DO UPDATE SET name = excluded.name, profile_json = excluded.profile_json"
        ),
        {
            "m": code,
            "name": profile.name,
            "profile": written,
            "live": False,
        },
    )


def require_own_number(connection: Connection, profile: Profile) -> None:
    """収納機関番号の重複: a resident's number must lead to one body.

    Raises :class:`ConflictError` ``collecting_body_taken`` when another one has the number.
    """
    for body in bodies(connection):
        same = body.collecting_body_code == profile.collecting_body_code
        if same and body.code != profile.municipality_code:
            raise ConflictError(
                "collecting_body_taken",
                found=profile.collecting_body_code,
                municipality_code=body.code,
            )


def load_profile(connection: Connection, municipality_code: str) -> Profile:
    """The profile in force; :class:`NotFoundError` when the municipality is not set up."""
    stored = _stored(connection, municipality_code)
    if stored is None:
        raise NotFoundError("municipality", municipality_code=municipality_code)
    return profile_from_mapping(json.loads(stored))


def profile_at(connection: Connection, municipality_code: str, at: datetime) -> Profile:
    """The profile that was in force at a moment, or the first one; as :func:`load_profile`."""
    left = former.left_after(connection, municipality_code, "municipality", at)
    if not left:
        return load_profile(connection, municipality_code)
    return profile_from_mapping(json.loads(left[""]["profile_json"]))


def _stored(connection: Connection, municipality_code: str) -> str | None:
    found = connection.execute(
        text("SELECT profile_json FROM municipality WHERE municipality_code = :m"),
        {"m": municipality_code},
    ).scalar_one_or_none()
    return None if found is None else str(found)


def bodies(connection: Connection) -> list[Body]:
    """団体の一覧: every body of this installation, disabled ones too, in order of their codes."""
    rows = connection.execute(_BODIES[connection.dialect.name])
    return [Body(row.code, row.name, row.collecting_body_code, bool(row.disabled)) for row in rows]


def municipality_codes(connection: Connection) -> list[str]:
    """Every municipality that this installation serves, in order."""
    return [body.code for body in bodies(connection) if not body.disabled]


def is_served(connection: Connection, municipality_code: str) -> bool:
    """Whether the municipality is here and not disabled."""
    disabled = connection.execute(
        text("SELECT disabled FROM municipality WHERE municipality_code = :m"),
        {"m": municipality_code},
    ).scalar_one_or_none()
    return disabled is not None and not disabled


def set_disabled(connection: Connection, municipality_code: str, *, disabled: bool) -> None:
    """団体の停止・再開; :class:`NotFoundError` when the municipality is not set up."""
    changed = connection.execute(
        text("UPDATE municipality SET disabled = :disabled WHERE municipality_code = :m"),
        {"m": municipality_code, "disabled": disabled},
    ).rowcount
    if not changed:
        raise NotFoundError("municipality", municipality_code=municipality_code)


def is_live(connection: Connection, municipality_code: str) -> bool:
    """本番か: False prints 見本 on every slip."""
    found = connection.execute(
        text("SELECT live FROM municipality WHERE municipality_code = :m"),
        {"m": municipality_code},
    ).scalar_one()
    return bool(found)


def set_live(connection: Connection, municipality_code: str, *, live: bool) -> None:
    """本番・見本の切替; going live is for two people (design R10)."""
    connection.execute(
        text("UPDATE municipality SET live = :live WHERE municipality_code = :m"),
        {"m": municipality_code, "live": live},
    )
