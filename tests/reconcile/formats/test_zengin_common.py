"""Dates without an era or a year, and the letters of a bank file."""

from __future__ import annotations

from datetime import date

import pytest

from reconcile.formats.zengin_common import EraDates, yearless_date, zengin_text

RECEIVED = date(2026, 6, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("080601", "2026-06-01"),
        ("080617", "2026-06-17"),  # a week ahead is still near
        ("080618", None),
        ("010501", "2019-05-01"),
        ("310430", "2019-04-30"),
        ("080631", None),
        ("000000", None),
        ("999999", None),
        ("      ", None),
        ("0806", None),
    ],
)
def test_an_era_date_is_read_near_the_day_received(text, expected):
    dates = EraDates(RECEIVED)
    assert dates[text] == expected
    assert dates[text] == expected


@pytest.mark.parametrize(
    ("text", "received_on", "expected"),
    [
        ("0601", RECEIVED, "2026-06-01"),
        ("0617", RECEIVED, "2026-06-17"),
        ("0618", RECEIVED, "2025-06-18"),
        ("1228", date(2027, 1, 5), "2026-12-28"),
        ("0104", date(2026, 12, 30), "2027-01-04"),
        ("0229", date(2024, 3, 1), "2024-02-29"),
        ("0229", RECEIVED, None),
        ("0631", RECEIVED, None),
        ("1301", RECEIVED, None),
        ("    ", RECEIVED, None),
        ("060", RECEIVED, None),
    ],
)
def test_a_date_without_a_year_is_the_newest_near_the_day_received(text, received_on, expected):
    assert yearless_date(text, received_on) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("税目", "税目"),  # kanji stay, and the record refuses them
        ("ガス ポンプ", "ｶﾞｽ ﾎﾟﾝﾌﾟ"),
        ("ビョーイン", "ﾋﾞﾖ-ｲﾝ"),
        ("ｼｭｳﾉｳ", "ｼﾕｳﾉｳ"),
        ("（カ）ａｂｃ１", "(ｶ)ABC1"),
    ],
)
def test_letters_are_folded_as_a_bank_file_allows(text, expected):
    assert zengin_text(text) == expected
