"""What people decided about payments, altered behind their backs: each difference has its name."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from placing_town import M, PlacingTown, row
from tampering import altered_copy, difference_names

from web.texts.labels import LABELS

if TYPE_CHECKING:
    from pathlib import Path

# What is altered → the names of differences that must be among those found.
ALTERED: dict[str, tuple[str, set[str]]] = {
    "the amount of a part": (
        "UPDATE placement_part SET amount_yen = amount_yen + 1 WHERE part_no = 1",
        {"placement", "seal_row"},
    ),
    "a part that is gone": ("DELETE FROM placement_part WHERE part_no = 2", {"placement"}),
    "another line": ("UPDATE placement SET line_no = 99", {"placement_approval"}),
    "another occasion": (
        "UPDATE journal SET reason = 'なんとなく' WHERE kind = 'placement'",
        {"placement_journal"},
    ),
    "no second person": (
        "UPDATE approval SET decided_by = asked_by WHERE kind = 'placement'",
        {"placement_approval"},
    ),
    "an approval taken back": (
        "UPDATE approval SET decision = 'rejected' WHERE kind = 'placement'",
        {"placement_approval", "link_block"},
    ),
    "an approval that nobody carried out": (
        (
            "INSERT INTO approval SELECT municipality_code, 99, kind, subject, content_json, "
            "content_sha256, reason, asked_by, asked_at, decided_by, decided_at, decision, note "
            "FROM approval WHERE kind = 'placement'"
        ),
        {"placement_approval", "link_block"},
    ),
    "money posted elsewhere": (
        "UPDATE posting SET term = '02' WHERE reason = 'placed' AND term = '01'",
        {"placement_booking", "instalment_balance"},
    ),
    "another outcome": (
        (
            "UPDATE line_outcome SET applied_yen = applied_yen - 1, "
            "suspense_yen = suspense_yen + 1 WHERE rule = 'M2'"
        ),
        {"placement_outcome", "receipt"},
    ),
    "an outcome by nobody": (
        "UPDATE line_outcome SET rule = 'M2', outcome = 'placed' WHERE rule = 'S2'",
        {"placement_outcome"},
    ),
    "a decision since": (
        "UPDATE receipt SET journal_id = journal_id - 1 WHERE suspense_yen > 0",
        {"placement_in_force"},
    ),
    "a block that is gone": ("DELETE FROM link_block", {"link_block", "seal_coverage"}),
    "a block of another link": ("UPDATE link_block SET term = '02'", {"link_block"}),
    "a rest that nobody looks at": (
        "UPDATE review_case SET kind = 'short' WHERE kind = 'placed'", {"case_missing"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def books(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One payment split by two people, and one that was withdrawn."""
    path = tmp_path_factory.mktemp("placed") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    town = PlacingTown(f"sqlite:///{path}")
    town.shop("a.csv", row(1))
    town.shop("b.csv", row(2), row(2, kind="03"))
    town.place(town.line("a.csv"), town.part(2, "01", 4_000), town.part(3, "01", 5_000))
    town.check()
    town.close()
    return path


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_named(books: Path, tmp_path: Path, what: str):
    statement, names = ALTERED[what]
    path = altered_copy(books, tmp_path, statement)
    assert names <= difference_names(path, M)


def test_every_name_has_a_word():
    named = set().union(*(names for _statement, names in ALTERED.values()))
    assert named - LABELS["invariant"].keys() == set()
