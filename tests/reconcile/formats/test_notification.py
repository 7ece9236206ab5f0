from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr.digits import konbini_barcode
from qr.digits.konbini_barcode import KonbiniBarcode
from reconcile.formats import eltax_payment, konbini_dsk
from reconcile.formats.delimited import PAYMENT_CHANNELS
from reconcile.formats.notification import FORMAT, write
from reconcile.model import KeyKind, ReadContext, Stage
from web.commands.setup import sample_profile

CONTEXT = ReadContext(date(2026, 6, 5), sample_profile())
UNIFIED = {
    "record_kind": "1", "collecting_body_code": "99999", "item_code": "901",
    "case_key": "20269010000000101001", "confirmation_no": "158205", "amount_yen": 12_300,
    "paid_on": "2026-06-02", "paid_at": "10:15", "channel": "app", "operator_code": "0820",
    "operator_name": "見本決済", "transaction_id": "TX-1",
}  # fmt: skip
BARCODE = konbini_barcode.build(
    KonbiniBarcode(
        company_code="912345", free_area="00001" + "26000000" + "01010011", amount_yen=12_300,
        valid_until=date(2026, 6, 30),
    )
)  # fmt: skip
KONBINI = {
    "konbini_barcode": BARCODE, "agent": "konbini_dsk", "cvs_code": "030", "shop_code": "001234",
    "amount_yen": 12_300, "paid_on": "2026-06-02", "paid_at": "10:15",
}  # fmt: skip


def _read(data):
    reading = FORMAT.read(data if isinstance(data, bytes) else write(data), CONTEXT)
    return reading, list(reading.lines)


def _line(members):
    reading, (line,) = _read(members)
    assert not reading.failed
    assert (reading.count, reading.amount_yen) == (1, members["amount_yen"])
    return line


digits = st.integers(0, 10**20 - 1).map(lambda n: f"{n:020}")


@given(
    case_key=digits,
    amount=st.integers(1, 99_999_999_999),
    day=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    channel=st.sampled_from(PAYMENT_CHANNELS),
    # Anything but control characters and halves of surrogate pairs, which no column holds.
    operator=st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=10
    ),
    transaction=st.from_regex(r"[A-Za-z0-9-]{1,40}", fullmatch=True),
)
def test_what_is_written_is_read(case_key, amount, day, channel, operator, transaction):
    line = _line(
        UNIFIED
        | {
            "case_key": case_key, "amount_yen": amount, "paid_on": day.isoformat(),
            "channel": channel, "operator_code": operator, "transaction_id": transaction,
        }
    )  # fmt: skip
    assert line.fault is None
    assert line.slip_key == f"99999{case_key}158205901"
    assert (line.amount_yen, line.paid_on) == (amount, day.isoformat())
    assert line.payment_key == f"{channel}:{operator}:{transaction}"


def test_it_names_the_payment_as_the_file_of_the_channel_does():
    row = eltax_payment.PaymentRow(
        "1", "99999", "901", "20269010000000101001", "158205", 12_300, "2026-06-02", "10:15",
        "app", "0820", "見本決済", "TX-1", "", "",
    )  # fmt: skip
    (filed,) = eltax_payment.FORMAT.read(eltax_payment.write([row]), CONTEXT).lines
    told = _line(UNIFIED)
    for name in ("identity", "record_key", "payment_key", "slip_key", "key_kind", "stage", "kind"):
        assert getattr(told, name) == getattr(filed, name), name


def test_a_payment_by_barcode_is_the_immediate_notice_of_the_agents_file():
    row = konbini_dsk.DskRow(
        "81", "20260602", "1015", BARCODE, 12_300, "030", "見本", "001234", "0", "20260602"
    )
    (filed,) = konbini_dsk.FORMAT.read(konbini_dsk.write([row]), CONTEXT).lines
    told = _line(KONBINI)
    for name in ("identity", "record_key", "payment_key", "slip_key", "reissue", "kind", "stage",
                 "is_ours", "key_valid", "paid_at"):  # fmt: skip
        assert getattr(told, name) == getattr(filed, name), name
    assert told.key_kind == KeyKind.KONBINI


def test_a_confirmed_barcode_payment_is_the_line_of_the_agents_file():
    row = konbini_dsk.DskRow(
        "02", "20260602", "1015", BARCODE, 12_300, "030", "見本", "001234", "20260610", "20260609"
    )
    (filed,) = konbini_dsk.FORMAT.read(konbini_dsk.write([row]), CONTEXT).lines
    told = _line(KONBINI | {"kind": "confirmed", "remittance_on": "2026-06-10"})
    for name in ("identity", "record_key", "payment_key", "slip_key", "reissue", "kind", "stage",
                 "is_ours", "key_valid", "paid_at", "operator", "remittance_ref", "remitted_on",
                 "fault"):  # fmt: skip
        assert getattr(told, name) == getattr(filed, name), name


def test_only_a_confirmed_barcode_payment_names_a_remittance():
    assert _line(KONBINI | {"kind": "confirmed"}).fault == "remittance"
    wrong = _line(KONBINI | {"kind": "confirmed", "remittance_on": "2026-06-99"})
    assert (wrong.fault, wrong.remitted_on) == ("date", None)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"record_kind": "4"}, "kind"),
        ({"paid_on": "2026-02-30"}, "date"),
        ({"paid_on": "1026-02-20"}, "date"),
        ({"paid_on": "yesterday"}, "date"),
        ({"paid_at": "25:00"}, "time"),
        ({"record_kind": "4", "paid_at": "a long time ago"}, "kind"),
        ({"channel": "cash"}, "channel_list"),
        ({"transaction_id": "あ"}, "transaction_id"),
        ({"operator_code": ""}, "operator_code"),
        ({"case_key": "１" * 20}, "case_key"),
        ({"collecting_body_code": "1"}, "body_code"),
        ({"confirmation_no": "12345"}, "confirmation_no"),
        ({"item_code": "9"}, "item_code"),
        ({"amount_yen": 0}, "amount_zero"),
        ({"remittance_no": "R1"}, "remittance"),
        ({"record_kind": "2"}, "remittance"),
        ({"record_kind": "2", "remittance_on": "2026-06-99", "remittance_no": "R"}, "date"),
    ],
)
def test_a_wrong_value_makes_the_line_malformed(change, fault):
    line = _line(UNIFIED | change)
    assert (line.fault, line.payment_key) == (fault, None)
    assert line.identity
    assert line.record_key


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"konbini_barcode": "9" * 43}, "barcode"),
        ({"agent": "konbini"}, "agent"),
        ({"cvs_code": "3"}, "cvs_code"),
        ({"shop_code": "x"}, "shop_code"),
        ({"paid_at": ""}, "time"),
        ({"record_kind": "3"}, "kind"),
    ],
)
def test_a_wrong_value_of_a_barcode_payment(change, fault):
    assert _line(KONBINI | change).fault == fault


def test_stages_and_settlement():
    confirmed = _line(
        UNIFIED | {"record_kind": "2", "remittance_on": "2026-06-05", "remittance_no": "R-1"}
    )
    assert (confirmed.stage, confirmed.remitted_on, confirmed.remittance_ref) == (
        Stage.CONFIRMED, "2026-06-05", "R-1",
    )  # fmt: skip
    assert _line(UNIFIED | {"record_kind": "3"}).stage == Stage.WITHDRAWAL
    assert (
        _line({k: v for k, v in UNIFIED.items() if k != "record_kind"}).stage == Stage.PROVISIONAL
    )


def test_keys_of_others_and_failing_check_digits_are_seen():
    assert not _line(UNIFIED | {"collecting_body_code": "12345"}).is_ours
    other = BARCODE[:8] + "00002" + BARCODE[13:]
    assert not _line(KONBINI | {"konbini_barcode": other}).is_ours
    broken = BARCODE[:-1] + str((int(BARCODE[-1]) + 1) % 10)
    assert not _line(KONBINI | {"konbini_barcode": broken}).key_valid


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        (b"", "json", ""),
        (b"\xff\xfe", "json", ""),
        (b"[]", "json", ""),
        (b'{"amount_yen": 1, "amount_yen": 2}', "json", ""),
        (write(UNIFIED | {"amount_yen": -1}), "amount", "amount_yen"),
        (write(UNIFIED | {"amount_yen": 1.0}), "amount", "amount_yen"),
        (write(UNIFIED | {"amount_yen": True}), "amount", "amount_yen"),
        (write(UNIFIED | {"amount_yen": 10**11}), "amount", "amount_yen"),
        (write(UNIFIED | {"amount": 5}), "unknown_member", "amount"),
        (write(UNIFIED | {"paid_on": 20260602}), "not_text", "paid_on"),
        (b'{"operator_code": "\\ud800"}', "not_text", "operator_code"),
        (b'{"operator_name": "a\\u0000b"}', "not_text", "operator_name"),
        (b'{"\\ud800": "x"}', "unknown_member", "?"),
        (write({k: v for k, v in UNIFIED.items() if k != "paid_on"}), "missing_member", "paid_on"),
        (b"[" * 100_000, "json", ""),
    ],
)
def test_what_cannot_be_one_payment_stops_it(data, code, field):
    reading, lines = _read(data)
    assert lines == []
    assert reading.failed
    assert (code, field) in {(f.code, f.field) for f in reading.findings}


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.dictionaries(st.sampled_from([*UNIFIED, *KONBINI, "x"]), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_reading_never_fails(data):
    reading, lines = _read(data)
    assert reading.failed == (not lines)
    for finding in reading.findings:
        assert f"{finding.field}{finding.found}{finding.expected}".encode()


def test_only_json_objects_look_like_it():
    assert FORMAT.identify(b' {"a": 1}')
    assert not FORMAT.identify(b"[1]")
    assert not FORMAT.identify(b"record_kind,collecting_body_code")


EL = "99999" + "20269010000000101001" + "158205" + "901"


def _with_el_number(**changes):
    parts = {"record_kind", "collecting_body_code", "item_code", "case_key", "confirmation_no"}
    return {name: value for name, value in UNIFIED.items() if name not in parts} | {
        "el_number": EL, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "record_kind", "more"),
    [
        ("paid", "1", {}),
        ("cancelled", "3", {}),
        ("confirmed", "2", {"remittance_on": "2026-06-05", "remittance_no": "R-1"}),
    ],
)
def test_the_newer_names_say_the_same(kind, record_kind, more):
    newer = _line(_with_el_number(kind=kind, **more))
    older = _line(UNIFIED | more | {"record_kind": record_kind})
    assert newer._replace(byte_length=0) == older._replace(byte_length=0)
    assert newer.fault is None


def test_a_barcode_payment_is_withdrawn_as_in_the_file_of_the_agent():
    paid, gone = _line(KONBINI | {"kind": "paid"}), _line(KONBINI | {"kind": "cancelled"})
    assert (gone.stage, gone.kind, gone.fault) == (Stage.WITHDRAWAL, "03", None)
    assert gone.payment_key == paid.payment_key
    # What calls itself 確報 by the older member was never one, and stays so.
    assert _line(KONBINI | {"record_kind": "2"}).fault == "kind"
    assert _line(KONBINI | {"record_kind": "3"}).fault == "kind"
    assert _line(KONBINI | {"record_kind": "03"}).fault == "kind"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        (_with_el_number(el_number="9" * 33), "el_number"),
        (UNIFIED | {"el_number": EL}, "el_number"),
        (_with_el_number(kind="gone"), "kind"),
        (_with_el_number(kind=["paid"]), "kind"),
        (KONBINI | {"(withdrawn)": "1"}, "(withdrawn)"),
        (KONBINI | {"(confirmed)": "1"}, "(confirmed)"),
        (KONBINI | {"remittance_on": "2026-06-10"}, "remittance_on"),
    ],
)
def test_what_names_a_payment_wrongly_is_an_unknown_member(members, field):
    reading, lines = _read(members)
    assert lines == []
    assert ("unknown_member", field) in {(f.code, f.field) for f in reading.findings}
