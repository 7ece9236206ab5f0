"""委託納付: with the person's consent an overpayment pays what is not due yet (law.md 6.2)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from placing_town import DAY, NOTICES, M
from refund_town import RefundTown
from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.charges.due import claims_of
from reconcile.refunds import appropriate, notices
from reconcile.refunds.appropriate import Consent
from web.refunds.paper import letter

AGREED = DAY - timedelta(days=1)
LATER = date(2026, 9, 1)  # everything is due


@pytest.fixture
def town(database_url):
    """Nothing is due yet, and the first instalment of notice 1 was paid twice."""
    made = RefundTown(database_url)
    yield made
    made.check()
    made.close()


@pytest.fixture
def subject(town):
    found = town.twice()
    town.ready(found)
    return found


def _places(town, *places):
    return frozenset((town.notice[NOTICES[number - 1]], term) for number, term in places)


def _ask(town, subject, *places, on=AGREED, as_of=DAY):
    consent = Consent(on, _places(town, *places))
    return town.asked(appropriate.ask_appropriation, subject, as_of=as_of, consent=consent)


def test_what_is_not_due_is_offered_and_paid_only_with_consent(town, subject):
    with reading(town.engine, M) as connection:
        offered = appropriate.not_due(connection, M, town.found(subject), DAY)
    assert (town.notice[NOTICES[0]], "02") in {(each.notice_id, each.term) for each in offered}
    with pytest.raises(RefusedError, match="appropriation_nothing"):
        town.asked(appropriate.ask_appropriation, subject, as_of=DAY)
    (approval,) = _ask(town, subject, (1, "02"))
    assert approval.content["consented_on"] == AGREED.isoformat()
    assert len(approval.content["entrusted"]) == 1
    town.approve(approval)
    assert (town.open_yen(1, "02"), town.found(subject).waiting_yen) == (0, 2_000)


def test_the_next_due_day_comes_first_and_the_money_ends_somewhere(town, subject):
    (approval,) = _ask(town, subject, (2, "02"), (2, "01"))
    town.approve(approval)
    assert (town.open_yen(2, "01"), town.open_yen(2, "02")) == (0, 8_000)
    with pytest.raises(NotFoundError, match="overpayment"):
        town.found(subject)


def test_it_pays_from_the_day_of_the_consent_and_bears_no_late_charge(town, subject):
    town.approve(*_ask(town, subject, (2, "01")))
    with reading(town.engine, M) as connection:
        (claim,) = claims_of(connection, M, _places(town, (2, "01")))
    assert [each.paid_on for each in claim.payments] == [AGREED]
    assert claim.last_paid_on <= claim.due_on


def test_the_letter_says_that_it_was_entrusted(town, subject):
    town.approve(*_ask(town, subject, (1, "02")))
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        number = notices.issue(connection, profile, subject, on=DAY, by="hanako", at=town.moment)
        found = notices.notice(connection, M, number)
    said = letter(profile, found)
    assert said["title"] == "過誤納金還付（充当・委託納付）通知書"
    assert "同意により" in said["opening"]
    ((place, yen, _day),) = said["parts"]
    assert place.endswith("第2期（委託納付）")
    assert yen == "8,000円"


@pytest.mark.parametrize(
    ("places", "on"),
    [(((1, "02"),), DAY + timedelta(days=1)), ((), AGREED), (((1, "01"),), AGREED)],
    ids=["a day to come", "nothing", "paid already"],
)
def test_a_consent_is_to_something_and_was_given(town, subject, places, on):
    with pytest.raises(InvalidValueError, match="entrusted_consent"):
        _ask(town, subject, *places, on=on)


def test_what_is_due_is_not_entrusted_but_appropriated(town, subject):
    with pytest.raises(InvalidValueError, match="entrusted_consent"):
        _ask(town, subject, (1, "02"), as_of=LATER)


def test_what_has_become_due_meanwhile_comes_first(town, subject):
    (approval,) = _ask(town, subject, (3, "02"))
    with pytest.raises(RefusedError, match="approval_stale"):
        town.approve(approval, LATER)
    with reading(town.engine, M) as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM placement")).scalar_one() == 0
