from __future__ import annotations

import csv
import json
import time

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.app import create_app
from web.notifications import keys

URL = "/api/v1/payment-notifications"


@pytest.fixture
def operator(city):
    """A payment operator with a key, and the slip of somebody who has not paid yet."""
    app = create_app(city.settings, city.engine, TESTING=True)
    with unit_of_work(city.engine, "99999") as connection:
        secret = keys.add(connection, city.settings, "99999", "pay-1", operator_name="見本決済")
    yield Operator(app.test_client(), secret)
    app.extensions["kokin"].close()


class Operator:
    def __init__(self, client, secret):
        self.client = client
        self.secret = secret

    def headers(self, body, *, at=None, key="pay-1", **more):
        timestamp = str(int(time.time() if at is None else at))
        signature = keys.sign(self.secret, timestamp, body)
        return {"X-Kokin-Key": key, "X-Kokin-Timestamp": timestamp,
                "X-Kokin-Signature": signature, **more}  # fmt: skip

    def send(self, payment, identifier="n-1", **options):
        body = payment if isinstance(payment, bytes) else json.dumps(payment).encode()
        headers = self.headers(body, **options)
        if identifier:
            headers["Idempotency-Key"] = identifier
        return self.client.post(URL, data=body, headers=headers)

    def look(self, identifier):
        return self.client.get(f"{URL}/{identifier}", headers=self.headers(b""))


@pytest.fixture
def slip(city):
    """An unpaid slip with an eL number."""
    with reading(city.engine, "99999") as connection:
        return connection.execute(
            text(
                "SELECT s.* FROM slip s JOIN pay_key k ON k.municipality_code = s.municipality_code "
                "AND k.slip_id = s.slip_id AND k.pay_key = 'E' || s.el_number "
                "JOIN instalment_account a ON a.municipality_code = s.municipality_code "
                "AND a.notice_id = s.notice_id AND a.term = s.term WHERE NOT k.superseded "
                "AND a.term_yen + a.whole_yen = 0 AND a.amount_yen = s.amount_yen "
                "AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.municipality_code = "
                "s.municipality_code AND r.notice_id = s.notice_id) LIMIT 1"
            )
        ).one()


def payment(slip, **changes):
    number = slip.el_number
    return {
        "record_kind": "1", "collecting_body_code": number[:5], "case_key": number[5:25],
        "confirmation_no": number[25:31], "item_code": number[31:],
        "amount_yen": slip.amount_yen, "paid_on": "2026-06-02", "paid_at": "10:15",
        "channel": "app", "operator_code": "0820", "transaction_id": "TX-NEW-1", **changes,
    }  # fmt: skip


def _outcomes(city):
    with reading(city.engine, "99999") as connection:
        return connection.execute(
            text(
                "SELECT o.outcome, o.applied_yen FROM line_outcome o JOIN source_file f "
                "ON f.municipality_code = o.municipality_code AND f.file_id = o.file_id "
                "WHERE f.channel = 'notification' ORDER BY o.file_id"
            )
        ).all()


def test_a_notification_is_booked_once_and_answered_the_same_again(operator, slip, city):
    first = operator.send(payment(slip))
    assert first.status_code == 201
    assert first.json["status"] == "accepted"
    again = operator.send(payment(slip))
    assert (again.status_code, again.json) == (200, first.json)
    assert operator.look("n-1").json == first.json
    assert _outcomes(city) == [("matched", slip.amount_yen)]


def test_the_same_transaction_under_another_key_changes_nothing(operator, slip, city):
    operator.send(payment(slip))
    assert operator.send(payment(slip, operator_name="見本"), "n-2").status_code == 201
    assert _outcomes(city) == [("matched", slip.amount_yen), ("repeat", 0)]


def test_the_file_that_comes_later_is_the_same_payment(operator, slip, city):
    from datetime import date  # noqa: PLC0415

    from reconcile.formats import eltax_payment  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    told = payment(slip)
    operator.send(told)

    def row(kind, remitted_on="", remittance_no=""):
        return eltax_payment.PaymentRow(
            kind, told["collecting_body_code"], told["item_code"], told["case_key"],
            told["confirmation_no"], told["amount_yen"], told["paid_on"], told["paid_at"],
            told["channel"], told["operator_code"], "見本決済", told["transaction_id"],
            remitted_on, remittance_no,
        )  # fmt: skip

    outcomes = [
        take_in(
            city.engine, "99999", Delivery(f"{number}.csv", eltax_payment.write([line])),
            received_on=date(2026, 6, 5),
        ).outcomes.keys()
        for number, line in enumerate([row("1"), row("2", "2026-06-05", "R20260605-99")])
    ]  # fmt: skip
    assert [list(found) for found in outcomes] == [["repeat"], ["confirms"]]


def test_another_body_under_the_same_key_is_a_conflict(operator, slip):
    operator.send(payment(slip))
    answer = operator.send(payment(slip, amount_yen=1))
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_conflict")


def test_the_identifier_may_stand_in_the_body(operator, slip):
    answer = operator.send(payment(slip, notification_id="body-1"), "")
    assert (answer.status_code, answer.json["id"]) == (201, "body-1")
    missing = operator.send(payment(slip), "")
    assert (missing.status_code, missing.json["code"]) == (422, "idempotency_key_missing")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X-Kokin-Signature": "0" * 64}, "signature_invalid"),
        ({"X-Kokin-Signature": "あ"}, "signature_invalid"),
        ({"X-Kokin-Signature": ""}, "signature_missing"),
        ({"X-Kokin-Key": "nobody"}, "signature_invalid"),
        ({"X-Kokin-Key": ""}, "signature_missing"),
        ({"X-Kokin-Timestamp": "yesterday"}, "timestamp_outside"),
    ],
)
def test_nothing_is_kept_without_a_right_signature(operator, slip, city, change, code):
    body = json.dumps(payment(slip)).encode()
    headers = {**operator.headers(body), "Idempotency-Key": "n-1", **change}
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    answer = operator.client.post(URL, data=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, code)
    assert _outcomes(city) == []


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_holds_for_five_minutes(operator, slip, seconds):
    answer = operator.send(payment(slip), at=time.time() + seconds * 1.01)
    assert (answer.status_code, answer.json["code"]) == (401, "timestamp_outside")


def test_a_changed_body_breaks_the_signature(operator, slip):
    headers = operator.headers(json.dumps(payment(slip)).encode())
    changed = json.dumps(payment(slip, amount_yen=1)).encode()
    answer = operator.client.post(URL, data=changed, headers={**headers, "Idempotency-Key": "n"})
    assert answer.json["code"] == "signature_invalid"


def test_a_disabled_key_signs_nothing_more(operator, slip, city):
    with unit_of_work(city.engine, "99999") as connection:
        keys.disable(connection, "99999", "pay-1")
    assert operator.send(payment(slip)).json["code"] == "signature_invalid"


def test_what_is_no_payment_is_kept_as_evidence_and_refused(operator, city):
    answer = operator.send(b'{"amount_yen": -5}')
    assert (answer.status_code, answer.json["code"]) == (422, "notification_quarantined")
    assert {"amount", "missing_member"} <= {f["code"] for f in answer.json["findings"]}
    assert operator.send(b'{"amount_yen": -5}').status_code == 422
    assert operator.look("n-1").json["status"] == "quarantined"
    with reading(city.engine, "99999") as connection:
        stored = connection.execute(
            text("SELECT e.data FROM evidence e WHERE e.sha256 = :sha"),
            {"sha": answer.json["sha256"]},
        ).scalar_one()
    assert stored == b'{"amount_yen": -5}'


def test_a_wrong_value_is_that_lines_outcome_and_no_refusal(operator, slip, city):
    assert operator.send(payment(slip, paid_on="2026-02-30")).status_code == 201
    assert [outcome for outcome, _ in _outcomes(city)] == ["malformed"]


def test_one_operator_does_not_see_the_notifications_of_another(operator, slip, city):
    operator.send(payment(slip))
    with unit_of_work(city.engine, "99999") as connection:
        secret = keys.add(connection, city.settings, "99999", "pay-2", operator_name="別")
    other = Operator(operator.client, secret)
    answer = operator.client.get(f"{URL}/n-1", headers=other.headers(b"", key="pay-2"))
    assert (answer.status_code, answer.json["code"]) == (404, "notification")


def test_keys_may_come_from_the_environment(city, slip):
    secret = "x" * 40
    settings = city.settings.model_copy(update={"notification_keys": f"env-1:{secret}"})
    app = create_app(settings, city.engine, TESTING=True)
    client = app.test_client()
    found = Operator(client, secret)
    body = json.dumps(payment(slip)).encode()
    headers = found.headers(body, key="env-1", **{"Idempotency-Key": "n-1"})
    assert client.post(URL, data=body, headers=headers).status_code == 201
    app.extensions["kokin"].close()


def test_the_interface_describes_itself(client):
    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {URL, f"{URL}/{{id}}"}
    answers = document["paths"][URL]["post"]["responses"]
    assert {"200", "201", "202", "409", "422"} <= answers.keys()
    states = document["components"]["schemas"]["Receipt"]["properties"]["status"]["enum"]
    assert states == ["accepted", "quarantined", "received"]


def test_the_description_names_the_members_that_are_read(client):
    from reconcile.formats import notification  # noqa: PLC0415

    schemas = client.get("/api/v1/openapi.json").json["components"]["schemas"]
    extra = {"amount_yen", "notification_id"}
    common = set(notification._COMMON) | extra
    assert set(schemas["UnifiedPayment"]["properties"]) == common | set(notification._UNIFIED)
    assert set(schemas["KonbiniPayment"]["properties"]) == common | set(notification._KONBINI)


def test_the_export_shows_the_notification(operator, slip, city, tmp_path):
    from reconcile.export import write_outcomes  # noqa: PLC0415

    operator.send(payment(slip))
    target = tmp_path / "out.csv"
    with reading(city.engine, "99999") as connection, target.open("w", newline="") as stream:
        write_outcomes(connection, "99999", stream)
    rows = list(csv.DictReader(target.read_text("utf-8").splitlines()))
    mine = [row for row in rows if row["channel"] == "notification"]
    assert [(r["line_no"], r["outcome"], r["slip_no"]) for r in mine] == [
        ("1", "matched", slip.slip_no)
    ]
