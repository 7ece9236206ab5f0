"""猶予・停止: facts with reasons, set and lifted, and never ended by a file that knows nothing of them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from years_town import YearsTown, claim

from payments import holds
from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.holds import HoldKind, Span, check_span
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.verify.everything import verify

M = "99999"
AT = datetime(2026, 6, 1, 3, tzinfo=UTC)
NOTICE = "901/2026/0000000001"
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@pytest.fixture
def town(database_url):
    """One notice of two instalments, and another notice."""
    made = YearsTown(database_url)
    made.assess(
        claim(1, 2026, 10_000),
        claim(1, 2026, 20_000, term="02"),
        claim(2, 2026, 30_000),
        on="2026-04-10",
    )
    yield made
    made.close()


def _set(town, name=NOTICE, kind=HoldKind.COLLECTION, span=None, reason="申請による"):
    with unit_of_work(town.engine, M) as connection:
        target = holds.target_of(connection, M, name)
        return holds.set_hold(
            connection, M, target, kind, span or Span(date(2026, 6, 1)), reason=reason,
            actor="abe", at=AT,
        )  # fmt: skip


def _lift(town, number, on):
    with unit_of_work(town.engine, M) as connection:
        return holds.lift_hold(connection, M, number, on=on, reason="納付", actor="ito", at=AT)


def _of(town, name=NOTICE):
    with reading(town.engine, M) as connection:
        target = holds.target_of(connection, M, name)
        return holds.holds_of_target(connection, M, target)


def _held(town, term, day):
    return holds.held(_of(town), term, date.fromisoformat(day))


def test_a_hold_stands_from_its_first_day_to_its_last_or_until_it_is_lifted(town):
    ends = _set(town, f"{NOTICE}/01", span=Span(date(2026, 6, 1), date(2026, 11, 30)))
    lifted = _set(town, NOTICE, HoldKind.CONVERSION)
    _lift(town, lifted, date(2026, 7, 1))
    assert _held(town, "01", "2026-05-31") == frozenset()
    assert _held(town, "01", "2026-06-30") == {"collection_hold", "conversion_hold"}
    assert _held(town, "02", "2026-06-30") == {"conversion_hold"}  # the whole notice is held
    assert _held(town, "01", "2026-07-01") == {"collection_hold"}
    assert _held(town, "01", "2026-12-01") == frozenset()
    first = _of(town)[0]
    assert (first.hold_no, first.term, first.reason, first.actor, first.by) == (
        ends, "01", "申請による", "abe", "person",
    )  # fmt: skip
    with reading(town.engine, M) as connection:
        assert [h.hold_no for h in holds.holds_on(connection, M, date(2026, 7, 1), limit=9)] == [1]
        assert [h.hold_no for h in holds.holds_on(connection, M, None, limit=9)] == [2, 1]
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []


def test_a_correction_without_flags_ends_what_a_file_set_and_nothing_else(town):
    _set(town, f"{NOTICE}/01", HoldKind.DUNNING)
    held = claim(1, 2026, 9_000, kind="correction", flags="collection_hold;direct_debit")
    town.assess(held, on="2026-06-05")
    assert _held(town, "01", "2026-06-05") == {"collection_hold", "dunning_hold"}
    town.assess(claim(1, 2026, 8_000, kind="correction"), on="2026-06-09")
    assert _held(town, "01", "2026-06-08") == {"collection_hold", "dunning_hold"}
    assert _held(town, "01", "2026-06-09") == {"dunning_hold"}
    by_file = next(hold for hold in _of(town) if hold.by == "file")
    assert (by_file.kind, by_file.span) == (
        "collection_hold",
        Span(date(2026, 6, 5), None, date(2026, 6, 9)),
    )
    assert (by_file.hold_no, by_file.reason, by_file.actor) == (0, "", "system")


def test_a_file_that_holds_from_the_start_is_a_hold_of_its_first_day(town):
    town.assess(claim(3, 2026, 1_000, flags="dunning_hold"), on="2026-05-01")
    (found,) = _of(town, "901/2026/0000000003")
    assert (found.kind, found.span) == ("dunning_hold", Span(date(2026, 5, 1)))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("901/2026", "claim_name"),
        ("901/令和8/0000000001", "claim_name"),
        ("901/2026/1", "claim"),
        ("901/2026/0000000001/03", "claim"),
    ],
)
def test_a_claim_that_is_not_there_is_named(town, name, code):
    kind = InvalidValueError if code == "claim_name" else NotFoundError
    with pytest.raises(kind, match=f"^{code}:"):
        _set(town, name)


def test_what_cannot_be_is_refused(town):
    with pytest.raises(InvalidValueError, match="hold_span"):
        _set(town, span=Span(date(2026, 6, 2), date(2026, 6, 1)))
    with pytest.raises(InvalidValueError, match="reason_missing"):
        _set(town, reason=" ")
    with pytest.raises(NotFoundError, match="hold"):
        _lift(town, 7, date(2026, 6, 1))
    number = _set(town)
    _lift(town, number, date(2026, 6, 2))
    with pytest.raises(RefusedError, match="hold_lifted"):
        _lift(town, number, date(2026, 6, 3))


@given(DAYS, st.none() | DAYS, st.none() | DAYS, DAYS)
def test_a_span_covers_each_of_its_days_and_no_other(from_on, until_on, lifted_on, day):
    span = Span(from_on, until_on, lifted_on)
    ends = [until_on] if until_on else []
    if lifted_on:
        ends.append(date.fromordinal(lifted_on.toordinal() - 1))
    last = min(ends, default=date.max)
    assert span.covers(day) == (from_on <= day <= last)
    if until_on and until_on < from_on:
        with pytest.raises(InvalidValueError):
            check_span(span)
