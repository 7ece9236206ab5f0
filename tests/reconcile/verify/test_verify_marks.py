"""検算: what a receipt keeps of the reports about it and of its slip, altered on both databases."""

from __future__ import annotations

import pytest
from altered_rows import named
from engine_city import EngineCity
from reference_rows import sample_profile
from reference_town import Town

from payments.store.unit_of_work import reading
from reconcile.model import Channel
from reconcile.verify.lines import LineWalk
from reconcile.verify.walk import Store

M = "99999"


@pytest.fixture
def city(database_url):
    """Payments announced in every way: by two 速報 and a 確報, and once more after a 取消."""
    city = EngineCity(database_url, sample_profile())
    town = Town(city=city)
    outcomes = [town.pay(), town.pay(kind="81"), town.pay(kind="02")]
    assert outcomes == ["matched", "repeat", "confirms"]
    assert town.take(Channel.KONBINI, town.shop("02"), town.shop("02", kind="03")) == [
        "withdrawn", "withdraws",
    ]  # fmt: skip
    assert town.pay("02", kind="02") == "matched"
    old = town.slips["01"]
    town.reissue("01", 10_000)
    assert town.pay(kind="02", slip=old, paid_on="2026-06-11") == "duplicate"
    town.correct("01", 12_000)
    assert town.pay(kind="02", slip=old, paid_on="2026-06-12") == "superseded_slip"
    yield city
    city.close()


def lines(store):
    return LineWalk(store).differences()


def found(city, change=""):
    return named(city.engine, M, lines, f"UPDATE receipt SET {change}" if change else "")


def test_reports_that_nobody_made_and_slips_that_were_none_are_named_at_their_receipts(city):
    with reading(city.engine, M) as connection:
        kept = [
            (row.seen, bool(row.superseded), row.stage)
            for row in Store(connection, sample_profile()).rows(
                "SELECT seen, superseded, stage FROM receipt WHERE municipality_code = :m "
                "ORDER BY file_id, line_no"
            )
        ]
    assert kept == [
        (1 | 2 | 4, False, "confirmed"),
        (1 | 8, False, "withdrawn"),
        (4 | 1, False, "confirmed"),
        (4, True, "confirmed"),
        (4, True, "confirmed"),
    ]
    assert found(city) == []
    for seen in ("seen + 16", "CASE seen WHEN 4 THEN 1 ELSE 4 END"):
        told = found(city, f"seen = {seen}")
        assert [name for name, _subject in told] == ["receipt"] * 5
        assert len({subject for _name, subject in told}) == 5
    # Of the payment that came twice no rule asked which slip it was, and that one is old by now.
    told = found(city, "superseded = NOT superseded")
    assert [name for name, _subject in told] == ["receipt"] * 4
