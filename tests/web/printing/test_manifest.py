from __future__ import annotations

import csv
import io

import pytest

from web.csv_download import csv_lines, safe


@pytest.mark.parametrize("cell", ["=1+1", "+81", "-5", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell):
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["S-1", "", "00", 12, -12])
def test_other_cells_stay_as_they_are(cell):
    assert safe(cell) == cell


def test_lines_are_utf8_and_end_in_crlf():
    lines = list(csv_lines(("slip_no", "page"), [("番号,1", 1), ("=2", 2)]))
    assert lines == [b"slip_no,page\r\n", '"番号,1",1\r\n'.encode(), b"'=2,2\r\n"]
    read = list(csv.reader(io.StringIO(b"".join(lines).decode(), newline="")))
    assert read[1] == ["番号,1", "1"]
