"""Every code that a format can report has a file here that makes it do so.

The codes are gathered from the source itself, so a new one without a fixture fails.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import mapped_samples
import pytest
from codebase import modules, tree
from fixed_samples import (
    CONTEXT,
    DAY,
    GOLDEN,
    batch,
    collected,
    join,
    notices,
    patch,
    records,
    statement,
)
from own_layouts import (
    debit_shape,
    description,
    kyodo,
    kyodo_line,
    own_context,
    own_debits,
    own_format,
    unified,
)

from reconcile.formats import (
    FORMATS,
    assessments,
    debit_result,
    eltax_payment,
    eltax_remittance,
    konbini_dsk,
    konbini_muf120,
    notification,
    slip_register,
    zengin_credit,
    zengin_statement,
)
from reconcile.formats.delimited import joined, split_line
from reconcile.formats.detect import detect
from reconcile.model import Finding
from web.texts.faults import FAULTS
from web.texts.findings import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.formats.delimited import Layout
    from reconcile.model import ReportLine

FINDING_CALLS = {"Finding", "fatal", "refuse", "warn", "_refusal", "_stop", "LineFault"}
STATEMENT = zengin_statement.write([statement()])
CREDITS = zengin_credit.write([notices()])
DEBITS = debit_result.write([batch()])
MUF = konbini_muf120.write([collected()])
PAYMENTS = (GOLDEN / "eltax_payment" / "example.csv").read_bytes()
ADVICE = (GOLDEN / "eltax_remittance" / "example.csv").read_bytes()
DSK = (GOLDEN / "konbini_dsk" / "kinds.csv").read_bytes()
KYODO = description("konbini_kyodo")
NOTIFIED = {
    "collecting_body_code": "99999", "item_code": "999", "case_key": "0" * 20,
    "confirmation_no": "123456", "amount_yen": 100, "paid_on": "2026-06-01", "channel": "app",
    "operator_code": "0820", "transaction_id": "T1",
}  # fmt: skip


def known(data: bytes) -> list[Finding]:
    """What detection, or else the format that claims the file, says of it."""
    found = detect(data)
    return [found] if isinstance(found, Finding) else reads(found)(data)


def reads(form: Any, context: Any = CONTEXT) -> Callable[[bytes], list[Finding]]:
    """What one format says of a file."""

    def findings(data: bytes) -> list[Finding]:
        reading = form.read(data, context)
        list(reading.lines)
        return reading.findings

    return findings


statements, debits, muf = (
    reads(module.FORMAT) for module in (zengin_statement, debit_result, konbini_muf120)
)
payments, advice, dsk = (
    reads(module.FORMAT) for module in (eltax_payment, eltax_remittance, konbini_dsk)
)
notified = reads(notification.FORMAT)
assessed, enrolled = reads(assessments), reads(slip_register)
ASSESSED = (GOLDEN / "assessments" / "example.csv").read_bytes()
SLIPS = (GOLDEN / "slip_register" / "example.csv").read_bytes()
(CODE, *_) = re.findall(rb"91[0-9]{42}", SLIPS)
own = reads(own_format(KYODO), own_context(KYODO))
SHAPE = mapped_samples.description("sample_wide")
WIDE = mapped_samples.example("sample_wide")
wide = reads(mapped_samples.mapped(SHAPE), mapped_samples.mapped_context(SHAPE))
FIRES: dict[str, tuple[Callable[[bytes], list[Finding]], bytes]] = {
    # whole files
    "agent_error": (known, b"error: no data\r\n"),
    "ebcdic": (known, "1030".encode("cp037") + b"\xf0" * 20),
    "empty_file": (known, b"\r\n"),
    "other_zengin_kind": (known, b"1210" + b"0" * 116),
    "several_formats": (known, STATEMENT + DEBITS),
    "unknown_format": (known, "収納データを送ります。".encode("cp932")),
    "wrong_command": (known, (GOLDEN / "assessments" / "example.csv").read_bytes()),
    "debit_request": (known, (GOLDEN / "debit_result" / "broken_request.dat").read_bytes()),
    "time_deposit": (statements, patch(STATEMENT, 1, 63, b"6")),
    "unknown_account": (statements, patch(STATEMENT, 1, 67, b"9999999")),
    "unknown_consignor": (debits, patch(DEBITS, 1, 5, b"0000000001")),
    "unknown_company": (muf, patch(MUF, 1, 10, b"54321")),
    # registers of several instalments to a line
    "line_total": (wide, WIDE.replace(b'"40,000"', b'"40,001"', 1)),
    "no_instalment": (
        wide, WIDE.replace(b'"8,000",,', b"0,,").replace(b',"8,000",R8', b",,R8"),
    ),
    # bytes and records
    "bom": (statements, b"\xef\xbb\xbf" + STATEMENT),
    "wide_bytes": (statements, patch(STATEMENT, 2, 82, "みほん".encode("cp932"))),
    "invalid_byte": (statements, patch(STATEMENT, 2, 82, b"\x00")),
    "record_length": (statements, STATEMENT[:350]),
    "record_type": (statements, patch(STATEMENT, 2, 1, b"7")),
    "line_end": (statements, STATEMENT.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n", 1)),
    "header_missing": (statements, join(records(STATEMENT)[1:])),
    "trailer_missing": (statements, join([*records(STATEMENT)[:-2], records(STATEMENT)[-1]])),
    "end_missing": (statements, join(records(STATEMENT)[:-1])),
    "after_end": (statements, STATEMENT + b"x"),
    "after_trailer": (payments, PAYMENTS + b"1"),
    "kind": (statements, join([*records(STATEMENT)[:-1], b"1550" + b"0" * 196])),
    "code_type": (statements, patch(STATEMENT, 1, 4, b"2")),
    "header_date": (debits, patch(DEBITS, 1, 55, b"0631")),
    "not_digits": (debits, patch(DEBITS, 2, 81, b"-000012300")),
    "undecodable": (payments, PAYMENTS.replace("テスト".encode(), b"\xff\xfe", 1)),
    "control_character": (payments, PAYMENTS.replace(b"TX-0001", b"TX\t0001")),
    "newline": (payments, PAYMENTS.replace(b"\r\n", b"\n")),
    "quoting": (payments, PAYMENTS.replace(b"TX-0001", b'TX"0001')),
    "header": (payments, PAYMENTS.replace(b"confirmation_no", b"confirmation_on")),
    "header_again": (payments, PAYMENTS.replace(b"\r\n", b"\r\n" + PAYMENTS.split(b"\r\n")[0]
                                                + b"\r\n", 1)),
    "column_count": (dsk, DSK.replace(b",030,", b",", 1)),
    "truncated": (dsk, DSK[:-5]),
    "field_form": (own, kyodo(kyodo_line(), trailer="TR,one,12300,0")),
    # totals
    "total_mismatch": (debits, patch(DEBITS, 4, 2, b"000003")),
    "balance_mismatch": (statements, patch(STATEMENT, 1, 116, b"00000000000001")),
    "trailer_form": (payments, PAYMENTS.replace(b"T,4,47300", b"T,4,-47300")),
    "trailer_count": (payments, PAYMENTS.replace(b"T,4,", b"T,5,")),
    "trailer_total": (payments, PAYMENTS.replace(b"47300", b"47301")),
    "net_amount": (advice, ADVICE.replace(b",12289", b",12288").replace(b"22689", b"22688")),
    # notifications and registers
    "json": (notified, b"{"),
    "amount": (notified, json.dumps(NOTIFIED | {"amount_yen": -1}).encode()),
    "unknown_member": (notified, json.dumps(NOTIFIED | {"colour": "red"}).encode()),
    "missing_member": (notified, b'{"amount_yen": 1}'),
    "not_text": (notified, json.dumps(NOTIFIED | {"case_key": 1}).encode()),
    "fiscal_year": (
        reads(assessments),
        (GOLDEN / "assessments" / "fiscal_year.csv").read_bytes(),
    ),
    **{code: (assessed, ASSESSED.replace(*change)) for code, change in {
        "other_municipality": (b"\n99999,", b"\n99998,"),
        "unknown_item": (b",999,", b",998,"),
        "date": (b"2026-05-31", b"2026-02-31"),
        "cancellation_amount": (b",initial,", b",cancellation,"),
    }.items()},
    **{code: (enrolled, SLIPS.replace(*change)) for code, change in {
        "el_number_parts": (b",100001,", b",,"),
        "other_body": (b",99999,0000", b",99998,0000"),
        "amount_zero": (b",12300,", b",0,"),
        "date_order": (b"2026-07-01", b"2026-05-01"),
        "barcode_check_digit": (CODE, CODE[:-1] + b"%d" % ((int(CODE[-1:]) + 1) % 10)),
        "barcode_company": (CODE, b"91000000" + CODE[8:]),
        "barcode_client": (CODE, CODE[:8] + b"00009" + CODE[13:]),
        "barcode_expiry": (CODE, CODE[:30] + b"261301" + CODE[36:]),
        "barcode_amount": (CODE, CODE[:37] + b"012301" + CODE[43:]),
    }.items()},
}  # fmt: skip


def _literals(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return _literals(node.body) + _literals(node.orelse) if isinstance(node, ast.IfExp) else []


def _codes() -> set[str]:
    """The codes that calls in the formats name, and those that a variable ``code`` takes."""
    found: set[str] = set()
    for path in modules("reconcile/formats"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if node.args:
                    place = 1 if called == "add" else 0
                    if called in {*FINDING_CALLS, "add"} and len(node.args) > place:
                        found |= {*_literals(node.args[place])}
                case ast.Assign(targets=[ast.Name(id="code")], value=value):
                    found |= {*_literals(value)}
    return found - {"", notification.FORMAT.code}


@pytest.mark.parametrize("code", FIRES)
def test_a_file_makes_the_finding(code):
    findings, data = FIRES[code]
    found = [each for each in findings(data) if each.code == code]
    assert found
    # A place that a person can look up: line and byte together, and inside the file.
    for each in found:
        assert (each.line_no is None) == (each.byte_offset is None)
        assert each.byte_offset is None or 0 <= each.byte_offset <= len(data)


def test_no_finding_is_without_a_file():
    codes = _codes()
    assert {"several_formats", "wide_bytes", "unknown_company", "barcode_company"} <= codes
    assert sorted(codes - FIRES.keys()) == []
    assert sorted(codes - FINDINGS.keys() - FAULTS.keys()) == []


# ---- malformed lines ----


def first_faults(form: Any, data: bytes, context: Any = CONTEXT) -> list[str | None]:
    """Why the lines of a file that ties are malformed."""
    reading = form.read(data, context)
    lines: list[ReportLine] = list(reading.lines)
    assert not reading.failed, reading.findings
    return [line.fault for line in lines]


UNIFIED, DEBITED = unified(), debit_shape()
GOOD_UNIFIED = ("1", "100", "20260601", "9" * 34, "app", "0820", "T1", "", "")


def own_unified(place: int, value: str) -> list[str | None]:
    line = ",".join((*GOOD_UNIFIED[:place], value, *GOOD_UNIFIED[place + 1 :]))
    head = ",".join(field["label"] for field in UNIFIED["records"][0]["fields"])
    data = f"{head}\r\n{line}\r\n{','.join(GOOD_UNIFIED)}\r\n".encode()
    return first_faults(own_format(UNIFIED), data, own_context(UNIFIED))


def own_debit_faults(line: str, day: str = "080601") -> list[str | None]:
    return first_faults(own_format(DEBITED), own_debits(line, day=day), own_context(DEBITED))


def own_konbini(**other: str) -> list[str | None]:
    values: dict[str, Any] = {"state": "1"} | other
    return first_faults(own_format(KYODO), kyodo(kyodo_line(**values)), own_context(KYODO))


def test_good_lines_of_the_described_layouts_have_no_fault():
    assert own_unified(0, "1") == [None, None]
    assert own_debit_faults("20269990001234500101,100,OK") == [None]
    assert own_konbini() == [None]


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (lambda: own_unified(3, "9" * 33 + "X"), "el_number"),
        (lambda: own_unified(0, "4"), "kind"),
        (lambda: own_unified(2, "20260631"), "date"),
        (lambda: own_unified(1, "0"), "amount_zero"),
        (lambda: own_unified(4, "fax"), "channel_list"),
        (lambda: own_unified(5, ""), "operator_code"),
        (lambda: own_unified(6, ""), "transaction_id"),
        (lambda: own_unified(0, "2"), "remittance"),
        (lambda: own_unified(7, "20260605"), "remittance"),
        (lambda: own_debit_faults("20269990001234500101,100,?"), "result_code"),
        (lambda: own_debit_faults("2026999000123450010X,100,OK"), "customer_no"),
        (lambda: own_debit_faults("20269990001234500101,100,OK", "089901"), "date"),
        (lambda: own_debit_faults("20269990001234500101,0,NG"), "amount_zero"),
        (lambda: own_konbini(key="00001000000000012345X"), "barcode"),
        (lambda: own_konbini(state="7"), "kind"),
        (lambda: own_konbini(paid_on="2026-02-30"), "date"),
        (lambda: own_konbini(paid_at="24:00"), "time"),
        (lambda: own_konbini(shop="00123X"), "shop_code"),
        (lambda: own_konbini(chain="30"), "cvs_code"),
        (lambda: own_konbini(transfer_on="2026-06-25"), "remittance"),
        (lambda: own_konbini(state="2", transfer_on="2026-06-31"), "remittance"),
        (lambda: own_konbini(made_on="いつか"), "field_value"),
    ],
)  # fmt: skip
def test_one_wrong_value_of_a_described_line_is_that_line_alone(made, fault):
    found = made()
    assert found[0] == fault
    assert set(found[1:]) <= {None}


def fixed_faults() -> set[str | None]:
    """The faults of the shipped fixed-length formats."""
    made: set[str | None] = set()
    movement = zengin_statement.Movement(1, DAY, 100)
    for raw in ({"direction": "3"}, {"transaction": "99"}, {"booked_on": "089901"}):
        row = movement._replace(raw=raw)
        reading = zengin_statement.FORMAT.read(zengin_statement.write([statement(row)]), CONTEXT)
        made |= {line.fault for line in reading.lines}
    notice = zengin_credit.Notice(1, DAY, 100, raw={"cancel_code": "7"})
    made |= {*first_faults(zengin_credit.FORMAT, zengin_credit.write([notices(notice)]))}
    return made


def test_no_fault_is_without_a_line():
    """Reasons that the code names; those of columns are tried one by one below."""
    named: set[str] = set()
    for path in modules("reconcile/formats"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Assign(targets=[ast.Name(id="fault")], value=value):
                    named |= {*_literals(value)}
                case ast.keyword(arg="fault", value=value):
                    named |= {*_literals(value)}
    described = {
        "el_number", "kind", "date", "amount_zero", "channel_list", "operator_code",
        "transaction_id", "remittance", "result_code", "customer_no", "barcode", "time",
        "shop_code", "cvs_code", "field_value",
    }  # fmt: skip
    assert sorted(named - described - fixed_faults()) == []


LAYOUTS = [
    importlib.import_module(f"reconcile.formats.{code}").LAYOUT
    for code in (
        "eltax_payment", "eltax_remittance", "konbini_dsk", "assessments", "slip_register",
        "vehicle_register",
    )
]  # fmt: skip
COLUMNS = [
    pytest.param(layout, place, id=f"{layout.code}/{column.name}")
    for layout in LAYOUTS
    for place, column in enumerate(layout.columns)
    if any(layout.fields[place].fullmatch(value) is None for value in ("", "?", "?" * 300))
]


@pytest.mark.parametrize(("layout", "place"), COLUMNS)
def test_every_column_of_a_csv_reports_its_own_code(layout: Layout, place: int):
    """A wrong value is the fault of its line, or stops the file where the layout says so."""
    column = layout.columns[place]
    bad = next(v for v in ("?", "", "?" * 300) if layout.fields[place].fullmatch(v) is None)
    data = (GOLDEN / layout.code / "example.csv").read_bytes()
    rows = data.split(b"\r\n")
    split = split_line(rows[1].decode(layout.encoding))
    assert split is not None
    rows[1] = joined([*split[0][:place], bad, *split[0][place + 1 :]]).encode(layout.encoding)
    module = importlib.import_module(f"reconcile.formats.{layout.code}")
    reading = getattr(module, "FORMAT", module).read(b"\r\n".join(rows), CONTEXT)
    lines = list(reading.lines)
    found = {each.code for each in reading.findings} | {getattr(x, "fault", "") for x in lines}
    assert column.fault in found


# ---- described layouts: what stops a file ----


@pytest.mark.parametrize(
    ("data", "code", "line_no"),
    [
        (b"HD,KYODO-SHUNO,00000001,0\nTR,0,0,0\nDT,1\n", "column_count", 3),
        (kyodo(kyodo_line()) + b"HD,KYODO-SHUNO,00000001,0\n", "trailer_missing", 4),
        (kyodo(kyodo_line()) + kyodo_line().encode("cp932"), "header_missing", 4),
        (kyodo(kyodo_line()).replace(b"\n", b"\r\n"), "newline", 1),
        (kyodo(kyodo_line(shop_name="店\x01")), "control_character", 2),
        (kyodo(kyodo_line(shop_name='店"')), "quoting", 2),
        (kyodo(kyodo_line()).replace("みほん店".encode("cp932"), b"\x80"), "undecodable", 2),
        (kyodo(kyodo_line()).replace("みほん店".encode("cp932"), b"\xff\xff"), "undecodable", 2),
        (kyodo(kyodo_line()).replace(b",12300,0030", b",12e3,0030"), "not_digits", 2),
        (kyodo(kyodo_line()).replace(b"DT,", b"DX,"), "record_type", 2),
        (b"\xef\xbb\xbf" + kyodo(kyodo_line()), "bom", None),
    ],
)
def test_what_stops_a_described_csv(data, code, line_no):
    found = own(data)
    assert (found[0].code, found[0].line_no) == (code, line_no)


def test_the_groups_and_records_of_a_described_file_are_counted():
    form, context = own_format(DEBITED), own_context(DEBITED)
    good = own_debits("20269990001234500101,100,OK")
    assert reads(form, context)(good) == []
    assert form.identify(good)
    assert form.identify(own_debits())
    for bad in (own_debits("20269990001234500101,100,OK", count=4), good.replace(b",1\r", b",2\r")):
        (found,) = reads(form, context)(bad)
        assert found.code == "total_mismatch"
    stranger = good.replace(b"1234567890", b"1234567891")
    assert [each.code for each in reads(form, context)(stranger)] == ["unknown_consignor"]
    line = next(iter(form.read(good, context).lines))
    assert (line.stage, line.kind, line.paid_on) == ("confirmed", "0", "2026-06-01")
    assert line.remittance_ref == "2026-06-01|9999"


def test_groups_that_only_their_headers_count():
    """No trailer and no end record: a group ends where the next begins, or with the file."""
    shape = deepcopy(KYODO)
    del shape["records"][2]
    shape["controls"] = shape["controls"][:1]
    form, context = own_format(shape), own_context(shape)
    group = kyodo(kyodo_line(), kyodo_line("9")).rsplit(b"TR,", 1)[0]
    assert reads(form, context)(group + group) == []
    assert form.read(group, context).counts_equal_lines
    (found,) = reads(form, context)(group.replace(b",2\n", b",3\n", 1) + group)
    assert (found.code, found.line_no, found.found, found.expected) == (
        "total_mismatch", 1, "3", "2",
    )  # fmt: skip
    (found,) = reads(form, context)(group + group.rsplit(b"DT,", 1)[0])
    assert (found.code, found.line_no) == ("total_mismatch", 4)


def test_a_described_csv_with_a_column_header():
    form, context = own_format(UNIFIED), own_context(UNIFIED)
    head = ",".join(field["label"] for field in UNIFIED["records"][0]["fields"])
    line = ",".join(("2", *GOOD_UNIFIED[1:7], "20260605", "R1"))
    data = f"\ufeff{head}\r\n{line}\r\n".encode()
    assert reads(form, context)(data) == []
    (read,) = form.read(data, context).lines
    assert (read.line_no, read.slip_key, read.remittance_ref) == (2, "9" * 34, "R1")
    assert read.identity == "app:0820:T1"
    assert form.identify(data)
    for bad, code in (
        (data.replace(b"operator", b"operators"), "header"),
        (data[:-4], "truncated"),
        (b"", "header"),
    ):
        assert code in {each.code for each in reads(form, context)(bad)}
    wrapping, rows = form.take_apart(data)
    assert form.write(rows, wrapping) == data


def test_yen_and_dates_of_every_kind():
    shape = deepcopy(KYODO)
    fields = shape["records"][1]["fields"]
    for kind, written in (
        ("yyyymmdd", "20260610"), ("yymmdd", "260610"), ("era_yymmdd", "080610"), ("mmdd", "0610"),
    ):  # fmt: skip
        fields[2]["kind"] = kind
        form, context = own_format(shape), own_context(shape)
        reading = form.read(kyodo(kyodo_line(paid_on=written)), context)
        assert [line.paid_on for line in reading.lines] == ["2026-06-10"]
        assert not reading.findings


def test_every_format_was_asked():
    assert {entry.code for entry in FORMATS} == {
        "zengin_statement", "zengin_credit", "debit_result", "konbini_dsk", "konbini_muf120",
        "konbini_mizuho120", "eltax_payment", "eltax_remittance",
    }  # fmt: skip
    assert not known(CREDITS)
