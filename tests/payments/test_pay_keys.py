"""照合キー: a number pays one notice, however many slips share it."""

from __future__ import annotations

import pytest
from slip_town import SlipTown, register_line

from payments.domain.identifiers import konbini_check_digit
from payments.enrol import Enroller


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    made.notice(1, (1_000, 2_000))
    made.notice(2, (1_000, 2_000))
    yield made
    made.close()


def _barcode(town, reissue):
    """Barcodes that differ in their 再発行区分 alone: one free area for all."""
    issued = town.next_keys(77, 2026).konbini_barcode
    body = f"{issued[:29]}{reissue}{issued[30:43]}"
    return f"{body}{konbini_check_digit(body)}"


def _errors(town, *slips):
    lines = [
        register_line(notice, "01", version, 1_000, barcode=_barcode(town, reissue))
        for notice, version, reissue in slips
    ]
    with town.write() as connection:
        return Enroller(connection, town.profile).apply(lines).errors


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([(1, 1, 0)], [(2, 1, 0)]),
        ([(1, 1, 0)], [(2, 1, 1)]),
        ([(1, 1, 0)], [(2, 1, 1), (2, 2, 2)]),
        ([(1, 1, 0), (1, 2, 1)], [(2, 1, 2)]),
        ([(1, 1, 0), (1, 2, 1)], [(2, 1, 2), (2, 2, 3)]),
    ],
)
def test_a_free_area_of_one_notice_is_refused_for_another(town, first, second):
    """A payment by it could otherwise go to the wrong notice."""
    assert _errors(town, *first) == []
    area = _barcode(town, 0)[8:29]
    assert _errors(town, *second) == [(0, "slip_key_taken", area)]


def test_slips_of_one_notice_may_share_a_free_area(town):
    assert _errors(town, (1, 1, 0)) == []
    assert _errors(town, (1, 2, 1)) == []
    assert _errors(town, (1, 3, 2)) == []
