"""財務会計への収入データ: every yen of the day reports, under its 款項目節, or nothing at all."""

from __future__ import annotations

import csv
import io
import tomllib
from copy import deepcopy
from datetime import date

import pytest
from codebase import ROOT
from years_town import M, YearsTown, claim

from payments.domain.errors import InvalidValueError
from payments.store.unit_of_work import reading
from reconcile.day_totals import summarise
from reconcile.report.accounting import Entry, accounting_layout, entries, written
from reconcile.report.period import day_report

LAYOUT = ROOT / "docs" / "layouts" / "accounting" / "sample.toml"
SAMPLE = tomllib.loads(LAYOUT.read_text("utf-8"))
FIRST, LAST = date(2025, 6, 1), date(2026, 6, 30)
ROW = Entry(date(2026, 6, 5), 2026, "901", False, "konbini", 2, 24_600)


@pytest.fixture
def town(database_url):
    """Payments of two years over the closing period, one of them twice."""
    found = YearsTown(database_url)
    found.assess(claim(1, 2025, 10_000), claim(2, 2025, 20_000), claim(3, 2024, 7_000),
                 claim(4, 2025, 5_000, item="903"), on="2025-04-10")  # fmt: skip
    found.pay(1, 10_000, "2025-06-20", on="2025-06-25")
    found.pay(1, 10_000, "2025-06-21", on="2025-06-26")  # twice: in 仮受金, no revenue
    found.pay(3, 7_000, "2025-06-24", on="2025-06-26")  # of an older year
    found.pay(4, 5_000, "2025-06-24", on="2025-06-26")
    found.pay(2, 20_000, "2026-05-20", on="2026-05-25")  # 出納整理期間
    yield found
    found.close()


def table(data: bytes, encoding: str = "cp932") -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(data.decode(encoding), newline=""))]


def test_each_day_ties_to_its_report_to_the_yen(town):
    summarise(town.engine, M)
    layout = accounting_layout(SAMPLE, "sample.toml")
    with reading(town.engine, M) as connection:
        found = entries(connection, town.profile, FIRST, LAST)
        days = sorted({row.booked_on for row in found})
        assert days
        for day in days:
            of_day = [row for row in found if row.booked_on == day]
            said = day_report(connection, town.profile, day)
            assert sum(row.amount_yen for row in of_day) == said.collected_yen
            yen = [int(row["金額"]) for row in table(written(layout, of_day))]
            assert sum(yen) == said.collected_yen
    assert sum(row.amount_yen for row in found) == 42_000
    assert {(row.fiscal_year, row.item_code, row.carried) for row in found} >= {
        (2025, "901", False), (2025, "903", False),
    }  # fmt: skip


def test_a_row_is_written_as_the_layout_says():
    data = written(accounting_layout(SAMPLE, "a.toml"), [ROW, ROW._replace(amount_yen=-100)])
    assert data.decode("cp932").split("\r\n")[1:] == [
        "収入,20260605,2026,01,01,01,01,01,20,2,24600",
        "収入,20260605,2026,01,01,01,01,01,20,2,-100",
        "",
    ]


def test_without_header_in_utf8_and_of_another_day_form():
    shape = SAMPLE | {"encoding": "utf-8", "newline": "lf", "column_header": False,
                      "day": "yyyy/mm/dd", "columns": SAMPLE["columns"][:2]}  # fmt: skip
    assert written(accounting_layout(shape, "a.toml"), [ROW]) == "収入,2026/06/05\n".encode()


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (ROW._replace(item_code="777"), "items"),
        (ROW._replace(channel=""), "channels.other"),
    ],
)
def test_money_without_a_code_is_never_left_out(row, key):
    with pytest.raises(InvalidValueError) as refused:
        written(accounting_layout(SAMPLE, "a.toml"), [ROW, row])
    assert refused.value.error_code == "layout_missing"
    assert refused.value.details["key"] == key


def _changed(path: str, value: object) -> dict[str, object]:
    shape = deepcopy(SAMPLE)
    *ways, last = path.split(".")
    at = shape
    for way in ways:
        at = at[int(way)] if way.isdigit() else at[way]
    at[last] = value
    return shape


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ("encoding", "euc_jp", "encoding"),
        ("columns.1.value", "bookedon", "columns[1].value"),
        ("columns.0.text", "髙﨑𠮷", "columns[0].text"),
        ("columns.0.nothing", 1, "columns[0].nothing"),
        ("items.2.item_code", "901", "items[2].item_code"),
        ("channels.counter", "1", "channels.counter"),
        ("items.0.kan", 1, "items[0].kan"),
        ("columns", [], "columns"),
        ("colums", [], "colums"),
    ],
)
def test_a_layout_that_cannot_be_names_its_key(path, value, key):
    with pytest.raises(InvalidValueError) as refused:
        accounting_layout(_changed(path, value), "a.toml")
    assert refused.value.details["key"] == key
    assert refused.value.details["file"] == "a.toml"


def test_a_code_that_the_encoding_cannot_write_is_named():
    shape = _changed("items.0.kan", "𠮷")
    with pytest.raises(InvalidValueError) as refused:
        written(accounting_layout(shape, "a.toml"), [ROW])
    assert refused.value.details["found"] == "𠮷"
