"""R11 and R1 in the tables: the municipality leads every key, and money is a whole number.

A cluster can then split every table by municipality, and no constraint can mix two of them.
"""

from __future__ import annotations

import sqlalchemy
from sqlmodel import SQLModel

import payments.store.charge_tables
import payments.store.dunning_tables
import payments.store.former_tables
import payments.store.hold_tables
import payments.store.slip_tables
import payments.store.tables
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
import reconcile.store.year_tables
import web.accounts.tables
import web.cases.tables
import web.certificates.tables
import web.events.tables
import web.jobs.tables
import web.notices.tables
import web.residents.tables
import web.tables

OURS = (
    payments.store.charge_tables,
    payments.store.dunning_tables,
    payments.store.former_tables,
    payments.store.hold_tables,
    payments.store.slip_tables,
    payments.store.tables,
    reconcile.store.alias_tables,
    reconcile.store.arrival_tables,
    reconcile.store.day_tables,
    reconcile.store.debit_tables,
    reconcile.store.event_tables,
    reconcile.store.evidence_tables,
    reconcile.store.placement_tables,
    reconcile.store.refund_tables,
    reconcile.store.seal_tables,
    reconcile.store.tables,
    reconcile.store.year_tables,
    web.accounts.tables,
    web.cases.tables,
    web.certificates.tables,
    web.events.tables,
    web.notices.tables,
    web.residents.tables,
    web.jobs.tables,
    web.tables,
)
TABLES = SQLModel.metadata.sorted_tables
COLUMNS = [column for table in TABLES for column in table.columns]
KEYS = (
    sqlalchemy.PrimaryKeyConstraint,
    sqlalchemy.UniqueConstraint,
    sqlalchemy.ForeignKeyConstraint,
)


def test_there_are_tables_of_every_package():
    assert {"slip", "source_line", "staff_user"} <= {table.name for table in TABLES}
    assert all(module.__doc__ for module in OURS)


def test_the_municipality_leads_every_key_and_index():
    others = {
        f"{table.name}: {key.name or type(key).__name__}": leader
        for table in TABLES
        for key in (*table.constraints, *table.indexes)
        if isinstance(key, (*KEYS, sqlalchemy.Index))
        and (leader := next(iter(key.columns)).name) != "municipality_code"
    }
    # A key of the API says which municipality it is: its id is unique over the installation.
    assert others == {"api_key: api_key_id": "key_id"}


def test_money_is_a_whole_number():
    wrong = [
        str(column)
        for column in COLUMNS
        if isinstance(column.type, sqlalchemy.Numeric)
        or (column.name.endswith("_yen") and not isinstance(column.type, sqlalchemy.BigInteger))
    ]
    assert wrong == []


def test_dates_and_instants_are_named_as_such():
    instants = [column for column in COLUMNS if isinstance(column.type, sqlalchemy.DateTime)]
    days = [column for column in COLUMNS if isinstance(column.type, sqlalchemy.Date)]
    assert instants
    assert days
    assert [str(at) for at in instants if not at.name.endswith("_at")] == []
    assert [str(at) for at in instants if not at.type.timezone] == []
    ends = ("_on", "_until", "due_on_statutory")
    assert [str(on) for on in days if not on.name.endswith(ends)] == []
