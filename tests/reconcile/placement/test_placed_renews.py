"""時効の更新 by a part payment: there where its money stands, and by whoever paid it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from credit_town import CreditTown
from placing_town import NOTICES, M, row
from reference_town import NOTICE, assessment
from refund_town import RefundTown

from payments import approve
from payments.domain.limitation import Cause
from payments.limitation import limitations_of
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.placement import credit_placing
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.placement_model import Part
from reconcile.refunds import appropriate

PAID = date(2026, 7, 10)  # behind 納期限
LATER = date(2026, 9, 1)
AT = datetime(2026, 7, 7, 1, tzinfo=UTC)


@pytest.fixture
def town(database_url):
    made = RefundTown(database_url)
    yield made
    made.close()


def renewed(engine, code=M):
    """Days of the part payments by notice and term, of what is open still."""
    with reading(engine, code) as connection:
        profile = load_profile(connection, code)
        found = limitations_of(connection, profile, range(1, 9))
        return {
            place: [each.on for each in one.limitation.renewals]
            for place, one in found.items()
            if all(each.cause is Cause.PART_PAYMENT for each in one.limitation.renewals)
            and one.limitation.renewals
        }


def test_money_renews_where_two_people_placed_it(town):
    town.shop("part.csv", row(1, kind="02", yen=4_000, paid_on="20260710"), on=PAID)
    mine, other = ((town.notice[number], "01") for number in NOTICES[:2])
    line = town.line("part.csv")
    town.place(line, town.part(1, "01", 3_000))
    assert renewed(town.engine) == {mine: [PAID]}
    town.place(line, town.part(2, "01", 4_000))
    assert renewed(town.engine) == {other: [PAID]}
    town.place(line, town.part(1, "01", 1_000), town.part(2, "01", 3_000))
    assert renewed(town.engine) == {mine: [PAID], other: [PAID]}
    town.place(line)
    assert renewed(town.engine) == {}


def test_what_the_authority_appropriates_is_no_acknowledgement(town):
    """But what the person had paid there before stays one."""
    town.shop("much.csv", row(1, yen=990_000, kind="02", paid_on="20260710"), on=PAID)
    other, third = ((town.notice[number], "01") for number in NOTICES[1:])
    for place, yen in ((1, 600_000), (2, 600_000)):
        number = NOTICES[place]
        group = f"G{number}"
        line = assessment("01", yen, kind="correction", notice_no=number, whole_year_group=group)
        town.assess(line, name=f"{number}.csv")
    line = town.line("much.csv")
    found = "line:{}:{}".format(*line)
    town.ready(found, "too_much")
    town.place(line, town.part(1, "01", 10_000), town.part(2, "01", 1_000))
    assert renewed(town.engine) == {other: [PAID]}
    (asked,) = town.asked(appropriate.ask_appropriation, found, as_of=LATER)
    town.approve(asked, LATER)
    assert town.open_yen(3, "01") < 600_000
    assert renewed(town.engine) == {other: [PAID]} or town.open_yen(2, "01") == 0
    assert third not in renewed(town.engine)
    town.place(line, town.part(1, "01", 10_000), town.part(3, "01", 200_000))
    assert renewed(town.engine) == {}  # it stays what it was
    town.place(line, town.part(1, "01", 10_000))
    town.place(line, town.part(1, "01", 10_000), town.part(3, "01", 5_000))
    assert renewed(town.engine) == {third: [PAID]}


def test_a_credit_placed_over_several_instalments_renews_each(database_url):
    town = CreditTown(database_url)
    line = town.credited(11_000, booked_on="2026-09-10", received="2026-09-11")
    notice_id = int(town.ask("SELECT notice_id FROM notice WHERE notice_no = :n", n=NOTICE))
    parts = (Part(notice_id, "01", 6_000), Part(notice_id, "02", 5_000))
    with unit_of_work(town.engine, town.code) as connection:
        asked = ask_credit_placement(
            connection, town.profile, CreditPlacement(*line, parts, (), learn_alias=False),
            asked_by="ichiro", at=AT, reason="通帳と照合",
        )  # fmt: skip
        done = approve.decide(
            connection, town.code, asked.approval_id, "approved", decided_by="jiro", at=AT
        )
        credit_placing.carry_out(connection, town.profile, done, on=LATER)
    days = renewed(town.engine, town.code)
    assert set(days) == {(notice_id, "01"), (notice_id, "02")}
    town.city.close()
