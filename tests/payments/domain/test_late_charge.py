"""延滞金: published examples to the yen, a second reading by days, and the properties."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.domain.accrual import FloorAt, LeftOut, Minimums, NothingDue
from payments.domain.errors import InvalidValueError
from payments.domain.late_charge import LateCharge, LateChargeRules, PartPayment, late_charge
from payments.domain.late_charge_levies import low_tier_months, read_levies, shipped_levies
from payments.domain.late_charges import OverdueClaim, late_charges
from payments.domain.rates import RateTable, Tier, shipped_rates

VECTORS = Path(__file__).parents[2] / "vectors" / "late_charge.csv"
ONE_DAY = timedelta(days=1)
AMOUNTS = st.integers(0, 3_000_000)
DUE = st.dates(date(1999, 1, 1), date(2025, 12, 31))
LATE = st.integers(0, 4_000)
RULES = st.builds(
    LateChargeRules,
    low_tier_months=st.none() | st.integers(1, 12),
    floor_at=st.sampled_from(FloorAt),
    small_remainder_exempt=st.booleans(),
)
LEVY_HEAD = "levy,name,from_on,low_tier_months,floor_at,mark,source\n"


def rows() -> list[dict[str, str]]:
    """The rows of late_charge.csv."""
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text: str) -> date:
    return date.fromisoformat(text)


def paid_after(due_on: date, days: int) -> date:
    """The day so many days after the due date, in the years that have a rate."""
    return min(due_on + timedelta(days=days), date(2026, 12, 31))


def written(found: LateCharge) -> str:
    """The segments as the vectors write them."""
    return ";".join(f"{s.days}@{s.rate_percent}={s.yen}" for s in found.segments)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["id"])
def test_late_charge_vectors(row: dict[str, str]) -> None:
    rules = LateChargeRules(low_tier_months(row["low_tier_months"]), FloorAt(row["floor_at"]))
    found = late_charge(int(row["tax_yen"]), day(row["due_on"]), day(row["paid_on"]), rules=rules)
    assert found.base_yen == int(row["base_yen"])
    assert written(found) == row["segments"]
    assert (found.sum_yen, found.charge_yen) == (int(row["sum_yen"]), int(row["charge_yen"]))
    assert (found.nothing_due is None) == (found.charge_yen > 0)


# ---- a second reading: every day by itself, exact fractions ----


def by_days(
    tax_yen: int, due_on: date, paid_on: date, rules: LateChargeRules, payments: list[PartPayment]
) -> int:
    """The charge, from a list of days; only what is equal day after day is summed up."""
    rates = shipped_rates()
    overdue_yen = tax_yen - sum(p.amount_yen for p in payments if p.paid_on <= due_on)
    if overdue_yen < 2_000:
        return 0
    first = due_on + ONE_DAY
    runs: list[tuple[tuple[Tier, int, int], Fraction]] = []
    current = first
    while current <= paid_on:
        left_yen = tax_yen - sum(p.amount_yen for p in payments if p.paid_on < current)
        if left_yen == 0:
            break
        if left_yen < 2_000 and rules.small_remainder_exempt:
            left_yen = 0
        tier = Tier.LOW
        if rules.low_tier_months is not None:
            month = first.month - 1 + rules.low_tier_months
            year, month = first.year + month // 12, month % 12 + 1
            following = date(year + month // 12, month % 12 + 1, 1)  # first of the month after
            last_of_month = following - ONE_DAY
            end = (
                last_of_month
                if last_of_month.day < first.day
                else date(year, month, first.day) - ONE_DAY
            )
            tier = Tier.LOW if current <= end else Tier.HIGH
        terms = (tier, rates.ppm(current.year, tier), left_yen // 1_000 * 1_000)
        share = Fraction(terms[1] * terms[2], 365 * 1_000_000)
        if runs and runs[-1][0] == terms:
            runs[-1] = (terms, runs[-1][1] + share)
        else:
            runs.append((terms, share))
        current += ONE_DAY
    if rules.floor_at is FloorAt.SEGMENT:
        sum_yen = sum(int(amount) for _terms, amount in runs)
    else:
        sum_yen = sum(int(sum((a for t, a in runs if t[0] is tier), Fraction(0))) for tier in Tier)
    return 0 if sum_yen < 1_000 else sum_yen // 100 * 100


@given(AMOUNTS, DUE, st.integers(0, 900), RULES, st.data())
@settings(max_examples=60)
def test_it_is_what_every_day_bears(
    tax_yen: int, due_on: date, days: int, rules: LateChargeRules, data: st.DataObject
) -> None:
    paid_on = paid_after(due_on, days)
    payments: list[PartPayment] = []
    left_yen = tax_yen
    for _ in range(data.draw(st.integers(0, 3))):
        if left_yen == 0:
            break
        amount_yen = data.draw(st.integers(1, left_yen))
        on = data.draw(st.dates(due_on - timedelta(30), paid_on))
        payments.append(PartPayment(on, amount_yen))
        left_yen -= amount_yen
    found = late_charge(tax_yen, due_on, paid_on, rules=rules, payments=payments)
    assert found.charge_yen == by_days(tax_yen, due_on, paid_on, rules, payments)


# ---- properties ----


@given(AMOUNTS, AMOUNTS, DUE, LATE, LATE, RULES)
def test_more_tax_or_more_days_never_bear_less(
    one_yen: int, other_yen: int, due_on: date, days: int, more: int, rules: LateChargeRules
) -> None:
    less_yen, more_yen = sorted((one_yen, other_yen))
    paid_on, later_on = sorted((paid_after(due_on, days), paid_after(due_on, more)))
    little = late_charge(less_yen, due_on, paid_on, rules=rules)
    for found in (
        late_charge(more_yen, due_on, paid_on, rules=rules),
        late_charge(less_yen, due_on, later_on, rules=rules),
    ):
        assert little.sum_yen <= found.sum_yen
        assert little.charge_yen <= found.charge_yen


@given(AMOUNTS, DUE, LATE, RULES)
def test_the_sum_is_that_of_its_segments(
    tax_yen: int, due_on: date, days: int, rules: LateChargeRules
) -> None:
    paid_on = paid_after(due_on, days)
    found = late_charge(tax_yen, due_on, paid_on, rules=rules)
    tiers = [sum(s.parts for s in found.segments if s.terms.tier is tier) for tier in Tier]
    by_segment = sum(segment.yen for segment in found.segments)
    by_tier = sum(parts // (365 * 1_000_000 * 100) for parts in tiers)
    assert found.sum_yen == (by_segment if rules.floor_at is FloorAt.SEGMENT else by_tier)
    assert by_segment <= by_tier < by_segment + max(len(found.segments), 1)
    # Segments follow one another without a gap, and no two neighbours are alike.
    if found.segments:
        assert found.segments[0].from_on == due_on + ONE_DAY
        assert found.segments[-1].until_on == paid_on
        assert sum(segment.days for segment in found.segments) == (paid_on - due_on).days
    for before, after in zip(found.segments, found.segments[1:], strict=False):
        assert after.from_on == before.until_on + ONE_DAY
        assert after.terms != before.terms


@given(AMOUNTS, DUE, LATE, RULES, st.lists(st.integers(0, 4_000), max_size=5))
def test_it_does_not_matter_how_days_without_a_change_are_cut(
    tax_yen: int, due_on: date, days: int, rules: LateChargeRules, cuts: list[int]
) -> None:
    paid_on = paid_after(due_on, days)
    whole = late_charge(tax_yen, due_on, paid_on, rules=rules)
    # The same rates, a row for every year …
    by_year = RateTable(
        tuple(
            replace(row, from_year=year, to_year=year)
            for row in shipped_rates().rows
            for year in range(row.from_year or 1950, row.to_year + 1)
        )
    )
    assert late_charge(tax_yen, due_on, paid_on, rules=rules, rates=by_year) == whole
    # … and a payment so small that what is charged on stays the same.
    small = [
        PartPayment(due_on + timedelta(cut), 1)
        for cut in cuts[: tax_yen % 1_000]
        if 0 < cut <= (paid_on - due_on).days
    ]
    if not rules.small_remainder_exempt:
        cut = late_charge(tax_yen, due_on, paid_on, rules=rules, payments=small)
        assert cut.segments == whole.segments


@given(
    st.lists(st.tuples(AMOUNTS, DUE), max_size=20),
    st.dates(date(1999, 1, 1), date(2026, 12, 31)),
    RULES,
)
def test_many_at_once_are_the_same_as_one_by_one(
    claims: list[tuple[int, date]], paid_on: date, rules: LateChargeRules
) -> None:
    each = [late_charge(tax, due, paid_on, rules=rules).charge_yen for tax, due in claims]
    many = late_charges((OverdueClaim(*claim) for claim in claims), paid_on, rules=rules)
    assert list(many) == each


def test_many_at_once_take_partial_payments_and_refuse_what_one_refuses() -> None:
    claim = OverdueClaim(90_000, day("2025-06-30"), (PartPayment(day("2025-08-10"), 60_000),))
    alone = late_charge(90_000, day("2025-06-30"), day("2025-12-01"), payments=claim.payments)
    assert list(late_charges([claim], day("2025-12-01"))) == [alone.charge_yen]
    for wrong in (-1, 10**11, True):
        with pytest.raises(InvalidValueError):
            list(late_charges([OverdueClaim(wrong, day("2025-06-30"))], day("2025-12-01")))


# ---- partial payments, waivers, minimums ----


def test_a_partial_payment_lessens_the_base_from_the_day_after() -> None:
    found = late_charge(
        250_000,
        day("2025-06-30"),
        day("2025-10-10"),
        payments=[PartPayment(day("2025-08-20"), 100_500)],
    )
    assert [(s.from_on.isoformat(), s.terms.base_yen) for s in found.segments] == [
        ("2025-07-01", 250_000),
        ("2025-08-01", 250_000),
        ("2025-08-21", 149_000),
    ]
    assert found.sum_yen == 509 + 1_191 + 1_811


def test_nothing_runs_after_everything_is_paid_in_parts() -> None:
    parts = [PartPayment(day("2025-08-20"), 50_000), PartPayment(day("2025-09-01"), 50_000)]
    found = late_charge(100_000, day("2025-06-30"), day("2026-03-31"), payments=parts)
    assert found.segments[-1].until_on == day("2025-09-01")
    early = [PartPayment(day("2025-06-30"), 100_000)]
    found = late_charge(100_000, day("2025-06-30"), day("2026-03-31"), payments=early)
    assert (found.segments, found.nothing_due) == ((), NothingDue.IN_TIME)


def test_what_was_left_at_the_due_date_is_what_the_minimum_looks_at() -> None:
    early = [PartPayment(day("2025-06-30"), 98_500)]
    found = late_charge(100_000, day("2025-06-30"), day("2026-03-31"), payments=early)
    assert (found.base_yen, found.nothing_due) == (0, NothingDue.SMALL_BASE)


def test_a_small_remainder_is_charged_unless_the_rules_exempt_it() -> None:
    parts = [PartPayment(day("2025-08-20"), 98_500)]
    bases = [
        late_charge(
            100_000,
            day("2025-06-30"),
            day("2026-03-31"),
            rules=LateChargeRules(small_remainder_exempt=exempt),
            payments=parts,
        )
        .segments[-1]
        .terms.base_yen
        for exempt in (False, True)
    ]
    assert bases == [1_000, 0]


def test_days_of_a_waiver_do_not_count_or_only_in_part() -> None:
    arguments = (300_000, day("2025-06-30"), day("2025-12-31"))
    whole = late_charge(*arguments)
    half = late_charge(*arguments, left_out=[LeftOut(day("2025-09-01"), day("2025-10-31"), 50)])
    none = late_charge(*arguments, left_out=[LeftOut(day("2025-01-01"), date.max)])
    assert [s.terms.left_out_percent for s in half.segments] == [0, 0, 50, 0]
    assert half.segments[2].yen == 300_000 * 87 * 61 // (2 * 365_000)
    assert 0 < half.charge_yen < whole.charge_yen
    assert (none.sum_yen, none.charge_yen, none.nothing_due) == (0, 0, NothingDue.LEFT_OUT)


def test_of_two_waivers_on_one_day_the_greater_one_holds() -> None:
    both = [
        LeftOut(day("2025-08-01"), day("2025-10-31"), 50),
        LeftOut(day("2025-09-01"), day("2025-09-30")),
    ]
    found = late_charge(300_000, day("2025-06-30"), day("2025-12-31"), left_out=both)
    assert [s.terms.left_out_percent for s in found.segments] == [0, 50, 100, 50, 0]


@pytest.mark.parametrize(
    ("tax_yen", "paid_on", "why"),
    [
        (50_000, "2025-06-30", NothingDue.IN_TIME),
        (1_999, "2026-06-30", NothingDue.SMALL_BASE),
        (50_000, "2025-07-31", NothingDue.SMALL_RESULT),
    ],
)
def test_it_says_why_nothing_is_due(tax_yen: int, paid_on: str, why: NothingDue) -> None:
    found = late_charge(tax_yen, day("2025-06-30"), day(paid_on))
    assert (found.charge_yen, found.nothing_due) == (0, why)


def test_an_ordinance_may_have_other_minimums() -> None:
    rules = LateChargeRules(minimums=Minimums(1_000, 100, 500, 10))
    found = late_charge(39_550, day("2025-06-30"), day("2025-09-03"), rules=rules)
    assert (found.base_yen, found.sum_yen, found.charge_yen) == (39_500, 80 + 320, 0)
    found = late_charge(59_550, day("2025-06-30"), day("2025-09-03"), rules=rules)
    assert (found.base_yen, found.sum_yen, found.charge_yen) == (59_500, 121 + 482, 600)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("due_on", "paid_on"),
    [("2026-06-30", "2027-01-01"), ("2030-01-01", "2030-02-01"), ("9999-12-30", "9999-12-31")],
)
def test_a_year_without_a_rate_is_never_guessed(due_on: str, paid_on: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        late_charge(100_000, day(due_on), day(paid_on))
    assert caught.value.error_code == "rate_unknown"
    assert caught.value.details["found"] == day(paid_on).year


def test_what_bears_nothing_needs_no_rate() -> None:
    assert late_charge(100_000, day("9999-12-31"), day("9999-12-31")).charge_yen == 0
    assert late_charge(1_000, day("2027-01-31"), day("2029-01-01")).charge_yen == 0


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("yen_out_of_range", lambda: late_charge(-1, day("2025-06-30"), day("2025-07-31"))),
        ("low_tier_months", lambda: LateChargeRules(low_tier_months=0)),
        ("low_tier_months", lambda: low_tier_months("1.5")),
        ("low_tier_months", lambda: low_tier_months("13")),
        ("minimums", lambda: Minimums(base_unit_yen=0)),
        ("minimums", lambda: Minimums(result_yen=-1)),
        ("part_payment", lambda: _with_parts(PartPayment(day("2025-08-01"), 1))),
        ("part_payment", lambda: _with_parts(PartPayment(day("2025-07-01"), 100_001))),
        ("yen_out_of_range", lambda: _with_parts(PartPayment(day("2025-07-01"), 0))),
        ("left_out", lambda: _without(LeftOut(day("2025-07-02"), day("2025-07-01")))),
        ("left_out", lambda: _without(LeftOut(day("2025-07-01"), day("2025-07-01"), 0))),
        ("left_out", lambda: _without(LeftOut(day("2025-07-01"), day("2025-07-01"), 101))),
    ],
)
def test_what_cannot_be_is_refused(code, make) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make()
    assert caught.value.error_code == code


def _with_parts(*payments: PartPayment) -> LateCharge:
    return late_charge(100_000, day("2025-06-30"), day("2025-07-31"), payments=payments)


def _without(*periods: LeftOut) -> LateCharge:
    return late_charge(100_000, day("2025-06-30"), day("2025-07-31"), left_out=periods)


# ---- the rules of a levy ----


def test_the_rules_that_ship() -> None:
    levies = shipped_levies()
    assert levies.rules("tax", day("2005-01-31")) == LateChargeRules()
    assert levies.rules("national_health_fee", day("2025-07-31")).low_tier_months == 3
    with pytest.raises(InvalidValueError) as caught:
        levies.rules("long_term_care_fee", day("2025-07-31"))
    assert caught.value.error_code == "late_charge_levy"
    assert "tax" in str(caught.value.details["expected"])


def test_rules_change_with_the_due_date() -> None:
    levies = read_levies(
        f"{LEVY_HEAD}care,介護保険料,2010-04-01,3,segment,,\n"
        "care,介護保険料,2024-04-01,throughout,tier,,\n"
    )
    assert levies.rules("care", day("2024-03-31")) == LateChargeRules(3)
    assert levies.rules("care", day("2024-04-01")) == LateChargeRules(None, FloorAt.TIER)
    with pytest.raises(InvalidValueError, match="late_charge_levy"):
        levies.rules("care", day("2010-03-31"))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("care,介護保険料,2010-04-31,3,segment,,", "from_on"),
        ("care,介護保険料,,0,segment,,", "low_tier_months"),
        ("care,介護保険料,,3,never,,", "floor_at"),
    ],
)
def test_a_row_of_rules_that_cannot_be_is_refused(line: str, field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        read_levies(f"{LEVY_HEAD}{line}\n")
    assert caught.value.error_code == "late_charge_levy_row"
    assert (caught.value.details["line_no"], caught.value.details["field"]) == (2, field)
