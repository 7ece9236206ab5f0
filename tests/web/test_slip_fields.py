"""Every place in which paper and books may differ has a name that a person reads."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from qr.digits import el_qr, konbini_barcode
from qr.layout.shipped import SHIPPED, slip_layout
from web import messages
from web.texts.labels import LABELS

PROOF = Path(__file__).parents[2] / "qr" / "proof"


def test_every_field_of_every_layout_has_a_name() -> None:
    fields = {text.field for name in SHIPPED for text in slip_layout(name).texts}
    assert fields <= LABELS["slip_field"].keys()


def test_every_code_that_the_checks_write_has_a_name() -> None:
    modules = ("slip_check", "read_back", "drawn_symbols", "printed_file", "font_check")
    source = "".join((PROOF / f"{module}.py").read_text("utf-8") for module in modules)
    codes = set(re.findall(r'\(\s*"([a-z_]+)",', source)) - {"scan_unreadable"}  # an error
    parts = set(re.findall(r'f"\{[\w.]+\}\.([a-z_]+)"', source))
    assert {"page", "font", "unexpected_content"} <= codes <= LABELS["slip_field"].keys()
    assert {"position", "size", "quiet_zone"} <= parts <= LABELS["slip_field_part"].keys()


@pytest.mark.parametrize("payload", [el_qr.ElQr, konbini_barcode.KonbiniBarcode])
def test_every_field_of_a_symbol_has_a_name(payload: type) -> None:
    for field in dataclasses.fields(payload):
        assert re.fullmatch(r"eL-QR（[^_]+）", messages.slip_field(f"el_qr.{field.name}"))


def test_a_field_and_its_part() -> None:
    assert messages.slip_field("el_qr.amount_yen") == "eL-QR（金額）"
    assert messages.slip_field("amount_yen.position") == "金額（位置）"
    assert messages.slip_field("due_on") == "納期限"
