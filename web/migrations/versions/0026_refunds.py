"""Overpayments, appropriation and refunds.

All tables are only ever added to but ``sealed_text``, whose bytes are sealed anew when the key of
the installation changes. What people decide stands under the seals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from sqlalchemy.schema import SchemaItem

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = (
    "sealed_text", "payee_account", "payee_account_event", "overpayment", "refund",
    "refund_event", "refund_batch", "refund_batch_line", "refund_batch_event", "refund_sent",
    "refund_notice",
)  # fmt: skip
CHANGES = ("sealed_text",)
# Table and kind of entry, its key (subject and part).
ENTERED = (
    ("payee_account_event", "account_no", "event_no"),
    ("overpayment", "overpayment_no", "0"),
    ("refund", "refund_no", "0"),
    ("refund_event", "refund_no", "event_no"),
    ("refund_batch", "batch_no", "0"),
    ("refund_batch_line", "batch_no", "line_no"),
    ("refund_batch_event", "batch_no", "event_no"),
)
INDEXES = (
    ("payee_account_by_person", "payee_account", ("obligor_no", "account_no")),
    ("overpayment_by_subject", "overpayment", ("subject", "overpayment_no")),
    ("refund_by_line", "refund", ("file_id", "line_no")),
    ("refund_by_instalment", "refund", ("notice_id", "term")),
    ("refund_by_person", "refund", ("obligor_no",)),
    ("refund_event_by_line", "refund_event", ("file_id", "line_no")),
    ("refund_batch_line_by_refund", "refund_batch_line", ("refund_no", "attempt")),
    ("refund_notice_by_person", "refund_notice", ("obligor_no", "notice_no")),
)
_LAST = (
    "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e "
    "WHERE e.municipality_code = {whose}.municipality_code), 0)"
)
_ADD = "INSERT INTO seal_entry (municipality_code, entry_no, kind, subject_id, part_no) "
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """The tables, then their triggers and guards."""
    _create_people()
    _create_refunds()
    _create_batches()
    for name, table, columns in INDEXES:
        op.create_index(name, table, ["municipality_code", *columns])
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the triggers of a table go with it."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for kind, *_ in ENTERED:
            op.execute(f"DROP FUNCTION kokin_enter_{kind}()")


def _guard_sqlite() -> None:
    """Entries row by row; what may only be added."""
    for kind, subject, part in ENTERED:
        part_no = part if part == "0" else f"NEW.{part}"
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER INSERT ON {kind} BEGIN "
            f"{_ADD}VALUES (NEW.municipality_code, {_LAST.format(whose='NEW')} + 1, '{kind}', "
            f"NEW.{subject}, {part_no}); END"
        )
    for table in TABLES:
        if table in CHANGES:
            continue
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )


def _guard_postgresql() -> None:
    """Entries statement by statement; the guards with privileges and row-level security."""
    for kind, subject, part in ENTERED:
        part_no = part if part == "0" else f"n.{part}"
        op.execute(
            f"CREATE FUNCTION kokin_enter_{kind}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"{_ADD}SELECT n.municipality_code, {_LAST.format(whose='n')} + ROW_NUMBER() OVER "
            f"(PARTITION BY n.municipality_code ORDER BY n.{subject}, {part_no}), '{kind}', "
            f"n.{subject}, {part_no} FROM entered n; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER INSERT ON {kind} "
            "REFERENCING NEW TABLE AS entered "
            f"FOR EACH STATEMENT EXECUTE FUNCTION kokin_enter_{kind}()"
        )
    for table in TABLES:
        if table not in CHANGES:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
            )
            op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _line(name: str = "line_no") -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _day(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=null)


def _made() -> sa.Column[object]:
    return sa.Column("made_at", sa.DateTime(timezone=True), nullable=False)


def _table(name: str, key: tuple[str, ...], *columns: SchemaItem) -> None:
    op.create_table(
        name,
        _text("municipality_code", 5),
        *columns,
        sa.PrimaryKeyConstraint("municipality_code", *key),
        sqlite_with_rowid=False,
    )


def _to(table: str, key: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["municipality_code", key], [f"{table}.municipality_code", f"{table}.{key}"]
    )


def _create_people() -> None:
    """Accounts of payees, and what is sealed."""
    _table(
        "sealed_text", ("text_no",),
        _number("text_no"), _text("key_id", 40),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )  # fmt: skip
    _table(
        "payee_account", ("account_no",),
        _number("account_no"), _text("obligor_no", 15), _text("source", 8), _text("shown", 40),
        _number("text_no"), _text("registered_by", 60), _day("registered_on"), _made(),
        sa.CheckConstraint("source IN ('resident', 'paper')"),
    )  # fmt: skip
    _table(
        "payee_account_event", ("account_no", "event_no"),
        _number("account_no"), _line("event_no"), _text("event", 10), _text("actor", 60),
        _text("note"), _made(),
        sa.CheckConstraint("event IN ('confirmed', 'revoked')"),
        _to("payee_account", "account_no"),
    )  # fmt: skip


def _create_refunds() -> None:
    """Why money goes back, and what two people decided."""
    _table(
        "overpayment", ("overpayment_no",),
        _number("overpayment_no"), _text("subject", 60), _number("file_id"), _line(),
        _number("notice_id"), _text("term", 2), _text("obligor_no", 15), _text("reason", 20),
        _day("paid_on"), _day("arose_on"), _day("event_on", null=True),
        _day("corrected_on", null=True), _day("interest_from_on"), _text("note"),
        _text("actor", 60), _made(),
    )  # fmt: skip
    _table(
        "refund", ("refund_no",),
        _number("refund_no"), _number("approval_id"), _number("overpayment_no"),
        _number("file_id"), _line(), _number("notice_id"), _text("term", 2),
        _text("obligor_no", 15), _number("amount_yen"), _number("interest_yen"),
        _day("interest_from_on"), _day("decided_on"), _day("out_from_on", null=True),
        _day("out_until", null=True), _number("account_no"), _number("journal_id"),
        _text("asked_by", 60), _text("decided_by", 60), _made(),
        sa.CheckConstraint("amount_yen > 0 AND interest_yen >= 0"),
        sa.CheckConstraint("asked_by <> decided_by"),
        sa.UniqueConstraint("municipality_code", "approval_id"),
    )  # fmt: skip
    _table(
        "refund_event", ("refund_no", "event_no"),
        _number("refund_no"), _line("event_no"), _text("event", 14), _day("happened_on"),
        _number("batch_no", null=True), _number("account_no", null=True), _number("file_id"),
        _line(), _number("journal_id", null=True), _text("actor", 60), _text("note"), _made(),
        sa.CheckConstraint(
            "event IN ('decided', 'sent', 'paid', 'returned', 'payee_changed', 'cancelled')"
        ),
        _to("refund", "refund_no"),
    )  # fmt: skip
    _table(
        "refund_notice", ("notice_no",),
        _number("notice_no"), _text("obligor_no", 15), _text("subject", 60), _text("kind", 14),
        _text("content_json"), _day("noticed_on"), _text("actor", 60), _made(),
        sa.CheckConstraint("kind IN ('refund', 'appropriation', 'both')"),
    )  # fmt: skip


def _create_batches() -> None:
    """Files for the bank, frozen line by line."""
    _table(
        "refund_batch", ("batch_no",),
        _number("batch_no"), _day("transfer_on"), _text("account_key", 30), _line("build_no"),
        _text("order_json"), _line("count"), _number("amount_yen"), _number("interest_yen"),
        _text("file_sha256", 64), _text("difference_json"), _text("reason"),
        _text("built_by", 60), _made(),
        sa.CheckConstraint("count > 0 AND amount_yen > 0 AND interest_yen >= 0"),
        sa.CheckConstraint("(build_no = 1) = (reason = '')"),
        sa.UniqueConstraint("municipality_code", "transfer_on", "account_key", "build_no"),
    )  # fmt: skip
    _table(
        "refund_batch_line", ("batch_no", "line_no"),
        _number("batch_no"), _line(), _number("refund_no"), _line("attempt"),
        _number("account_no"), _number("amount_yen"), _number("interest_yen"),
        _number("text_no"),
        _to("refund_batch", "batch_no"), _to("refund", "refund_no"),
        sa.UniqueConstraint("municipality_code", "batch_no", "refund_no"),
    )  # fmt: skip
    _table(
        "refund_batch_event", ("batch_no", "event_no"),
        _number("batch_no"), _line("event_no"), _text("event", 10),
        _number("approval_id", null=True), _number("file_id"), _line(), _text("actor", 60),
        _text("note"), _made(),
        sa.CheckConstraint("event IN ('replaced', 'released', 'handed_out', 'paid')"),
        _to("refund_batch", "batch_no"),
    )  # fmt: skip
    _table(
        "refund_sent", ("refund_no", "attempt"),
        _number("refund_no"), _line("attempt"), _number("batch_no"),
        _to("refund_batch", "batch_no"),
    )  # fmt: skip
