"""印刷: what gets a slip, in which order, and a run that was cut off anywhere."""

from __future__ import annotations

from datetime import date

import pytest
from slip_town import AT, SlipTown, register_line

from payments import print_plan
from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError, RefusedError
from payments.issue import correct, reissue, revoke
from payments.print_runs import (
    FileDifference,
    PrintedFile,
    Refusal,
    Selection,
    differences_of_run,
    discard,
    files_of_run,
    finish,
    number_chunk,
    open_files,
    record_file,
    refusals,
    run_of,
    runs,
    slips_of_file,
    unfinished,
)


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    yield made
    made.close()


def _places(town, run_id):
    """(notice number, term) in the order of the run."""
    rows = town.rows(
        "SELECT n.notice_no, p.term FROM print_run_slip p JOIN notice n "
        "ON n.municipality_code = p.municipality_code AND n.notice_id = p.notice_id "
        "WHERE p.municipality_code = :m AND p.run_id = :run_id ORDER BY p.seq",
        run_id=run_id,
    )
    return [(int(row.notice_no), row.term) for row in rows]


def _chosen(town, **selection):
    """What a selection would print; nothing at all is an empty list."""
    try:
        run_id = town.plan(Selection(**selection))
    except NotFoundError:
        return []
    with town.write() as connection:
        discard(connection, town.code, run_id, actor="abe", at=AT, reason="試し")
    return _places(town, run_id)


def _print(town, run_id, file_no, *, pages=None, refused=(), differences=()):
    """A file as the printing side records it."""
    with town.write() as connection:
        slips = slips_of_file(connection, town.code, run_id, file_no)
        left = len(slips) - len(refused) if pages is None else pages
        file = PrintedFile(file_no, f"slips-{file_no:04d}.pdf", left, 1_000, "ab" * 32, left, left)
        record_file(connection, town.code, run_id, file, refused, differences, at=AT)


def _finish(town, run_id):
    with town.write() as connection:
        return finish(connection, town.code, run_id, at=AT)


def _printed_run(town, selection=None):
    run_id = town.issue(selection)
    with town.read() as connection:
        files = open_files(connection, town.code, run_id)
    for file_no in files:
        _print(town, run_id, file_no)
    return _finish(town, run_id)


def test_what_is_open_gets_a_slip_in_the_order_of_the_post(town):
    """Postal code, then obligor, then notice, then term; 全期 stands before its 期別."""
    town.notice(7, (700, 0, 800))
    town.notice(1, (1_000,), grouped=False)
    town.notice(8, (900,), grouped=False, obligor=1)
    town.notice(2, (400,), grouped=False, flags="direct_debit")
    town.notice(3, (500,), grouped=False, flags="collection_hold")
    run_id = town.plan()
    assert _places(town, run_id) == [(7, "00"), (7, "01"), (7, "03"), (1, "01"), (8, "01")]


@pytest.mark.parametrize(
    ("selection", "places"),
    [
        ({"item_code": "902"}, [(3, "01")]),
        ({"levy_year": 2025}, []),
        ({"notice_no": "0000000001", "kinds": "term"}, [(1, "01"), (1, "02")]),
        ({"kinds": "whole"}, [(1, "00")]),
        ({"term": "02"}, [(1, "02"), (2, "02")]),
        ({"obligor_no": "000000000002"}, [(2, "02")]),
        ({"due_from": date(2026, 7, 1)}, [(1, "02"), (2, "02")]),
        ({"due_to": date(2026, 6, 30), "kinds": "term"}, [(1, "01"), (3, "01")]),
        ({"limit": 2}, [(1, "00"), (1, "01")]),
        ({"with_direct_debit": True, "kinds": "term", "notice_no": "0000000004"}, [(4, "01")]),
        ({"with_collection_hold": True, "notice_no": "0000000005"}, [(5, "01")]),
        ({"notice_no": "0000000004"}, []),
    ],
)
def test_a_selection_narrows_it_down(town, selection, places):
    town.notice(1, (1_000, 2_000))
    town.notice(2, (1_000, 2_000))
    town.pay(2, 1, 1_000)
    town.notice(3, (500,), item_code="902", grouped=False)
    town.notice(4, (600,), grouped=False, flags="direct_debit")
    town.notice(5, (700,), grouped=False, flags="collection_hold")
    assert _chosen(town, **selection) == places


def test_one_held_part_holds_the_whole_year_slip_back(town):
    town.notice(1, (1_000, 2_000))
    town.run_sql("UPDATE instalment SET direct_debit = :yes WHERE municipality_code = :m "
                 "AND term = '02'", yes=True)  # fmt: skip
    assert _chosen(town) == [(1, "01")]
    assert len(_chosen(town, with_direct_debit=True)) == 3


def test_what_a_person_revoked_is_offered_again_only_when_asked_for(town):
    town.notice(1, (1_000, 2_000), grouped=False)
    town.issue()
    with town.write() as connection:
        revoke(connection, town.profile, town.slips()[1, "01"].slip_no, town.act(), reason="誤発行")
        discard(connection, town.code, 1, actor="abe", at=AT, reason="試し")
    assert _chosen(town) == [(1, "02")]
    assert _chosen(town, with_revoked=True) == [(1, "01"), (1, "02")]
    # Once there is a slip again, the older one has no say any more.
    town.issue(Selection(with_revoked=True))
    with town.write() as connection:
        discard(connection, town.code, max(r.run_id for r in runs(connection, town.code)),
                actor="abe", at=AT, reason="試し")  # fmt: skip
    assert _chosen(town) == [(1, "01"), (1, "02")]


def test_what_a_correction_revoked_is_offered_again(town):
    town.notice(1, (1_000,), grouped=False)
    town.issue()
    town.change(1, 1, 0)
    with town.write() as connection:
        assert correct(connection, town.profile, town.act(), reason="一斉更正").cancelled == 1
        discard(connection, town.code, 1, actor="abe", at=AT, reason="試し")
    town.change(1, 1, 1_000)
    assert _chosen(town) == [(1, "01")]


def test_a_selection_of_no_kind_is_refused(town):
    with pytest.raises(InvalidValueError) as caught:
        town.plan(Selection(kinds="all"))
    assert caught.value.error_code == "slip_kinds"


def test_the_right_slip_of_a_register_is_printed_as_it_stands(town):
    for number in (1, 2, 3):
        town.notice(number, (1_000,), grouped=False)
    assert town.register_slips([register_line(1, "01", 1, 1_000), register_line(2, "01", 1, 900)])
    town.issue()
    slips = town.slips()
    assert slips[1, "01"].slip_no == "R1-01-1"
    assert (slips[2, "01"].version, slips[2, "01"].amount_yen) == (2, 1_000)
    assert slips[3, "01"].version == 1
    kinds = town.rows("SELECT slip_id, kind FROM slip_event WHERE municipality_code = :m "
                      "ORDER BY slip_id, event_no")  # fmt: skip
    assert [row.kind for row in kinds] == ["superseded", "corrected", "issued"]


def test_a_slip_past_its_last_day_is_replaced(town):
    town.notice(1, (1_000,), grouped=False)
    assert town.register_slips([register_line(1, "01", 1, 1_000)])
    town.issue(issued_on=date(2027, 5, 1))
    slip = town.slips()[1, "01"]
    assert (slip.version, str(slip.valid_until)) == (2, "2027-05-31")


def test_what_a_run_has_printed_is_not_printed_again_unless_asked(town):
    town.notice(1, (1_000,), grouped=False)
    town.notice(2, (1_000,), grouped=False)
    run = _printed_run(town)
    assert run.state == "printed"
    assert _chosen(town) == []
    assert _chosen(town, again=True) == [(1, "01"), (2, "01")]
    assert _chosen(town, slip_no=town.slips()[2, "01"].slip_no) == [(2, "01")]
    town.change(1, 1, 900)
    assert _chosen(town) == [(1, "01")]


def test_two_runs_at_once_never_print_one_slip_twice(town):
    town.notice(1, (1_000,), grouped=False)
    town.plan()
    town.notice(2, (1_000,), grouped=False)
    assert _chosen(town) == [(2, "01")]
    assert _chosen(town, again=True) == [(2, "01")]


def test_a_discarded_run_leaves_its_numbers_to_the_next(town):
    town.notice(1, (1_000,), grouped=False)
    first = town.issue()
    slip_no = town.slips()[1, "01"].slip_no
    with town.write() as connection:
        discard(connection, town.code, first, actor="abe", at=AT, reason="紙詰まり")
    town.issue()
    assert town.slips()[1, "01"].slip_no == slip_no
    with town.read() as connection:
        assert run_of(connection, town.code, first).note == "abe: 紙詰まり"
    with pytest.raises(RefusedError) as caught, town.write() as connection:
        discard(connection, town.code, first, actor="abe", at=AT, reason="もう一度")
    assert caught.value.error_code == "print_run_state"


# ---- cut off ----


def _chunk(town, run_id, size=4):
    return number_chunk(
        town.engine, town.profile, run_id, actor="abe", at=AT, issued_on=date(2026, 5, 1),
        size=size, confirmation=town.confirmation,
    )  # fmt: skip


@pytest.mark.parametrize("at", ["write_versions", "refuse", "change_run"])
def test_a_run_that_was_cut_off_leaves_no_gap_and_no_double(town, monkeypatch, at):
    for number in range(1, 11):
        town.notice(number, (1_000,), grouped=False)
    run_id = town.plan()
    assert _chunk(town, run_id) == 6

    def cut_off(*_args, **_values):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(print_plan, at, cut_off)
        with pytest.raises(KeyboardInterrupt):
            _chunk(town, run_id)
    assert len(town.slips()) == 4
    assert _chunk(town, run_id) == 2
    assert _chunk(town, run_id) == 0
    assert _chunk(town, run_id) == 0
    assert len(town.slips()) == 10
    rows = town.rows("SELECT COUNT(*) AS places, COUNT(DISTINCT slip_id) AS slips "
                     "FROM print_run_slip WHERE municipality_code = :m")  # fmt: skip
    assert tuple(rows[0]) == (10, 10)
    numbers = sorted(int(slip.slip_no[5:14]) for slip in town.slips().values())
    assert numbers == list(range(1, 11))


def test_runs_that_can_go_on_are_listed(town):
    town.notice(1, (1_000,), grouped=False)
    first = town.plan()
    town.notice(2, (1_000,), grouped=False)
    second = town.issue()
    with town.read() as connection:
        assert [run.run_id for run in unfinished(connection, town.code)] == [first, second]
        assert [run.run_id for run in runs(connection, town.code)] == [second, first]
        assert [run.state for run in runs(connection, town.code)] == ["printing", "planned"]
        assert open_files(connection, town.code, first) == []
        assert open_files(connection, town.code, second) == [1]
        with pytest.raises(NotFoundError):
            run_of(connection, town.code, 99)


def test_what_was_paid_after_the_plan_gets_no_page(town):
    town.notice(1, (1_000,), grouped=False)
    town.notice(2, (1_000,), grouped=False)
    run_id = town.plan()
    town.pay(1, 1, 1_000)
    town.number(run_id)
    with town.read() as connection:
        (refusal,) = refusals(connection, town.code, run_id)
        (slip,) = slips_of_file(connection, town.code, run_id, 1)
    assert (refusal.code, refusal.notice_no, refusal.slip_no) == (
        "slip_nothing_due", "0000000001", "",
    )  # fmt: skip
    assert slip.notice_no == "0000000002"


# ---- files ----


def test_a_file_says_everything_that_its_pages_need(town):
    town.notice(1, (1_000, 0, 2_000))
    town.notice(2, (700,), grouped=False)
    run_id = town.issue()
    with town.read() as connection:
        whole, first, third = slips_of_file(connection, town.code, run_id, 1)
        (other,) = slips_of_file(connection, town.code, run_id, 2)
    assert [(line.term, line.amount_yen) for line in whole.terms] == [("01", 1_000), ("03", 2_000)]
    assert (whole.amount_yen, whole.terms_in_notice, whole.due_on) == (3_000, 3, first.due_on)
    assert whole.alternative == first.slip_no
    assert first.alternative == third.alternative == whole.slip_no
    assert (other.alternative, other.terms) == ("", ())
    assert (first.name, first.postal_code) == ("見本 1", "1000001")
    assert {slip.fault for slip in (whole, first, third, other)} == {""}


def test_a_slip_that_no_longer_holds_is_not_to_be_printed(town):
    town.notice(1, (1_000,), grouped=False)
    town.notice(2, (1_000,), grouped=False)
    run_id = town.issue()
    with town.write() as connection:
        slip_no = town.slips()[1, "01"].slip_no
        reissue(connection, town.profile, slip_no, town.act(), reason="紛失")
    town.pay(2, 1, 300)
    with town.read() as connection:
        found = slips_of_file(connection, town.code, run_id, 1)
    assert [slip.fault for slip in found] == ["slip_no_longer_current", "slip_amount_changed"]


def test_pages_are_counted_without_the_refused(town):
    for number in range(1, 6):
        town.notice(number, (1_000,), grouped=False)
    run_id = town.issue()
    _print(town, run_id, 1, refused=[Refusal(2, "slip_glyph_missing", "name", "𠮷")])
    _print(town, run_id, 2)
    run = _finish(town, run_id)
    pages = town.rows("SELECT seq, page_no FROM print_run_slip WHERE municipality_code = :m "
                      "ORDER BY seq")  # fmt: skip
    assert [row.page_no for row in pages] == [1, None, 2, 1, 2]
    assert run.state == "printed"
    with town.read() as connection:
        assert [file.pages for file in files_of_run(connection, town.code, run_id)] == [2, 2]
        (refusal,) = refusals(connection, town.code, run_id)
    assert (refusal.code, refusal.field, refusal.found) == ("slip_glyph_missing", "name", "𠮷")
    assert refusal.slip_no
    # A slip that could not be printed waits for the next run.
    assert _chosen(town) == [(2, "01")]


def test_a_file_of_refusals_has_no_pages(town):
    town.notice(1, (1_000,), grouped=False)
    run_id = town.issue()
    _print(town, run_id, 1, refused=[Refusal(1, "slip_glyph_missing")])
    assert _finish(town, run_id).state == "printed"


@pytest.mark.parametrize(("pages", "code"), [(2, "print_file_pages"), (4, "print_file_pages")])
def test_a_page_too_many_or_too_few_is_refused(town, pages, code):
    for number in range(1, 4):
        town.notice(number, (1_000,), grouped=False)
    run_id = town.issue()
    with pytest.raises(ConflictError) as caught:
        _print(town, run_id, 1, pages=pages)
    assert caught.value.error_code == code
    assert not town.rows("SELECT 1 FROM print_run_file WHERE municipality_code = :m")


def test_a_file_is_recorded_once(town):
    town.notice(1, (1_000,), grouped=False)
    run_id = town.issue()
    _print(town, run_id, 1)
    with pytest.raises(ConflictError) as caught:
        _print(town, run_id, 1)
    assert caught.value.error_code == "print_file_recorded"


def test_one_difference_stops_the_run(town):
    town.notice(1, (1_000,), grouped=False)
    run_id = town.issue()
    difference = FileDifference(1, "2026-000000001-7", "amount_yen", "1,001円", "1,000円")
    _print(town, run_id, 1, differences=[difference])
    assert _finish(town, run_id).state == "stopped"
    with town.read() as connection:
        (found,) = differences_of_run(connection, town.code, run_id)
    assert (found.file_no, found.page, found.printed) == (1, 1, "1,001円")
    assert _chosen(town) == [(1, "01")]


def test_a_run_is_finished_when_all_of_it_is_there(town):
    town.notice(1, (1_000,), grouped=False)
    run_id = town.issue()
    with pytest.raises(RefusedError) as caught:
        _finish(town, run_id)
    assert caught.value.error_code == "print_run_unfinished"
    _print(town, run_id, 1)
    _finish(town, run_id)
    for again in (lambda: _finish(town, run_id), lambda: _chunk(town, run_id)):
        with pytest.raises(RefusedError) as caught:
            again()
        assert caught.value.error_code == "print_run_state"


# ---- layouts ----

PLAIN, CAR = "standard-1-0123456789ab", "vehicle-1-ba9876543210"


def _two_layouts(town):
    """Three slips of one layout between five of another, in the order of the post."""
    for number in range(1, 9):
        item = "903" if number % 3 == 0 or number == 8 else "901"
        town.notice(number, (1_000 + number,), item_code=item, grouped=False)
    layouts = {
        item.item_code: CAR if item.item_code == "903" else PLAIN for item in town.profile.items
    }
    return town.plan(pages_per_file=2, layouts=layouts)


def test_a_file_holds_one_layout(town):
    run_id = _two_layouts(town)
    assert _places(town, run_id) == [
        (7, "01"), (1, "01"), (2, "01"), (4, "01"), (5, "01"), (8, "01"), (3, "01"), (6, "01"),
    ]  # fmt: skip
    with town.read() as connection:
        run = run_of(connection, town.code, run_id)
    assert run.sections == ((PLAIN, 5), (CAR, 3))
    assert run.files == 5
    assert [(run.layout_of(no), *run.places_in(no)) for no in range(1, 6)] == [
        (PLAIN, 1, 2), (PLAIN, 3, 4), (PLAIN, 5, 5), (CAR, 6, 7), (CAR, 8, 8),
    ]  # fmt: skip
    assert [
        row.file_no
        for row in town.rows(
            "SELECT file_no FROM print_run_slip WHERE municipality_code = :m ORDER BY seq"
        )
    ] == [1, 1, 2, 2, 3, 4, 4, 5]
    with pytest.raises(IndexError):
        run.places_in(6)


def test_a_run_of_two_layouts_is_printed_to_its_end(town):
    run_id = _two_layouts(town)
    town.number(run_id, size=3)
    items = []
    for file_no in range(1, 6):
        with town.read() as connection:
            slips = slips_of_file(connection, town.code, run_id, file_no)
        items.append("".join(slip.item_code for slip in slips))
        _print(town, run_id, file_no)
    assert items == ["901901", "901901", "901", "903903", "903"]
    assert _finish(town, run_id).state == "printed"


def test_a_limit_takes_the_same_slips_whatever_their_layout(town):
    run_id = _two_layouts(town)
    with town.write() as connection:
        discard(connection, town.code, run_id, actor="abe", at=AT, reason="試し")
    layouts = {
        item.item_code: CAR if item.item_code == "903" else PLAIN for item in town.profile.items
    }
    few = town.plan(Selection(limit=4), layouts=layouts)
    assert _places(town, few) == [(7, "01"), (1, "01"), (2, "01"), (8, "01")]


def test_an_item_without_a_layout_is_unknown(town):
    town.notice(1, (1_000,), grouped=False)
    with pytest.raises(InvalidValueError, match="unknown_item"):
        town.plan(layouts={"902": PLAIN, "903": CAR})
