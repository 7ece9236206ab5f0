"""納付書情報: what goes out, once, and what the hub answers; what is out equals what stands."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slip_town import AT, SlipTown, register_line

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.issue import reissue, revoke
from payments.uploads import (
    WrittenUpload,
    begin_upload,
    record_answer,
    record_upload,
    upload_lines,
    upload_of,
    uploads,
)


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    yield made
    made.close()


def _upload(town):
    """One upload: (state, slip number) in the order of the file."""
    with town.write() as connection:
        upload_id, count = begin_upload(connection, town.profile)
        lines = list(upload_lines(connection, town.code, upload_id))
        assert len(lines) == count
        total = sum(line.amount_yen for line in lines)
        written = WrittenUpload(upload_id, "u.csv", count, total, "ab" * 32)
        record_upload(connection, town.code, written, actor="abe", at=AT)
    return [(line.state, line.slip_no) for line in lines]


def _answer(town, upload_id, count, amount_yen=None):
    with town.write() as connection:
        return record_answer(
            connection, town.code, upload_id, count=count, amount_yen=amount_yen, actor="hub", at=AT
        )


def _replace(town, slip_no):
    with town.write() as connection:
        return reissue(connection, town.profile, slip_no, town.act(), reason="紛失").slip_no


def _end(town, slip_no):
    with town.write() as connection:
        revoke(connection, town.profile, slip_no, town.act(), reason="誤発行")


def test_everything_goes_out_once_and_endings_first(town):
    for number in (1, 2, 3):
        town.notice(number, (1_000,), grouped=False)
    town.issue()
    first, second, third = (slip.slip_no for slip in town.slips().values())
    assert _upload(town) == [("new", first), ("new", second), ("new", third)]
    assert _upload(town) == []
    renewed = _replace(town, second)
    _end(town, third)
    assert _upload(town) == [("revoked", second), ("revoked", third), ("new", renewed)]
    assert _upload(town) == []


def test_a_slip_that_never_went_out_is_never_mentioned(town):
    town.notice(1, (1_000,), grouped=False)
    town.notice(2, (1_000,), grouped=False)
    town.issue()
    first, second = (slip.slip_no for slip in town.slips().values())
    renewed = _replace(town, first)
    _end(town, second)
    assert _upload(town) == [("new", renewed)]


def test_a_slip_without_an_el_number_is_nothing_for_the_hub(town):
    items = tuple(replace(item, el_qr=item.item_code != "902") for item in town.profile.items)
    town.profile = replace(town.profile, items=items)
    town.notice(1, (1_000,), item_code="902", grouped=False)
    town.issue()
    assert town.slips()[1, "01"].el_number is None
    assert town.slips()[1, "01"].konbini_barcode
    assert _upload(town) == []


@pytest.mark.parametrize(("ours", "lines"), [(False, []), (True, [("new", "R1-01-2")])])
def test_slips_of_a_register_are_handed_in_only_where_the_profile_says_so(town, ours, lines):
    town.profile = replace(town.profile, upload_registered_slips=ours)
    town.notice(1, (1_000,), grouped=False)
    number = "9999900009999000000000001123456901"
    assert town.register_slips([
        register_line(1, "01", 1, 1_000, el_number=number),
        register_line(1, "01", 2, 1_000, el_number=number.replace("123456", "654321")),
    ])  # fmt: skip
    assert _upload(town) == lines


@pytest.mark.parametrize(
    ("count", "amount_yen", "state"),
    [
        (2, None, "accepted"),
        (2, 3_000, "accepted"),
        (1, None, "differs"),
        (2, 2_999, "differs"),
        (0, 0, "differs"),
    ],
)
def test_what_the_hub_took_is_held_against_what_was_sent(town, count, amount_yen, state):
    town.notice(1, (1_000, 2_000), grouped=False)
    town.issue()
    _upload(town)
    assert _answer(town, 1, count, amount_yen).state == state
    assert _answer(town, 1, 2, 3_000).state == "accepted"
    assert len(town.rows("SELECT 1 FROM slip_upload_answer WHERE municipality_code = :m")) == 2


def test_uploads_are_listed_newest_first(town):
    town.notice(1, (1_000,), grouped=False)
    town.issue()
    _upload(town)
    town.notice(2, (1_000,), grouped=False)
    town.issue()
    _upload(town)
    _answer(town, 1, 1)
    with town.read() as connection:
        found = uploads(connection, town.code)
        assert [(upload.upload_id, upload.state) for upload in found] == [
            (2, "waiting"), (1, "accepted"),
        ]  # fmt: skip
        with pytest.raises(NotFoundError) as caught:
            upload_of(connection, town.code, 3)
    assert caught.value.error_code == "slip_upload"


def test_an_answer_that_cannot_be_is_refused(town):
    town.notice(1, (1_000,), grouped=False)
    town.issue()
    _upload(town)
    with pytest.raises(InvalidValueError) as caught:
        _answer(town, 1, -1)
    assert caught.value.error_code == "upload_count"
    with pytest.raises(NotFoundError):
        _answer(town, 2, 1)


STEPS = st.lists(
    st.tuples(st.sampled_from(["reissue", "revoke", "upload", "issue"]), st.integers(0, 9)),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whoever_replays_the_uploads_knows_the_slips_that_stand(sqlite_template, tmp_path, steps):
    shutil.copyfile(sqlite_template, tmp_path / "town.sqlite")  # every example begins anew
    with closing(SlipTown(f"sqlite:///{tmp_path / 'town.sqlite'}")) as town:
        town.notice(1, (1_000, 2_000), grouped=False)
        town.issue()
        hub: set[str] = set()
        for step, which in [*steps, ("upload", 0)]:
            _step(town, step, which, hub)
        assert hub == {slip.slip_no for slip in town.slips().values()}


def _step(town, step, which, hub):
    """One thing happens; ``hub`` is what somebody knows who reads every file."""
    if step == "issue":
        town.issue_if_any()
        return
    if step == "upload":
        for state, slip_no in _upload(town):
            if state == "new":
                assert slip_no not in hub
                hub.add(slip_no)
            else:
                hub.remove(slip_no)
        return
    standing = sorted(slip.slip_no for slip in town.slips().values())
    if not standing:
        return
    act = _replace if step == "reissue" else _end
    try:
        act(town, standing[which % len(standing)])
    except RefusedError as error:
        raise AssertionError(error.error_code) from error
