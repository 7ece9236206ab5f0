"""データベースの版: bringing a database to the schema of this release (numbered migrations)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from payments.store.engine import CONNECTIONS, keys_of, open_engine
from payments.store.known_keys import require_keys
from payments.store.municipalities import bodies
from payments.store.row_security import EVERY
from payments.store.statistics import state_statistics
from payments.store.unit_of_work import enter_municipality, reading
from web.calc.tables import put_in_force
from web.online_indexes import build_lacking, lacking

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection, Engine

    from payments.store.sealed_bytes import KeyRing
    from web.config import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
WALLED = "0016"  # from this revision on, who has entered no municipality sees none


def open_books(settings: Settings, *, connections: int = CONNECTIONS) -> Engine:
    """台帳を開く: the database of the settings, with the keys that open what it keeps sealed.

    What this process works out from now on rests on the rates of the settings, too. Raises
    :class:`ConfigurationError` of :meth:`Settings.key_ring`.
    """
    ring = settings.key_ring()
    put_in_force(settings)
    return open_engine(settings.database, keys=ring, connections=connections)


def require_evidence_keys(settings: Settings) -> KeyRing:
    """証拠の鍵の確認: the ring of the settings, when it opens the evidence of every municipality.

    Before there is a database nothing is asked for. Raises :class:`ConfigurationError`
    ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    file = settings.sqlite_file
    if file is not None and not file.exists():
        return settings.key_ring()
    engine = open_books(settings)
    try:
        with reading(engine) as connection:
            codes = [body.code for body in bodies(connection)]
        for code in codes:
            with reading(engine, code) as connection:
                require_keys(connection, code)
    finally:
        engine.dispose()
    return keys_of(engine)


def upgrade(url: str, revision: str = "head") -> None:
    """Run every migration that the database at ``url`` still lacks, in one transaction.

    Indexes of large tables are built behind it (:mod:`web.online_indexes`); an upgrade that was cut
    off there builds what is lacking when it is run again.
    """
    # Alembic is loaded by who migrates or asks for the version: few commands do.
    from alembic import command  # noqa: PLC0415

    engine = open_engine(url)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            config = _config()
            config.attributes["connection"] = connection
            if (_revision(connection) or "") >= WALLED:
                enter_municipality(connection, EVERY)  # A migration is about all of them.
            command.upgrade(config, revision)
            state_statistics(connection)
        build_lacking(engine, applied_revisions(engine))
    finally:
        engine.dispose()


def current_revision(engine: Engine) -> str | None:
    """The revision the database is at, None when it is empty."""
    with engine.connect() as connection:
        return _revision(connection)


def applied_revisions(engine: Engine) -> set[str]:
    """The revision the database is at and all before it."""
    with engine.connect() as connection:
        newest = _revision(connection)
    if newest is None:
        return set()
    return {script.revision for script in _scripts().iterate_revisions(newest, "base")}


def lacking_indexes(engine: Engine) -> list[str]:
    """Indexes of large tables that an upgrade did not get to build to their end."""
    applied = applied_revisions(engine)
    with engine.connect() as connection:
        return [index.name for index in lacking(connection, applied)]


def head_revision() -> str | None:
    """The revision this release needs."""
    return _scripts().get_current_head()


def is_known(revision: str) -> bool:
    """Whether this release knows the revision, so that it can bring it forward."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


def _revision(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    """Alembic's configuration without a file: the migrations ship inside the package."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
