"""クラスタへの分散 (Citus): which table goes where, worked out from the tables as they are.

Every row of the books names its municipality, and no statement of the service joins two of them:
``municipality_code`` is the distribution key, all tables that have it lie co-located, and each
statement runs on one node. A few small tables are needed on every node (reference tables); what is
written in short, frequent transactions beside the books stays on the coordinator.

Only documented functions of Citus (11 or later) are used: ``citus_set_coordinator_host``,
``citus_add_node``, ``create_reference_table`` and ``create_distributed_table``. Citus takes no
triggers of whole statements on its tables. Those that refuse changes become triggers of each row;
those that read or write other tables cannot exist there, and :attr:`Plan.left` names them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.row_security import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

KEY = "municipality_code"
SHARDS = 64  # for many tenants Citus advises 32 to 128; it cannot be changed easily later
# Which bodies there are, and whose a key is: asked before it is known which node to ask, and a key
# id is unique among all of them, which a table that is spread out could not promise.
REFERENCE = frozenset({"api_key", "municipality"})
# The door of notifications and Alembic's revision: short transactions, not joined with the books.
LOCAL = frozenset(
    {
        "alembic_version",
        "api_key_use",
        "notification_nonce",
        "notification_refusal",
        "notification_spool",
        "notification_transaction",
    }
)
_ROW, _TRUNCATE = 1, 32  # bits of pg_trigger.tgtype
_EVENTS = ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"))
_READS = re.compile(r"(?<!DISTINCT )\bFROM\b|\bINSERT INTO\b", re.IGNORECASE)
_TABLES = text(
    """SELECT c.relname AS name FROM pg_class c
       WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
       ORDER BY c.relname"""
)
_REFERENCES = text(
    """SELECT k.conrelid::regclass::text AS name, k.confrelid::regclass::text AS needs
       FROM pg_constraint k WHERE k.contype = 'f'
       AND k.connamespace = current_schema()::regnamespace"""
)
_LOOSE_KEYS = text(
    """SELECT c.relname AS name, x.relname AS key FROM pg_index i
       JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
       WHERE c.relnamespace = current_schema()::regnamespace AND i.indisunique
       AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid
                       AND a.attname = :key AND a.attnum = ANY (i.indkey))
       ORDER BY 1, 2"""
)
_TRIGGERS = text(
    """SELECT c.relname AS name, t.tgname AS trigger, t.tgtype::int AS bits,
              p.proname AS function, p.prosrc AS body
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
       WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
       ORDER BY 1, 2"""
)
_PLACED = text("SELECT table_name::text FROM citus_tables")


class Place(StrEnum):
    """配置: where the rows of a table lie."""

    REFERENCE = "reference"
    DISTRIBUTED = "distributed"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Step:
    """一つの段階: statements of one transaction; ``table`` is empty for a node."""

    table: str
    place: Place | None
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """分散計画: the steps in order, and (table, trigger) of what a cluster cannot have."""

    steps: tuple[Step, ...]
    left: tuple[tuple[str, str], ...]


def is_cluster(connection: Connection) -> bool:
    """Whether the extension is there."""
    found = connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'citus'"))
    return found.one_or_none() is not None


def placed(connection: Connection) -> set[str]:
    """配置済の表: what an earlier run, perhaps one that broke off, has placed already."""
    return set(connection.execute(_PLACED).scalars())


def plan_of(
    connection: Connection,
    *,
    coordinator: tuple[str, int] | None = None,
    nodes: Sequence[tuple[str, int]] = (),
    shards: int = SHARDS,
) -> Plan:
    """分散計画 of the tables of this database, each exactly once.

    A table comes after those that its foreign keys name. Raises :class:`ConfigurationError`
    ``cluster_key`` when a unique key of a table to be spread out does not hold the municipality.
    """
    names = list(connection.execute(_TABLES).scalars())
    for row in connection.execute(_LOOSE_KEYS, {"key": KEY}):
        if _place(row.name) is Place.DISTRIBUTED:
            raise ConfigurationError("cluster_key", table=row.name, found=row.key)
    triggers: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_TRIGGERS):
        triggers.setdefault(row.name, []).append(row)
    needs = [(row.name, row.needs) for row in connection.execute(_REFERENCES)]
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    # The policies of a shard ask for the municipality that the transaction has entered, too.
    handed_on = f"ALTER DATABASE {database} SET citus.propagate_set_commands = 'local'"
    steps = [Step("", None, (handed_on,)), *_node_steps(coordinator, nodes)]
    left: list[tuple[str, str]] = []
    anchor = ""
    for name in _in_order(names, needs):
        place = _place(name)
        if place is Place.LOCAL:
            steps.append(Step(name, place, ()))
            continue
        moved, gone = _triggers(name, triggers.get(name, []))
        left += [(name, trigger) for trigger in gone]
        if place is Place.REFERENCE:
            call = f"SELECT create_reference_table('{name}')"
        else:
            beside = f"colocate_with => '{anchor or 'none'}'"
            count = "" if anchor else f", shard_count => {shards}"
            call = f"SELECT create_distributed_table('{name}', '{KEY}', {beside}{count})"
            anchor = anchor or name
        steps.append(Step(name, place, (*_SETTINGS, *moved, call)))
    return Plan(tuple(steps), tuple(left))


# Rows are copied by their owner, whom row-level security holds, too.
_SETTINGS = (
    f"SET LOCAL kokin.{KEY} = '{EVERY}'",
    "SET LOCAL citus.enable_unsafe_triggers = on",
)


def _place(name: str) -> Place:
    if name in LOCAL:
        return Place.LOCAL
    return Place.REFERENCE if name in REFERENCE else Place.DISTRIBUTED


def _node_steps(
    coordinator: tuple[str, int] | None, nodes: Iterable[tuple[str, int]]
) -> Iterable[Step]:
    """The machines, before anything is spread over them; adding one again changes nothing."""
    if coordinator is not None:
        yield Step(
            "", None, (f"SELECT citus_set_coordinator_host('{coordinator[0]}', {coordinator[1]})",)
        )
    for host, port in nodes:
        yield Step("", None, (f"SELECT citus_add_node('{host}', {port})",))


def _triggers(name: str, found: Sequence[Row[Any]]) -> tuple[list[str], list[str]]:
    """Statements that leave only triggers which a shard can have, and the names of the others."""
    statements: list[str] = []
    gone: list[str] = []
    for row in found:
        reads = bool(_READS.search(row.body))
        if row.bits & _ROW and not reads:
            continue
        statements.append(f"DROP TRIGGER {row.trigger} ON {name}")
        if reads:
            gone.append(row.trigger)
            continue
        when = "BEFORE" if row.bits & 2 else "AFTER"
        events = " OR ".join(event for bit, event in _EVENTS if row.bits & bit)
        if events:
            statements.append(
                f"CREATE TRIGGER {row.trigger} {when} {events} ON {name} "
                f"FOR EACH ROW EXECUTE FUNCTION {row.function}()"
            )
    return statements, gone


def _in_order(names: Sequence[str], needs: Sequence[tuple[str, str]]) -> list[str]:
    """Reference tables first, then each table after those that it names."""
    wanted: dict[str, set[str]] = {name: set() for name in names}
    for name, other in needs:
        if name in wanted and other != name:
            wanted[name].add(other)
    ordered: list[str] = []
    while wanted:
        free = sorted(
            (name for name, others in wanted.items() if others.isdisjoint(wanted)),
            key=lambda name: (name not in REFERENCE, name),
        )
        ordered += free
        for name in free:
            del wanted[name]
    return ordered
