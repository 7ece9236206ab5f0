from __future__ import annotations

import csv
import json
import secrets
import time
from hashlib import sha256

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.verify.everything import verify
from web.app import create_app
from web.notifications import door, keys
from web.notifications.signing import signed_headers

URL = "/api/v1/payment-notifications"


@pytest.fixture
def operator(city):
    """A payment operator with a key, and the slip of somebody who has not paid yet."""
    app = create_app(city.settings, city.engine, TESTING=True)
    with unit_of_work(city.engine, "99999") as connection:
        secret = keys.add(connection, city.settings, "99999", "pay-1", operator_name="見本決済")
    yield Operator(app.test_client(), secret, app.extensions["kokin"])
    app.extensions["kokin"].close()


class Operator:
    def __init__(self, client, secret, services=None):
        self.client = client
        self.secret = secret
        self.services = services

    def headers(self, body, *, at=None, key="pay-1", method="POST", path=URL, nonce=None, **more):
        timestamp = str(int(time.time() if at is None else at))
        nonce = nonce or secrets.token_hex(16)
        return signed_headers(key, self.secret, timestamp, nonce, method, path, body) | more

    def send(self, payment, identifier="n-1", **options):
        body = payment if isinstance(payment, bytes) else json.dumps(payment).encode()
        headers = self.headers(body, **options)
        if identifier:
            headers["Idempotency-Key"] = identifier
        return self.client.post(URL, data=body, headers=headers)

    def look(self, identifier, **options):
        return self.get(f"{URL}/{identifier}", **options)

    def get(self, path, **options):
        return self.client.get(path, headers=self.headers(b"", method="GET", path=path, **options))


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
        "el_number": number, "amount_yen": slip.amount_yen, "paid_on": "2026-06-02", "paid_at": "10:15",
        "channel": "app", "operator_code": "0820", "transaction_id": "TX-NEW-1", **changes,
    }  # fmt: skip


def _outcomes(city):
    with reading(city.engine, "99999") as connection:
        return connection.execute(
            text(
                "SELECT o.outcome, o.applied_yen FROM line_outcome o JOIN source_file f "
                "ON f.municipality_code = o.municipality_code AND f.file_id = o.file_id "
                "WHERE f.channel = 'notification' ORDER BY o.file_id, o.outcome"
            )
        ).all()


def test_a_notification_is_booked_once_and_answered_the_same_again(operator, slip, city):
    first = operator.send(payment(slip))
    assert first.status_code == 201
    assert first.json["status"] == "accepted"
    assert first.json["outcome"] == "recorded"
    assert "Idempotency-Replayed" not in first.headers
    again = operator.send(payment(slip))
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert operator.look("n-1").json == first.json
    assert _outcomes(city) == [("matched", slip.amount_yen)]


def test_the_same_transaction_under_another_key_changes_nothing(operator, slip, city):
    operator.send(payment(slip))
    again = operator.send(payment(slip, operator_name="見本"), "n-2")
    assert (again.status_code, again.json["outcome"]) == (201, "repeated")
    same_bytes = operator.send(payment(slip), "n-3")  # … are the same file
    assert (same_bytes.status_code, same_bytes.json["outcome"]) == (201, "recorded")
    assert _outcomes(city) == [("matched", slip.amount_yen), ("repeat", 0)]


def test_the_file_that_comes_later_is_the_same_payment(operator, slip, city):
    from datetime import date  # noqa: PLC0415

    from reconcile.formats import eltax_payment  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    told, number = payment(slip), slip.el_number
    operator.send(told)

    def row(kind, remitted_on="", remittance_no=""):
        return eltax_payment.PaymentRow(
            kind, number[:5], number[31:], number[5:25], number[25:31], told["amount_yen"], told["paid_on"], told["paid_at"],
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
    differs = operator.send(payment(slip, notification_id="body-1"), "header-1")
    assert (differs.status_code, differs.json["code"]) == (422, "idempotency_key_differs")
    for header in ("n 1", "", "n" * 65):
        told = payment(slip, notification_id="body-1")
        invalid = operator.send(told, "", **{"Idempotency-Key": header})
        assert (invalid.status_code, invalid.json["code"]) == (422, "idempotency_key_invalid")


def test_what_cannot_be_is_refused_kept_and_holds_no_key(operator, slip, city):
    answer = operator.send(b'{"amount_yen": -5}')
    assert (answer.status_code, answer.json["code"]) == (422, "body_invalid")
    assert answer.content_type.startswith("application/problem+json")
    assert answer.json["type"] == "/api/v1/docs#body_invalid"
    wrong = {error["pointer"]: error["code"] for error in answer.json["errors"]}
    assert wrong["/amount_yen"] == "value_wrong"
    assert wrong["/el_number"] == "member_missing"
    assert operator.send(b'{"amount_yen": -5}').status_code == 422
    assert operator.look("n-1").status_code == 404
    store = operator.services.spool.reading("99999")
    with store as connection:
        (kept,) = door.refused_ones(connection, "99999")
        assert (kept.notification_id, kept.code) == ("n-1", "body_invalid")
        assert door.refused_body(connection, "99999", kept.refusal_no) == b'{"amount_yen": -5}'
        assert door.refused_body(connection, "99999", 99) is None
    assert _outcomes(city) == []
    assert operator.send(payment(slip)).status_code == 201


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"paid_on": "2026-02-30"}, "/paid_on", "not_a_day"),
        ({"paid_on": "2999-01-01"}, "/paid_on", "day_future"),
        ({"paid_on": "1999-12-31"}, "/paid_on", "day_range"),
        ({"paid_on": 20260602}, "/paid_on", "type_wrong"),
        ({"amount_yen": 0}, "/amount_yen", "value_wrong"),
        ({"amount_yen": 100_000_000_000}, "/amount_yen", "value_wrong"),
        ({"amount_yen": 1.0}, "/amount_yen", "type_wrong"),
        ({"amount_yen": True}, "/amount_yen", "type_wrong"),
        ({"channel": "pigeon"}, "/channel", "value_wrong"),
        ({"operator_code": ""}, "/operator_code", "value_wrong"),
        ({"operator_code": "12345678901"}, "/operator_code", "value_wrong"),
        ({"operator_name": "\ud800"}, "/operator_name", "value_wrong"),
        ({"operator_name": None}, "/operator_name", "type_wrong"),
        ({"a/b~": 1}, "/a~1b~0", "member_unknown"),
        ({"kind": "confirmed"}, "/remittance_no", "member_missing"),
        ({"kind": "confirmed", "remittance_no": "R", "remittance_on": "2026-06-01"}, "",
         "remittance_range"),
        ({"kind": "confirmed", "remittance_no": "R", "remittance_on": "2027-06-04"}, "",
         "remittance_range"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_place(operator, slip, change, pointer, code):
    answer = operator.send(payment(slip, **change))
    assert answer.status_code == 422
    named = [(error["pointer"], error["code"]) for error in answer.json["errors"]]
    assert (pointer, code) in named
    assert all(error["detail"] for error in answer.json["errors"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff", "not_json"),
        (b"", "not_json"),
        (b'{"amount_yen": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"amount_yen": 1, "amount_yen": 2}', "named_twice"),
        (b"[]", "not_an_object"),
        (b'{"notifications": 1}', "type_wrong"),
        (b'{"notifications": []}', "value_wrong"),
        (b'{"notifications": [{}], "more": 1}', "member_unknown"),
        (b'{"notifications": [' + b"{}," * 1_000 + b"{}]}", "value_wrong"),
    ],
)
def test_what_is_no_body_is_told_so(operator, body, code):
    answer = operator.send(body)
    assert (answer.status_code, answer.json["code"]) == (422, "body_invalid")
    assert code in {error["code"] for error in answer.json["errors"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json; charset=shift_jis"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json; charset=UTF-8"}, 201),
    ],
)
def test_a_body_is_plain_json(operator, slip, headers, status):
    answer = operator.send(payment(slip), **headers)
    assert answer.status_code == status
    if status == 415:
        assert answer.json["code"] == "media_type"


def test_a_body_may_be_too_large(operator):
    answer = operator.send(b" " * (2 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


def test_a_slip_that_nobody_knows_is_taken_in_all_the_same(operator, slip, city):
    unknown = operator.send(payment(slip, el_number="99999" + "9" * 20 + "123456901"))
    assert (unknown.status_code, unknown.json["outcome"]) == (202, "unknown_slip")
    assert unknown.json["status"] == "accepted"
    again = operator.send(payment(slip, el_number="99999" + "9" * 20 + "123456901"))
    assert (again.status_code, again.data) == (202, unknown.data)
    same_bytes = operator.send(payment(slip, el_number="99999" + "9" * 20 + "123456901"), "n-9")
    assert (same_bytes.status_code, same_bytes.json["outcome"]) == (202, "unknown_slip")
    elsewhere = operator.send(payment(slip, el_number="11111" + "9" * 20 + "123456901",
                                      transaction_id="TX-2"), "n-2")  # fmt: skip
    assert (elsewhere.status_code, elsewhere.json["outcome"]) == (202, "unknown_slip")
    assert [outcome for outcome, _ in _outcomes(city)] == ["unknown_slip", "other_municipality"]


def test_paid_confirmed_and_cancelled_are_one_payment(operator, slip, city):
    settled = {"kind": "confirmed", "remittance_on": "2026-06-05", "remittance_no": "R-1"}
    answers = [
        operator.send(payment(slip), "n-1"),
        operator.send(payment(slip, kind="cancelled"), "n-2"),
        operator.send(payment(slip, transaction_id="TX-2"), "n-3"),
        operator.send(payment(slip, transaction_id="TX-2", **settled), "n-4"),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert [outcome for outcome, _ in _outcomes(city)] == [
        "matched",
        "withdrawn",
        "withdraws",
        "matched",
        "confirms",
    ]
    found = operator.get(f"{URL}?transaction_id=TX-2")
    assert [each["id"] for each in found.json["notifications"]] == ["n-3", "n-4"]
    assert found.json["notifications"][0] == answers[2].json
    assert operator.get(f"{URL}?transaction_id=TX-3").json == {"notifications": []}
    wrong = operator.get(f"{URL}?transaction_id=")
    assert (wrong.status_code, wrong.json["code"]) == (422, "transaction_id")


def test_a_barcode_payment_is_told_and_withdrawn(operator, city):
    with reading(city.engine, "99999") as connection:
        barcode = connection.execute(
            text("SELECT konbini_barcode FROM slip WHERE konbini_barcode <> '' LIMIT 1")
        ).scalar_one()
    told = {
        "konbini_barcode": barcode, "agent": "konbini_dsk", "cvs_code": "030",
        "shop_code": "001234", "amount_yen": int(barcode[37:43]), "paid_on": "2026-06-02",
        "paid_at": "10:15", "transaction_id": "K-1",
    }  # fmt: skip
    assert operator.send(told).json["outcome"] == "recorded"
    assert operator.send(told | {"kind": "cancelled"}, "n-2").json["outcome"] == "recorded"
    assert [outcome for outcome, _ in _outcomes(city)] == ["matched", "withdrawn", "withdraws"]
    found = operator.get(f"{URL}?transaction_id=K-1").json["notifications"]
    assert [each["id"] for each in found] == ["n-1", "n-2"]
    confirmed = operator.send(told | {"kind": "confirmed"}, "n-3")
    assert (confirmed.status_code, confirmed.json["errors"][0]["pointer"]) == (
        422,
        "/remittance_on",
    )
    late = told | {"kind": "confirmed", "remittance_on": "2026-05-31"}
    refused = operator.send(late, "n-4")
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "remittance_range")


def test_a_barcode_payment_is_confirmed_and_its_file_comes_later(operator, city):
    from datetime import date  # noqa: PLC0415

    from reconcile.formats import konbini_dsk  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    with reading(city.engine, "99999") as connection:
        barcode = connection.execute(
            text("SELECT konbini_barcode FROM slip WHERE konbini_barcode <> '' LIMIT 1")
        ).scalar_one()
    amount = int(barcode[37:43])
    told = {
        "konbini_barcode": barcode, "agent": "konbini_dsk", "cvs_code": "030",
        "shop_code": "001234", "amount_yen": amount, "paid_on": "2026-06-02", "paid_at": "10:15",
        "transaction_id": "K-2",
    }  # fmt: skip
    assert operator.send(told).json["outcome"] == "recorded"
    remitted = {"kind": "confirmed", "remittance_on": "2026-06-10"}
    assert operator.send(told | remitted, "n-2").json["outcome"] == "recorded"
    assert _outcomes(city) == [("matched", amount), ("confirms", 0)]
    row = konbini_dsk.DskRow(
        "02", "20260602", "1015", barcode, amount, "030", "見本", "001234", "20260610", "20260609"
    )
    report = take_in(
        city.engine, "99999", Delivery("dsk.csv", konbini_dsk.write([row])),
        received_on=date(2026, 6, 9),
    )  # fmt: skip
    assert set(report.outcomes) == {"repeat"}
    with reading(city.engine, "99999") as connection:
        groups = connection.execute(
            text(
                "SELECT agent, remitted_on, confirmed_yen FROM remittance_group "
                "WHERE remitted_on = '2026-06-10'"
            )
        ).all()
    assert [tuple(group)[0::2] for group in groups] == [("konbini_dsk", amount)]
    assert not list(verify(city.engine, "99999"))


def test_in_a_batch_one_mistake_holds_back_no_other(operator, slip, city):
    unknown = "99999" + "9" * 20 + "123456901"
    batch = [
        payment(slip, notification_id="b-0"),
        payment(slip, notification_id="b-1", amount_yen=-1),
        payment(slip),
        payment(slip, notification_id="b-3", el_number=unknown, transaction_id="TX-2"),
        payment(slip, notification_id="b-0", amount_yen=1),
        [],
    ]
    first = operator.send({"notifications": batch}, "")
    assert first.status_code == 207
    assert (first.json["accepted"], first.json["refused"]) == (2, 4)
    results = first.json["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 202, 409, 422]
    assert [result["index"] for result in results] == list(range(6))
    assert results[0]["receipt"]["id"] == "b-0"
    assert results[1]["problem"]["errors"][0]["pointer"] == "/amount_yen"
    assert results[2]["problem"]["errors"][0]["pointer"] == "/notification_id"
    assert results[3]["receipt"]["outcome"] == "unknown_slip"
    assert results[4]["problem"]["code"] == "idempotency_conflict"
    again = operator.send({"notifications": batch}, "")
    assert (again.status_code, again.data) == (207, first.data)
    assert [outcome for outcome, _ in _outcomes(city)] == ["matched", "unknown_slip"]


def test_a_batch_is_kept_piece_by_piece_as_it_was_written(operator, slip):
    one = json.dumps(payment(slip, notification_id="b-0"), indent=1)
    two = json.dumps(payment(slip, notification_id="b-1", operator_name="見本 [1], {2}",
                             transaction_id="TX-2"), ensure_ascii=False)  # fmt: skip
    answer = operator.send(f'{{ "n\\u006ftifications" :\n[ {one}\t,\r\n{two} ] }} '.encode(), "")
    assert [result["status"] for result in answer.json["results"]] == [201, 201]
    kept = [result["receipt"]["sha256"] for result in answer.json["results"]]
    assert kept == [sha256(piece.encode()).hexdigest() for piece in (one, two)]
    replayed = operator.send({"notifications": [json.loads(one)]}, "")
    assert replayed.json["results"][0]["status"] == 409  # Another text is another body.


def test_a_batch_sent_again_is_replayed(operator, slip):
    batch = {"notifications": [payment(slip, notification_id="b-0")]}
    first, again = operator.send(batch, ""), operator.send(batch, "")
    assert (again.status_code, again.data) == (207, first.data)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


def test_one_operator_does_not_see_the_notifications_of_another(operator, slip, city):
    operator.send(payment(slip))
    with unit_of_work(city.engine, "99999") as connection:
        secret = keys.add(connection, city.settings, "99999", "pay-2", operator_name="別")
    other = Operator(operator.client, secret, operator.services)
    answer = other.look("n-1", key="pay-2")
    assert (answer.status_code, answer.json["code"]) == (404, "notification")
    absent = other.look("n-9", key="pay-2")
    assert {**absent.json, "instance": ""} == {
        **answer.json, "instance": "", "detail": answer.json["detail"].replace("n-1", "n-9"),
    }  # fmt: skip
    assert other.get(f"{URL}?transaction_id=TX-NEW-1", key="pay-2").json == {"notifications": []}


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
