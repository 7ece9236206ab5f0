"""Alembic's entry: runs on the connection that web.database.upgrade opened."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

# These modules register their tables.
import payments.store.charge_tables
import payments.store.dunning_tables
import payments.store.former_tables
import payments.store.hold_tables  # noqa: F401
import reconcile.store.alias_tables
import reconcile.store.arrival_tables
import reconcile.store.day_tables
import reconcile.store.debit_tables
import reconcile.store.event_tables
import reconcile.store.evidence_tables
import reconcile.store.placement_tables
import reconcile.store.refund_tables
import reconcile.store.seal_tables
import reconcile.store.tables
import reconcile.store.year_tables  # noqa: F401
import web.cases.tables
import web.certificates.tables
import web.events.tables
import web.notices.tables
import web.people.tables
import web.residents.tables
import web.retention.tables
import web.tables  # noqa: F401

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
context.run_migrations()
