"""検算・督促: whoever alters a list, a letter or what left the building is named."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from dunning_town import AT, ON, DunningTown, M
from tampering import altered_copy, difference_names
from years_town import claim

from payments.store.unit_of_work import unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.dunning import pull
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from pathlib import Path

SENT = date(2026, 7, 24)


@pytest.fixture(scope="module")
def books(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list drawn over a missing file, of which one letter was taken out and three were sent."""
    path = tmp_path_factory.mktemp("dunned") / "books.sqlite"
    shutil.copyfile(sqlite_template, path)
    town = DunningTown(f"sqlite:///{path}", konbini_dsk="dates:2026-07-17")
    town.assess(*(claim(number, 2026, 10_000) for number in range(1, 5)), on="2026-04-10")
    town.despite(decided_by="ito")
    list_no = town.draw()
    town.approve(list_no)
    town.pay(1, 10_000, "2026-07-21", on="2026-07-23")
    town.despite(decided_by="ito", on=SENT)
    with unit_of_work(town.engine, M) as connection:
        later = AT + timedelta(days=3)
        pull.second_draw(connection, town.profile, list_no, on=SENT, actor="abe", at=later)
        pull.confirm(connection, M, list_no, on=SENT, actor="ito", at=later, count=1)
        pull.dispatch(connection, town.profile, list_no, on=SENT, actor="ito", at=later, count=3)
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []
    assert town.list(list_no).despite_id is not None
    assert ON < SENT
    town.close()
    return path


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE dunning_row SET paid_yen = 1", "dunning_rows"),
        ("UPDATE dunning_row SET ground = 'held' WHERE notice_id = 2", "dunning_totals"),
        ("UPDATE dunning_list SET listed_yen = listed_yen + 1", "dunning_totals"),
        ("UPDATE dunning_file SET status = 'rejected'", "dunning_files"),
        ("UPDATE source_file SET sha256 = sha256 || '0'", "dunning_files"),
        ("DELETE FROM dunning_event WHERE event = 'drawn'", "dunning_events"),
        ("DELETE FROM dunning_letter WHERE seq = 2", "dunning_letters"),
        ("UPDATE dunning_row SET ground = 'held' WHERE notice_id = 2", "dunning_letters"),
        ("UPDATE dunning_pull SET reason = 'held'", "dunning_pull"),
        ("UPDATE dunning_event SET letters = 4 WHERE event = 'dispatched'", "dunning_sent"),
        (
            "UPDATE dunning_letter SET notice_id = (SELECT MAX(notice_id) FROM dunning_letter)",
            "dunning_twice",
        ),
        (
            "UPDATE approval SET decided_by = asked_by WHERE kind = 'dunning_release'",
            "dunning_approval",
        ),
        ("UPDATE approval SET kind = 'other' WHERE kind = 'dunning_despite'", "dunning_approval"),
        ("UPDATE dunning_list SET rows_sha256 = '0'", "dunning_approval"),
        ("DELETE FROM limitation_event", "dunning_renewal"),
        (
            "INSERT INTO dunning_limitation VALUES ('99999', 1, 2, '01', '2026-06-30')",
            "dunning_limitation",
        ),
        ("UPDATE dunning_row SET grounds = 16384 WHERE notice_id = 2", "dunning_limitation"),
    ],
)
def test_what_somebody_altered_is_named(
    books: Path, tmp_path: Path, statement: str, name: str
) -> None:
    assert name in difference_names(altered_copy(books, tmp_path, statement), M)
