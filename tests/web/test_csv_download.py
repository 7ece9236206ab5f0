"""CSVの受渡し: pieces of many rows say what the lines say, in Japanese whoever reads the page."""

from __future__ import annotations

import codecs

import pytest

from web.csv_download import ROWS_AT_ONCE, csv_file, csv_lines
from web.language import ENGLISH, JAPANESE, language, speaking


@pytest.mark.parametrize("number", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1])
def test_no_row_is_lost_where_one_piece_ends_and_the_next_begins(number):
    rows = [(n, f"={n}", None) for n in range(number)]
    pieces = list(csv_file(("a", "b", "c"), rows))
    lines = list(csv_lines(("a", "b", "c"), rows))
    assert b"".join(pieces) == codecs.BOM_UTF8 + b"".join(lines)
    assert len(lines) == number + 1
    assert len(pieces) == 1 + -(-len(lines) // ROWS_AT_ONCE)


def test_rows_are_made_in_japanese_and_the_reader_keeps_the_language():
    with speaking(ENGLISH):
        pieces = csv_file(("言語",), ((language(),) for _ in range(2)))
        assert next(pieces) == codecs.BOM_UTF8
        assert next(pieces).decode().split("\r\n")[1:3] == [JAPANESE, JAPANESE]
        assert language() == ENGLISH
