"""Residents who signed in: links, views, notices; and the papers that they take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

APPEND_ONLY = ("resident_link", "resident_view", "confirmation")
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def _text(name: str, length: int, *, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=default)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _sealed() -> sa.Column[bytes]:
    return sa.Column("sealed", sa.LargeBinary(), nullable=False)


def _key(*names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("municipality_code", *names)


def _of_a_resident() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["municipality_code", "resident_id"],
        ["resident.municipality_code", "resident.resident_id"],
    )


def _tables() -> dict[str, tuple[sa.schema.SchemaItem, ...]]:
    """Every table by its name, in the order in which they refer to each other."""
    return {
        "resident": (
            _text("resident_id", 32), _text("sub_digest", 64), _at("made_at"),
            _key("resident_id"), sa.UniqueConstraint("municipality_code", "sub_digest"),
        ),
        "resident_session": (
            _text("session_id", 16), _text("resident_id", 32), _text("secret_digest", 64),
            _sealed(), _at("made_at"), _at("seen_at"), _at("ended_at", nullable=True),
            _key("session_id"), _of_a_resident(),
        ),
        "resident_link": (
            _number("link_no"), _text("resident_id", 32), _text("event", 8),
            _text("obligor_no", 15), _text("how", 10), _text("actor", 60), _at("happened_at"),
            _key("link_no"), _of_a_resident(),
            sa.CheckConstraint("event IN ('linked', 'unlinked')"),
        ),
        "resident_request": (
            _number("request_no"), _text("resident_id", 32), _text("obligor_no", 15),
            _flag("name_agrees"), _flag("address_agrees"), _sealed(), _at("asked_at"),
            _text("state", 8), _text("decided_by", 60), _at("decided_at", nullable=True),
            _text("note", 200), _key("request_no"), _of_a_resident(),
            sa.CheckConstraint("state IN ('waiting', 'linked', 'refused', 'dropped')"),
        ),
        "resident_view": (
            _text("view_id", 32), _text("resident_id", 32), _text("obligor_no", 15),
            _text("page", 20), _text("source_digest", 64), _at("viewed_at"), _key("view_id"),
        ),
        "resident_contact": (
            _text("contact_id", 32), _text("resident_id", 32), _sealed(), _text("language", 8),
            _text("kinds", 60), _at("asked_at"), _at("confirmed_at", nullable=True),
            _at("stopped_at", nullable=True), _key("contact_id"),
            _of_a_resident(),
        ),
        "resident_letter": (
            _text("contact_id", 32), _text("letter_key", 60), _text("state", 6),
            sa.Column("attempts", sa.Integer(), nullable=False), _text("error_code", 40),
            _at("happened_at"), _key("contact_id", "letter_key"),
            sa.CheckConstraint("state IN ('begun', 'sent', 'failed')"),
            sa.ForeignKeyConstraint(
                ["municipality_code", "contact_id"],
                ["resident_contact.municipality_code", "resident_contact.contact_id"],
            ),
        ),
        "confirmation": (
            _text("code_digest", 64), _text("kind", 20), _sealed(), _text("issued_to", 60),
            _at("issued_at"), sa.Column("expires_on", sa.Date(), nullable=False),
            _key("code_digest"),
        ),
    }  # fmt: skip


INDEXES = (
    ("resident_session_of", "resident_session", "resident_id", "made_at"),
    ("resident_link_of", "resident_link", "resident_id", "link_no"),
    ("resident_link_to", "resident_link", "obligor_no", "link_no"),
    ("resident_request_by_state", "resident_request", "state", "request_no"),
    ("resident_request_of", "resident_request", "resident_id", "request_no"),
    ("resident_view_by_person", "resident_view", "obligor_no", "viewed_at"),
    ("resident_contact_of", "resident_contact", "resident_id", "asked_at"),
    ("confirmation_by_time", "confirmation", "issued_at"),
)


def upgrade() -> None:
    """The tables; what is a record is only ever added to."""
    for table, columns in _tables().items():
        op.create_table(table, _text("municipality_code", 5), *columns)
    for name, table, *indexed in INDEXES:
        op.create_index(name, table, ["municipality_code", *indexed])
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
                )
        return
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    for table in _tables():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """Take the tables away; their triggers go with them."""
    for table in reversed(list(_tables())):
        op.drop_table(table)
