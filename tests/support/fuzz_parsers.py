"""試す相手の一覧: every parser of the project that reads what somebody outside has written."""

from __future__ import annotations

import io
import json
import tomllib
import warnings
from dataclasses import replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from delimited_samples import ROOT, barcode
from fixed_samples import CONTEXT, GOLDEN, GOLDEN_ACCOUNT, SECOND_ACCOUNT
from fuzzing import Parser, shaken
from mapped_samples import EXAMPLES, SHAPES, example, mapped, mapped_context
from mapped_samples import description as register_description
from own_layouts import LAYOUTS, description, kyodo, kyodo_line, own_context, own_format
from PIL import Image

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import ElNumber
from payments.domain.profile import profile_from_mapping
from payments.domain.wareki import parse_era_day, parse_era_year, parse_yymmdd
from qr.digits import el_qr
from qr.digits.symbol_reading import interpret
from qr.layout import file as slip_layout_file
from qr.layout.check import checked
from qr.scan.files import pictures
from qr.scan.limits import Deadline, ScanLimits, Source
from reconcile.formats import (
    FORMATS,
    assessments,
    debit_accounts,
    debit_request,
    mapping,
    notification,
    obligors,
    slip_register,
    vehicle_register,
)
from reconcile.formats.detect import detect
from reconcile.formats.own_layout import own_layout
from reconcile.model import Finding, Reading
from reconcile.report.accounting import accounting_layout
from web import messages
from web.admin import toml
from web.enquiries import slip_code
from web.notifications import body
from web.search import typed
from web.texts.faults import FAULTS
from web.texts.findings import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.formats.delimited_reader import RegisterReading
    from reconcile.model import ReadContext

REGISTERS = (assessments, slip_register, vehicle_register, debit_accounts, obligors)
PERSON = obligors.ObligorRow("99999", "7", "葛\U000e0100 太郎", "カツラ", "1000001", "町")
CONTEXT_ALL = replace(
    CONTEXT,
    profile=replace(
        CONTEXT.profile, accounts=(*CONTEXT.profile.accounts, GOLDEN_ACCOUNT, SECOND_ACCOUNT)
    ),
)
NOTIFICATIONS: tuple[dict[str, Any], ...] = (
    {
        "kind": "paid", "el_number": "99999" + "0" * 20 + "123456" + "999", "amount_yen": 100,
        "paid_on": "2026-06-01", "paid_at": "10:30", "channel": "app", "operator_code": "0820",
        "operator_name": "見本ペイ", "transaction_id": "T-1",
    },
    {
        "kind": "confirmed", "el_number": "99999" + "0" * 20 + "123456" + "999", "amount_yen": 100,
        "paid_on": "2026-06-01", "channel": "app", "operator_code": "0820", "transaction_id": "T-1",
        "remittance_on": "2026-06-05", "remittance_no": "R1",
    },
    {
        "kind": "paid", "konbini_barcode": barcode(), "amount_yen": 12300, "paid_on": "2026-06-01",
        "paid_at": "10:30", "agent": "konbini_dsk", "cvs_code": "001", "shop_code": "000123",
    },
)  # fmt: skip
DAY = date(2026, 6, 30)
SMALL = replace(ScanLimits(), pixels_max=1_000_000)
TYPED = (b"12300", "山田 6/1".encode(), b"2026-06-01..2026-06-30", "令和8年6月".encode())
ANY = (b"", b"0123456789abcdef")  # only decides which accidents happen
REQUESTED = date(2026, 6, 1)  # the day in the golden request
ACCOUNTS = (
    debit_accounts.AccountRow(
        "99999", "0000000001", "", "set", "2026-04-01", "9999", "ﾃｽﾄｷﾞﾝｺｳ", "999", "ﾎﾝﾃﾝ", "1",
        "1234567", "ﾐﾎﾝ ﾀﾛｳ",
    ),
    debit_accounts.AccountRow("99999", "0000000001", "999", "ended", "2026-05-01"),
)  # fmt: skip


def _golden(code: str) -> tuple[bytes, ...]:
    """The golden files of a format, the small ones: a big one says nothing more to a reader."""
    files = [path for path in sorted((GOLDEN / code).iterdir()) if path.suffix != ".txt"]
    return tuple(path.read_bytes()[:6_000] for path in files)


def _look(reading: Reading | RegisterReading[Any], data: bytes) -> None:
    """Read to the end; every finding has its sentence and a place inside the file."""
    for _ in reading.lines:
        pass
    for finding in reading.findings:
        _placed(finding, data)


def _placed(finding: Finding, data: bytes) -> None:
    if finding.code not in FINDINGS and finding.code not in FAULTS:
        raise AssertionError(finding.code)
    if finding.byte_offset is not None and not 0 <= finding.byte_offset <= len(data):
        raise AssertionError(finding.code, "byte_offset")


def _reads(form: Any, context: ReadContext = CONTEXT_ALL) -> Callable[[bytes], None]:
    """A format; what it claims may not differ from what it can read."""

    def read(data: bytes) -> None:
        try:
            form.identify(data)
            _look(form.read(data, context), data)
        except InvalidValueError as error:  # a format never raises for what is wrong with a file
            raise AssertionError(error.error_code) from error

    return read


def _detect(data: bytes) -> None:
    found = detect(data, CONTEXT_ALL.profile)
    if isinstance(found, Finding):
        _placed(found, data)


def _text(read: Callable[[str], object]) -> Callable[[bytes], None]:
    """A reader of text: a scanner hands over Latin-1 or UTF-8, whatever it saw."""

    def of_bytes(data: bytes) -> None:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        try:
            read(text)
        except InvalidValueError as error:
            messages.error(error.error_code, error.details)
            raise

    return of_bytes


def _body(data: bytes) -> None:
    body.read(data, None)
    body.read(data, "N-1")


def _shaken(
    tree: dict[str, Any], read: Callable[[dict[str, Any]], object]
) -> Callable[[bytes], None]:
    """What was read from TOML, with other values in it; the input only says which."""

    def of_bytes(data: bytes) -> None:
        try:
            read(shaken(tree, data))
        except InvalidValueError as error:
            messages.error(error.error_code, error.details)
            raise

    return of_bytes


def _own_description(data: bytes) -> None:
    """A described layout as JSON, as the profile keeps it."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        _own_layout(found)


def _own_layout(found: dict[str, Any]) -> None:
    own_layout(found, file="layout.toml", key="")


def _slip_layout(found: dict[str, Any]) -> None:
    """A layout of slips from its TOML, as it is loaded."""
    try:
        layout = slip_layout_file._layout(found, "", {})
    except slip_layout_file.LayoutFault as fault:
        raise slip_layout_file.layout_error("layout.toml", fault) from fault
    checked(layout, "layout.toml")


@cache
def symbols() -> dict[str, tuple[bytes, ...]]:
    """記号の文: valid texts of every symbol on a slip."""
    payload = el_qr.ElQr(
        amount_yen=12_300, levy_year=2026, tax_year=2026, term="01", due_on=DAY, valid_until=DAY,
        collecting_body_code="99999", case_key="00000000001234567890", confirmation_no="123456",
        item_code="999",
    )  # fmt: skip
    text = el_qr.build(payload)
    upper, lower = el_qr.mpn_lines(payload)
    return {
        "el_qr": (text.encode(),),
        "konbini": (barcode().encode(), barcode(amount=300_001).encode()),
        "ocr_upper": (upper.encode(),),
        "ocr_lower": (lower.encode(),),
        "el_number": (payload.el_number.encode(),),
        "konbini_text": (barcode().encode(),),
    }


def _symbol(kind: str) -> Callable[[str], object]:
    return lambda text: interpret("a.png", 1, kind, text)


def parsers() -> tuple[Parser, ...]:
    """Every parser, under the name that reports use."""
    sample = (ROOT / "web" / "profiles" / "99999.toml").read_bytes()
    values, layout = tomllib.loads(sample.decode()), description("konbini_muf120")
    form = tomllib.loads((ROOT / "qr" / "layout" / "standard.toml").read_text("utf-8"))
    accounting = tomllib.loads((LAYOUTS / "accounting" / "sample.toml").read_text("utf-8"))
    slip = tuple(path.read_bytes() for path in sorted((ROOT / "qr").rglob("*.toml")))
    accounts = debit_accounts.write(ACCOUNTS)
    registers = {
        "assessments": _golden("assessments"),
        "slip_register": _golden("slip_register"),
        "vehicle_register": _golden("vehicle_register"),
        "debit_accounts": (accounts,),
        "obligors": (obligors.write([PERSON]),),
    }
    kyodo_file = kyodo(kyodo_line("1"), kyodo_line("2", transfer_on="2026-06-25"))
    own = {"konbini_kyodo": (kyodo_file,), "konbini_muf120": _golden("konbini_muf120")}
    told = tuple(notification.write(each) for each in NOTIFICATIONS)
    batch = json.dumps({"notifications": [*NOTIFICATIONS]}).encode()
    described = tuple(json.dumps(description(name)).encode() for name in own)
    everything = tuple(one for form in FORMATS for one in _golden(form.code)[:1])
    return (
        *(Parser(form.code, _golden(form.code), _reads(form)) for form in FORMATS),
        *(
            Parser(code, seeds, _reads(next(r for r in REGISTERS if r.LAYOUT.code == code)))
            for code, seeds in registers.items()
        ),
        *(Parser(f"own_{name}", seeds, _own(name)) for name, seeds in own.items()),
        *(Parser(f"mapped_{name}", (example(name),), _mapped(name))
          for name in (*EXAMPLES, *SHAPES)),
        Parser("mapping", tuple(map(_mapping_text, (*EXAMPLES, *SHAPES))), _mapping),
        *(Parser(f"mapping_values_{name}", ANY, _shaken(register_description(name), _mapping_of))
          for name in (EXAMPLES[1], *SHAPES)),
        Parser("own_layout", described, _own_description),
        Parser("detect", everything, _detect),
        Parser("debit_request", _golden("debit_request"), _request),
        Parser("notification", told, _reads(notification.FORMAT)),
        Parser("notification_body", (*told, batch), _body),
        *(Parser(kind, seeds, _text(_symbol(kind))) for kind, seeds in symbols().items()),
        Parser("el_number_text", symbols()["el_number"], _text(ElNumber.parse_lenient)),
        Parser("wareki", (b"080630", b"310430", b"010501"), _text(_wareki)),
        Parser("era", (b"R8.6.1", "令和8年6月1日".encode(), b"5080601"), _text(_era)),
        Parser("profile", (sample,), _text(toml.read)),
        Parser("profile_values", ANY, _shaken(values, profile_from_mapping)),
        Parser("accounting_values", ANY, _shaken(accounting, _accounting)),
        Parser("search_words", TYPED, _text(_typed)),
        Parser("slip_code", (b"ABCDE-12345", "確認コード".encode()), _text(_slip_code)),
        Parser("picture", _drawn(), _picture),
        Parser("own_layout_values", ANY, _shaken(layout, _own_layout)),
        Parser("slip_layout_values", ANY, _shaken(form, _slip_layout)),
        Parser("slip_layout", slip, _text(_slip_layout_text)),
    )  # fmt: skip


def _own(name: str) -> Callable[[bytes], None]:
    """A described layout of the examples."""
    shape = tomllib.loads((LAYOUTS / f"{name}.toml").read_text("utf-8"))
    return _reads(own_format(shape), own_context(shape))


def _slip_layout_text(text: str) -> None:
    checked(slip_layout_file.parse_layout(text, "layout.toml"), "layout.toml")


def _mapped(name: str) -> Callable[[bytes], None]:
    """A described register of the examples."""
    shape = register_description(name)
    return _reads(mapped(shape), mapped_context(shape))


def _mapping_text(name: str) -> bytes:
    return json.dumps(register_description(name), ensure_ascii=False).encode()


def _mapping(data: bytes) -> None:
    """A described register as JSON, as the profile keeps it."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        _mapping_of(found)


def _mapping_of(found: dict[str, Any]) -> None:
    mapping.mapping(found, file="registers.toml", key="")


def _era(text: str) -> None:
    for coded in (False, True):
        parse_era_day(text, coded=coded)
        parse_era_year(text, coded=coded)


def _accounting(found: dict[str, Any]) -> None:
    accounting_layout(found, "accounting.toml")


def _typed(text: str) -> None:
    """What somebody types into the search."""
    typed.readings(typed.cleaned(text), "99999")
    typed.period(text, DAY, 30)


def _slip_code(text: str) -> None:
    """A code of residents: typed, and whatever it names."""
    if code := slip_code.typed_code(text):
        slip_code.slip_of(b"k" * 32, code)


def _drawn() -> tuple[bytes, ...]:
    """Small pictures of every kind that Pillow writes, as they are uploaded."""
    found = []
    for kind in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"):
        stream = io.BytesIO()
        Image.linear_gradient("L").resize((24, 16)).save(stream, kind)
        found.append(stream.getvalue())
    return tuple(found)


def _picture(data: bytes) -> None:
    """An uploaded picture, unpacked as it is before anything is looked for on it."""
    with warnings.catch_warnings():
        # What Pillow thinks of damaged tags is for nobody; the tests make errors of warnings.
        warnings.simplefilter("ignore", UserWarning)
        for _ in pictures(Source(data, "a.png", SMALL, Deadline(SMALL.seconds_max)), 100):
            pass


def _request(data: bytes) -> None:
    debit_request.read(data, REQUESTED)


def _wareki(text: str) -> None:
    parse_yymmdd(text, "paid_on", received_on=DAY)
