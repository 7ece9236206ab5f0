"""T9: red from the first number until every slip is printed and the hub has taken its data."""

from __future__ import annotations

import pytest
from slip_town import AT, SlipTown, register_line

from payments.issue import revoke
from payments.print_runs import PrintedFile, Refusal, finish, record_file, slips_of_file
from payments.uploads import WrittenUpload, begin_upload, record_answer, record_upload
from reconcile.report.slips import SlipFigures, slip_figures


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    yield made
    made.close()


def _figures(town):
    with town.read() as connection:
        return slip_figures(connection, town.code)


def _print(town, run_id, refused=()):
    with town.write() as connection:
        pages = len(slips_of_file(connection, town.code, run_id, 1)) - len(refused)
        file = PrintedFile(1, "slips-0001.pdf", pages, 1_000, "ab" * 32, pages, pages)
        record_file(connection, town.code, run_id, file, refused, at=AT)
        finish(connection, town.code, run_id, at=AT)


def _hand_in(town):
    with town.write() as connection:
        upload_id, lines = begin_upload(connection, town.profile)
        written = WrittenUpload(upload_id, "u.csv", lines, 0, "ab" * 32)
        record_upload(connection, town.code, written, actor="abe", at=AT)
    return upload_id


def _answer(town, upload_id, count):
    with town.write() as connection:
        record_answer(connection, town.code, upload_id, count=count, actor="abe", at=AT)


def test_a_town_without_slips_of_its_own_has_nothing_to_compare(town):
    town.notice(1, (1_000,), grouped=False)
    assert town.register_slips([register_line(1, "01", 1, 1_000)])
    assert not any(_figures(town))


def test_every_step_of_a_run_shows(town):
    for number in (1, 2):
        town.notice(number, (1_000,), grouped=False)
    assert town.register_slips([register_line(2, "01", 1, 1_000)])
    run_id = town.issue()
    # The slip of the register is printed with the others; its data came from elsewhere.
    assert _figures(town) == SlipFigures(2, 0, 1, 0, 0, 0)
    _print(town, run_id)
    assert _figures(town) == SlipFigures(2, 2, 1, 0, 0, 0)
    upload_id = _hand_in(town)
    assert _figures(town) == SlipFigures(2, 2, 1, 0, 1, 0)
    _answer(town, upload_id, 0)
    assert _figures(town) == SlipFigures(2, 2, 1, 0, 1, 0)
    _answer(town, upload_id, 1)
    assert _figures(town) == SlipFigures(2, 2, 1, 1, 1, 1)


def test_a_slip_that_could_not_be_printed_stays_in_sight(town):
    for number in (1, 2):
        town.notice(number, (1_000,), grouped=False)
    run_id = town.issue()
    _print(town, run_id, [Refusal(1, "slip_glyph_missing")])
    assert _figures(town)[:2] == (2, 1)
    _print(town, town.issue())
    assert _figures(town)[:2] == (2, 2)


def test_a_slip_that_ended_is_counted_no_more(town):
    town.notice(1, (1_000,), grouped=False)
    _print(town, town.issue())
    _answer(town, _hand_in(town), 1)
    with town.write() as connection:
        slip_no = town.slips()[1, "01"].slip_no
        revoke(connection, town.profile, slip_no, town.act(), reason="誤発行")
    assert _figures(town) == SlipFigures(0, 0, 0, 0, 1, 1)
    _hand_in(town)
    assert _figures(town) == SlipFigures(0, 0, 0, 0, 2, 1)
