"""What the tests of the delimited formats share: the sample municipality, places and a listing."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from payments.domain.identifiers import konbini_check_digit
from payments.domain.profile import profile_from_mapping
from reconcile.model import ReadContext, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.formats.delimited_reader import RegisterReading
    from reconcile.model import Finding, ReportLine

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "sample_data" / "golden"
PROFILE = profile_from_mapping(
    tomllib.loads((ROOT / "web" / "profiles" / "99999.toml").read_text(encoding="utf-8"))
)
CONTEXT = ReadContext(received_on=date(2026, 6, 10), profile=PROFILE)


def barcode(
    own: str = "0000000000123450",
    *,
    amount: int = 12300,
    reissue: str = "1",
    expires: str = "260531",
    company: str = "912345",
    client: str = "00001",
) -> str:
    """44 digits with a right check digit; ``own`` are the last 16 digits of the free area."""
    body = f"91{company}{client}{own}{reissue}{expires}0{amount:06d}"
    return f"{body}{konbini_check_digit(body)}"


def cases(format_code: str) -> list[str]:
    """Golden files of a format, by name."""
    return sorted(path.stem for path in (GOLDEN / format_code).glob("*.csv"))


def place(data: bytes, fragment: bytes) -> tuple[int, int]:
    """Line number and byte offset of the first occurrence of a fragment."""
    offset = data.index(fragment)
    return data.count(b"\r\n", 0, offset) + 1, offset


def only(findings: list[Finding]) -> Finding:
    """The one finding there must be."""
    assert len(findings) == 1, findings
    return findings[0]


def listing(reading: Reading | RegisterReading[Any]) -> str:
    """台帳: what reading a golden file must give, one line per record and finding."""
    text = [f"format {reading.format_code}"]
    for line in reading.lines:
        text.append(f"line {line.line_no} at {line.byte_offset}")
        text.extend(_report(line) if isinstance(reading, Reading) else _register(line))
    text.append(f"count {reading.count} amount {reading.amount_yen}")
    text.extend(
        f"{found.severity} {found.code} line {found.line_no} at {found.byte_offset}"
        f" field {found.field!r} found {found.found!r} expected {found.expected!r}"
        for found in reading.findings
    )
    return "\n".join((*text, ""))


def _report(line: ReportLine) -> Iterator[str]:
    names = (
        "stage", "kind", "slip_key", "reissue", "is_ours", "key_valid", "amount_yen", "paid_on",
        "paid_at", "operator", "remittance_ref", "remitted_on", "fault",
    )  # fmt: skip
    yield "  " + " ".join(
        f"{name}={getattr(line, name)}" for name in names if getattr(line, name) not in {None, ""}
    )
    yield f"  record {line.record_key}"
    if line.payment_key is not None:
        yield f"  payment {line.payment_key}"


def _register(line: Any) -> Iterator[str]:
    yield "  " + " ".join(f"{name}={value}" for name, value in line._asdict().items() if value)
