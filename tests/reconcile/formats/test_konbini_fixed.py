"""コンビニ収納データ, 120 bytes: what both layouts make of a report."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from fixed_samples import barcode, collected, patch, quarantined, read, records
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats import konbini_mizuho120, konbini_muf120
from reconcile.formats.konbini_fixed import Collected, check_digit_holds

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "konbini_barcode.csv"
BOTH = pytest.mark.parametrize("module", [konbini_muf120, konbini_mizuho120])
PAID_ON, REMITTED_ON = date(2026, 5, 20), date(2026, 6, 5)


def vectors() -> list[str]:
    lines = VECTORS.read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("id,"))
    return [row["digits"] for row in csv.DictReader(lines[start:])]


def test_the_check_digit_of_every_vector_holds_and_no_other():
    assert vectors()
    for digits in vectors():
        assert [
            last for last in "0123456789" if check_digit_holds(f"{digits[:43]}{last}".encode())
        ] == [digits[43]]


@BOTH
def test_a_report_becomes_a_line(module):
    code = barcode()
    lines, reading = read(module.FORMAT, module.write([collected()]))
    agent = module.FORMAT.code
    assert (reading.findings, reading.agent) == ([], agent)
    assert (reading.count, reading.amount_yen) == (3, 36900)
    assert [(line.kind, line.stage) for line in lines] == [
        ("01", "provisional"),
        ("02", "confirmed"),
        ("03", "withdrawal"),
    ]
    first, second, _ = lines
    assert first.identity == f"{agent}:{code[8:30]}"
    assert (first.slip_key, first.reissue) == (code[8:29], code[29])
    assert first.payment_key == second.payment_key
    assert first.record_key.startswith(f"{agent}|01|20260520|1234|{code}|")
    assert (first.paid_on, first.paid_at) == ("2026-05-20", "12:34")
    assert (first.remitted_on, second.remitted_on) == (None, "2026-06-05")
    assert second.remittance_ref == "2026-06-05"
    assert {(line.is_ours, line.key_valid, line.fault) for line in lines} == {(True, True, None)}


@BOTH
@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (Collected("04", barcode(), PAID_ON), "kind"),
        (Collected("12", barcode(), PAID_ON), "kind"),
        (Collected("01", barcode(), PAID_ON, raw={"paid_on": "20261399"}), "date"),
        (Collected("01", barcode(), PAID_ON, raw={"paid_on": "00000000"}), "date"),
        (Collected("01", barcode(), PAID_ON, "2460"), "time"),
        (Collected("01", barcode(amount=0), PAID_ON), "amount_zero"),
        (Collected("01", barcode(), PAID_ON, raw={"shop": "ABC    "}), "shop_code"),
        (Collected("01", barcode(), PAID_ON, raw={"company": "-030"}), "cvs_code"),
        (Collected("02", barcode(), PAID_ON), "remittance"),
        (Collected("02", barcode(), PAID_ON, raw={"remitted_on": "20260631"}), "remittance"),
        (Collected("01", barcode(), PAID_ON, remitted_on=REMITTED_ON), "remittance"),
    ],
)
def test_a_single_bad_line_is_that_lines_fault(module, row, fault):
    data = module.write([collected(row, Collected("01", barcode(), PAID_ON))])
    lines, reading = read(module.FORMAT, data)
    assert reading.findings == []
    assert [line.fault for line in lines] == [fault, None]
    assert lines[0].amount_yen == int(row.barcode[37:43])
    assert lines[0].payment_key is None
    assert lines[0].identity == lines[1].identity


@BOTH
@pytest.mark.parametrize("echo", ["9" * 44, " " * 44, f"{barcode()[:20]}X{barcode()[21:]}"])
def test_a_barcode_that_is_none_is_that_lines_fault(module, echo):
    rows = [Collected("02", echo, PAID_ON, remitted_on=REMITTED_ON)]
    good = Collected("01", barcode(), PAID_ON)
    lines, reading = read(module.FORMAT, module.write([collected(good, *rows)]))
    assert reading.findings == []
    bad = lines[1]
    assert (bad.fault, bad.slip_key, bad.payment_key) == ("barcode", None, None)
    assert bad.identity == f"{module.FORMAT.code}:{echo}"
    assert bad.amount_yen == (int(echo[37:43]) if echo.strip() else None)


@BOTH
@pytest.mark.parametrize("amount", ["-12300", "0123 0", "      "])
def test_an_amount_of_other_characters_stops_the_file(module, amount):
    code = barcode()
    rows = [Collected("01", f"{code[:37]}{amount}{code[43:]}", PAID_ON)]
    data = module.write([collected(Collected("01", code, PAID_ON), *rows)])
    found = quarantined(module.FORMAT, data, "not_digits")
    assert (found.line_no, found.found) == (3, amount)
    assert data[found.byte_offset :].startswith(amount.encode())


@BOTH
def test_a_failing_check_digit_is_told_but_no_fault(module):
    code = f"{barcode()[:43]}{(int(barcode()[43]) + 1) % 10}"
    line = read(module.FORMAT, module.write([collected(Collected("01", code, PAID_ON))]))[0][0]
    assert (line.key_valid, line.fault) == (False, None)


@BOTH
def test_the_client_code_says_whose_slip_it_is(module):
    row = Collected("01", barcode(client="00002"), PAID_ON)
    line = read(module.FORMAT, module.write([collected(row)]))[0][0]
    assert (line.is_ours, line.fault) == (False, None)


@BOTH
def test_only_the_first_byte_of_header_trailer_and_end_is_relied_on(module):
    rows = records(module.write([collected()]))
    spoilt = [row[:1] + b"?" * 119 if row[:1] in b"189" else row for row in rows]
    lines, reading = read(module.FORMAT, b"\r\n".join(spoilt))
    assert len(lines) == 3
    assert not reading.failed


ROWS = st.lists(
    st.builds(
        Collected,
        kind=st.sampled_from(["01", "03"]),
        barcode=st.builds(
            barcode,
            own=st.text("0123456789", min_size=16, max_size=16),
            amount=st.integers(1, 999_999),
            reissue=st.sampled_from("0123456789"),
        ),
        paid_on=st.dates(date(2020, 1, 1), date(2026, 6, 1)),
        paid_at=st.sampled_from(["0000", "0930", "2359"]),
        shop=st.text("0123456789", min_size=7, max_size=7),
        company=st.sampled_from(["0030", "0180", "9900"]),
    ),
    min_size=1,
    max_size=5,
)


@BOTH
@given(rows=ROWS)
def test_what_is_written_is_read(module, rows):
    lines, reading = read(module.FORMAT, module.write([collected(*rows)]))
    assert reading.findings == []
    assert [
        (line.kind, f"91912345{line.slip_key}{line.reissue}", line.amount_yen, line.paid_on)
        for line in lines
    ] == [
        (row.kind, row.barcode[:30], int(row.barcode[37:43]), row.paid_on.isoformat())
        for row in rows
    ]


@BOTH
def test_a_patched_filler_makes_another_content_under_the_same_key(module):
    data = module.write([collected()])
    other = patch(data, 2, 120, b"X")
    line, changed = read(module.FORMAT, data)[0][0], read(module.FORMAT, other)[0][0]
    assert line.record_key == changed.record_key
    assert line.content != changed.content
