"""検算: what a person was told about a refund, and who wrote an account down, on both databases."""

from __future__ import annotations

from altered_rows import named
from refund_town import DAY, M, RefundTown

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.refunds import notices
from reconcile.verify.payees import payees
from reconcile.verify.refund_notices import refund_notices

NOTICE = "UPDATE refund_notice SET {}"
SAID = "content_json = REPLACE(content_json, '{}', '{}')"


def test_a_notice_that_says_something_else_and_an_account_of_one_person_are_named(database_url):
    town = RefundTown(database_url)
    subject = town.twice()
    town.refunded(subject)
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        number = notices.issue(connection, profile, subject, on=DAY, by="hanako", at=town.moment)
    assert named(town.engine, M, refund_notices) == named(town.engine, M, payees) == []
    for change in (
        "obligor_no = '1'",
        "subject = 'line:1:2'",
        "kind = 'both'",
        "noticed_on = '2026-01-01'",
        SAID.format("paid_twice", "assessed_wrong"),
        SAID.format('"paid_on": "2026', '"paid_on": "2025'),
        SAID.format('"refund_yen": 1', '"refund_yen": 2'),
        SAID.format('"total_yen": 1', '"total_yen": 2'),
        SAID.format('"claim_late_on": "2026', '"claim_late_on": "2025'),
    ):
        told = named(town.engine, M, refund_notices, NOTICE.format(change))
        assert told == [("refund_notice", f"notice:{number}")], change
    alone = "UPDATE payee_account SET registered_by = 'Jiro' WHERE account_no = 1"
    assert named(town.engine, M, payees, alone) == [("payee_account", "account:1")]
    town.close()
