"""形式の判定: which format a file is, or why it is none of ours.

Exactly one format must claim the file. Everything else is a refusal (outcomes.md 10) that says
what the bytes look like, so that the clerk knows where the file belongs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.formats import FORMATS, signatures
from reconcile.formats.own_format import formats_of
from reconcile.formats.withheld import quoted
from reconcile.formats.wrapping import BOM
from reconcile.model import Finding, Severity

if TYPE_CHECKING:
    from payments.domain.profile import Profile
    from reconcile.formats.contract import Format

# Files of ours that another command takes in.
_OTHER_COMMANDS = {
    "assessments": "kokin assessments",
    "slip_register": "kokin slips",
    "vehicle_register": "kokin slips vehicles",
    "debit_accounts": "kokin debit accounts import",
    "obligors": "kokin registers obligors",
}


def detect(data: bytes, profile: Profile | None = None) -> Format | Finding:
    """The one format that claims these bytes, or the finding that refuses them.

    With a profile the layouts that the municipality describes take part (独自様式).
    """
    formats = FORMATS if profile is None else formats_of(profile)
    found = [entry for entry in formats if entry.identify(data)]
    if len(found) == 1:
        return found[0]
    if found:
        return _refusal("several_formats", found=", ".join(entry.code for entry in found))
    return _explain(data, formats)


def _explain(data: bytes, formats: tuple[Format, ...]) -> Finding:
    """Why nothing claims the file, as precisely as its first bytes allow."""
    body = data.removeprefix(BOM)
    kind = signatures.zengin_kind(body)
    code = signatures.opening(body)
    if not body.strip():
        return _refusal("empty_file")
    if kind is not None:
        return _refusal(
            "other_zengin_kind",
            found=f"{kind} {signatures.ZENGIN_KINDS[kind]}",
            expected="01, 03, 91",
            field="種別コード",
            byte_offset=len(data) - len(body) + 1,
        )
    if signatures.is_ebcdic(body):
        return _refusal("ebcdic", found="EBCDIC", expected="JIS", byte_offset=0)
    if body.lower().startswith(b"error:"):
        first = body.split(b"\n", 1)[0].strip()
        return _refusal("agent_error", found=first.decode("cp932", "replace")[:200])
    if code in _OTHER_COMMANDS:
        return _refusal("wrong_command", found=code, expected=_OTHER_COMMANDS[code])
    head = body[:40].decode("cp932", "replace")
    return _refusal(
        "unknown_format", found=head, expected=", ".join(entry.code for entry in formats)
    )


def _refusal(
    code: str,
    *,
    found: str = "",
    expected: str = "",
    field: str = "",
    byte_offset: int | None = None,
) -> Finding:
    line_no = None if byte_offset is None else 1
    said = quoted(code, field, found)
    return Finding(code, Severity.REFUSED, line_no, byte_offset, field, said, expected)
