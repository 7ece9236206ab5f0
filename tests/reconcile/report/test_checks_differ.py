"""突合の相違: every check of the day says so when its two sides differ."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import pytest
from reference_rows import sample_profile
from sealed_city import M
from slip_town import AT, SlipTown
from years_town import YearsTown, claim

from payments.print_runs import PrintedFile, finish, record_file, slips_of_file
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from payments.uploads import WrittenUpload, begin_upload, record_answer, record_upload
from reconcile.report.period import day_report
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

# A decision of which the ledger knows nothing.
GIVEN_UP = f"""INSERT INTO write_off (municipality_code, write_off_no, event, notice_id, term, amount_yen,
    ground, extinguished_on, journal_id, leg, made_at)
    SELECT '{M}', 1, 'written_off', notice_id, term, 1, 'stop_at_once', due_on, 1, 1, '2026-06-01'
    FROM instalment LIMIT 1"""
_DAY_OF = "SELECT received_on FROM source_file WHERE status = 'accepted' AND {} LIMIT 1"


def _alter(books: Path, statement: str) -> None:
    """Change rows behind the books' back."""
    with closing(sqlite3.connect(books)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(statement).rowcount >= 1
        connection.commit()


def _differing(connection: Connection, day: date) -> set[str]:
    report = day_report(connection, sample_profile(), day)
    return {check.code for check in report.checks if not check.ok}


@pytest.mark.parametrize(
    ("code", "day_of", "statement"),
    [
        (
            "T1",
            "channel = 'konbini'",
            "UPDATE source_file SET amount_yen = amount_yen + 1 WHERE amount_yen > 0",
        ),
        (
            "T5",
            "channel = 'konbini'",
            "UPDATE receipt SET applied_yen = applied_yen - 1 WHERE applied_yen > 0",
        ),
        (
            "T11",
            "channel = 'bank'",
            "UPDATE posting SET amount_yen = amount_yen + 1 WHERE reason = 'unidentified_deposit'",
        ),
        (
            "cash",
            "format_code = 'zengin_statement' AND count > 0",
            "UPDATE source_line SET amount_yen = amount_yen + 1 WHERE stage = ''",
        ),
        ("written_off", "channel = 'konbini'", GIVEN_UP),
    ],
)
def test_what_was_altered_shows_in_the_report_of_its_day(
    sealed_books: Path, code: str, day_of: str, statement: str
) -> None:
    """Only that one of these was in order before, and is not any more."""
    engine = open_engine(f"sqlite:///{sealed_books}")
    with closing(sqlite3.connect(sealed_books)) as connection:
        (day,) = connection.execute(_DAY_OF.format(day_of)).fetchone()
    with reading(engine, M) as connection:
        assert code not in _differing(connection, date.fromisoformat(day))
    engine.dispose()
    _alter(sealed_books, statement)
    engine = open_engine(f"sqlite:///{sealed_books}")
    with reading(engine, M) as connection:
        assert code in _differing(connection, date.fromisoformat(day))
    engine.dispose()


def test_slips_on_their_way_differ_until_all_have_arrived(sqlite_url: str) -> None:
    """Numbers without paper, paper without data at the hub, data without its answer."""
    town = SlipTown(sqlite_url)
    town.notice(1, (1_000,), grouped=False)
    run_id = town.issue()

    def differing() -> set[str]:
        with town.read() as connection:
            return _differing(connection, AT.date())

    assert {"T9", "slips_taken"} <= differing()
    with town.write() as connection:
        pages = len(slips_of_file(connection, town.code, run_id, 1))
        file = PrintedFile(1, "slips-0001.pdf", pages, 1_000, "ab" * 32, pages, pages)
        record_file(connection, town.code, run_id, file, (), at=AT)
        finish(connection, town.code, run_id, at=AT)
    assert "T9" not in differing()
    with town.write() as connection:
        upload_id, lines = begin_upload(connection, town.profile)
        written = WrittenUpload(upload_id, "u.csv", lines, 1_000, "ab" * 32)
        record_upload(connection, town.code, written, actor="abe", at=AT)
    assert {"slips_taken", "upload_answers"} <= differing()
    with town.write() as connection:
        record_answer(connection, town.code, upload_id, count=lines, actor="abe", at=AT)
    assert differing() & {"T9", "slips_taken", "upload_answers"} == set()
    town.close()


def test_a_carry_over_that_was_altered_differs(sqlite_url: str) -> None:
    """滞納繰越: as carried, against what the ledger of its years leaves open."""
    town = YearsTown(sqlite_url)
    town.assess(claim(1, 2025, 15_000), on="2025-06-02")
    town.close_day("2026-05-31")
    town.close_year(2025)
    for row in town.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
        town.run(f"DROP TRIGGER {row.name}")
    with reading(town.engine, M) as connection:
        assert "carry_over" not in _differing(connection, date(2026, 6, 1))
    town.run("UPDATE carry_run SET amount_yen = amount_yen + 1")
    with reading(town.engine, M) as connection:
        assert "carry_over" in _differing(connection, date(2026, 6, 1))
    town.close()


BY_HAND = """UPDATE line_outcome SET outcome = 'unlinked', rule = 'M1'
    WHERE outcome = 'unidentified_deposit'"""
STRAY_NAME = """INSERT INTO payer_alias (municipality_code, alias_no, event, payer_folded, obligor_no,
    approval_id, happened_on, expires_on, actor, reason)
    VALUES ('99999', 1, 'learned', 'ミホン', '1', 9, '2026-06-01', '2027-06-01', 'taro', '')"""


@pytest.mark.parametrize(
    ("statement", "name"), [(BY_HAND, "credit_placement"), (STRAY_NAME, "payer_alias")]
)
def test_what_nobody_decided_about_a_credit_is_found(
    sealed_books: Path, statement: str, name: str
) -> None:
    """検算: no link and no learned name without two people's approval."""
    _alter(sealed_books, statement)
    engine = open_engine(f"sqlite:///{sealed_books}")
    assert name in {difference.name for difference in verify(engine, M)}
    engine.dispose()


def test_a_line_of_a_file_that_was_not_accepted_is_found(sealed_books: Path) -> None:
    """検算 names the file whose status does not allow for its lines."""
    _alter(
        sealed_books,
        "UPDATE source_file SET status = 'quarantined' WHERE file_id = "
        "(SELECT file_id FROM source_file WHERE channel = 'konbini' AND count > 0 LIMIT 1)",
    )
    engine = open_engine(f"sqlite:///{sealed_books}")
    assert "file_status" in {difference.name for difference in verify(engine, M)}
    engine.dispose()
