from __future__ import annotations

import csv
import io

import pytest
from delimited_samples import GOLDEN
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from reconcile.formats.eltax_slip_upload import LAYOUT, SlipUploadRow, write

FOLDER = GOLDEN / "eltax_slip_upload"
EXAMPLE = SlipUploadRow(
    "99999", "00002026000000123451", "123456", "999", 12300, 2026, 2026, "01",
    "2026-06-01", "2026-07-01", "S2026-0000001", "new",
)  # fmt: skip


def test_the_example_is_written_byte_for_byte():
    assert write([EXAMPLE]) == (FOLDER / "example.csv").read_bytes()


def test_the_listing_beside_the_example_names_every_column():
    listed = (FOLDER / "example.expected.txt").read_text(encoding="utf-8").splitlines()
    pairs = zip(LAYOUT.names, map(str, EXAMPLE), strict=True)
    assert listed == [f"{name}={value}" for name, value in pairs]


def test_new_and_revoked_lines_both_count_for_the_trailer():
    data = write([EXAMPLE, EXAMPLE._replace(state="revoked")])
    assert data.endswith(b",revoked\r\nT,2,24600\r\n")


def test_nothing_to_say_is_a_nil_report():
    assert write([]) == ",".join(LAYOUT.names).encode() + b"\r\nT,0,0\r\n"


@given(
    st.lists(
        st.builds(
            EXAMPLE._replace,
            case_key=st.text("0123456789", min_size=20, max_size=20),
            amount_yen=st.integers(1, 10**11 - 1),
            slip_no=st.text(
                st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")),
                min_size=1,
                max_size=30,
            ),
            state=st.sampled_from(("new", "revoked")),
        ),
        max_size=4,
    )
)
def test_an_independent_reader_reads_what_was_written(rows: list[SlipUploadRow]):
    parsed = list(csv.reader(io.StringIO(write(rows).decode(), newline=""), strict=True))
    assert parsed[0] == list(LAYOUT.names)
    assert parsed[1:-1] == [list(map(str, row)) for row in rows]
    assert parsed[-1] == ["T", str(len(rows)), str(sum(row.amount_yen for row in rows))]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (EXAMPLE._replace(collecting_body_code="9999"), "body_code", "collecting_body_code"),
        (EXAMPLE._replace(case_key="1"), "case_key", "case_key"),
        (EXAMPLE._replace(confirmation_no="１２３４５６"), "confirmation_no", "confirmation_no"),
        (EXAMPLE._replace(item_code="99"), "item_code", "item_code"),
        (EXAMPLE._replace(amount_yen=0), "amount_zero", "amount_yen"),
        (EXAMPLE._replace(amount_yen=-1), "amount", "amount_yen"),
        (EXAMPLE._replace(amount_yen=10**11), "amount", "amount_yen"),
        (EXAMPLE._replace(levy_year=26), "year", "levy_year"),
        (EXAMPLE._replace(tax_year=0), "year", "tax_year"),
        (EXAMPLE._replace(term="1"), "term", "term"),
        (EXAMPLE._replace(due_on="2026-06-31"), "date", "due_on"),
        (EXAMPLE._replace(valid_until="20260701"), "date", "valid_until"),
        (EXAMPLE._replace(slip_no=""), "slip_no", "slip_no"),
        (EXAMPLE._replace(state="superseded"), "state", "state"),
    ],
)
def test_nothing_wrong_leaves_the_building(row: SlipUploadRow, code: str, field: str):
    with pytest.raises(InvalidValueError) as caught:
        write([EXAMPLE, row])
    assert caught.value.error_code == code
    assert caught.value.details["field"] == field
