"""Books: the tables of claims, slips, receipts, postings, evidence, cases and people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "api_key",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("operator_name", sa.String(length=60), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "key_id"),
    )
    op.create_table(
        "assessment_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "assessment_event_by_instalment",
        "assessment_event",
        ["municipality_code", "notice_id", "term"],
        unique=False,
    )
    op.create_table(
        "enquiry_log",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("enquiry_id", sa.String(length=32), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number_digest", sa.String(length=64), nullable=False),
        sa.Column("source_digest", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "enquiry_id"),
    )
    op.create_index(
        "enquiry_log_by_number",
        "enquiry_log",
        ["municipality_code", "number_digest", "asked_on"],
        unique=False,
    )
    op.create_table(
        "evidence",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("piece_no", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "sha256", "piece_no"),
    )
    op.create_table(
        "finding",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("finding_no", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=True),
        sa.Column("byte_offset", sa.BigInteger(), nullable=True),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("expected", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "finding_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_lease",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("job", sa.String(length=30), nullable=False),
        sa.Column("slot", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "job", "slot"),
    )
    op.create_table(
        "journal",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "journal_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "municipality",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("profile_json", sa.String(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code"),
    )
    op.create_table(
        "nil_report",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("agent", sa.String(length=30), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("entered_by", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "agent", "due_on"),
    )
    op.create_table(
        "notice",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("item_code", sa.String(length=3), nullable=False),
        sa.Column("levy_year", sa.SmallInteger(), nullable=False),
        sa.Column("notice_no", sa.String(length=20), nullable=False),
        sa.Column("whole_year_group", sa.String(length=30), nullable=False),
        sa.Column("obligor_no", sa.String(length=15), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "notice_id"),
        sa.UniqueConstraint("municipality_code", "item_code", "levy_year", "notice_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "notice_by_obligor", "notice", ["municipality_code", "obligor_no"], unique=False
    )
    op.create_table(
        "number_block",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("next_value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "obligor",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("obligor_no", sa.String(length=15), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kana", sa.String(), nullable=False),
        sa.Column("kana_folded", sa.String(), nullable=False),
        sa.Column("postal_code", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "obligor_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "obligor_by_kana", "obligor", ["municipality_code", "kana_folded"], unique=False
    )
    op.create_table(
        "pay_key",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("pay_key", sa.String(length=36), nullable=False),
        sa.Column("slip_id", sa.BigInteger(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("slip_yen", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "pay_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("pay_key_by_slip", "pay_key", ["municipality_code", "slip_id"], unique=False)
    op.create_table(
        "payment_notification",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("answer_json", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "key_id", "notification_id"),
    )
    op.create_table(
        "receipt",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=11), nullable=False),
        sa.Column("seen", sa.SmallInteger(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("slip_id", sa.BigInteger(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("term", sa.String(length=2), nullable=True),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.Column("applied_yen", sa.BigInteger(), nullable=False),
        sa.Column("suspense_yen", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.CheckConstraint("stage = 'withdrawn' OR applied_yen + suspense_yen = amount_yen"),
        sa.CheckConstraint("stage IN ('provisional', 'confirmed', 'withdrawn')"),
        sa.CheckConstraint("applied_yen >= 0 AND suspense_yen >= 0"),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "receipt_by_notice", "receipt", ["municipality_code", "notice_id"], unique=False
    )
    op.create_table(
        "remittance_group",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.String(length=30), nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("remitted_on", sa.Date(), nullable=True),
        sa.Column("confirmed_count", sa.Integer(), nullable=False),
        sa.Column("confirmed_yen", sa.BigInteger(), nullable=False),
        sa.Column("fee_yen", sa.BigInteger(), nullable=False),
        sa.Column("credited_yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "group_id"),
        sa.UniqueConstraint("municipality_code", "agent", "ref"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "remittance_part",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.String(length=30), nullable=False),
        sa.Column("confirmed_count", sa.Integer(), nullable=False),
        sa.Column("confirmed_yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "group_id", "part"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "review_case",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("case_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("line_no", sa.Integer(), nullable=True),
        sa.Column("details", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'resolved', 'accepted')"),
        sa.PrimaryKeyConstraint("municipality_code", "case_no"),
        sa.UniqueConstraint("municipality_code", "kind", "subject"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "review_case_by_state",
        "review_case",
        ["municipality_code", "state", "opened_on"],
        unique=False,
    )
    op.create_table(
        "source_file",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("nil_no", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("format_code", sa.String(length=30), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("agent", sa.String(length=60), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("taken_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "file_id"),
        sa.UniqueConstraint("municipality_code", "sha256", "nil_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "source_file_by_day", "source_file", ["municipality_code", "received_on"], unique=False
    )
    op.create_table(
        "staff_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("event", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "event_id"),
    )
    op.create_index(
        "staff_event_by_time", "staff_event", ["municipality_code", "happened_at"], unique=False
    )
    op.create_table(
        "staff_user",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("user_name", sa.String(length=40), nullable=False),
        sa.Column("display_name", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("session_stamp", sa.String(length=32), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('tax', 'treasury', 'auditor', 'admin')"),
        sa.PrimaryKeyConstraint("municipality_code", "user_name"),
    )
    op.create_table(
        "case_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("case_no", sa.BigInteger(), nullable=False),
        sa.Column("event_no", sa.Integer(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "case_no"],
            ["review_case.municipality_code", "review_case.case_no"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "case_no", "event_no"),
    )
    op.create_table(
        "instalment",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("fiscal_year", sa.SmallInteger(), nullable=False),
        sa.Column("due_on_statutory", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("collection_hold", sa.Boolean(), nullable=False),
        sa.Column("dunning_hold", sa.Boolean(), nullable=False),
        sa.Column("direct_debit", sa.Boolean(), nullable=False),
        sa.Column("debit_no", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "notice_id"],
            ["notice.municipality_code", "notice.notice_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "notice_id", "term"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "posting",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_file_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_line_no", sa.Integer(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("debit_account", sa.String(length=20), nullable=False),
        sa.Column("credit_account", sa.String(length=20), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("term", sa.String(length=2), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_yen > 0"),
        sa.CheckConstraint("debit_account <> credit_account"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "journal_id"],
            ["journal.municipality_code", "journal.journal_id"],
        ),
        sa.PrimaryKeyConstraint(
            "municipality_code", "journal_id", "subject_file_id", "subject_line_no", "leg"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slip",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("slip_id", sa.BigInteger(), nullable=False),
        sa.Column("slip_no", sa.String(length=30), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("el_number", sa.String(length=34), nullable=True),
        sa.Column("konbini_barcode", sa.String(length=44), nullable=True),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.CheckConstraint("state IN ('new', 'superseded', 'revoked')"),
        sa.CheckConstraint("amount_yen > 0"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "notice_id"],
            ["notice.municipality_code", "notice.notice_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "slip_id"),
        sa.UniqueConstraint("municipality_code", "slip_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "slip_by_instalment", "slip", ["municipality_code", "notice_id", "term"], unique=False
    )
    op.create_table(
        "source_line",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("byte_offset", sa.BigInteger(), nullable=False),
        sa.Column("byte_length", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=11), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("record_key", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("payment_key", sa.String(), nullable=True),
        sa.Column("key_kind", sa.String(length=7), nullable=False),
        sa.Column("slip_key", sa.String(length=34), nullable=True),
        sa.Column("reissue", sa.String(length=1), nullable=False),
        sa.Column("is_ours", sa.Boolean(), nullable=False),
        sa.Column("key_valid", sa.Boolean(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("paid_at", sa.String(length=5), nullable=True),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("remittance_ref", sa.String(), nullable=True),
        sa.Column("remitted_on", sa.Date(), nullable=True),
        sa.Column("fault", sa.String(length=30), nullable=True),
        sa.Column("occurrence", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "file_id"],
            ["source_file.municipality_code", "source_file.file_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "source_line_by_identity",
        "source_line",
        ["municipality_code", "identity", "file_id", "line_no"],
        unique=False,
    )
    op.create_table(
        "advice_line",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("remittance_no", sa.String(), nullable=False),
        sa.Column("remitted_on", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("item_code", sa.String(length=3), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("gross_yen", sa.BigInteger(), nullable=False),
        sa.Column("fee_yen", sa.BigInteger(), nullable=False),
        sa.Column("net_yen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "file_id", "line_no"],
            ["source_line.municipality_code", "source_line.file_id", "source_line.line_no"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "advice_line_by_number", "advice_line", ["municipality_code", "remittance_no"], unique=False
    )
    op.create_table(
        "bank_line",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("account_key", sa.String(), nullable=False),
        sa.Column("source", sa.String(length=2), nullable=False),
        sa.Column("direction", sa.String(length=6), nullable=False),
        sa.Column("inquiry_no", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=True),
        sa.Column("payer_code", sa.String(), nullable=False),
        sa.Column("payer_name", sa.String(), nullable=False),
        sa.Column("remarks", sa.String(), nullable=False),
        sa.Column("edi", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "file_id", "line_no"],
            ["source_line.municipality_code", "source_line.file_id", "source_line.line_no"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "bank_line_by_account",
        "bank_line",
        ["municipality_code", "account_key", "booked_on"],
        unique=False,
    )
    op.create_table(
        "deposit",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("account_key", sa.String(), nullable=False),
        sa.Column("agent", sa.String(length=30), nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.CheckConstraint("state IN ('open', 'settled', 'withdrawn')"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "file_id", "line_no"],
            ["source_line.municipality_code", "source_line.file_id", "source_line.line_no"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "deposit_by_state", "deposit", ["municipality_code", "state", "agent"], unique=False
    )
    op.create_table(
        "instalment_account",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("in_group", sa.Boolean(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("term_yen", sa.BigInteger(), nullable=False),
        sa.Column("whole_yen", sa.BigInteger(), nullable=False),
        sa.Column("surplus_yen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_yen >= 0 AND term_yen >= 0 AND whole_yen >= 0"),
        sa.CheckConstraint("surplus_yen >= 0 AND surplus_yen <= term_yen + whole_yen"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "notice_id", "term"],
            ["instalment.municipality_code", "instalment.notice_id", "instalment.term"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "notice_id", "term"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "line_outcome",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.Column("rule", sa.String(length=12), nullable=False),
        sa.Column("applied_yen", sa.BigInteger(), nullable=False),
        sa.Column("suspense_yen", sa.BigInteger(), nullable=False),
        sa.Column("slip_id", sa.BigInteger(), nullable=True),
        sa.Column("partner_file_id", sa.BigInteger(), nullable=True),
        sa.Column("partner_line_no", sa.Integer(), nullable=True),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "file_id", "line_no"],
            ["source_line.municipality_code", "source_line.file_id", "source_line.line_no"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no", "revision"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "settlement",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("fee_yen", sa.BigInteger(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "file_id", "line_no"],
            ["source_line.municipality_code", "source_line.file_id", "source_line.line_no"],
        ),
        sa.ForeignKeyConstraint(
            ["municipality_code", "group_id"],
            ["remittance_group.municipality_code", "remittance_group.group_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no", "group_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the schema back."""
    op.drop_table("settlement")
    op.drop_table("line_outcome")
    op.drop_table("instalment_account")
    op.drop_index("deposit_by_state", table_name="deposit")
    op.drop_table("deposit")
    op.drop_index("bank_line_by_account", table_name="bank_line")
    op.drop_table("bank_line")
    op.drop_index("advice_line_by_number", table_name="advice_line")
    op.drop_table("advice_line")
    op.drop_index("source_line_by_identity", table_name="source_line")
    op.drop_table("source_line")
    op.drop_index("slip_by_instalment", table_name="slip")
    op.drop_table("slip")
    op.drop_table("posting")
    op.drop_table("instalment")
    op.drop_table("case_event")
    op.drop_table("staff_user")
    op.drop_index("staff_event_by_time", table_name="staff_event")
    op.drop_table("staff_event")
    op.drop_index("source_file_by_day", table_name="source_file")
    op.drop_table("source_file")
    op.drop_index("review_case_by_state", table_name="review_case")
    op.drop_table("review_case")
    op.drop_table("remittance_part")
    op.drop_table("remittance_group")
    op.drop_index("receipt_by_notice", table_name="receipt")
    op.drop_table("receipt")
    op.drop_table("payment_notification")
    op.drop_index("pay_key_by_slip", table_name="pay_key")
    op.drop_table("pay_key")
    op.drop_index("obligor_by_kana", table_name="obligor")
    op.drop_table("obligor")
    op.drop_table("number_block")
    op.drop_index("notice_by_obligor", table_name="notice")
    op.drop_table("notice")
    op.drop_table("nil_report")
    op.drop_table("municipality")
    op.drop_table("journal")
    op.drop_table("job_lease")
    op.drop_table("finding")
    op.drop_table("evidence")
    op.drop_index("enquiry_log_by_number", table_name="enquiry_log")
    op.drop_table("enquiry_log")
    op.drop_index("assessment_event_by_instalment", table_name="assessment_event")
    op.drop_table("assessment_event")
    op.drop_table("api_key")
