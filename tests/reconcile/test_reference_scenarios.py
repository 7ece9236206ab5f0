"""What must hold in the reference model whatever happens, and that everything does happen."""

from __future__ import annotations

import contextlib
from collections import Counter

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample
from reference_lines import MadeFile
from reference_model import ReferenceCity
from reference_rows import csv_bytes, sample_profile
from reference_strategies import play, scenarios
from reference_town import assessment, slip

TABLE = {
    "malformed",
    "other_municipality",
    "invalid_key",
    "unknown_slip",
    "cancelled_assessment",
    "duplicate",
    "alternative_paid",
    "superseded_slip",
    "amount_mismatch",
    "short",
    "over",
    "expired_slip",
    "matched",
}
WITHOUT_MONEY = {
    "repeat",
    "conflict",
    "confirms",
    "withdraws",
    "withdrawn",
    "withdrawal_after_confirmation",
    "withdrawal_unmatched",
    "debit_failed",
    "settled",
    "settlement_difference",
    "refund_returned",
    "direct_transfer",
    "unidentified_deposit",
    "information",
    "outgoing",
    "advised",
    "advice_difference",
}
CASES = {
    "overpaid_by_correction",
    "confirmed_after_withdrawal",
    "late_confirmation",
    "confirmation_overdue",
    "remittance_overdue",
    "wrong_instalment_suspected",
    "closed_year",
}
relaxed = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def played(steps):
    return play(ReferenceCity(sample_profile()), steps)


def lines_of(steps):
    """Every line of every file once, by its reference."""
    return {
        (step.sha256, record.report.line_no): record.report
        for step in steps
        if isinstance(step, MadeFile)
        for record in step.records
    }


@relaxed
@given(scenarios())
def test_every_line_ends_in_exactly_one_outcome_that_the_contract_names(steps):
    outcomes = played(steps).outcomes
    assert outcomes.keys() == lines_of(steps).keys()
    assert {outcome for outcome, *_ in outcomes.values()} <= TABLE | WITHOUT_MONEY


@relaxed
@given(scenarios())
def test_what_a_line_books_is_applied_or_in_suspense_to_the_yen(steps):
    lines = lines_of(steps)
    for ref, (outcome, applied_yen, suspense_yen, row) in played(steps).outcomes.items():
        assert applied_yen >= 0
        assert suspense_yen >= 0
        if row and (applied_yen or suspense_yen):
            assert applied_yen + suspense_yen == lines[ref].amount_yen
        elif row:
            assert outcome == "malformed"
        else:
            assert (applied_yen, suspense_yen) == (0, 0)


@relaxed
@given(scenarios())
def test_no_instalment_holds_more_than_is_owed_and_suspense_ties(steps):
    city = played(steps)
    applied_yen = 0
    for amount_yen, paid_yen, outstanding_yen in city.balances.values():
        assert 0 <= paid_yen <= amount_yen
        assert outstanding_yen == amount_yen - paid_yen
        applied_yen += paid_yen
    by_lines = [(applied, waiting) for _, applied, waiting, _ in city.outcomes.values()]
    surplus_yen = sum(i.surplus_yen for i in city.books.instalments.values())
    assert applied_yen + surplus_yen == sum(applied for applied, _ in by_lines)
    assert city.suspense_yen == surplus_yen + sum(waiting for _, waiting in by_lines)


@relaxed
@given(scenarios())
def test_what_groups_were_credited_is_what_settled_credits_brought(steps):
    city = played(steps)
    lines = lines_of(steps)
    credited_yen = sum(credited for *_, credited in city.groups.values())
    settled = [ref for ref, (outcome, *_) in city.outcomes.items() if outcome == "settled"]
    assert credited_yen == sum(lines[ref].amount_yen for ref in settled)


@relaxed
@given(scenarios())
def test_everything_again_changes_nothing(steps):
    city = played(steps)
    before = city.outcomes, city.balances, city.groups, city.suspense_yen
    files = [step for step in steps if isinstance(step, MadeFile)]
    assert {city.intake(**file.arguments) for file in files} <= {"duplicate_file"}
    for number, file in enumerate(files):
        # Another hash: the same records in a file that differs in its header alone.
        arguments = file.arguments | {"sha256": f"again-{number}"}
        city.intake(**arguments)
    outcomes = city.outcomes
    again = {ref: found[0] for ref, found in outcomes.items() if ref[0].startswith("again-")}
    assert set(again.values()) <= {"repeat"}
    assert {ref: found for ref, found in outcomes.items() if ref not in again} == before[0]
    assert (city.balances, city.groups, city.suspense_yen) == before[1:]


def test_every_outcome_and_every_case_is_met():
    expected, met = TABLE | WITHOUT_MONEY | CASES, Counter[str]()

    def nothing_is_left(steps):
        city = played(steps)
        met.update(outcome for outcome, *_ in city.outcomes.values())
        met.update({kind for kind, _ in city.cases_ever})
        return met.keys() >= expected

    # It ends with the city that brings the last of them, as it was made.
    ways = settings(relaxed, max_examples=600, phases=[Phase.generate])
    with contextlib.suppress(NoSuchExample):
        find(scenarios(), nothing_is_left, settings=ways)
    assert expected - met.keys() == set()


def test_rows_can_be_written_as_the_files_that_the_service_takes_in():
    text = csv_bytes([assessment("01", 10_000), assessment("02", 8_000)]).decode()
    assert text.splitlines()[0].startswith("municipality_code,item_code,fiscal_year")
    assert text.endswith("\r\nT,2,18000\r\n")
    assert csv_bytes([slip("01", 10_000)]).decode().count("\r\n") == 3
