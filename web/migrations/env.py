"""Alembic's entry: runs on the connection that web.database.upgrade opened."""

from alembic import context
from sqlmodel import SQLModel

import payments.store.tables
import reconcile.store.tables
import web.tables  # noqa: F401  (the three modules register their tables)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
context.run_migrations()
