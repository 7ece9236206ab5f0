from __future__ import annotations

from datetime import date

import pytest
from fixed_samples import records
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from reconcile.formats.detect import detect
from reconcile.formats.fixed_length import put_together, take_apart
from reconcile.formats.wrapping import Wrapping
from reconcile.formats.zengin_common import bank_text
from reconcile.formats.zengin_transfer import (
    DATA,
    DATA_EDI,
    END,
    HEADER,
    TRAILER,
    Order,
    Transfer,
    layout_of,
    write,
)

REFUND = Transfer("9999", "999", "1", "7654321", "ゼイモク タロウ", 12300, "テスト", "ホンテン")


def order(*transfers: Transfer) -> Order:
    return Order(
        "1234567890", "ミライシ", date(2026, 6, 1), "9999", "テスト", "999", "ホンテン", "1",
        "1234567", transfers,
    )  # fmt: skip


def test_the_bytes_of_a_refund():
    """Byte for byte against the table of files.md 1.4, written out by hand."""
    data = write([order(REFUND, REFUND._replace(amount_yen=456, edi="ｶﾝﾌ/1"))])
    assert data.decode("cp932").split("\r\n") == [
        "12101234567890" + "ﾐﾗｲｼ".ljust(40) + "06019999" + "ﾃｽﾄ".ljust(15) + "999"
        + "ﾎﾝﾃﾝ".ljust(15) + "11234567" + " " * 17,
        "29999" + "ﾃｽﾄ".ljust(15) + "999" + "ﾎﾝﾃﾝ".ljust(15) + "0000" + "17654321"
        + "ｾﾞｲﾓｸ ﾀﾛｳ".ljust(30) + "0000012300" + "0" + "0" * 20 + "7" + " " * 8,
        "29999" + "ﾃｽﾄ".ljust(15) + "999" + "ﾎﾝﾃﾝ".ljust(15) + "0000" + "17654321"
        + "ｾﾞｲﾓｸ ﾀﾛｳ".ljust(30) + "0000000456" + "0" + "ｶﾝﾌ/1".ljust(20) + "7Y" + " " * 7,
        "8000002000000012756" + " " * 101,
        "9" + " " * 119,
        "",
    ]  # fmt: skip
    assert {len(row) for row in records(data)} == {120}


@pytest.mark.parametrize("layout", [HEADER, DATA, DATA_EDI, TRAILER, END])
def test_every_record_is_120_bytes(layout):
    assert layout.length == 120


def test_it_is_not_for_intake():
    found = detect(write([order(REFUND)]))
    assert (found.code, found.found) == ("other_zengin_kind", "21 総合振込")


@given(
    amounts=st.lists(st.integers(1, 10**10 - 1), max_size=4),
    newline=st.sampled_from([b"\r\n", b""]),
    edi=st.sampled_from(["", "ｶﾝﾌ 1"]),
)
def test_what_is_written_comes_apart_and_together_again(amounts, newline, edi):
    rows = [REFUND._replace(amount_yen=yen, edi=edi) for yen in amounts]
    data = write([order(*rows)], Wrapping(newline))
    wrapping, rows_found = take_apart(data, 120, layout_of)
    parts = list(rows_found)
    assert put_together(parts, wrapping) == data
    assert [int(part.values["amount"]) for part in parts[1:-2]] == amounts
    trailer = {name: int(parts[-2].values[name]) for name in ("count", "total")}
    assert trailer == {"count": len(amounts), "total": sum(amounts)}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"payee_name": "税目 太郎"}, "record_character"),
        ({"payee_name": "ヲカダ"}, "record_character"),
        ({"payee_name": "ｱ,ｲ"}, "record_character"),
        ({"bank_name": "ﾃｽﾄ ｷﾞﾝｺｳ"}, "record_character"),
        ({"edi": "[1]"}, "record_character"),
        ({"amount_yen": 0}, "transfer_amount"),
        ({"amount_yen": 10**10}, "record_number"),
        ({"account_type": "3"}, "transfer_account"),
    ],
)
def test_what_a_bank_does_not_take_is_not_written(change, code):
    with pytest.raises(InvalidValueError) as stopped:
        write([order(REFUND._replace(**change))])
    assert stopped.value.error_code == code


@pytest.mark.parametrize(
    ("text", "field", "written"),
    [
        ("ミライシ（カイケイカ）", "orderer_name", "ﾐﾗｲｼ(ｶｲｹｲｶ)"),
        ("キャッシュ.ﾃﾝ", "payee_name", "ｷﾔﾂｼﾕ.ﾃﾝ"),
        ("ヲ\\｢1｣/ａ", "edi", "ｦ\\｢1｣/A"),
        ("シンキンー1", "bank_name", "ｼﾝｷﾝ-1"),
    ],
)
def test_characters_are_folded_to_what_a_bank_takes(text, field, written):
    assert bank_text(text, field) == written
