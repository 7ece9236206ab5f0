"""クラスタへの分散: every table is placed once, with its guards, in statements that Citus knows."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from first_wall import TABLES
from sqlalchemy import text
from sqlmodel import SQLModel

from payments.domain.errors import ConfigurationError
from payments.store.cluster import LOCAL, REFERENCE, Place, plan_of
from payments.store.engine import open_engine
from web.cli import main
from web.commands.database import run_step
from web.commands.session import Session
from web.config import Settings

pytestmark = pytest.mark.postgres

# What Citus would be told. The catalogue decides whether the names and the order are right.
STAND_INS = (
    "CREATE TABLE told (no serial, call text, name text, beside text)",
    """CREATE FUNCTION create_reference_table(wanted regclass) RETURNS void LANGUAGE sql AS
       $$ INSERT INTO told (call, name) VALUES ('reference', wanted::text) $$""",
    """CREATE FUNCTION create_distributed_table(wanted regclass, key text, colocate_with text,
                                                shard_count int DEFAULT NULL)
       RETURNS void LANGUAGE sql AS
       $$ INSERT INTO told (call, name, beside)
          VALUES (key || coalesce(shard_count::text, ''), wanted::text, colocate_with) $$""",
    """CREATE FUNCTION citus_add_node(host text, port int) RETURNS int LANGUAGE sql AS
       $$ INSERT INTO told (call, name) VALUES ('node', host || port); SELECT 1 $$""",
    """CREATE FUNCTION citus_set_coordinator_host(host text, port int) RETURNS void LANGUAGE sql AS
       $$ INSERT INTO told (call, name) VALUES ('coordinator', host || port) $$""",
)
DOCUMENTED = re.compile(
    r"SELECT (create_reference_table|create_distributed_table|citus_add_node"
    r"|citus_set_coordinator_host)\('[^']+'[^;]*\)"
    r"|SET LOCAL (kokin\.municipality_code = '\*'|citus\.enable_unsafe_triggers = on)"
    r"|ALTER DATABASE \w+ SET citus\.propagate_set_commands = 'local'"
    r"|DROP TRIGGER \w+ ON \w+"
    r"|CREATE TRIGGER \w+ BEFORE (INSERT|UPDATE|DELETE)( OR (UPDATE|DELETE))* ON \w+ "
    r"FOR EACH ROW EXECUTE FUNCTION \w+\(\)"
)


@pytest.fixture
def engine(postgres_url):
    opened = open_engine(postgres_url)
    yield opened
    opened.dispose()


def _plan(engine, **wanted):
    with engine.connect() as connection:
        return plan_of(connection, **wanted)


def test_every_table_is_placed_exactly_once(engine):
    plan = _plan(engine)
    names = [step.table for step in plan.steps if step.table]
    assert len(names) == len(set(names))
    assert set(SQLModel.metadata.tables) | TABLES <= set(names)
    by_place = {place: {s.table for s in plan.steps if s.place is place} for place in Place}
    assert by_place[Place.REFERENCE] == REFERENCE
    assert by_place[Place.LOCAL] == LOCAL
    assert all(
        "municipality_code" in SQLModel.metadata.tables[name].columns
        for name in by_place[Place.DISTRIBUTED] & set(SQLModel.metadata.tables)
    )


def test_every_key_of_a_table_that_is_spread_out_holds_the_municipality(engine):
    plan = _plan(engine)
    spread = [step.table for step in plan.steps if step.place is Place.DISTRIBUTED]
    for table in (
        SQLModel.metadata.tables[name] for name in spread if name in SQLModel.metadata.tables
    ):
        keys = [table.primary_key, *(i for i in table.indexes if i.unique)]
        keys += [c for c in table.constraints if type(c).__name__ == "UniqueConstraint"]
        for key in keys:
            assert "municipality_code" in {column.name for column in key.columns}, table.name
        for foreign in table.foreign_key_constraints:
            near = foreign.referred_table.name in REFERENCE | set(
                spread[: spread.index(table.name)]
            )
            assert near, (table.name, foreign.referred_table.name)
            assert "municipality_code" in foreign.column_keys


def test_a_key_without_the_municipality_is_refused_by_name(engine):
    with engine.connect() as connection, connection.begin() as whole:
        connection.execute(text("CREATE UNIQUE INDEX slip_alone ON slip (slip_no)"))
        with pytest.raises(ConfigurationError) as refused:
            plan_of(connection)
        whole.rollback()
    assert refused.value.error_code == "cluster_key"
    assert refused.value.details == {"table": "slip", "found": "slip_alone"}


def test_only_documented_statements_are_issued_and_the_database_takes_them(engine):
    plan = _plan(engine, coordinator=("c.example", 5432), nodes=[("n1.example", 5432)], shards=32)
    for step in plan.steps:
        for statement in step.statements:
            assert DOCUMENTED.fullmatch(statement), statement
    with engine.begin() as connection:
        for statement in STAND_INS:
            connection.exec_driver_sql(statement)
    for step in plan.steps[1:]:  # the setting itself is unknown without the extension
        run_step(engine, step)
    with engine.connect() as connection:
        told = connection.execute(text("SELECT call, name, beside FROM told ORDER BY no")).all()
        kinds = connection.execute(
            text(
                "SELECT DISTINCT c.relname, t.tgtype::int & 1 AS row FROM pg_trigger t "
                "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
            )
        ).all()
        may = text("SELECT has_table_privilege('posting', 'UPDATE')")
        assert connection.execute(may).scalar_one()  # the owner; what follows is the trigger
    assert [tuple(row)[:2] for row in told[:4]] == [
        ("coordinator", "c.example5432"), ("node", "n1.example5432"),
        ("reference", "api_key"), ("reference", "municipality"),
    ]  # fmt: skip
    first = told[4].name
    assert told[4].call == "municipality_code32"
    assert told[4].beside == "none"
    assert {(row.call, row.beside) for row in told[5:]} == {("municipality_code", first)}
    # What is only added to is guarded row by row now; statement triggers are left on local tables.
    assert {name for name, row in kinds if not row} <= LOCAL
    assert ("posting", 1) in {tuple(row) for row in kinds}
    # Every seal number is given by a trigger that a shard cannot have: all are named.
    assert {trigger for _table, trigger in plan.left if trigger.endswith("_is_entered")}
    assert ("source_file", "file_is_entered") in plan.left


def _run(url, home, *words):
    settings = Settings(home=home, database_url=url, secret_key="long enough for a test, this")
    return CliRunner().invoke(main, ["db", "distribute", *words], obj=Session(settings))


def test_the_command_shows_the_plan_and_refuses_without_the_extension(postgres_url, tmp_path):
    shown = _run(postgres_url, tmp_path, "--dry-run", "--node", "n1.example:5432")
    assert shown.exit_code == 0, shown.output
    assert "SELECT citus_add_node('n1.example', 5432);" in shown.stdout
    assert "-- 置けないトリガー: source_file.file_is_entered" in shown.stdout
    steps = json.loads(_run(postgres_url, tmp_path, "--dry-run", "--json").stdout)["steps"]
    assert {"table": "notification_spool", "place": "local", "statements": []} in steps
    for words, code in (((), "cluster_triggers"), (("--leave-triggers",), "cluster_missing")):
        answer = _run(postgres_url, tmp_path, *words)
        assert (answer.exit_code, code in answer.stderr) == (1, True)
    assert _run(postgres_url, tmp_path, "--node", "no port").exit_code == 2


def test_a_file_has_no_cluster(sqlite_url, tmp_path):
    answer = _run(sqlite_url, tmp_path)
    assert (answer.exit_code, "cluster_sqlite" in answer.stderr) == (1, True)
