from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from reconcile.formats.delimited import (
    Days,
    Layout,
    choice,
    day,
    digits,
    joined,
    split_line,
    text,
    yen,
)

LAYOUT = Layout(
    code="sample",
    columns=(digits("code", 3, "code"), text("name", 0, 5, "name"), yen("amount_yen")),
    money=2,
)
VALUES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8),
    min_size=1,
    max_size=6,
)


@given(VALUES)
def test_a_joined_line_splits_into_the_same_values(values: list[str]):
    split = split_line(joined(values))
    assert split is not None
    assert split[0] == values


@given(VALUES)
def test_every_start_is_where_the_value_stands(values: list[str]):
    line = joined(values)
    split = split_line(line)
    assert split is not None
    for value, start in zip(*split, strict=True):
        assert line[start:].startswith((value, '"' + value.replace('"', '""') + '"'))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["a", "b"], "a,b"),
        (["a,b", "c"], '"a,b",c'),
        (['say "x"', ""], '"say ""x""",'),
        (["", ""], ","),
        ([""], ""),
    ],
)
def test_only_commas_and_quotes_are_quoted(values: list[str], line: str):
    assert joined(values) == line


@pytest.mark.parametrize("line", ['a"b,c', '"a', '"a"b,c', '"a""', 'a,"'])
def test_broken_quoting_does_not_split(line: str):
    assert split_line(line) is None


def test_a_quoted_field_may_stand_anywhere():
    assert split_line('"a",b,""') == (["a", "b", ""], [0, 4, 6])


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-05-20", "2026-05-20"),
        ("20260520", "2026-05-20"),
        ("2024-02-29", "2024-02-29"),
        ("2026-02-29", None),
        ("20261301", None),
        ("20260532", None),
        ("00000000", None),
        ("99999999", None),
        ("1949-12-31", None),
        ("1950-01-01", "1950-01-01"),
        ("2099-12-31", "2099-12-31"),
        ("2100-01-01", None),
        ("2026-0520", None),
        ("2026-W21-3", None),
        ("２０２６０５２０", None),
        ("", None),
    ],
)
def test_only_real_days_are_days(written: str, iso: str | None):
    days = Days()
    assert days[written] == iso
    assert days[written] == iso  # the second look is answered from memory


@given(st.dates(date(1950, 1, 1), date(2099, 12, 31)))
def test_every_day_reads_in_both_forms(found: date):
    days = Days()
    assert days[found.isoformat()] == days[found.strftime("%Y%m%d")] == found.isoformat()


def test_days_remember_only_what_exists():
    days = Days()
    assert days["2026-02-30"] is None
    assert days["2026-02-28"] is not None
    assert list(days) == ["2026-02-28"]


def test_a_file_is_header_rows_and_trailer():
    written = LAYOUT.write([("001", "あ,い", 12300), ("002", "", 0)])
    assert (
        written.decode() == 'code,name,amount_yen\r\n001,"あ,い",12300\r\n002,,0\r\nT,2,12300\r\n'
    )


def test_an_empty_file_is_header_and_trailer():
    assert LAYOUT.write([]) == b"code,name,amount_yen\r\nT,0,0\r\n"


def test_a_row_of_another_width_is_not_written():
    with pytest.raises(InvalidValueError) as caught:
        LAYOUT.write([("001", "x")])
    assert caught.value.error_code == "column_count"


@pytest.mark.parametrize("bad", ["\n", "\r", "\r\n", "\x00", "\t", "\x7f"])
def test_a_control_character_is_not_written(bad: str):
    with pytest.raises(InvalidValueError) as caught:
        LAYOUT.write([("001", f"a{bad}", 1)])
    assert caught.value.error_code == "control_character"


def test_a_file_starts_like_its_header_also_behind_a_bom_and_quotes():
    assert LAYOUT.starts(b"code,name,amount_yen\r\n", 2)
    assert LAYOUT.starts(b'\xef\xbb\xbf"code","name"', 2)
    assert not LAYOUT.starts(b"name,code\r\n", 2)
    assert not LAYOUT.starts(b"", 2)


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        (digits("x", 3, "x"), ["000", "123"], ["12", "1234", "12a", "", "１２３", "-12"]),
        (digits("x", 3, "x", optional=True), ["000", ""], ["12", " "]),
        (yen("x"), ["0", "007", "99999999999"], ["", "-1", "+1", "1,0", "1.0", "123456789012"]),
        (day("x"), ["2026-05-20"], ["", "20260520", "2026/05/20", "26-05-20"]),
        (day("x", optional=True), ["", "2026-05-20"], ["2026"]),
        (choice("x", ("a", "b.c"), "x"), ["a", "b.c"], ["", "c", "bxc", "ab"]),
        (text("x", 1, 3, "x"), ["a", "あいう", "𠮷𠮷𠮷"], ["", "abcd"]),
    ],
)
def test_a_column_says_what_its_values_may_be(column, good: list[str], bad: list[str]):
    layout = Layout(code="one", columns=(column,), money=0)
    for value in good:
        assert layout.fields[0].fullmatch(value), value
        assert layout.line.fullmatch(value), value
    for value in bad:
        assert not layout.fields[0].fullmatch(value), value
        assert not layout.line.fullmatch(value), value


def test_a_text_with_a_comma_takes_the_careful_way():
    layout = Layout(code="one", columns=(text("x", 1, 3, "x"),), money=0)
    assert layout.fields[0].fullmatch('a,"')
    assert not layout.line.fullmatch('a,"')
