"""入金の充当先の決定: two people link bank credits, and take links apart; no yen is ever lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from credit_town import DSK, TRANSFER_DAY, CreditTown, day, short
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_lines import bank_line
from reference_rows import sample_profile
from reference_town import NOTICE

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, NotFoundError, RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import line_story
from reconcile.model import Channel
from reconcile.placement.ask import ask_placement
from reconcile.placement.credit_ask import (
    CreditPlacement,
    GroupShare,
    ask_credit_placement,
    credit_view,
)
from reconcile.placement.credit_placing import carry_out
from reconcile.placement_model import Part, Placement
from reconcile.suggest import aliases
from reconcile.suggest.rules import Fact

AT = datetime(2026, 7, 7, 1, 0, tzinfo=UTC)
ON = day("2026-07-07")
FIRST, SECOND = f"901/2026/{NOTICE}/01", f"901/2026/{NOTICE}/02"


@pytest.fixture
def town(database_url):
    town = CreditTown(database_url)
    yield town
    town.city.close()


def ask(town, line, parts=(), groups=(), *, alias=False):
    """The first of two people."""
    placement = CreditPlacement(
        line[0],
        line[1],
        tuple(Part(notice_id(town, number), term, yen) for number, term, yen in parts),
        tuple(GroupShare(group_id(town, ref), yen) for ref, yen in groups),
        learn_alias=alias,
    )
    with unit_of_work(town.engine, town.code) as connection:
        return ask_credit_placement(
            connection, town.profile, placement, asked_by="ichiro", at=AT, reason="通帳と照合"
        )


def agree(town, approval):
    """The second one."""
    with unit_of_work(town.engine, town.code) as connection:
        done = approve.decide(
            connection, town.code, approval.approval_id, "approved", decided_by="jiro", at=AT
        )
        carry_out(connection, town.profile, done, on=ON)


def decide(town, line, parts=(), groups=(), *, alias=False):
    """Both."""
    agree(town, ask(town, line, parts, groups, alias=alias))


def notice_id(town, number=NOTICE):
    return int(town.ask("SELECT notice_id FROM notice WHERE notice_no = :n", n=number))


def group_id(town, ref):
    found = town.ask("SELECT group_id FROM remittance_group WHERE ref = :r", r=ref)
    return int(found or 999)


def view(town, line):
    with reading(town.engine, town.code) as connection:
        return credit_view(connection, town.profile, *line)


def open_yen(town, term="01"):
    return town.city.balances["901", "2026", NOTICE, term][2]


def account(town, name):
    """Debit less credit."""
    return int(
        town.ask(
            "SELECT SUM(CASE WHEN debit_account = :a THEN amount_yen WHEN credit_account = :a "
            "THEN -amount_yen ELSE 0 END) FROM posting", a=name,
        ) or 0
    )  # fmt: skip


def cases(town):
    return {kind for kind, _subject in town.city.cases}


# ---- direct transfers ----


def test_a_transfer_pays_the_bill_that_two_people_name(town):
    line = town.credited(10_000)
    decide(town, line, [(NOTICE, "01", 10_000)])
    assert town.outcome(line) == ("placed", "M2")
    assert (open_yen(town), town.city.suspense_yen) == (0, 0)
    assert account(town, "unidentified") == account(town, "confirmed_due") == 0
    assert account(town, "bank") == 10_000
    assert cases(town) == set()
    assert town.differences() == []


def test_one_transfer_pays_several_bills_and_the_rest_waits_in_suspense(town):
    line = town.credited(20_000)
    decide(town, line, [(NOTICE, "01", 10_000), (NOTICE, "02", 8_000)])
    assert (open_yen(town), open_yen(town, "02"), town.city.suspense_yen) == (0, 0, 2_000)
    assert cases(town) == {"placed"}
    assert town.differences() == []


def test_several_transfers_pay_one_bill(town):
    first, second = town.credited(4_000), town.credited(6_000)
    decide(town, first, [(NOTICE, "01", 4_000)])
    decide(town, second, [(NOTICE, "01", 6_000)])
    assert open_yen(town) == 0
    assert town.differences() == []


def test_what_was_placed_is_taken_back_and_not_suggested_again(town):
    line = town.credited(10_000)
    decide(town, line, [(NOTICE, "01", 10_000)])
    decide(town, line)
    assert town.outcome(line) == ("unlinked", "M1")
    assert (open_yen(town), account(town, "unidentified")) == (10_000, -10_000)
    assert cases(town) == {"unlinked"}
    assert town.suggested(line) == []
    town.city.reconcile(ON)
    assert town.outcome(line) == ("unlinked", "M1")
    assert town.differences() == []


def test_a_transfer_moves_to_another_bill_at_once(town):
    line = town.credited(8_000)
    decide(town, line, [(NOTICE, "01", 8_000)])
    decide(town, line, [(NOTICE, "02", 8_000)])
    assert (open_yen(town), open_yen(town, "02")) == (10_000, 0)
    assert town.differences() == []


def test_a_receipt_that_waits_takes_the_place_that_is_open_again(town):
    line = town.credited(10_000)
    decide(town, line, [(NOTICE, "01", 10_000)])
    assert town.pay("01", "02") == "duplicate"
    receipt = town.last_line()
    decide(town, line)
    assert town.outcome(receipt) == ("matched", "P13")
    assert (open_yen(town), town.city.suspense_yen) == (0, 0)
    assert town.differences() == []


# ---- remittance groups ----


def two_ways(town):
    """A credit that may be either of two equal groups."""
    town.pay("01", "02", remitted_on="2026-06-24")
    town.pay("01", "02", remitted_on="2026-06-25", paid_at="0900")
    line = town.credited(10_000, "", payer_code=DSK)
    assert town.outcome(line) == ("settlement_difference", "B4")
    return line


def test_people_choose_the_groups_when_several_fit(town):
    line = two_ways(town)
    decide(town, line, groups=[("2026-06-25", 10_000)])
    assert town.outcome(line) == ("settled", "M3")
    assert town.city.groups["konbini_dsk", "2026-06-25"] == (10_000, 0, 10_000)
    assert "settlement_difference" not in cases(town)
    assert town.differences() == []


def test_a_settlement_taken_apart_is_never_made_again_by_rule(town):
    town.pay("01", "02", remitted_on="2026-06-24")
    line = town.credited(10_000, "", payer_code=DSK)
    assert town.outcome(line) == ("settled", "B2")
    decide(town, line)
    assert town.outcome(line) == ("unlinked", "M1")
    town.city.reconcile(ON)
    assert town.outcome(line) == ("unlinked", "M1")
    # The money that really was meant comes, and settles; the other one stays apart.
    other = town.credited(10_000, "", payer_code=DSK)
    assert town.outcome(other) == ("settled", "B2")
    assert town.outcome(line) == ("unlinked", "M1")
    assert town.differences() == []


def test_a_settlement_taken_apart_lets_another_credit_settle(town):
    town.pay("01", "02", remitted_on="2026-06-24")
    first = town.credited(10_000, "", payer_code=DSK)
    second = town.credited(10_000, "", payer_code=DSK)
    assert town.outcome(second) == ("settlement_difference", "B4")
    decide(town, first)
    assert (town.outcome(first)[0], town.outcome(second)) == ("unlinked", ("settled", "B2"))
    assert town.differences() == []


def test_one_group_in_two_credits_and_one_of_them_taken_apart(town):
    town.pay("01", "02", remitted_on="2026-06-24")
    first = town.credited(4_000, "", payer_code=DSK)
    second = town.credited(6_000, "", payer_code=DSK)
    assert [town.outcome(one) for one in (first, second)] == [("settled", "B3S")] * 2
    assert cases(town) == set()
    assert town.differences() == []
    decide(town, first)
    assert town.outcome(first) == ("unlinked", "M1")
    assert town.city.groups["konbini_dsk", "2026-06-24"] == (10_000, 0, 6_000)
    assert town.differences() == []


# ---- names learned ----


def remembered(town, on):
    with reading(town.engine, town.code) as connection:
        return aliases.aliases_of(connection, town.code, ["ベツノナマエ"], on=on)


def test_a_name_is_learned_only_when_asked_for_and_makes_suggestions_surer(town):
    first = town.credited(4_000, "ﾍﾞﾂﾉ ﾅﾏｴ")
    decide(town, first, [(NOTICE, "01", 4_000)])
    assert remembered(town, ON) == []
    second = town.credited(6_000, "ﾍﾞﾂﾉ ﾅﾏｴ")
    assert town.suggested(second) == []
    decide(town, second, [(NOTICE, "01", 6_000)], alias=True)
    assert [a.obligor_no for a in remembered(town, ON)] == ["000000000123"]
    third = town.credited(8_000, "ﾍﾞﾂﾉ ﾅﾏｴ", booked_on="2026-07-08", received="2026-07-08")
    assert town.outcome(third) == ("unidentified_deposit", "B7")  # it never links by itself
    found = town.suggested(third)
    assert short(found) == [("sure", [(SECOND, 8_000)])]
    assert Fact.ALIAS in found[0].reasons
    assert town.differences() == []


def test_a_learned_name_expires_and_can_be_revoked(town):
    line = town.credited(4_000, "ﾍﾞﾂﾉ ﾅﾏｴ")
    decide(town, line, [(NOTICE, "01", 4_000)], alias=True)
    assert remembered(town, day("2028-07-06"))
    assert not remembered(town, day("2028-07-07"))
    number = remembered(town, ON)[0].alias_no
    for known in (True, False):
        with unit_of_work(town.engine, town.code) as connection:
            if known:
                aliases.revoke(
                    connection, town.code, number, on=ON, actor="jiro", reason="別人と分かった"
                )
                continue
            with pytest.raises(NotFoundError, match="payer_alias"):
                aliases.revoke(connection, town.code, number, on=ON, actor="jiro", reason="又")
    assert remembered(town, ON) == []
    assert town.differences() == []


# ---- what is refused ----


def code_of(caught):
    return caught.value.error_code


@pytest.mark.parametrize(
    ("parts", "groups", "alias", "code"),
    [
        ([(NOTICE, "01", 10_001)], [], False, "placement_sum"),
        ([(NOTICE, "02", 8_001)], [], False, "placement_outstanding"),
        ([(NOTICE, "09", 1)], [], False, "placement_instalment"),
        ([(NOTICE, "01", 1)], [("2026-06-24", 1)], False, "credit_mixed"),
        ([], [("2026-06-24", 9_999)], False, "credit_groups_sum"),
        ([], [("2026-06-24", 10_001)], False, "credit_group_open"),
        ([], [("no such day", 10_000)], False, "remittance_group"),
        ([], [("2026-06-24", 5_000), ("2026-06-24", 5_000)], False, "credit_groups"),
        ([], [], False, "placement_same"),
        ([], [("2026-06-24", 10_000)], True, "credit_alias"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(town, parts, groups, alias, code):
    town.pay("02", "02", yen=10_000, remitted_on="2026-06-24")
    town.correct("02", 8_000)
    line = town.credited(10_000)
    town.city.assess([])
    if code == "placement_outstanding":
        town.city.reconcile(ON)
        parts = [(NOTICE, "02", 1)]
    with pytest.raises(KokinError) as caught:
        ask(town, line, parts, groups, alias=alias)
    assert code_of(caught) == code


def test_what_has_changed_since_it_was_asked_is_asked_again(town):
    line = town.credited(10_000)
    approval = ask(town, line, [(NOTICE, "01", 9_000)])
    town.pay("01", "02")
    with pytest.raises(KokinError) as caught:
        agree(town, approval)
    assert code_of(caught) == "placement_outstanding"
    other = town.credited(5_000)
    asked = ask(town, other, [(NOTICE, "02", 5_000)])
    with pytest.raises(RefusedError, match="approval_waiting"):
        ask(town, other, [(NOTICE, "02", 4_000)])
    agree(town, asked)
    assert town.differences() == []


def test_a_line_that_is_no_credit_is_named(town):
    town.pay("01", "02")
    with pytest.raises(NotFoundError) as caught:
        ask(town, town.last_line())
    assert code_of(caught) == "credit"
    assert isinstance(caught.value, NotFoundError)


def test_the_view_says_where_a_credit_stands(town):
    line = town.credited(10_000)
    decide(town, line, [(NOTICE, "01", 9_000)])
    seen = view(town, line)
    assert [(part.place, part.amount_yen) for part in seen.parts] == [(FIRST, 9_000)]
    assert (seen.suspense_yen, seen.outcome, len(seen.decided)) == (1_000, "placed", 1)
    with pytest.raises(InvalidValueError):
        ask(town, line, [(NOTICE, "00", 1)])


def test_a_credit_is_not_placed_as_if_a_channel_had_reported_it(town):
    line = town.credited(10_000)
    decide(town, line, [(NOTICE, "01", 9_000)])
    with (
        unit_of_work(town.engine, town.code) as connection,
        pytest.raises(RefusedError) as caught,
    ):
        ask_placement(
            connection,
            town.profile,
            Placement(line[0], line[1], ()),
            asked_by="ichiro",
            at=AT,
            reason="誤り",
        )
    assert code_of(caught) == "placement_credit"


# ---- conservation ----

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), st.sampled_from([4_000, 6_000, 8_000, 10_000, 18_000])),
        st.tuples(st.just("agent"), st.sampled_from([4_000, 6_000, 10_000, 18_000])),
        st.tuples(st.just("pay"), st.sampled_from(["01", "02"])),
        st.tuples(st.just("place"), st.integers(0, 5), st.sampled_from([1_000, 4_000, 10_000])),
        st.tuples(st.just("undo"), st.integers(0, 5)),
        st.tuples(st.just("correct"), st.sampled_from([0, 5_000, 10_000, 12_000])),
    ),
    min_size=3,
    max_size=9,
)


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(acts=ACTS)
def test_no_yen_is_lost_whatever_people_decide(sqlite_template, tmp_path_factory, acts):
    path = tmp_path_factory.mktemp("credits") / "city.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    town = CreditTown(f"sqlite:///{path}")
    lines = []
    try:
        for number, act in enumerate(acts):
            try:
                _do(town, lines, act, number)
            except (RefusedError, InvalidValueError):
                continue
            received = -account(town, "suspense") + sum(
                applied for _, applied, _ in town.city.balances.values()
            )
            claims = account(town, "reported") + account(town, "confirmed_due")
            cash = account(town, "bank") + account(town, "unidentified")
            assert received == claims + cash
            assert town.differences() == []
    finally:
        town.city.close()


def _do(town, lines, act, number):
    kind, *values = act
    if kind == "credit":
        lines.append(town.credited(values[0]))
    elif kind == "agent":
        lines.append(town.credited(values[0], "", payer_code=DSK))
    elif kind == "pay":
        town.pay(values[0], "02", remitted_on=f"2026-06-{20 + number}", paid_at=f"09{number:02d}")
    elif kind == "correct":
        town.correct("01", values[0])
    elif lines:
        line = lines[values[0] % len(lines)]
        decide(town, line, [(NOTICE, "01", values[1])] if kind == "place" else [])


# ---- why it is so ----


def told(town, line):
    with reading(town.engine, town.code) as connection:
        return line_story(connection, town.code, *line).decisions


def test_a_story_names_the_people_and_the_places(town):
    line = town.credited(10_000)
    decide(town, line, [(NOTICE, "01", 10_000)])
    decide(town, line)
    first, placed, taken = told(town, line)
    assert (first.rule, first.agrees) == ("B6", True)
    assert (placed.facts["asked_by"], placed.facts["decided_by"]) == ("ichiro", "jiro")
    assert placed.facts["placed_now"] == f"{FIRST} 10,000円"
    assert (taken.rule, taken.facts["placed_before"]) == ("M1", f"{FIRST} 10,000円")


def test_a_story_names_the_credits_that_are_one_group_together(town):
    town.pay("01", "02", remitted_on="2026-06-24")
    first = town.credited(4_000, "", payer_code=DSK)
    second = town.credited(6_000, "", payer_code=DSK)
    for line in (first, second):
        decision = told(town, line)[-1]
        assert (decision.rule, decision.agrees) == ("B3S", True)
        assert (decision.facts["split"], decision.facts["split_yen"]) == (2, 10_000)
        assert [one["chosen"] for one in decision.candidates] == [True]
    decide(town, first)
    assert told(town, first)[-1].facts["placed_before"] == "払込 2026-06-24 4,000円"


def test_people_choose_a_group_and_the_story_says_which(town):
    line = two_ways(town)
    decide(town, line, groups=[("2026-06-25", 10_000)])
    decision = told(town, line)[-1]
    assert (decision.rule, decision.facts["placed_now"]) == ("M3", "払込 2026-06-25 10,000円")


# ---- a bank that takes its notice back ----


def notified(profile):
    """The same town, whose money is what the bank notifies (01)."""
    account_ = replace(profile.accounts[0], money_kind="01")
    return replace(profile, accounts=(account_, *profile.accounts[1:]))


def test_a_notice_that_the_bank_takes_back_reverses_what_it_paid(database_url):
    town = CreditTown(database_url, notified(sample_profile()))
    line = town.credited(10_000, source="01")
    decide(town, line, [(NOTICE, "01", 10_000)])
    assert town.pay("01", "02") == "duplicate"
    receipt = town.last_line()
    town.numbers -= 1
    cancelling = town.credited(10_000, source="01", direction="cancel")
    assert (town.outcome(line)[0], town.outcome(cancelling)[0]) == ("withdrawn", "withdraws")
    assert town.outcome(receipt) == ("matched", "P13")
    assert (open_yen(town), account(town, "bank"), account(town, "unidentified")) == (0, 0, 0)
    assert town.differences() == []
    with pytest.raises(RefusedError) as caught:
        ask(town, line, [(NOTICE, "02", 1)])
    assert code_of(caught) == "placement_withdrawn"
    town.city.close()


def test_a_notice_that_the_bank_takes_back_in_the_same_file_is_no_money(database_url):
    town = CreditTown(database_url, notified(sample_profile()))
    town.pay("01", "02", remitted_on="2026-06-24")
    notice: dict[str, Any] = {
        "amount_yen": 10_000, "booked_on": TRANSFER_DAY, "source": "01", "payer_code": DSK
    }  # fmt: skip
    told_ = [
        bank_line(**notice, inquiry_no="1"),
        bank_line(**notice, inquiry_no="1", direction="cancel"),
        bank_line(**notice, inquiry_no="2"),
    ]
    ends = town.take(Channel.BANK, *told_, received=TRANSFER_DAY)
    assert ends == ["withdrawn", "withdraws", "settled"]
    assert (account(town, "bank"), account(town, "unidentified")) == (10_000, 0)
    assert town.differences() == []
    town.city.close()


def test_what_a_cancelled_notice_had_settled_is_settled_by_the_next_credit(database_url):
    town = CreditTown(database_url, notified(sample_profile()))
    town.pay("01", "02", remitted_on="2026-06-24")
    first = town.credited(10_000, "", payer_code=DSK, source="01")
    second = town.credited(10_000, "", payer_code=DSK, source="01")
    assert [town.outcome(one)[0] for one in (first, second)] == ["settled", "settlement_difference"]
    town.numbers = 0
    town.credited(10_000, "", payer_code=DSK, source="01", direction="cancel")
    assert [town.outcome(one)[0] for one in (first, second)] == ["withdrawn", "settled"]
    assert town.differences() == []
    town.city.close()
