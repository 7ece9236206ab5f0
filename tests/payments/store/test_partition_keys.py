"""Partitions by municipality stay possible: every unique key has the body in it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading

# The sender of a notification is found before anybody knows whose it is; the table is small.
ALONE = {"api_key_id"}
_WITHOUT = """
SELECT i.indexrelid::regclass::text FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'municipality_code'
WHERE n.nspname = current_schema() AND i.indisunique AND NOT a.attnum = ANY(i.indkey::int2[])"""


@pytest.mark.postgres
def test_every_unique_key_contains_the_municipality(postgres_url):
    engine = open_engine(postgres_url)
    with reading(engine) as connection:
        assert set(connection.execute(text(_WITHOUT)).scalars()) == ALONE
    engine.dispose()
