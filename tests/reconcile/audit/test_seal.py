"""封印: everything is sealed once, in order, on both databases; nothing is sealed twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from reference_rows import sample_profile
from sealed_city import M, take_in_city
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments import approve
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import flag
from reconcile.audit import seal
from reconcile.audit.seal import FIRST, last_seal, seal_now, seal_pending
from reconcile.audit.seal_parts import row_texts
from reconcile.journal import open_journal
from reconcile.verify import walk
from reconcile.verify.everything import verify
from reconcile.verify.seal import seals
from reconcile.verify.walk import Store
from web.database import upgrade

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
SEALED = {
    "journal": "journal",
    "posting": "posting",
    "assessment_event": "assessment_event",
    "file": "source_file",
    "case_event": "case_event",
}


@pytest.fixture
def engine(database_url):
    opened = open_engine(database_url)
    with unit_of_work(opened, M) as connection:
        save_profile(connection, sample_profile())
    yield opened
    opened.dispose()


def rows(engine, statement):
    with reading(engine, M) as connection:
        return connection.execute(text(statement), {"m": M}).all()


def number(engine, statement):
    return int(rows(engine, statement)[0][0] or 0)


def sealed(engine, part):
    return number(
        engine,
        f"SELECT SUM(row_count) FROM seal_part WHERE municipality_code = :m AND part = '{part}'",
    )


def test_a_whole_city_is_sealed_once_and_verifies(engine, sealed_folder):
    take_in_city(engine, sealed_folder)
    assert seal_pending(engine, M) > 0
    assert seal_pending(engine, M) == 0
    for part, table in SEALED.items():
        assert sealed(engine, part) == number(engine, f"SELECT COUNT(*) FROM {table}"), part
    outcomes = sealed(engine, "line_outcome") + sealed(engine, "line_outcome_again")
    assert outcomes == number(engine, "SELECT COUNT(*) FROM line_outcome")
    assert sealed(engine, "line_outcome_again") > 0
    assert number(engine, "SELECT SUM(amount_yen) FROM seal_part WHERE part = 'posting'") == number(
        engine, "SELECT SUM(amount_yen) FROM posting"
    )
    assert verify(engine, M) == []


def test_decisions_are_numbered_and_sealed_in_their_transaction(engine):
    with unit_of_work(engine, M) as connection:
        open_journal(connection, M, "correction", date(2026, 6, 1), "abe")
        flag.open_cases(
            connection, M, [flag.Case("overdue", "group:1", 5)], on="2026-06-01", actor="abe"
        )
        asked = approve.ask(
            connection, M, "test", "1", {"x": "],["}, asked_by="abe", at=AT, reason="だから"
        )
        first = seal_now(connection, M)
    with unit_of_work(engine, M) as connection:
        approve.decide(connection, M, asked.approval_id, "approved", decided_by="ueda", at=AT)
        second = seal_now(connection, M)
        assert seal_now(connection, M) == second
    assert (first.seal_no, second.seal_no) == (1, 2)
    assert [tuple(r) for r in rows(engine, "SELECT entry_no, kind FROM seal_entry ORDER BY 1")] == [
        (1, "case_event"),
        (2, "approval_asked"),
        (3, "approval_decided"),
    ]
    chain = rows(engine, "SELECT previous_sha256, sha256 FROM seal ORDER BY seal_no")
    assert [chain[0][0], chain[1][0]] == [FIRST, chain[0][1]]
    assert found(engine) == []


def found(engine, now=None):
    """What verifying the seals alone names."""
    with reading(engine, M) as connection:
        store = Store(connection, sample_profile())
        return [(d.name, d.subject) for d in seals(store, now)]


@pytest.mark.parametrize("table", ["seal_entry", "seal", "seal_part"])
def test_the_database_refuses_to_change_what_is_sealed(engine, table):
    with unit_of_work(engine, M) as connection:
        open_journal(connection, M, "correction", date(2026, 6, 1), "abe")
        flag.open_cases(
            connection, M, [flag.Case("overdue", "group:1", 5)], on="2026-06-01", actor="abe"
        )
        seal_now(connection, M)
    for statement in (f"UPDATE {table} SET municipality_code = '1'", f"DELETE FROM {table}"):
        with (
            pytest.raises(DBAPIError, match="append_only"),
            unit_of_work(engine, M) as connection,
        ):
            connection.execute(text(statement))


def test_many_occasions_make_many_seals_that_follow_each_other(engine, monkeypatch):
    monkeypatch.setattr(seal, "_JOURNALS_MAX", 2)
    with unit_of_work(engine, M) as connection:
        for _ in range(5):
            open_journal(connection, M, "correction", date(2026, 6, 1), "abe")
    assert seal_pending(engine, M) == 3
    chain = rows(engine, "SELECT journal_id, previous_sha256, sha256 FROM seal ORDER BY seal_no")
    assert [row[0] for row in chain] == [2, 4, 5]
    assert all(after[1] == before[2] for before, after in pairwise(chain))
    assert found(engine) == []


def test_ten_seals_are_checked_with_as_many_statements_as_one(engine, monkeypatch):
    asked = []

    def counting(ask):
        def counted(store, statement, **values):
            asked.append(statement)
            return ask(store, statement, **values)

        return counted

    for name in ("rows", "portions", "number"):
        monkeypatch.setattr(Store, name, counting(getattr(Store, name)))
    counts = []
    for number in range(1, 11):
        with unit_of_work(engine, M) as connection:
            open_journal(connection, M, "correction", date(2026, 6, 1), "abe")
            case = flag.Case("overdue", f"group:{number}", 5)
            flag.open_cases(connection, M, [case], on="2026-06-01", actor="abe")
            seal_now(connection, M)
        assert found(engine) == []
        counts.append(len(asked))
        asked.clear()
    assert set(counts) == {counts[0]}
    assert counts[0] < 20


def test_seals_that_end_anywhere_within_what_is_read_at_once_verify(
    engine, sealed_folder, monkeypatch
):
    monkeypatch.setattr(seal, "_LINES_MAX", 1)
    monkeypatch.setattr(seal, "_ENTRIES_MAX", 5)
    monkeypatch.setattr(walk, "_ROWS_AT_ONCE", 3)
    take_in_city(engine, sealed_folder)
    assert seal_pending(engine, M) > 10
    assert found(engine) == []


def test_another_process_in_between_makes_no_second_chain(engine, monkeypatch):
    with unit_of_work(engine, M) as connection:
        open_journal(connection, M, "correction", date(2026, 6, 1), "abe")
    draft = seal._draft

    def overtaken(connection, municipality_code):
        made = draft(connection, municipality_code)
        monkeypatch.setattr(seal, "_draft", draft)
        seal_pending(engine, M)
        return made

    monkeypatch.setattr(seal, "_draft", overtaken)
    assert seal_pending(engine, M) == 0
    with reading(engine, M) as connection:
        assert last_seal(connection, M).seal_no == 1


def test_what_waits_for_its_seal_for_more_than_a_day_is_named(engine):
    with unit_of_work(engine, M) as connection:
        open_journal(connection, M, "correction", date(2026, 6, 1), "abe")
    now = datetime.now(UTC)
    assert found(engine, now + timedelta(hours=23)) == []
    assert found(engine, now + timedelta(hours=25)) == [("unsealed", "journal:1")]
    seal_pending(engine, M)
    assert found(engine, now + timedelta(hours=25)) == []


CASE_OF_0005 = (
    """INSERT INTO review_case (municipality_code, case_no, kind, subject, state, amount_yen,
        opened_on, owner, details)
    VALUES (:m, :no, 'overdue', 'group:' || CAST(:no AS VARCHAR(9)), 'open', 5, '2026-06-01',
        '', '')""",
    """INSERT INTO case_event (municipality_code, case_no, event_no, happened_on, actor, event, note)
    VALUES (:m, :no, 1, '2026-06-01', 'abe', 'opened', '')""",
)


def test_history_from_before_the_seals_is_entered_when_a_database_is_brought_up(bare_database_url):
    upgrade(bare_database_url, "0005")
    engine = open_engine(bare_database_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
        open_journal(connection, M, "correction", date(2026, 6, 1), "abe")
        for number in (1, 2):  # as the engine of that release opened them
            for statement in CASE_OF_0005:
                connection.execute(text(statement), {"m": M, "no": number})
        asked = approve.ask(connection, M, "test", "1", {}, asked_by="abe", at=AT, reason="だから")
        approve.decide(connection, M, asked.approval_id, "approved", decided_by="ueda", at=AT)
    engine.dispose()
    upgrade(bare_database_url)
    assert [
        tuple(row) for row in rows(engine, "SELECT entry_no, kind FROM seal_entry ORDER BY 1")
    ] == [
        (1, "case_event"),
        (2, "case_event"),
        (3, "approval_asked"),
        (4, "approval_decided"),
    ]
    assert seal_pending(engine, M) == 1
    assert found(engine) == []
    engine.dispose()


def test_words_that_look_like_two_rows_are_one():
    assert row_texts([(1, "a],[b"), (2, "c")]) == ['1,"a],[b"', '2,"c"']
    assert row_texts([(None, b"\x01\xff", "田")]) == ['null,"01ff","田"']
