"""検算・納付書: right books give nothing; each thing altered behind their back has its name."""

from __future__ import annotations

import hashlib
from contextlib import closing

import pytest
from slip_town import AT, SlipTown
from sqlalchemy import text

from payments.approve import ask, decide
from payments.issue import reissue
from payments.print_runs import PrintedFile, finish, record_file, slips_of_file
from payments.release import KIND, release, release_content, subject_of
from payments.uploads import WrittenUpload, begin_upload, record_answer, record_upload, upload_lines
from reconcile.formats import eltax_slip_upload
from reconcile.verify.everything import verify

CHANGED = "SUBSTR(konbini_barcode, 1, 37) || '0010019'"


@pytest.fixture
def town(sqlite_url):
    """A town to be altered."""
    with closing(_filled(sqlite_url)) as made:
        yield made


def _filled(url):
    """Two notices printed, handed in, released; one slip reissued and handed in again."""
    made = SlipTown(url)
    made.notice(1, (1_000, 2_000))
    made.notice(2, (500,), grouped=False)
    run_id = made.issue()
    with made.write() as connection:
        for file_no in (1, 2):
            pages = len(slips_of_file(connection, made.code, run_id, file_no))
            file = PrintedFile(file_no, f"slips-{file_no}.pdf", pages, 9, "ab" * 32, pages, pages)
            record_file(connection, made.code, run_id, file, at=AT)
        finish(connection, made.code, run_id, at=AT)
    _hand_in(made)
    with made.write() as connection:
        content = release_content(connection, made.profile, run_id, changed_files=lambda _run: [])
        asked = ask(
            connection, made.code, KIND, subject_of(run_id), content,
            asked_by="abe", at=AT, reason="発送",
        )  # fmt: skip
        decide(connection, made.code, asked.approval_id, "approved", decided_by="baba", at=AT)
        release(connection, made.code, run_id, at=AT)
        slip_no = next(iter(made.slips().values())).slip_no
        reissue(connection, made.profile, slip_no, made.act(), reason="紛失")
    _hand_in(made)
    return made


def _hand_in(town):
    with town.write() as connection:
        upload_id, lines = begin_upload(connection, town.profile)
        rows = [
            eltax_slip_upload.row_of(*line)
            for line in upload_lines(connection, town.code, upload_id)
        ]
        data = eltax_slip_upload.write(rows)
        total = sum(row.amount_yen for row in rows)
        digest = hashlib.sha256(data).hexdigest()
        written = WrittenUpload(upload_id, "u.csv", lines, total, digest)
        record_upload(connection, town.code, written, actor="abe", at=AT)
        record_answer(connection, town.code, upload_id, count=lines, actor="hub", at=AT)


def _names(town):
    return {difference.name for difference in verify(town.engine, town.code)}


def test_right_books_give_nothing(database_url):
    with closing(_filled(database_url)) as town:
        assert _names(town) == set()


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("UPDATE slip SET state = 'new' WHERE state = 'superseded'", {"slip_event"}),
        ("UPDATE slip_event SET kind = 'superseded' WHERE slip_id = 2", {"slip_event"}),
        ("UPDATE slip_event SET event_no = 3 WHERE slip_id = 2", {"slip_event"}),
        (f"UPDATE slip SET konbini_barcode = {CHANGED} WHERE slip_id = 2", {"slip_barcode"}),
        ("UPDATE slip SET due_on = '2026-05-29' WHERE slip_id = 2", {"slip_upload"}),
        ("UPDATE slip SET el_number = NULL WHERE slip_id = 2", {"slip_upload", "pay_key"}),
        ("UPDATE slip_upload SET total_yen = total_yen + 1 WHERE upload_id = 2",
         {"slip_upload"}),
        ("UPDATE slip_upload_answer SET accepted_count = 1 WHERE upload_id = 2",
         {"upload_answer"}),
        ("DELETE FROM slip_upload_answer WHERE upload_id = 1", {"release_upload"}),
        ("UPDATE slip_upload_answer SET accepted_yen = 1 WHERE upload_id = 1",
         {"upload_answer", "release_upload"}),
        ("UPDATE print_run_slip SET page_no = NULL WHERE seq = 3", {"print_run"}),
        ("UPDATE print_run_slip SET page_no = 9 WHERE seq = 3", {"print_run"}),
        ("DELETE FROM print_run_slip WHERE seq = 4", {"print_run"}),
        ("UPDATE print_run_file SET pages = 2 WHERE file_no = 1", {"print_run"}),
        ("UPDATE print_run_slip SET slip_id = 99 WHERE seq = 1", {"print_run"}),
        ("UPDATE print_run_file SET sha256 = 'cd' WHERE file_no = 2", {"release_approval"}),
        ("UPDATE approval SET decision = 'rejected'", {"release_approval"}),
    ],
)  # fmt: skip
def test_what_is_altered_behind_the_books_back_is_named(town, statement, names):
    with town.engine.connect() as connection:
        triggers = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ).scalars()
        for name in list(triggers):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.commit()
    with town.write() as connection:
        assert connection.execute(text(statement)).rowcount >= 1
    assert _names(town) == names
