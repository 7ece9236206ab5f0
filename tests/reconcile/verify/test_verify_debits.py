"""検算・口座振替: whatever is changed behind the books' back is named; T8 says what is missing."""

from __future__ import annotations

import shutil
from datetime import date

import pytest
from debit_town import AT, DEBIT_ON, SECOND_ON, DebitTown
from tampering import altered_copy, difference_names

from payments.store.unit_of_work import reading
from reconcile.debit import build
from reconcile.debit.build import Act
from reconcile.report.checks import _t8
from reconcile.verify.everything import verify


@pytest.fixture(scope="module")
def books(sqlite_template, tmp_path_factory):
    """Two banks debited, one row failed, and a second debit of it, sent."""
    path = tmp_path_factory.mktemp("debits") / "books.sqlite"
    shutil.copyfile(sqlite_template, path)
    town = DebitTown(f"sqlite:///{path}")
    town.settle(4)
    for data in [data for _, data in town.whole_way().values()]:
        town.results(data, "01")
    with town.write() as connection:
        act = Act("abe", AT, date(2026, 5, 11))
        _, built = build.build_second(connection, town.profile, DEBIT_ON, SECOND_ON, act)
    town.send(town.released(built[0]))
    town.close()  # so that all of it is in the file
    return path


def test_what_was_done_is_right(books):
    town = DebitTown(f"sqlite:///{books}")
    assert [d for d in verify(town.engine, town.code) if d.name.startswith("debit")] == []
    town.close()


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE debit_row SET amount_yen = amount_yen + 1", "debit_batch"),
        (
            "UPDATE debit_row SET notice_id = notice_id + 1000 WHERE batch_no = 1 AND row_no = 1",
            "debit_batch",
        ),
        ("UPDATE debit_row SET customer_no = '2' || SUBSTR(customer_no, 2, 18) || '9'", "debit_file"),
        ("UPDATE sealed_text SET data = CAST('[\"7\",\"X\"]' AS BLOB)", "debit_file"),
        ("UPDATE debit_batch SET bank_code = '000' || batch_no", "debit_file"),
        ("UPDATE debit_batch SET file_sha256 = '0'", "debit_file"),
        ("DELETE FROM debit_event WHERE event = 'released'", "debit_event"),
        ("UPDATE debit_batch SET in_force = 0", "debit_event"),
        ("UPDATE debit_event SET file_sha256 = '0'", "debit_event"),
        ("UPDATE approval SET decided_by = asked_by WHERE kind = 'debit_release'", "debit_approval"),
        (
            ("UPDATE debit_row SET notice_id = (SELECT MIN(notice_id) FROM debit_row) "
            "WHERE batch_no = 1"),
            "debit_twice",
        ),
        ("UPDATE source_line SET kind = '0'", "debit_second"),
        ("UPDATE debit_batch SET first_batch_no = 99 WHERE round = 2", "debit_second"),
    ],
)  # fmt: skip
def test_what_was_altered_is_named(books, tmp_path, statement, name):
    assert name in difference_names(altered_copy(books, tmp_path, statement), "99999")


def test_requested_is_paid_and_failed(books):
    """T8 and the banks of a run: before, on and after the days on which results are due."""
    town = DebitTown(f"sqlite:///{books}")
    with reading(town.engine, town.code) as connection:
        before = _t8(connection, town.code, date(2026, 5, 27))
        first, banks = _t8(connection, town.code, date(2026, 6, 4))
        late, taken = _t8(connection, town.code, date(2026, 6, 30))
    town.close()
    assert [check.applies for check in before] == [False]
    assert (first.left, first.right, banks.left, banks.right) == (40_010, 40_010, 2, 2)
    assert late.left - late.right == 10_004  # no results of the second debit
    assert (taken.left, taken.right) == (2, 3)
