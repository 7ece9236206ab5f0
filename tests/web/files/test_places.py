from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from web.files.places import ROW, STRETCH, place_of, stretch_of

LINE = "日付,金額,ｶﾅ\r\n20260601,1234,ｱｲｳ\r\n".encode("cp932")


def marked(place):
    return "".join(cell.hex for row in place.rows for cell in row.cells if cell.marked)


def test_the_value_is_marked_where_it_stands():
    at = LINE.index(b"1234")
    place = place_of(LINE, at, "1234")
    assert (place.first, place.length, marked(place)) == (at, 4, "31323334")
    assert place.text == "20260601,1234,ｱｲｳ"
    letters = "".join(cell.letter for row in place.rows for cell in row.cells)
    assert "20260601,1234,ｱｲｳ" in letters


def test_a_value_in_the_letters_of_the_bank_is_found_too():
    place = place_of(LINE, LINE.index("ｱ".encode("cp932")), "ｱｲｳ")
    assert (place.length, marked(place)) == (3, "B1B2B3")


def test_a_number_is_marked_with_the_zeros_that_fill_its_field():
    assert marked(place_of(b"1631000002507923", 4, "2507923")) == b"000002507923".hex()
    assert marked(place_of(b"16310 2507923", 5, "2507923")) == b" 2507923".hex()
    assert marked(place_of(b"00042", 0, "0042")) == b"00042".hex()
    assert marked(place_of(b"0000", 0, "0")) == b"0".hex()


def test_a_value_that_stands_elsewhere_marks_one_byte():
    assert place_of(LINE, 3, "no such value").length == 1
    assert place_of(LINE, 3, "").length == 1


@given(st.binary(max_size=2_000), st.integers(-5, 3_000), st.text(max_size=5))
def test_any_place_in_any_bytes_is_shown_without_the_whole_file(data, offset, found):
    place = place_of(data, offset, found)
    assert len(place.rows) <= 2 * 8 + 2 + place.length // ROW
    cells = [cell for row in place.rows for cell in row.cells]
    assert bytes.fromhex("".join(cell.hex for cell in cells)) in data
    assert len(marked(place)) == 2 * place.length
    assert not data or place.length


@given(st.binary(min_size=1, max_size=3_000), st.integers(0, 3_000), st.integers(0, 60))
def test_a_window_shows_what_the_whole_file_would(data, offset, rows_before):
    offset = min(offset, len(data) - 1)
    found = data[offset : offset + 3].decode("cp932", "ignore")
    base = max(offset // ROW - 50 - rows_before, 0) * ROW
    window = data[base : offset + 2 * STRETCH + 500]
    assert place_of(window, offset, found, base=base) == place_of(data, offset, found)
    assert stretch_of(window, offset, offset, 5, base=base, size=len(data)) == stretch_of(
        data, offset, offset, 5
    )
