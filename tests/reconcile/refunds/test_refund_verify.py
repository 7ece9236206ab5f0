"""What somebody changes about a refund behind the back of the service is found."""

from __future__ import annotations

import json

import pytest
from refund_town import RefundTown, refund_profile
from sqlalchemy import text

from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.overpayment import Refunds, require_refunds
from payments.store.unit_of_work import unit_of_work
from reconcile.formats.zengin_transfer import Transfer, write
from reconcile.refunds import batches, withdraw
from reconcile.verify.everything import verify

M = "99999"


@pytest.fixture
def town(sqlite_url):
    """A refund that was decided and sent; nothing guards the rows any more."""
    town = RefundTown(sqlite_url)
    town.refunded(town.twice())
    town.released(town.built())
    with unit_of_work(town.engine, M) as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in list(names.scalars()):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield town
    town.close()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("UPDATE refund SET amount_yen = 9999", "refund"),
        ("UPDATE refund SET interest_yen = 1000", "refund_interest"),
        ("UPDATE refund_event SET event = 'paid' WHERE event_no = 1", "refund_event"),
        ("UPDATE posting SET amount_yen = 1 WHERE reason = 'refund_decided'", "refund_booking"),
        ("UPDATE refund_batch SET amount_yen = 1", "refund_batch"),
        ("UPDATE refund_batch SET file_sha256 = 'x'", "refund_file"),
        ("DELETE FROM refund_sent", "refund_sent"),
        ("UPDATE refund SET amount_yen = 1", "refund_due_balance"),
    ],
)
def test_a_change_has_its_name(town, change, name):
    with unit_of_work(town.engine, M) as connection:
        connection.exec_driver_sql(change)
    assert name in {difference.name for difference in verify(town.engine, M)}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE approval SET asked_by = decided_by WHERE kind = 'refund_batch_withdraw'",
        "UPDATE refund_batch_event SET approval_id = 1 WHERE event = 'withdrawn'",
        "UPDATE refund_batch_event SET event = 'withdrawn', approval_id = 9 WHERE event = 'released'",
        "UPDATE refund_batch_event SET event = 'paid' WHERE event = 'handed_out'",
        "DELETE FROM refund_batch_event WHERE event = 'withdrawn'",
        "DELETE FROM refund_event WHERE event = 'withdrawn'",
        "UPDATE refund_batch_event SET event_no = 9 WHERE event = 'handed_out'",
    ],
)
def test_a_withdrawal_that_two_people_did_not_make_is_found(town, change):
    asked = town.asked(withdraw.ask_withdraw, 1, stopped="みほん銀行 田中氏")
    town.approve(asked)
    assert "refund_withdrawn" not in {each.name for each in verify(town.engine, M)}
    with unit_of_work(town.engine, M) as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        connection.exec_driver_sql(change)
    assert "refund_withdrawn" in {each.name for each in verify(town.engine, M)}


@pytest.mark.parametrize(
    ("more", "expected", "found"),
    [
        # On more than came: as if one sum had been appropriated two times.
        (
            {"bears": [{"amount_yen": 10_001, "ends_on": "2026-06-20", "interest_yen": 0}]},
            "10000",
            "10001",
        ),
        ({"paid_before_yen": 100}, "0", "100"),  # which nobody was paid before
    ],
)
def test_interest_that_nobody_could_be_owed_is_found(town, more, expected, found):
    with unit_of_work(town.engine, M) as connection:
        row = connection.execute(text("SELECT content_json FROM approval WHERE kind = 'refund'"))
        said = json.dumps(json.loads(row.scalar_one()) | more)
        connection.execute(
            text("UPDATE approval SET content_json = :said WHERE kind = 'refund'"), {"said": said}
        )
    differences = [each[1:] for each in verify(town.engine, M) if each.name == "refund_interest"]
    assert ("refund:1", expected, found) in differences


def test_a_file_that_reads_otherwise_than_it_was_meant_is_not_made(monkeypatch, sqlite_url):
    town = RefundTown(sqlite_url)
    town.refunded(town.twice())

    def other(orders):
        (order,) = orders
        wrong = [Transfer(**{**each._asdict(), "amount_yen": 1}) for each in order.transfers]
        return write([order._replace(transfers=wrong)])

    monkeypatch.setattr(batches, "write", other)
    with pytest.raises(RefusedError, match="batch_file"):
        town.built()
    assert town.rows("SELECT * FROM refund_batch") == []
    town.close()


def test_settings_that_no_transfer_could_be_made_with_are_refused():
    assert refund_profile().refunds.orderer_name == "ﾐﾎﾝｼ"
    for wrong in (
        Refunds(short_items=("777",)),
        Refunds(account="none"),
        Refunds(orderer_code="12"),
        Refunds(warn_days=0),
    ):
        with pytest.raises(InvalidValueError, match="profile_refunds"):
            require_refunds(wrong, {"901"}, {"a"})
