from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from payments.store import statistics
from payments.store.engine import is_busy, open_engine
from payments.store.statistics import (
    count_afresh,
    count_filled,
    count_staging,
    count_uncounted,
    state_statistics,
)
from payments.store.unit_of_work import reading, unit_of_work

LOOK_UP = (
    "SELECT slip_no FROM slip WHERE municipality_code = '99999' AND notice_id = 5 AND term = '01'"
)


def _plan(connection):
    return " ".join(row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {LOOK_UP}")))


def test_a_new_database_looks_slips_up_by_their_instalment(sqlite_url):
    engine = open_engine(sqlite_url)
    try:
        with reading(engine) as connection:
            assert "slip_by_instalment" in _plan(connection)
    finally:
        engine.dispose()


def test_without_statistics_the_city_would_be_searched(sqlite_url):
    # The reason for the module: if a later SQLite plans this well by itself, it may go.
    engine = open_engine(sqlite_url)
    try:
        with unit_of_work(engine, "99999") as connection:
            connection.exec_driver_sql("DELETE FROM sqlite_stat1")
            connection.exec_driver_sql("ANALYZE sqlite_schema")
            assert "slip_by_instalment" not in _plan(connection)
            state_statistics(connection)
            assert "slip_by_instalment" in _plan(connection)
    finally:
        engine.dispose()


def test_another_database_is_left_alone(postgres_url):
    engine = open_engine(postgres_url)
    try:
        with unit_of_work(engine, "99999") as connection:
            state_statistics(connection)
    finally:
        engine.dispose()


@pytest.mark.postgres
def test_a_small_file_waits_for_nobody_who_counts(postgres_url):
    engine = open_engine(postgres_url)
    with engine.connect() as one, one.begin():
        count_afresh(one, 1_000, "source_line")
        count_staging(one, 1_000, "match_work", "turn")
        with engine.connect() as other, other.begin():
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            count_staging(other, 999, "match_work", "turn")
            count_afresh(other, 999, "source_line")
            with pytest.raises(OperationalError) as refused:
                count_staging(other, 1_000, "match_work", "turn")
            assert is_busy(refused.value)
    engine.dispose()


@pytest.mark.postgres
def test_what_a_file_fills_is_counted_whenever_it_has_doubled(postgres_url):
    engine = open_engine(postgres_url)
    filled = {"source_line": ("file_id",)}
    with engine.connect() as one, one.begin():
        count_afresh(one, 1_000, "source_line")
        with engine.connect() as other, other.begin():
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            count_filled(other, filled, 999)
            count_filled(other, filled, 999, batches=3)
            with pytest.raises(OperationalError) as refused:
                count_filled(other, filled, 500, batches=2)
            assert is_busy(refused.value)
    engine.dispose()


@pytest.mark.postgres
def test_what_is_known_to_hold_more_is_left_alone(postgres_url, monkeypatch):
    engine = open_engine(postgres_url)
    filled = {"source_line": ("file_id",)}
    with engine.connect() as one, one.begin():
        count_afresh(one, 1_000, "source_line")
        with engine.connect() as other, other.begin():
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            monkeypatch.setattr(statistics, "_known", lambda *_: 1_001)
            monkeypatch.setattr(statistics, "_is_new_body", lambda *_: False)
            count_filled(other, filled, 1_000)
            with pytest.raises(OperationalError) as refused:
                count_filled(other, filled, 1_001)
            assert is_busy(refused.value)
    engine.dispose()


@pytest.mark.postgres
def test_whoever_reads_all_books_counts_what_nobody_has_counted(postgres_url):
    """Only what is large: of some rows any plan will do."""
    engine = open_engine(postgres_url)
    rows = text(
        "INSERT INTO evidence (municipality_code, sha256, piece_no, data) "
        "SELECT '99999', CAST(number AS VARCHAR(64)), 0, '' "
        "FROM generate_series(CAST(:first AS INT), CAST(:last AS INT)) number"
    )
    known = text("SELECT reltuples FROM pg_class WHERE relname = 'evidence'")
    try:
        with unit_of_work(engine, "99999") as connection:
            connection.execute(rows, {"first": 1, "last": 10})
            count_uncounted(connection)
            assert connection.execute(known).scalar_one() <= 0
            connection.execute(rows, {"first": 11, "last": 3_000})
            count_uncounted(connection)
            assert connection.execute(known).scalar_one() == 3_000
    finally:
        engine.dispose()


TARGET = text(
    "SELECT attstattarget FROM pg_attribute WHERE attrelid = 'receipt'::regclass "
    "AND attname = 'municipality_code'"
)


def _reopen(connection, code, number):
    connection.execute(
        text(
            "INSERT INTO reopened (municipality_code, notice_id, term) "
            "SELECT :m, number, '01' FROM generate_series(1, CAST(:number AS INT)) number"
        ),
        {"m": code, "number": number},
    )


@pytest.mark.postgres
@pytest.mark.parametrize("count", [count_afresh, count_filled])
def test_a_body_that_is_taken_for_empty_is_counted(postgres_url, count):
    """However many rows its table has: of those PostgreSQL gives it one."""
    engine = open_engine(postgres_url)
    with unit_of_work(engine, "99999") as connection:
        _reopen(connection, "99999", 5_000)
        count_afresh(connection, 5_000, "reopened")
    with unit_of_work(engine, "99998") as connection:
        _reopen(connection, "99998", 500)
        assert statistics._is_new_body(connection, "reopened")
        if count is count_afresh:
            count_afresh(connection, 500, "reopened", "municipality_code")
        else:
            count_filled(connection, {"reopened": ("municipality_code",)}, 500)
        assert not statistics._is_new_body(connection, "reopened")
    engine.dispose()


@pytest.mark.postgres
def test_a_small_file_leaves_shared_staging_alone_unless_it_is_taken_for_large(postgres_url):
    """Whoever counts it keeps the worker that tidies up away."""
    engine = open_engine(postgres_url)
    known = text("SELECT reltuples FROM pg_class WHERE relname = 'reopened'")
    with unit_of_work(engine, "99999") as connection:
        _reopen(connection, "99999", 900)
        count_staging(connection, 900, "reopened", "notice_id")
        assert connection.execute(known).scalar_one() <= 0
        _reopen(connection, "99999", 200)
        count_staging(connection, 1_100, "reopened", "notice_id")
        assert connection.execute(known).scalar_one() == 1_100
        connection.execute(text("DELETE FROM reopened"))
        _reopen(connection, "99999", 10)
        count_staging(connection, 10, "reopened", "notice_id")
        assert connection.execute(known).scalar_one() == 10
    engine.dispose()


@pytest.mark.postgres
def test_a_body_among_many_has_what_is_usual(postgres_url):
    """The wall between bodies asks for the municipality again: that does not count twice."""
    engine = open_engine(postgres_url)
    for place in range(50):
        with unit_of_work(engine, f"980{place:02d}") as connection:
            _reopen(connection, f"980{place:02d}", 100)
    with unit_of_work(engine, "99999") as connection:
        _reopen(connection, "99999", 100)
        count_afresh(connection, 100, "reopened")
        plan = connection.execute(
            text("EXPLAIN (FORMAT JSON) SELECT FROM reopened WHERE municipality_code = '99999'")
        ).scalar_one()
        assert 25 <= plan[0]["Plan"]["Plan Rows"] <= 100
        assert not statistics._is_new_body(connection, "reopened")
    engine.dispose()
