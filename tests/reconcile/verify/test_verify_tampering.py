"""検算: whatever single value of the books is altered behind their back, verify finds it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reference_rows import sample_profile
from sealed_city import M

from payments.store.engine import open_engine
from reconcile.day_totals import summarise
from reconcile.model import AdviceLine, BankLine, ReportLine
from reconcile.verify.everything import books, papers, verify
from reconcile.verify.walk import Store

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Hot(NamedTuple):
    """What figures rest on: a table, its columns, and the rows that are meant."""

    table: str
    columns: str
    rows: str = "1 = 1"


HOT = (
    Hot("evidence", "data"),
    Hot("source_file", "sha256 size_bytes"),
    Hot("source_file", "format_code count amount_yen", "status = 'accepted' AND count > 0"),
    Hot("source_line", " ".join(ReportLine._fields[1:])),
    Hot("bank_line", " ".join(BankLine._fields[1:])),
    Hot("advice_line", " ".join(AdviceLine._fields[1:])),
    Hot(
        "line_outcome",
        "revision outcome rule applied_yen suspense_yen slip_id partner_file_id partner_line_no "
        "journal_id",
    ),
    Hot("receipt", "stage amount_yen paid_on applied_yen suspense_yen slip_id notice_id"),
    Hot("receipt", "journal_id", "amount_yen > 0"),
    Hot("receipt", "group_id", "stage = 'confirmed'"),
    Hot("receipt", "term", "notice_id IS NOT NULL AND term <> '00'"),
    Hot("deposit", "account_key amount_yen booked_on state"),
    Hot("settlement", "amount_yen fee_yen"),
    Hot(
        "posting",
        "journal_id leg debit_account credit_account amount_yen reason notice_id "
        "term group_id",
    ),
    Hot("journal", "kind file_id booked_on made_at actor"),
    Hot("notice", "item_code levy_year notice_no obligor_no"),
    Hot("notice", "whole_year_group", "whole_year_group <> ''"),
    Hot("instalment", "fiscal_year due_on_statutory due_on direct_debit"),
    Hot("instalment_account", "in_group amount_yen term_yen whole_yen surplus_yen"),
    Hot(
        "assessment_event", "kind notice_id term amount_yen flags content outcome"
    ),
    Hot(
        "slip",
        "slip_no notice_id term version el_number konbini_barcode amount_yen due_on valid_until "
        "issued_on",
    ),
    Hot("slip", "state", "state = 'new'"),
    Hot("pay_key", "pay_key slip_id notice_id term slip_yen valid_until superseded"),
    Hot("review_case", "kind subject state opened_on", "line_no IS NOT NULL"),
    Hot("source_file", "status", "status = 'accepted'"),
    Hot("remittance_group", "remitted_on", "agent <> 'eltax'"),
    Hot("remittance_group", "agent ref confirmed_count confirmed_yen fee_yen credited_yen"),
    Hot("remittance_part", "part confirmed_count confirmed_yen"),
    Hot(
        "day_total",
        "booked_on item_code claim_year channel debit_account credit_account reason count "
        "amount_yen",
    ),
    Hot("books_mark", "provisional_yen applied_yen outstanding_yen surplus_yen"),
    Hot("seal", "journal_id entry_no previous_sha256 sha256 made_utc"),
    Hot("seal_part", "row_count amount_yen sha256"),
)  # fmt: skip
COLUMNS = [(hot, column) for hot in HOT for column in hot.columns.split()]


@pytest.fixture(scope="module")
def unguarded(sealed_file, tmp_path_factory):
    """A sealed and summed up city without triggers, as a connection whose changes go away."""
    path = tmp_path_factory.mktemp("tampered") / "kokin.sqlite"
    path.write_bytes(sealed_file.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    summarise(engine, M)
    assert verify(engine, M) == []
    with closing(sqlite3.connect(path)) as plain:
        triggers = plain.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            plain.execute(f"DROP TRIGGER {name}")
        plain.commit()
    with engine.connect() as connection:
        for pragma in ("ignore_check_constraints = ON", "foreign_keys = OFF"):
            connection.connection.cursor().execute(f"PRAGMA {pragma}")
        yield connection
    engine.dispose()


def other(value: Any, step: int) -> Any:
    """A value of the same kind that is not this one."""
    if isinstance(value, int):
        return 1 - value if value in (0, 1) else value + step
    if isinstance(value, bytes):
        at = step % len(value)
        return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
    if len(value) >= len("2026-01-01") and value[4:5] == value[7:8] == "-":
        return f"{int(value[:4]) - step:04d}{value[4:]}"
    last = value[-1:]
    return value[:-1] + str((int(last) + step) % 10) if last.isdigit() else value + "x"


def alter(
    connection: Connection, table: str, column: str, rows: str, place: int, step: int
) -> bool:
    """Change one value; whether there was one to change."""
    run = connection.exec_driver_sql
    keys = ", ".join(
        row.name for row in run(f"SELECT name FROM pragma_table_info('{table}') WHERE pk > 0")
    )
    where = f"{rows} AND {column} IS NOT NULL AND {column} <> ''"
    found = run(f"SELECT {column}, {keys} FROM {table} WHERE {where} ORDER BY {keys}").all()
    if not found:
        return False
    value, *key = found[place % len(found)]
    changed = other(value, step)
    marks = ", ".join("?" * len(key))
    statement = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE ({keys}) = ({marks})"
    return changed != value and run(statement, (changed, *key)).rowcount == 1


def differences(connection: Connection) -> list[str]:
    """The names of what verify finds in these books."""
    store = Store(connection, sample_profile())
    found = {difference.name for difference in chain(papers(store), books(store))}
    store.close()
    return sorted(found)


# Of these one change each, whatever examples are chosen below.
NAMED = [
    ("instalment", "due_on", "1 = 1", "assessment_event"),
    ("instalment", "due_on_statutory", "1 = 1", "assessment_event"),
    ("instalment", "direct_debit", "1 = 1", "assessment_event"),
    ("instalment_account", "in_group", "1 = 1", "assessment_event"),
    ("notice", "obligor_no", "1 = 1", "assessment_event"),
    ("notice", "whole_year_group", "whole_year_group <> ''", "assessment_event"),
    ("review_case", "state", "state = 'open'", "review_case"),
    ("review_case", "kind", "line_no IS NOT NULL", "case_missing"),
    ("review_case", "subject", "line_no IS NOT NULL", "review_case"),
    ("review_case", "opened_on", "1 = 1", "review_case"),
    ("source_file", "status", "format_code = 'assessments'", "file_status"),
    ("remittance_group", "remitted_on", "agent <> 'eltax'", "group_day"),
    ("remittance_group", "remitted_on", "ref = 'R20260602-01'", "group_day"),
]


@pytest.mark.parametrize(("table", "column", "rows", "name"), NAMED)
def test_what_was_altered_is_named(unguarded, table, column, rows, name):
    with unguarded.begin() as transaction:
        assert alter(unguarded, table, column, rows, 0, 1)
        found = differences(unguarded)
        transaction.rollback()
    assert name in found


def test_what_cannot_be_read_is_named_and_the_other_checks_go_on(unguarded):
    statement = (
        "(SELECT sha256 FROM source_file WHERE format_code = 'zengin_statement' "
        "AND status = 'accepted' ORDER BY file_id LIMIT 1)"
    )
    with unguarded.begin() as transaction:
        run = unguarded.exec_driver_sql
        data = run(f"SELECT data FROM evidence WHERE sha256 = {statement}").scalar_one()
        without_header = b"0" + bytes(data)[1:]
        run(f"UPDATE evidence SET data = ? WHERE sha256 = {statement}", (without_header,))
        run("UPDATE pay_key SET slip_yen = slip_yen + 1 WHERE pay_key LIKE 'K%'")
        found = differences(unguarded)
        transaction.rollback()
    assert {"evidence_hash", "unreadable", "pay_key"} <= set(found)


def test_a_case_that_was_taken_away_is_missed(unguarded):
    with unguarded.begin() as transaction:
        unguarded.exec_driver_sql("DELETE FROM review_case WHERE line_no IS NULL OR case_no > 20")
        found = differences(unguarded)
        transaction.rollback()
    assert "review_case" in found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    what=st.sampled_from(COLUMNS),
    place=st.integers(0, 10_000),
    step=st.sampled_from((1, 2, 3, 5, 7)),
)
def test_no_single_value_can_be_altered_unseen(unguarded, what, place, step):
    hot, column = what
    with unguarded.begin() as transaction:
        assume(alter(unguarded, hot.table, column, hot.rows, place, step))
        found = differences(unguarded)
        transaction.rollback()
    assert found
