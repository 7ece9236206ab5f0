"""Municipalities and their profiles in the database (団体と団体設定)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import NotFoundError
from payments.domain.profile import Profile, profile_from_mapping

if TYPE_CHECKING:
    from sqlalchemy import Connection


def save_profile(connection: Connection, profile: Profile) -> None:
    """Enter the municipality or bring its profile up to date."""
    connection.execute(
        text(
            "INSERT INTO municipality (municipality_code, name, profile_json, live) "
            "VALUES (:m, :name, :profile, :live) ON CONFLICT (municipality_code) "
            "DO UPDATE SET name = excluded.name, profile_json = excluded.profile_json"
        ),
        {
            "m": profile.municipality_code,
            "name": profile.name,
            "profile": json.dumps(asdict(profile), ensure_ascii=False),
            "live": False,
        },
    )


def load_profile(connection: Connection, municipality_code: str) -> Profile:
    """The profile in force; :class:`NotFoundError` when the municipality is not set up."""
    stored = connection.execute(
        text("SELECT profile_json FROM municipality WHERE municipality_code = :m"),
        {"m": municipality_code},
    ).scalar_one_or_none()
    if stored is None:
        raise NotFoundError("municipality", municipality_code=municipality_code)
    return profile_from_mapping(json.loads(stored))


def municipality_codes(connection: Connection) -> list[str]:
    """Every municipality on this installation, in order."""
    rows = connection.execute(text("SELECT municipality_code FROM municipality ORDER BY 1"))
    return [str(code) for code in rows.scalars()]


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
