"""The years that an installation has added count for what is booked, not for pages alone."""

from __future__ import annotations

from datetime import date

import pytest

from payments.domain.errors import InvalidValueError
from payments.domain.late_charge import late_charge
from payments.domain.late_charges import OverdueClaim, late_charges
from payments.domain.rates import know_rates, shipped_rates
from payments.domain.refund_interest import refund_interest
from web.calc.tables import FILE, rates_of
from web.config import Settings
from web.database import open_books

HEAD = (
    "from_year,to_year,regime,low_percent,high_percent,refund_percent,late_mark,refund_mark,source"
)
DUE, PAID = date(2026, 12, 25), date(2027, 3, 1)


@pytest.fixture
def settings(tmp_path):
    yield Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path / 'kokin.sqlite'}")
    know_rates(shipped_rates)


def _add(settings, low):
    row = f"2027,2027,延滞金特例基準割合,{low},9.1,1.3,confirmed,confirmed,[告示]"
    (settings.home / FILE).write_text(f"{HEAD}\n{row}\n", encoding="utf-8")


def _charge():
    (at_once,) = late_charges([OverdueClaim(400_000, DUE)], PAID)
    assert late_charge(400_000, DUE, PAID).charge_yen == at_once
    return at_once


def test_a_new_year_is_booked_as_soon_as_its_rate_is_entered(settings):
    open_books(settings).dispose()
    with pytest.raises(InvalidValueError, match="rate_unknown"):
        _charge()
    with pytest.raises(InvalidValueError, match="rate_unknown"):
        refund_interest(400_000, date(2026, 12, 1), date(2027, 6, 1))
    _add(settings, "2.8")
    first = _charge()
    known = rates_of(settings)
    assert first == late_charge(400_000, DUE, PAID, rates=known).charge_yen > 0
    assert refund_interest(400_000, date(2026, 12, 1), date(2027, 6, 1)).interest_yen > 0
    _add(settings, "4.75")  # no process has to be started again
    assert _charge() == late_charge(400_000, DUE, PAID, rates=rates_of(settings)).charge_yen > first
