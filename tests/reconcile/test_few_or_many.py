"""小さな資料と大きな資料: PostgreSQL plans them apart, and decides the same about every line."""

from __future__ import annotations

from datetime import date

import pytest
from sample_folder import SampleFolder
from sealed_city import M, take_in_city
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from reconcile import plain
from sample_data.city import make

DECIDED = text(
    "SELECT file_id, line_no, revision, outcome, rule, applied_yen, suspense_yen, partner_line_no "
    "FROM line_outcome ORDER BY file_id, line_no, revision"
)


@pytest.mark.postgres
def test_the_same_is_decided(postgres_url, sqlite_url, tmp_path, monkeypatch):
    """As by SQLite, which knows one way only."""
    make(tmp_path / "city", obligors=30, days=3, seed=3, start=date(2026, 6, 1))
    city, found = SampleFolder(tmp_path / "city"), []
    monkeypatch.setattr(plain, "few_lines", lambda *_: False)
    for url in (postgres_url, sqlite_url):
        engine = open_engine(url)
        take_in_city(engine, city)
        with reading(engine, M) as connection:
            found.append([tuple(row) for row in connection.execute(DECIDED)])
        engine.dispose()
    assert found[0] == found[1]
    assert len({row[4] for row in found[0]}) > 5
