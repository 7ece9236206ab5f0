"""What people decided about bank credits, altered behind their backs: each difference is named."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from credit_town import DSK, CreditTown, day

from payments import approve
from payments.store.unit_of_work import unit_of_work
from reconcile.placement.credit_ask import CreditPlacement, GroupShare, ask_credit_placement
from reconcile.placement.credit_placing import carry_out
from reconcile.placement_model import Part

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 7, 7, 1, 0, tzinfo=UTC)
# What is altered → a name and words of the difference that must be among those found.
ALTERED = {
    "no second person": (
        "UPDATE approval SET decided_by = asked_by WHERE kind = 'credit_placement'", "people",
    ),
    "nobody carried it out": ("DELETE FROM placement", "placement"),
    "another line": ("UPDATE placement SET line_no = 99", "line"),
    "another occasion": (
        "UPDATE journal SET reason = 'x' WHERE kind = 'credit_placement'", "journal",
    ),
    "the amount of a part": ("UPDATE placement_part SET amount_yen = 1", "parts"),
    "money posted elsewhere": ("UPDATE posting SET term = '02' WHERE reason = 'placed'", "placed"),
    "less in suspense": (
        "UPDATE posting SET amount_yen = 1 WHERE reason = 'suspense'", "suspense",
    ),
    "another outcome": ("UPDATE line_outcome SET rule = 'M1' WHERE rule = 'M2'", "outcome"),
    "another group": ("UPDATE posting SET group_id = 2 WHERE group_id = 1", "groups"),
    "a block that is gone": ("DELETE FROM link_block", "blocks"),
    "a name of somebody else": ("UPDATE payer_alias SET payer_folded = 'ダレカ'", "names"),
    "a name that nobody approved": (
        "UPDATE approval SET kind = 'placement' WHERE kind = 'credit_placement'", "payer_alias",
    ),
    "a payment that is none": (
        "UPDATE receipt SET paid_on = '2026-01-01' WHERE stage = 'confirmed' AND group_id IS NULL",
        "receipt",
    ),
    "put together again": (
        """UPDATE link_block SET group_id = 2,
           file_id = (SELECT file_id FROM settlement WHERE group_id = 2)""",
        "link_block",
    ),
    "an outcome by nobody": (
        "UPDATE line_outcome SET rule = 'M3' WHERE rule = 'B2'", "credit_placement",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def books(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One transfer for a bill with its name learned, one undone group, one chosen, one settled."""
    path = tmp_path_factory.mktemp("credits") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    town = CreditTown(f"sqlite:///{path}")
    town.pay("01", "02", remitted_on="2026-06-24")
    town.pay("02", "02", remitted_on="2026-06-25")
    first = town.credited(10_000, "", payer_code=DSK)
    decide(town, CreditPlacement(*first))
    decide(town, CreditPlacement(*first, groups=(GroupShare(1, 10_000),)))
    town.credited(8_000, "", payer_code=DSK)
    town.also_owes(7, 2_000)
    transfer = town.credited(3_000)
    bill = town.ask("SELECT notice_id FROM notice WHERE notice_no = '0000000007'")
    decide(town, CreditPlacement(*transfer, parts=(Part(bill, "01", 2_000),), learn_alias=True))
    assert town.differences() == []
    town.city.close()
    return path


def decide(town: CreditTown, placement: CreditPlacement) -> None:
    """Both people."""
    with unit_of_work(town.engine, town.code) as connection:
        asked = ask_credit_placement(
            connection, town.profile, placement, asked_by="ichiro", at=AT, reason="照合"
        )
        done = approve.decide(
            connection, town.code, asked.approval_id, "approved", decided_by="jiro", at=AT
        )
        carry_out(connection, town.profile, done, on=day("2026-07-07"))


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_named(books: Path, tmp_path: Path, what: str) -> None:
    statement, words = ALTERED[what]
    path = tmp_path / "kokin.sqlite"
    shutil.copyfile(books, path)
    with closing(sqlite3.connect(path)) as raw:
        for (trigger,) in raw.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            raw.execute(f'DROP TRIGGER "{trigger}"')
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute(statement)
        raw.commit()
    town = CreditTown.opened(f"sqlite:///{path}")
    found = [one for one in town.differences() if one.split()[0] in NAMES]
    assert any(words in one for one in found), found
    town.city.close()


NAMES = {"credit_placement", "link_block", "payer_alias"}
