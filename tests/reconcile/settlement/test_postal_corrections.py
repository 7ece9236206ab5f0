"""郵便の訂正（22）と払込単位: what a corrected payment takes out of its group, and what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from placing_town import PlacingTown, row

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = "SELECT ref, confirmed_count, confirmed_yen FROM remittance_group ORDER BY ref"


@pytest.fixture
def town(database_url: str) -> Iterator[PlacingTown]:
    """The town; whatever a test does, the books must hold together in the end."""
    town = PlacingTown(database_url)
    yield town
    town.check()
    town.close()


def groups(town: PlacingTown) -> list[tuple[object, ...]]:
    return [tuple(each) for each in town.rows(GROUPS)]


def test_a_corrected_payment_leaves_its_group(town):
    town.shop("first.csv", row(1, kind="12"), row(2, kind="12"))
    town.shop("other.csv", row(1, kind="22", yen=9_000, remitted_on="20260630"))
    assert groups(town) == [("2026-06-25", 1, 10_000), ("2026-06-30", 1, 9_000)]


def test_a_malformed_payment_that_is_corrected_was_never_of_its_group(town):
    # No such day: what it says of its money is readable, and waits in suspense.
    town.shop("first.csv", row(2, kind="12"), row(1, kind="12", created_on="20261399"))
    assert town.outcome(town.line("first.csv", 3))[0] == "malformed"
    assert groups(town) == [("2026-06-25", 1, 10_000)]
    town.shop("other.csv", row(1, kind="22", remitted_on="20260630"))
    assert town.outcome(town.line("first.csv", 3))[0] == "withdrawn"
    assert groups(town) == [("2026-06-25", 1, 10_000), ("2026-06-30", 1, 10_000)]
