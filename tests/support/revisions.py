"""Revisions of the schema: one Alembic command on a database under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from web.database import _config

if TYPE_CHECKING:
    import sqlalchemy as sa


def at(engine: sa.Engine, step: Any, revision: str) -> None:
    """Run one Alembic command on a connection that writes."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config = _config()
        config.attributes["connection"] = connection
        step(config, revision)
