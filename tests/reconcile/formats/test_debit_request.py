"""口座振替依頼: written byte for byte, read back the same, never taken for a result."""

from __future__ import annotations

import string
from datetime import date

import pytest
from fixed_samples import CONTEXT, DAY, GOLDEN, batch, read, refused
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from reconcile.formats import FORMATS, debit_request, debit_result
from reconcile.formats.debit_records import AMOUNT_MAX, Batch, Debit
from reconcile.formats.wrapping import Wrapping

ASKED = Debit(
    "20269990001234500101", 12300, bank_name="ﾃｽﾄ", branch_name="ﾎﾝﾃﾝ", account_no="7654321",
    holder_name="ｾﾞｲﾓｸ ﾀﾛｳ", new_code="1",
)  # fmt: skip
NEXT = ASKED._replace(
    customer_no="20269990001234500201", amount_yen=4560, account_no="7654322",
    holder_name="ｾﾞｲﾓｸ ﾊﾅｺ", new_code="0",
)  # fmt: skip
BATCH = batch(ASKED, NEXT)
FILE = debit_request.write([BATCH])
digits = string.digits
names = st.text("ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄ ABC0123().-", max_size=30).map(str.strip)
numbers = {length: st.text(digits, min_size=length, max_size=length) for length in (3, 4, 7, 10)}
debits = st.builds(
    Debit,
    customer_no=st.text(digits, min_size=20, max_size=20),
    amount_yen=st.integers(1, AMOUNT_MAX),
    bank_code=numbers[4],
    branch_code=numbers[3],
    account_type=st.sampled_from("1239"),
    account_no=numbers[7],
    holder_name=names,
    new_code=st.sampled_from("012"),
)
batches = st.builds(
    Batch,
    consignor_code=numbers[10],
    consignor_name=names,
    debited_on=st.just(DAY),
    bank_code=numbers[4],
    bank_name=st.sampled_from(["", "ﾃｽﾄ", "ﾃｽﾄｼﾝｷﾝ"]),
    branch_code=numbers[3],
    branch_name=st.sampled_from(["", "ﾎﾝﾃﾝ"]),
    account_type=st.sampled_from("129"),
    account_no=numbers[7],
    debits=st.lists(debits, max_size=8).map(tuple),
)


def test_the_golden_file_is_written_byte_for_byte():
    golden = (GOLDEN / "debit_request" / "reference.dat").read_bytes()
    assert golden == FILE
    expected = (GOLDEN / "debit_request" / "reference.expected.txt").read_text("utf-8")
    assert "\n".join(debit_result.FORMAT.describe(FILE)) + "\n" == expected


def test_it_only_goes_out():
    assert "debit_request" not in {form.code for form in FORMATS}


def test_the_trailer_has_totals_and_nothing_of_a_result():
    rows = FILE.split(b"\r\n")
    assert {row[111:112] for row in rows[1:-3]} == {b"0"}
    assert rows[-3] == b"8" + b"000002" + b"000000016860" + b"0" * 36 + b" " * 65
    assert f"{DAY:%m%d}".encode() == rows[0][54:58]


def test_a_request_that_comes_back_is_refused_as_a_result():
    refused(debit_result.FORMAT, FILE, "debit_request")


@given(st.lists(batches, max_size=3), st.sampled_from([b"\r\n", b""]))
def test_what_is_written_is_read_back(made, newline):
    wrapping = Wrapping(newline=newline)
    data = debit_request.write(made, wrapping)
    back = debit_request.read(data, DAY)
    assert list(back) == made
    assert debit_request.write(back, wrapping) == data


@given(batches.filter(lambda made: made.debits))
def test_no_request_is_ever_a_result(made):
    ours = made._replace(consignor_code=CONTEXT.profile.debit_consignor_code)
    found = read(debit_result.FORMAT, debit_request.write([ours]))[1].findings
    assert "debit_request" in {finding.code for finding in found}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_yen": 0}, "debit_amount"),
        ({"amount_yen": 10**10}, "debit_amount"),
        ({"account_type": "4"}, "debit_account_form"),
        ({"account_no": "12345"}, "debit_account_form"),
        ({"customer_no": "１" * 20}, "debit_account_form"),
        ({"holder_name": "山田"}, "record_character"),
        ({"holder_name": "ｵﾉ,ﾖｳｺ"}, "record_character"),
    ],
)
def test_what_a_bank_does_not_take_is_not_written(change, code):
    with pytest.raises(InvalidValueError) as stopped:
        debit_request.write([batch(ASKED._replace(**change))])
    assert stopped.value.error_code == code


@pytest.mark.parametrize(
    "data",
    [
        FILE.replace(b"00000123001", b"00000123011"),  # an amount
        FILE.replace(b"000002000000016860000000", b"000002000000016860000002"),  # a result
        FILE[: -2 - 120],  # without its end
        FILE.replace(b"19101", b"19101".replace(b"91", b"21")),  # another kind
        FILE.replace(b"\r\n2", b"\r\n5", 1),
        debit_result.write([BATCH]),
    ],
)
def test_a_file_that_is_not_ours_is_not_read_back(data):
    with pytest.raises(InvalidValueError) as stopped:
        debit_request.read(data, DAY)
    assert stopped.value.error_code == "debit_request_form"


def test_another_day_is_not_read_back():
    with pytest.raises(InvalidValueError):
        debit_request.read(FILE, date(2026, 7, 31))
