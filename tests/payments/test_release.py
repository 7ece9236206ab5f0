"""引渡: only a run about which nothing is open leaves the building."""

from __future__ import annotations

import pytest
from slip_town import AT, SlipTown

from payments.domain.errors import RefusedError
from payments.issue import reissue
from payments.print_runs import (
    FileDifference,
    PrintedFile,
    finish,
    record_file,
    run_of,
    slips_of_file,
)
from payments.release import pages_to_pull, release, release_content
from payments.store.municipalities import set_live
from payments.uploads import WrittenUpload, begin_upload, record_answer, record_upload


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    made.notice(1, (1_000, 2_000))
    yield made
    made.close()


def _print(town, differences=()):
    run_id = town.issue()
    with town.write() as connection:
        pages = len(slips_of_file(connection, town.code, run_id, 1))
        file = PrintedFile(1, "slips-0001.pdf", pages, 1_000, "ab" * 32, pages, pages)
        record_file(connection, town.code, run_id, file, (), differences, at=AT)
        finish(connection, town.code, run_id, at=AT)
    return run_id


def _hand_in(town, *, short=0):
    with town.write() as connection:
        upload_id, lines = begin_upload(connection, town.profile)
        written = WrittenUpload(upload_id, "u.csv", lines, 0, "ab" * 32)
        record_upload(connection, town.code, written, actor="abe", at=AT)
        record_answer(connection, town.code, upload_id, count=lines - short, actor="abe", at=AT)


def _content(town, run_id, changed=()):
    with town.read() as connection:
        return release_content(connection, town.profile, run_id, changed_files=lambda _run: changed)


def _refusal(town, run_id, changed=()):
    with pytest.raises(RefusedError) as caught:
        _content(town, run_id, changed)
    return caught.value.error_code, caught.value.details.get("found")


def test_a_run_that_is_right_says_what_leaves(town):
    run_id = _print(town)
    _hand_in(town)
    content = _content(town, run_id)
    assert (content["pages"], content["amount_yen"], content["pull"]) == (3, 6_000, [])
    assert content["files"] == [{"name": "slips-0001.pdf", "sha256": "ab" * 32}]
    with town.write() as connection:
        assert release(connection, town.code, run_id, at=AT).state == "released"
    assert _refusal(town, run_id)[0] == "print_run_state"


def test_a_run_that_is_not_printed_stays(town):
    assert _refusal(town, town.issue())[0] == "print_run_state"


def test_a_run_with_a_difference_stays(town):
    run_id = _print(town, [FileDifference(1, "x", "amount_yen", "1", "2")])
    assert _refusal(town, run_id)[0] == "print_run_state"


def test_a_file_that_was_changed_stays(town):
    run_id = _print(town)
    _hand_in(town)
    assert _refusal(town, run_id, ["slips-0001.pdf"]) == ("release_files", "slips-0001.pdf")


def test_a_specimen_does_not_leave_a_city_that_is_live(town):
    run_id = _print(town)
    _hand_in(town)
    with town.write() as connection:
        set_live(connection, town.code, live=True)
    assert _refusal(town, run_id)[0] == "release_sample"


def test_slips_of_which_the_hub_knows_nothing_stay(town):
    run_id = _print(town)
    assert _refusal(town, run_id) == ("release_upload", 3)
    _hand_in(town, short=1)
    assert _refusal(town, run_id) == ("release_upload", 3)


def test_a_page_whose_slip_was_replaced_is_pulled_out(town):
    run_id = _print(town)
    _hand_in(town)
    slip_no = town.slips()[1, "02"].slip_no
    with town.write() as connection:
        reissue(connection, town.profile, slip_no, town.act(), reason="紛失")
    page = {"file_no": 1, "page_no": 3, "slip_no": slip_no, "state": "superseded"}
    assert _content(town, run_id)["pull"] == [page]
    with town.read() as connection:
        assert len(pages_to_pull(connection, town.code, run_id)) == 1
        assert run_of(connection, town.code, run_id).state == "printed"


def test_pages_that_ask_for_another_amount_than_is_owed_are_pulled_out(town):
    """A correction or a payment came in after printing; no slip has been replaced for it yet."""
    run_id = _print(town)
    _hand_in(town)
    town.change(1, 2, 500)
    pulled = {(page["page_no"], page["state"]) for page in _content(town, run_id)["pull"]}
    assert pulled == {(1, "amount_changed"), (3, "amount_changed")}  # 全期 and 第2期
    town.pay_open(1, 1, by_whole=False)
    assert {page["page_no"] for page in _content(town, run_id)["pull"]} == {1, 2, 3}


def test_what_is_paid_after_the_release_was_mailed_rightly(town):
    run_id = _print(town)
    with town.write() as connection:
        release(connection, town.code, run_id, at=AT)
    town.pay_open(1, 1, by_whole=False)
    with town.read() as connection:
        assert pages_to_pull(connection, town.code, run_id) == []
