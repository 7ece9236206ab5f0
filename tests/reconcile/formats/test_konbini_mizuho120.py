"""みずほファクター: the example record, and 客層 that says nothing about a payment."""

from __future__ import annotations

from fixed_samples import collected, join, patch, read

from reconcile.formats.konbini_mizuho120 import FORMAT, write

# files.md 2.3, 確報 of barcode V13 (invented).
EXAMPLE = (
    b"202202605201234191912345000001000001234500001126053100123005   0001234012026052120260605"
    b"20260525000030                  "
)


def test_the_example_record_of_the_reference():
    assert len(EXAMPLE) == 120
    lines, reading = read(
        FORMAT, join([b"1".ljust(120), EXAMPLE, b"8".ljust(120), b"9".ljust(120)])
    )
    assert reading.findings == []
    (line,) = lines
    assert (line.kind, line.stage, line.amount_yen) == ("02", "confirmed", 12300)
    assert line.slip_key == EXAMPLE[24:45].decode()
    assert line.reissue == EXAMPLE[45:46].decode()
    assert line.key_valid
    assert (line.paid_on, line.remitted_on) == ("2026-05-20", "2026-06-05")
    assert line.record_key.endswith("|000030|0001234")


def test_another_customer_type_is_the_same_content():
    data = write([collected()])
    other = patch(data, 2, 71, b"42")
    assert other != data
    assert read(FORMAT, data)[0][0].content == read(FORMAT, other)[0][0].content
