"""PostgreSQL: its own tools, pg_dump and pg_restore, one snapshot for dump and counts."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from sqlalchemy import make_url, text

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.row_security import EVERY

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

_SAID_MAX = 400
# What the address may say beside host and name, and how libpq is told by its environment.
_OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
            "sslkey": "PGSSLKEY", "host": "PGHOST", "port": "PGPORT"}  # fmt: skip


def dump(connection: Connection, url: str, target: Path) -> None:
    """Everything as of the transaction of ``connection`` (REPEATABLE READ), in pg_dump's own form.

    Raises :class:`ConfigurationError` ``backup_tool``, ``backup_role`` or ``backup_failed``.
    """
    _require_owner(connection)
    snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    _run(
        "pg_dump", url,
        "--format=custom", "--no-owner", "--enable-row-security",
        f"--snapshot={snapshot}", f"--file={target}",
    )  # fmt: skip


def restore(source: Path, url: str) -> None:
    """All of a dump or nothing; raises as :func:`dump` does."""
    _run(
        "pg_restore", url,
        "--no-owner", "--single-transaction", "--exit-on-error",
        f"--dbname={make_url(url).database}", str(source),
    )  # fmt: skip
    engine = open_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            _count(connection)
    finally:
        engine.dispose()


def _count(connection: Connection) -> None:
    """A dump holds no statistics: until they were there by themselves every plan was a guess.

    A table without rows is left alone: once it is known to be empty, PostgreSQL believes that for
    as long as it is small.
    """
    filled = connection.execute(
        text(
            "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
        )
    ).scalars()
    if tables := ", ".join(filled):
        connection.execute(text(f"ANALYZE {tables}"))


def _require_owner(connection: Connection) -> None:
    """Row-level security hides rows without a word: only the owner's role sees all of them."""
    owns = connection.execute(
        text(
            "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class "
            "WHERE oid = 'municipality'::regclass"
        )
    ).scalar_one()
    if not owns:
        raise ConfigurationError("backup_role")


def _run(tool: str, url: str, *words: str) -> None:
    """Run one of the tools; where it connects and its password stand in its environment."""
    program = shutil.which(tool)
    if program is None:
        raise ConfigurationError("backup_tool", found=tool)
    address = make_url(url)
    values = {
        "PGHOST": address.host,
        "PGPORT": str(address.port) if address.port else None,
        "PGUSER": address.username,
        "PGPASSWORD": address.password and str(address.password),
        "PGDATABASE": address.database,
        "PGOPTIONS": f"-c kokin.municipality_code={EVERY}",
    } | {_OPTIONS[name]: str(said) for name, said in address.query.items() if name in _OPTIONS}
    known = {name: value for name, value in values.items() if value}
    done = subprocess.run(  # noqa: S603 - our own words; what the operator wrote is no word of it
        [program, "--no-password", *words],
        env=os.environ | known,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise ConfigurationError("backup_failed", tool=tool, found=done.stderr.strip()[:_SAID_MAX])
