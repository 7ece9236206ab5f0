"""三菱UFJファクター: the example record and the codes of the header."""

from __future__ import annotations

from fixed_samples import collected, findings, join, only, patch, read

from reconcile.formats.konbini_muf120 import FORMAT, write
from reconcile.model import Severity

# files.md 2.2, 速報 of barcode V13 (invented).
EXAMPLE = (
    b"20120260520123491912345000001000001234500001126053100123005   00012342026052000000000"
    b"        202605200180               "
)


def test_the_example_record_of_the_reference():
    assert len(EXAMPLE) == 120
    data = join(
        [b"120260521" + b"1234500001".ljust(111), EXAMPLE, b"8".ljust(120), b"9".ljust(120)]
    )
    lines, reading = read(FORMAT, data)
    assert reading.findings == []
    assert reading.created_on == "2026-05-21"
    (line,) = lines
    assert (line.kind, line.stage, line.amount_yen) == ("01", "provisional", 12300)
    assert line.slip_key == EXAMPLE[23:44].decode()
    assert line.reissue == EXAMPLE[44:45].decode()
    assert line.key_valid
    assert (line.paid_on, line.paid_at) == ("2026-05-20", "12:34")
    assert line.record_key.endswith("|0180|0001234")


def test_another_contract_in_the_header_is_a_warning():
    data = patch(write([collected()]), 1, 10, b"54321")
    found = only(findings(FORMAT, data))
    assert (found.code, found.severity) == ("unknown_company", Severity.WARNING)
    assert (found.field, found.found, found.expected) == ("MUF企業コード", "54321", "12345")
    assert (found.line_no, found.byte_offset) == (1, 9)
    other = only(findings(FORMAT, write([collected()], client_code="00009")))
    assert (other.field, other.found) == ("収納企業コード", "00009")


def test_the_unknown_field_is_kept_as_read():
    data = patch(write([collected()]), 2, 86, b"ABCDEFGH")
    assert "不明=ABCDEFGH" in list(FORMAT.describe(data))[1]
    assert findings(FORMAT, data) == []
