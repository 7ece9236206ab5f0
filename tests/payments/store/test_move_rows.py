"""Values go from SQLite to PostgreSQL and come back in one and the same text."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store import move_rows
from payments.store.engine import open_engine
from payments.store.move_rows import Column, Kind, Moved, copied_pieces
from payments.store.move_target import _SETTINGS, given_back, take_over

STRANGE = Moved(
    "strange",
    (
        Column("number", Kind.NUMBER),
        Column("truth", Kind.TRUTH),
        Column("day", Kind.DAY),
        Column("instant", Kind.INSTANT),
        Column("data", Kind.BYTES, long=True),
        Column("words", Kind.TEXT, long=True),
    ),
)
TEXTS = [
    "", "\\N", "\\", "\\.", "a\tb", "a\nb", "a\r\nb", "\b\f\v\x01\x1f\x7f", "𠮷野家󠄀", "é", "  ", "'\"",
    "NULL", None,
]  # fmt: skip


def _rows():
    for place, words in enumerate(TEXTS):
        yield (
            None if place == 3 else place - (1 << 62),
            None if place == 4 else place % 2,
            None if place == 5 else f"20{place:02}-02-28",
            None if place == 6 else f"2026-07-15 03:04:05.{place:06}",
            None if place == 7 else bytes(range(place * 16)),
            words,
        )


def _source(rows):
    source = sqlite3.connect(":memory:")
    names = ", ".join(column.name for column in STRANGE.columns)
    source.execute(f"CREATE TABLE strange ({names})")
    source.executemany("INSERT INTO strange VALUES (?, ?, ?, ?, ?, ?)", rows)
    return closing(source)


@pytest.fixture
def there(postgres_url):
    """A transaction on the other side with a table of its own; nothing of it stays."""
    engine = open_engine(postgres_url)
    with engine.connect() as connection, connection.begin() as begun:
        for setting in _SETTINGS:
            connection.exec_driver_sql(setting)
        connection.exec_driver_sql(
            "CREATE TABLE strange (number BIGINT, truth BOOLEAN, day DATE, instant TIMESTAMPTZ, "
            "data BYTEA, words VARCHAR(40) CHECK (words <> 'never'))"
        )
        yield connection
        begun.rollback()
    engine.dispose()


def _untold(_done: int) -> None:
    """Nobody looks at the progress."""


@pytest.mark.postgres
def test_every_value_comes_back_as_it_was(there):
    with _source(_rows()) as source:
        sent = take_over(there, source, STRANGE, _untold)
    assert given_back(there, STRANGE, _untold) == sent
    assert sent[0] == len(TEXTS)
    found = there.execute(text("SELECT words, data, number, truth FROM strange")).all()
    assert [tuple(row) for row in found] == [
        (words, data, number, None if truth is None else bool(truth))
        for number, truth, _day, _instant, data, words in _rows()
    ]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("row", "column"),
    [
        ((1, 0, None, None, None, "x" * 41), "words"),
        ((1, 0, None, None, None, "never"), ""),  # PostgreSQL names no column of a condition
        ((1, 2, None, None, None, ""), "truth"),
        ((1, 0, "2026-02-30", None, None, ""), "day"),
        ((1, 0, None, "2026-02-29 25:00:00.000000", None, ""), "instant"),
    ],
)
def test_what_the_server_does_not_take_is_named_and_not_said(there, row, column):
    with (
        _source([(0, 0, None, None, None, ""), row]) as source,
        pytest.raises(ConfigurationError) as raised,
    ):
        take_over(there, source, STRANGE, _untold)
    assert raised.value.error_code == "move_value"
    details = raised.value.details
    assert (details["table"], details["column"], details["row"]) == ("strange", column, "2")


def test_bytes_that_are_no_text_are_named_and_not_said():
    with _source([]) as source:
        source.execute("INSERT INTO strange (words) VALUES (CAST(x'e38182ff4142' AS TEXT))")
        with pytest.raises(ConfigurationError) as raised:
            list(copied_pieces(source, STRANGE))
    assert raised.value.error_code == "move_value"
    details = {"table": "strange", "column": "words", "row": "1～4,096", "found": "UTF-8"}
    assert raised.value.details == details
    assert raised.value.__cause__ is None
    assert "AB" not in str(raised.value)  # SQLite's own words end with the text


def test_instants_and_days_in_other_words_are_the_same():
    rows = [
        (1, 1, "20260715", "2026-07-15T12:04:05+09:00", b"", ""),
        (2, 0, "2026-07-15", "2026-07-15 03:04:05", b"", ""),
    ]
    with _source(rows) as source:
        ((count, piece),) = copied_pieces(source, STRANGE)
    said = "2026-07-15\t2026-07-15 03:04:05.000000\t\\\\x\t\n"
    assert (count, piece.decode()) == (2, f"1\t1\t{said}2\t0\t{said}")


def test_long_values_are_never_many_at_once(monkeypatch):
    monkeypatch.setattr(move_rows, "LETTERS", 100)
    monkeypatch.setattr(move_rows, "ROWS", 4)
    rows = [(n, 0, None, None, b"x" * (60 if n < 4 else 1), "") for n in range(10)]
    with _source(rows) as source:
        assert [count for count, _piece in copied_pieces(source, STRANGE)] == [2, 2, 4, 2]


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        (("1", 0, None, None, None, None), "move_value", "number"),
        ((1.5, 0, None, None, None, None), "move_value", "number"),
        ((1, "t", None, None, None, None), "move_value", "truth"),
        ((1, 0, "soon", None, None, None), "move_value", "day"),
        ((1, 0, None, 5, None, None), "move_value", "instant"),
        ((1, 0, None, None, "text", None), "move_value", "data"),
        ((1, 0, None, None, None, 7), "move_value", "words"),
        ((1, 0, None, None, None, "a\0"), "move_nul", "words"),
    ],
)
def test_a_value_that_no_column_takes_is_named_and_not_said(row, code, column):
    with (
        _source([(0, 0, None, None, None, "\\"), row]) as source,
        pytest.raises(ConfigurationError) as raised,
    ):
        list(copied_pieces(source, STRANGE))
    assert raised.value.error_code == code
    details = raised.value.details
    assert (details["table"], details["column"], details["row"]) == ("strange", column, "2")
