"""検算・封印: whatever is altered behind the books' back, the chain names the place."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from reference_rows import sample_profile
from sealed_city import M

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import flag
from reconcile.audit.seal import seal_pending
from reconcile.verify.seal import seals
from reconcile.verify.walk import Store


def alter(path, *statements):
    """Change rows without triggers and constraints; what was changed."""
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        changed = sum(connection.execute(statement).rowcount for statement in statements)
        connection.commit()
    return changed


def one(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchone()


def found(path):
    """The differences of the chain alone, as (name, subject)."""
    engine = open_engine(f"sqlite:///{path}")
    try:
        with reading(engine, M) as connection:
            return [(d.name, d.subject) for d in seals(Store(connection, sample_profile()))]
    finally:
        engine.dispose()


def test_what_nobody_altered_is_as_it_was_sealed(sealed_books):
    assert found(sealed_books) == []


ROW = {
    "posting": ("journal_id, subject_file_id, subject_line_no, leg", "amount_yen = amount_yen + 1"),
    "journal": ("journal_id", "actor = actor || 'x'"),
    "line_outcome": ("file_id, line_no, revision", "rule = 'P12'"),
    "assessment_event": ("file_id, line_no", "amount_yen = 0"),
}
ENTRY = {
    "file": ("source_file", "file_id", "sha256 = REPLACE(sha256, '0', '1')"),
    "case_event": ("case_event", "case_no, event_no", "actor = 'x'"),
}


@pytest.mark.parametrize("table", ROW)
@pytest.mark.parametrize("how", ["altered", "removed"])
def test_a_row_of_the_ledger_is_named(sealed_books, table, how):
    key, change = ROW[table]
    where = f"({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET 1)"
    place = one(sealed_books, f"SELECT {key} FROM {table} WHERE {where}")
    after = one(sealed_books, f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET 2")
    statement = f"UPDATE {table} SET {change} WHERE {where}"
    if how == "removed":
        statement, place = f"DELETE FROM {table} WHERE {where}", after
    assert alter(sealed_books, statement) == 1
    name, subject = found(sealed_books)[0]
    assert name == "seal_row"
    # Behind a row that is gone, the next one is the first that stands elsewhere than sealed.
    assert subject == f"seal:1 {table} {'/'.join(map(str, place))}"


@pytest.mark.parametrize("kind", ENTRY)
def test_an_act_or_a_file_is_named(sealed_books, kind):
    table, key, change = ENTRY[kind]
    where = f"({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1)"
    place = one(sealed_books, f"SELECT {key} FROM {table} WHERE {where}")
    assert alter(sealed_books, f"UPDATE {table} SET {change} WHERE {where}") == 1
    [(name, subject)] = found(sealed_books)
    assert name == "seal_row"
    assert subject.startswith(f"seal:1 {kind} ")
    assert subject.endswith("/" + "/".join(map(str, place)))


def test_a_row_past_the_chain_is_named(sealed_books):
    changed = alter(
        sealed_books,
        "INSERT INTO case_event SELECT municipality_code, case_no, 99, happened_on, actor, "
        "event, note, made_at FROM case_event LIMIT 1",
    )
    assert changed == 1
    assert found(sealed_books) == [("seal_coverage", "case_event")]


def add_a_seal(path):
    """Another day's work, sealed."""
    engine = open_engine(f"sqlite:///{path}")
    with unit_of_work(engine, M) as connection:
        case = flag.Case("overdue", "group:99", 5)
        flag.open_cases(connection, M, [case], on="2026-07-01", actor="abe")
    assert seal_pending(engine, M) == 1
    engine.dispose()


def test_a_seal_that_was_taken_away_is_named(sealed_books):
    add_a_seal(sealed_books)
    last = one(sealed_books, "SELECT MAX(seal_no) FROM seal")[0]
    tables = ("seal", "seal_part")
    gone = [f"DELETE FROM {table} WHERE seal_no = {last}" for table in tables]
    assert alter(sealed_books, *gone) >= 2
    assert found(sealed_books) == [("seal_chain", f"seal:{last}")]


def test_two_seals_that_changed_places_are_named(sealed_books):
    add_a_seal(sealed_books)
    tables = ("seal", "seal_part")
    swapped = [
        f"UPDATE {table} SET seal_no = {after} WHERE seal_no = {before}"
        for table in tables
        for before, after in ((1, -1), (2, 1), (-1, 2))
    ]
    assert alter(sealed_books, *swapped) > 4
    names = [name for name, _subject in found(sealed_books)]
    assert names[0] == "seal_chain"
    assert {"seal_digest", "seal_row"} <= set(names)


def add_seals(path, number):
    """So many more days of work, each sealed by itself."""
    for day in range(number):
        engine = open_engine(f"sqlite:///{path}")
        with unit_of_work(engine, M) as connection:
            case = flag.Case("overdue", f"group:{100 + day}", 5)
            flag.open_cases(connection, M, [case], on="2026-07-01", actor="abe")
        assert seal_pending(engine, M) == 1
        engine.dispose()


def test_what_differs_is_named_in_the_order_of_the_seals(sealed_books):
    add_seals(sealed_books, 4)
    cases = "SELECT case_no FROM case_event ORDER BY case_no DESC LIMIT 1 OFFSET"
    changed = alter(
        sealed_books,
        *(f"UPDATE case_event SET actor = 'x' WHERE case_no = ({cases} {at})" for at in (0, 2)),
        "UPDATE journal SET actor = 'x' WHERE journal_id = 1",
        "UPDATE seal SET made_utc = '2026' WHERE seal_no = 4",
    )
    assert changed == 4
    places = [(name, " ".join(subject.split()[:2])) for name, subject in found(sealed_books)]
    assert places == [
        ("seal_row", "seal:1 journal"),
        ("seal_row", "seal:3 case_event"),
        ("seal_digest", "seal:4"),
        ("seal_row", "seal:5 case_event"),
    ]


def test_a_seal_that_reaches_less_far_is_named_and_what_comes_behind_it_is_still_checked(
    sealed_books,
):
    add_seals(sealed_books, 4)
    assert alter(sealed_books, "UPDATE seal SET entry_no = entry_no + 2 WHERE seal_no = 2") == 1
    # Seals 2 and 3 no longer hold what they held; seal 4 holds nothing that stood between them.
    places = [(name, " ".join(subject.split()[:2])) for name, subject in found(sealed_books)]
    assert places == [
        ("seal_digest", "seal:2"),
        ("seal_row", "seal:2 case_event"),
        ("seal_row", "seal:3 case_event"),
    ]


def test_a_seal_that_says_something_else_is_named(sealed_books):
    assert alter(sealed_books, "UPDATE seal SET made_utc = '2026' WHERE seal_no = 1") == 1
    assert found(sealed_books) == [("seal_digest", "seal:1")]


def test_figures_of_a_seal_are_compared_too(sealed_books):
    raised = "UPDATE seal_part SET amount_yen = amount_yen + 1 WHERE part = 'posting'"
    assert alter(sealed_books, raised) == 1
    assert {name for name, _subject in found(sealed_books)} == {"seal_digest", "seal_row"}


CLOSED = """
INSERT INTO day_closure VALUES ('99999', 1, 'day', 'closed', '2026-06-01', '2026-06-01', 0, 1,
    '{"seal_no":1,"seal_sha256":"%s"}', '', 1, 'abe', 'ueda', '', '2026-06-01')"""


def test_a_chain_made_anew_is_not_the_one_that_a_signed_report_names(sealed_books):
    digest = one(sealed_books, "SELECT sha256 FROM seal WHERE seal_no = 1")[0]
    with closing(sqlite3.connect(sealed_books)) as connection:
        connection.execute(CLOSED % digest)
        connection.commit()
    assert found(sealed_books) == []
    alter(
        sealed_books,
        "UPDATE posting SET amount_yen = amount_yen + 1",
        *(f"DELETE FROM {table}" for table in ("seal", "seal_part")),
        "DELETE FROM number_block WHERE name = 'seal'",
    )
    engine = open_engine(f"sqlite:///{sealed_books}")
    seal_pending(engine, M)
    engine.dispose()
    assert found(sealed_books) == [("seal_anchor", "closure:1 seal:1")]
