"""データベースの役割: who may do what on PostgreSQL, worked out from the tables as they are.

Three roles, each with the least it needs. The *owner* makes and changes tables (``kokin init``) and
enters municipalities. The *service* (app) reads and writes rows, but changes nothing that is only
ever added to. The *auditor* reads, without passwords and secrets. Row-level security holds all of
them (:mod:`payments.store.row_security`); only the owner may enter all municipalities at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import Connection

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# What nobody reads who only looks on, whichever table it stands in.
SECRET = re.compile(r"password|secret|salt|session_stamp|sealed")
DOORS = ("kokin_bodies()", "kokin_body_of_key(text)", "kokin_count(text, text[])")
# What the service only looks at: the revision, and which municipalities there are.
_LOOKED_AT = {"alembic_version": "SELECT", "municipality": "SELECT, UPDATE"}
# Without a condition a trigger refuses whatever the row is; of one row on a cluster, else of all.
_TABLES = text(
    """SELECT c.relname AS name, c.oid::bigint AS oid,
              COALESCE(bit_or(t.tgtype::int) FILTER (WHERE t.tgqual IS NULL), 0) AS refused
       FROM pg_class c
       LEFT JOIN (SELECT g.* FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
                  WHERE p.proname = 'kokin_append_only') t ON t.tgrelid = c.oid
       WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
       GROUP BY c.relname, c.oid ORDER BY c.relname"""
)
_COLUMNS = text(
    "SELECT attname FROM pg_attribute WHERE attrelid = :oid AND attnum > 0 AND NOT attisdropped "
    "ORDER BY attnum"
)
_DELETES, _UPDATES = 8, 16  # bits of pg_trigger.tgtype


def grants(connection: Connection, app: str, auditor: str) -> list[str]:
    """権限の付与: what an owner has to run so that both roles have their rights and no others.

    Running it again brings the rights up to date, for instance after ``kokin init`` made new
    tables. Raises what :func:`require_held` raises.
    """
    for role in (app, auditor):
        require_held(connection, role)
    schema, database = connection.execute(
        text("SELECT quote_ident(current_schema()), quote_ident(current_database())")
    ).one()
    both = f"{app}, {auditor}"
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {both}",
        f"GRANT CONNECT ON DATABASE {database} TO {both}",
        f"GRANT TEMPORARY ON DATABASE {database} TO {app}",
        f"GRANT USAGE ON SCHEMA {schema} TO {both}",
        f"GRANT EXECUTE ON FUNCTION {', '.join(DOORS)} TO {app}",
        f"GRANT EXECUTE ON FUNCTION {DOORS[0]} TO {auditor}",
    ]
    for table in connection.execute(_TABLES).all():
        rights = _LOOKED_AT.get(table.name) or _rights(table.refused)
        columns = connection.execute(_COLUMNS, {"oid": table.oid}).scalars().all()
        readable = [name for name in columns if not SECRET.search(name)]
        named = "" if len(readable) == len(columns) else f" ({', '.join(readable)})"
        statements.append(f"GRANT {rights} ON {table.name} TO {app}")
        statements.append(f"GRANT SELECT{named} ON {table.name} TO {auditor}")
    return statements


def require_held(connection: Connection, role: str) -> None:
    """役割の確認: a role that row-level security holds, and that owns nothing.

    Raises :class:`NotFoundError` ``database_role`` or :class:`ConfigurationError`
    ``database_role_free``.
    """
    found = None
    if NAME.fullmatch(role):
        found = connection.execute(
            text(
                "SELECT r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, c.relowner, 'MEMBER') "
                "AS free FROM pg_roles r CROSS JOIN pg_class c "
                "WHERE r.rolname = :role AND c.oid = 'municipality'::regclass"
            ),
            {"role": role},
        ).one_or_none()
    if found is None:
        raise NotFoundError("database_role", found=role)
    if found.free:
        raise ConfigurationError("database_role_free", found=role)


def unheld_role(connection: Connection) -> str:
    """行単位の保護を受けない役割: who is connected, when nothing holds them; else nothing."""
    row = connection.execute(
        text(
            "SELECT rolname, rolsuper OR rolbypassrls AS free FROM pg_roles "
            "WHERE rolname = current_user"
        )
    ).one()
    return str(row.rolname) if row.free else ""


def owned_by(connection: Connection) -> str:
    """表の所有者: who is connected, when the tables are theirs; else nothing."""
    return str(
        connection.execute(
            text(
                "SELECT CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN current_user ELSE '' END "
                "FROM pg_class c WHERE c.oid = 'municipality'::regclass"
            )
        ).scalar_one()
    )


def lacking_rights(connection: Connection) -> list[str]:
    """足りない権限: of what :func:`grants` gives the service, what the role connected lacks.

    Each as ``table (RIGHT)``: after an upgrade that made tables, those that nobody has given yet.
    """
    wanted = [
        (table.name, right)
        for table in connection.execute(_TABLES)
        for right in (_LOOKED_AT.get(table.name) or _rights(table.refused)).split(", ")
    ]
    tables = [name for name, _right in wanted]
    found = connection.execute(
        text(
            "SELECT name, priv FROM unnest(CAST(:tables AS text[]), CAST(:rights AS text[])) "
            "AS each(name, priv) "
            "WHERE NOT has_table_privilege(quote_ident(current_schema()) || '.' || "
            "quote_ident(name), priv) UNION ALL "
            "SELECT door, 'EXECUTE' FROM unnest(CAST(:doors AS text[])) AS each(door) "
            "WHERE NOT has_function_privilege(door, 'EXECUTE')"
        ),
        {"tables": tables, "rights": [right for _name, right in wanted], "doors": list(DOORS)},
    )
    return [f"{row.name} ({row.priv})" for row in found]


def _rights(refused: int) -> str:
    """What the service may do with a table of which triggers refuse a part."""
    rights = ["SELECT", "INSERT"]
    if not refused & _UPDATES:
        rights.append("UPDATE")
    if not refused & _DELETES:
        rights.append("DELETE")
    return ", ".join(rights)
