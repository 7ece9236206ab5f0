"""Two bodies on one installation; on PostgreSQL the service has the rights of its role, no more."""

from __future__ import annotations

import shutil
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from first_wall import loose, statements
from postgres import locked
from two_bodies import TwoBodies, build

from payments.store.engine import open_engine
from payments.store.roles import grants
from payments.store.unit_of_work import reading
from web.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import postgres

SECRET = "a secret of the tests, long enough"
APP, AUDITOR = "kokin_app", "kokin_auditor"
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def _settings(url: str, home: Path) -> Settings:
    return Settings(home=home, database_url=url, secret_key=SECRET, municipality="")


@pytest.fixture(scope="session")
def roles(postgres_cluster: postgres.Cluster, run_dir: Path) -> None:
    """The roles of the service and of the auditors, which belong to the whole cluster."""
    with locked(run_dir / "roles.lock"):
        for role in (APP, AUDITOR):
            postgres_cluster.execute(
                f"DO $$ BEGIN CREATE ROLE {role} LOGIN; "
                "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )


@pytest.fixture(scope="session")
def server_template(
    request: pytest.FixtureRequest,
    postgres_cluster: postgres.Cluster,
    postgres_city_template: SimpleNamespace,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SimpleNamespace]:
    """A PostgreSQL database with both bodies and the rights of the roles, to be copied."""
    request.getfixturevalue("roles")
    name = f"bodies_{uuid.uuid4().hex}"
    owner = postgres_cluster.create_database(name, template=postgres_city_template.name)
    engine = open_engine(owner)
    keys = build(_settings(owner, tmp_path_factory.mktemp("owner")), engine).keys
    with reading(engine) as connection:
        statements = grants(connection, APP, AUDITOR)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
    yield SimpleNamespace(name=name, keys=keys)
    postgres_cluster.drop_database(name)


@pytest.fixture(scope="module")
def server(
    postgres_cluster: postgres.Cluster, server_template: SimpleNamespace
) -> Iterator[SimpleNamespace]:
    """Both bodies on PostgreSQL: addresses of the database by role."""
    name = f"bodies_{uuid.uuid4().hex}"
    owner = postgres_cluster.create_database(name, template=server_template.name)
    addresses = {role: owner.replace("//kokin@", f"//{role}@") for role in (APP, AUDITOR)}
    yield SimpleNamespace(
        owner=owner, app=addresses[APP], auditor=addresses[AUDITOR], keys=server_template.keys
    )
    postgres_cluster.drop_database(name)


@pytest.fixture(scope="session")
def file_template(city_template: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """An SQLite file with both bodies, to be copied."""
    home = tmp_path_factory.mktemp("both")
    path = home / "kokin.sqlite"
    shutil.copyfile(city_template, path)
    settings = _settings(f"sqlite:///{path}", home)
    engine = open_engine(settings.database)
    keys = build(settings, engine).keys
    engine.dispose()  # what the log beside the file holds is in the file now
    return SimpleNamespace(path=path, keys=keys)


@pytest.fixture(scope="module", params=KINDS)
def bodies(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoBodies]:
    """Both bodies, on both kinds of database.

    Whatever the tests of a module do: the rows of the other body are the same afterwards, and every
    statement on the way named the municipality of every table in it.
    """
    home = tmp_path_factory.mktemp("bodies")
    if request.param == "sqlite":
        template = request.getfixturevalue("file_template")
        shutil.copyfile(template.path, home / "kokin.sqlite")
        settings = _settings(f"sqlite:///{home / 'kokin.sqlite'}", home)
        engine = open_engine(settings.database)
        made = TwoBodies(settings, engine, template.keys)
    else:
        server = request.getfixturevalue("server")
        settings = _settings(server.app, home)
        engine = open_engine(settings.database)
        made = TwoBodies(settings, engine, server.keys)
    before = made.digests()
    with statements() as issued:
        yield made
    after = made.digests()
    engine.dispose()
    assert {table for table in before if before[table] != after[table]} <= made.visited
    assert loose(issued) == []
