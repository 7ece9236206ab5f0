"""再発行・更正・失効: what happens to a slip, and what the books say about it afterwards."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slip_town import SlipTown, register_line
from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.issue import Corrected, CorrectionScope, correct, reissue, revoke
from payments.print_runs import Selection
from payments.slip_view import slip_view
from reconcile.verify.claims import pay_keys
from reconcile.verify.walk import Store


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    yield made
    made.close()


def _reissue(town, slip_no, **changes):
    with town.write() as connection:
        return reissue(connection, town.profile, slip_no, town.act("ito", **changes), reason="紛失")


def _revoke(town, slip_no):
    with town.write() as connection:
        revoke(connection, town.profile, slip_no, town.act("ito"), reason="誤発行")


def _correct(town, **scope):
    with town.write() as connection:
        return correct(connection, town.profile, town.act("ito"), scope=CorrectionScope(**scope))


def _refused(code, act, *args):
    with pytest.raises(RefusedError) as caught:
        act(*args)
    assert caught.value.error_code == code


def _keys_hold(town):
    with town.read() as connection:
        assert list(pay_keys(Store(connection, town.profile))) == []


def _standing(town):
    """Amount and version of every current slip."""
    return {key: (slip.amount_yen, slip.version) for key, slip in town.slips().items()}


def test_a_lost_slip_gets_a_new_version_with_numbers_of_its_own(town):
    town.notice(1, (12_300,), grouped=False)
    town.issue()
    old = town.slips()[1, "01"]
    issued = _reissue(town, old.slip_no)
    new = town.slips()[1, "01"]
    assert (issued.slip_no, issued.version, issued.amount_yen) == (new.slip_no, 2, 12_300)
    assert len({old.el_number, new.el_number, old.konbini_barcode[8:29],
                new.konbini_barcode[8:29], old.slip_no, new.slip_no}) == 6  # fmt: skip
    assert new.konbini_barcode[29] == "1"
    assert town.slips("superseded")[1, "01"].slip_no == old.slip_no
    _keys_hold(town)


def test_both_ends_of_a_reissue_are_written_down(town):
    town.notice(1, (12_300,), grouped=False)
    town.issue()
    old = town.slips()[1, "01"]
    new = _reissue(town, old.slip_no)
    with town.read() as connection:
        view = slip_view(connection, town.code, old.slip_no)
    events = [[(e.kind, e.actor, e.reason) for e in v.events] for v in view.versions]
    assert events == [
        [("issued", "abe", ""), ("superseded", "ito", "紛失")],
        [("reissued", "ito", "紛失")],
    ]
    others = town.rows("SELECT other_slip_id FROM slip_event WHERE municipality_code = :m "
                       "AND other_slip_id IS NOT NULL ORDER BY slip_id")  # fmt: skip
    assert [row.other_slip_id for row in others] == [new.slip_id, old.slip_id]


def test_a_slip_is_reissued_over_what_is_left(town):
    town.notice(1, (12_300,), grouped=False)
    town.issue()
    town.pay(1, 1, 2_300)
    assert _reissue(town, town.slips()[1, "01"].slip_no).amount_yen == 10_000


def test_nobody_reissues_a_slip_twice(town):
    town.notice(1, (12_300,), grouped=False)
    town.issue()
    slip_no = town.slips()[1, "01"].slip_no
    _reissue(town, slip_no)
    _refused("slip_state", _reissue, town, slip_no)
    _refused("slip_state", _revoke, town, slip_no)


def test_of_two_at_once_one_wins(town):
    town.notice(1, (12_300,), grouped=False)
    town.issue()
    slip_no = town.slips()[1, "01"].slip_no
    ready = threading.Barrier(2, timeout=120)
    found = []

    def at_the_counter():
        ready.wait()
        try:
            found.append(_reissue(town, slip_no).version)
        except RefusedError as error:
            found.append(error.error_code)

    clerks = [threading.Thread(target=at_the_counter, daemon=True) for _ in range(2)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join(120)
    assert sorted(map(str, found)) == ["2", "slip_state"]
    assert _standing(town) == {(1, "01"): (12_300, 2)}


def test_what_cannot_be_reissued_says_why(town):
    town.notice(1, (1_000, 2_000))
    town.notice(2, (1_000, 2_000))
    town.notice(3, (500,), grouped=False)
    town.issue()
    slips = town.slips()
    town.pay(1, 1, 1_000)
    _refused("slip_nothing_due", _reissue, town, slips[1, "01"].slip_no)
    _refused("slip_alternative_used", _reissue, town, slips[1, "00"].slip_no)
    town.change(2, 1, 0)
    _refused("assessment_cancelled", _reissue, town, slips[2, "01"].slip_no)
    _refused("slip_whole_year_single", _reissue, town, slips[2, "00"].slip_no)
    with pytest.raises(NotFoundError) as caught:
        _reissue(town, "2026-000000999-9")
    assert caught.value.error_code == "slip"


@pytest.mark.parametrize(("reason", "code"), [(" ", "reason_missing"), ("長" * 201, "reason_long")])
def test_a_change_needs_a_reason(town, reason, code):
    with pytest.raises(InvalidValueError) as caught, town.write() as connection:
        reissue(connection, town.profile, "x", town.act(), reason=reason)
    assert caught.value.error_code == code


def test_a_late_slip_is_payable_for_some_days(town):
    town.notice(1, (12_300,), grouped=False)
    town.issue()
    slip_no = town.slips()[1, "01"].slip_no
    issued = _reissue(town, slip_no, issued_on=date(2027, 5, 1))
    assert issued.valid_until == date(2027, 5, 31)


def test_a_revoked_slip_has_no_successor(town):
    town.notice(1, (12_300,), grouped=False)
    town.issue()
    _revoke(town, town.slips()[1, "01"].slip_no)
    assert _standing(town) == {}
    _keys_hold(town)
    (event,) = town.rows("SELECT * FROM slip_event WHERE municipality_code = :m "
                         "AND kind = 'revoked'")  # fmt: skip
    assert (event.actor, event.reason, event.other_slip_id) == ("ito", "誤発行", None)


def test_an_older_version_of_a_register_never_comes_back(town):
    """A register may leave two versions in state new; the higher one stands."""
    town.notice(1, (12_300,), grouped=False)
    assert town.register_slips(
        [register_line(1, "01", 1, 12_300), register_line(1, "01", 2, 9_000)]
    )
    _refused("slip_state", _reissue, town, "R1-01-1")
    _revoke(town, "R1-01-2")
    assert _standing(town) == {}
    _keys_hold(town)


def test_a_correction_replaces_what_has_another_amount_and_nothing_else(town):
    town.notice(1, (1_000, 2_000, 3_000))
    town.notice(2, (1_000, 2_000))
    town.notice(3, (700,), grouped=False)
    town.issue()
    before = _standing(town)
    assert _correct(town) == Corrected(0, 0, 0)
    town.change(1, 2, 2_500)
    town.change(3, 1, 0)
    assert _correct(town) == Corrected(replaced=2, cancelled=1, unusable=0)
    changed = {(1, "00"): (6_500, 2), (1, "02"): (2_500, 2)}
    kept = {key: value for key, value in before.items() if key != (3, "01")}
    assert _standing(town) == kept | changed
    assert _correct(town) == Corrected(0, 0, 0)
    _keys_hold(town)


def test_a_paid_slip_stays_and_slips_that_would_pay_twice_end(town):
    town.notice(1, (1_000, 2_000))
    town.notice(2, (1_000, 2_000))
    town.issue()
    town.pay(1, 1, 1_000)
    town.pay(2, 1, 1_000, by_whole=True)
    town.pay(2, 2, 2_000, by_whole=True)
    assert _correct(town) == Corrected(replaced=0, cancelled=0, unusable=3)
    assert _standing(town).keys() == {(1, "01"), (1, "02"), (2, "00")}
    assert _correct(town) == Corrected(0, 0, 0)


def test_a_whole_year_slip_ends_also_when_nothing_is_left_to_pay(town):
    town.notice(1, (1_000, 2_000))
    town.issue()
    town.pay(1, 1, 1_000)
    town.pay(1, 2, 2_000)
    assert _correct(town) == Corrected(replaced=0, cancelled=0, unusable=1)
    assert _standing(town).keys() == {(1, "01"), (1, "02")}


def test_a_correction_may_be_narrowed_down(town):
    for number in (1, 2):
        town.notice(number, (1_000,), grouped=False)
    town.issue()
    for number in (1, 2):
        town.change(number, 1, 900)
    assert _correct(town, notice_no="0000000001").replaced == 1
    assert _correct(town, item_code="902") == Corrected(0, 0, 0)
    assert _correct(town, levy_year=2026).replaced == 1


def test_a_slip_of_a_register_is_reissued_like_any_other(town):
    town.notice(1, (12_300,), grouped=False)
    assert town.register_slips([register_line(1, "01", 3, 12_300)])
    assert _reissue(town, "R1-01-3").version == 4
    _keys_hold(town)


def test_numbers_that_a_register_uses_are_passed_over(town):
    town.notice(1, (100,), grouped=False)
    town.notice(2, (200,), grouped=False)
    town.notice(3, (300,), grouped=False)
    first = town.next_keys(1, 2026)
    taken = register_line(1, "01", 1, 100, el_number=first.el_number)
    also = register_line(2, "01", 1, 200, barcode=town.next_keys(2, 2026).konbini_barcode)
    named = register_line(3, "01", 1, 300, slip_no=town.next_keys(3, 2026).slip_no)
    assert town.register_slips([taken, also, named])
    town.notice(4, (400,), grouped=False)
    town.issue(Selection(notice_no="0000000004"))
    assert town.slips()[4, "01"].slip_no.startswith("2026-000000004-")
    _keys_hold(town)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["change", "pay", "whole"]),
        st.integers(1, 3),
        st.integers(1, 2),
        st.sampled_from([0, 500, 1_000, 1_700]),
    ),
    max_size=8,
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=CHANGES)
def test_after_any_changes_every_open_instalment_has_one_right_slip(
    sqlite_template, tmp_path, changes
):
    """Correct what is out, issue what is missing: then slips and books say the same."""
    shutil.copyfile(sqlite_template, tmp_path / "town.sqlite")  # every example begins anew
    with closing(SlipTown(f"sqlite:///{tmp_path / 'town.sqlite'}")) as town:
        _play(town, changes)


def _play(town, changes):
    for number in (1, 2, 3):
        town.notice(number, (1_000, 2_000))
    town.issue()
    for what, number, term, yen in changes:
        if what == "change":
            town.change(number, term, yen)
        else:
            town.pay_open(number, term, by_whole=what == "whole")
    _correct(town)
    for (number, term), slip in town.slips().items():
        left = town.open_yen(number, term)
        assert slip.amount_yen == left or not left, (number, term)
    town.issue_if_any()
    standing = town.slips()
    for number in (1, 2, 3):
        for term in ("01", "02"):
            left = town.open_yen(number, term)
            assert not left or standing[number, term].amount_yen == left
    assert _correct(town) == Corrected(0, 0, 0)
    _keys_hold(town)


def test_every_number_is_given_out_once(town):
    for number in range(1, 8):
        town.notice(number, (1_000, 2_000))
    town.issue()
    for slip in list(town.slips().values()):
        _reissue(town, slip.slip_no)
    with town.read() as connection:
        for column in ("slip_no", "el_number", "SUBSTR(konbini_barcode, 9, 21)",
                       "SUBSTR(el_number, 6, 20)"):  # fmt: skip
            rows, different = connection.execute(
                text(f"SELECT COUNT(*), COUNT(DISTINCT {column}) FROM slip")
            ).one()
            assert rows == different == 42
