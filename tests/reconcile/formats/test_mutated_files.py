"""Damaged files: never anything but findings, and nothing read well that does not tie.

Golden files of every format are flipped, cut, doubled and shuffled. What still reads without a
finding that stops it is added up again by a second, plain reading of the bytes.
"""

from __future__ import annotations

from dataclasses import replace

from fixed_samples import CONTEXT, GOLDEN, GOLDEN_ACCOUNT, PROFILE, SECOND_ACCOUNT
from hypothesis import given, settings
from hypothesis import strategies as st
from own_layouts import description, kyodo, kyodo_line, with_layouts

from reconcile.formats import FORMATS, assessments, slip_register
from reconcile.formats.detect import detect
from reconcile.model import Finding, ReadContext

OWN = with_layouts(description("konbini_kyodo"))
CONTEXT_ALL = ReadContext(
    CONTEXT.received_on,
    replace(OWN, accounts=(*PROFILE.accounts, GOLDEN_ACCOUNT, SECOND_ACCOUNT)),
)
FILES = [
    path.read_bytes()
    for form in (*(entry.code for entry in FORMATS), "assessments", "slip_register")
    for path in sorted((GOLDEN / form).iterdir())
    if path.suffix != ".txt"
] + [kyodo(kyodo_line("1"), kyodo_line("2", transfer_on="2026-06-25"), kyodo_line("1", yen=1))]
# Bytes that mean something to one format or another, and some that mean nothing to any.
BYTES = st.sampled_from(b'0123456789 ,"\r\n\x1aT\x00\x80\x8f\xa6\xb6\xde\xef\xff-')


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A golden file after one to four accidents."""
    data = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(("flip", "cut", "head", "insert", "double", "drop", "swap"))):
            case "flip":
                data = data[:place] + bytes([draw(BYTES)]) + data[place + 1 :]
            case "cut":
                data = data[:place]
            case "head":
                data = data[place:]
            case "insert":
                data = data[:place] + bytes([draw(BYTES)]) + data[place:]
            case accident:
                rows = data.splitlines(keepends=True) or [data]
                row = draw(st.integers(0, len(rows) - 1))
                if accident == "swap":
                    other = draw(st.integers(0, len(rows) - 1))
                    rows[row], rows[other] = rows[other], rows[row]
                else:
                    rows[row : row + 1] = [rows[row]] * (2 if accident == "double" else 0)
                data = b"".join(rows)
    return data


def rows_of(data: bytes, length: int) -> list[bytes]:
    """Records of one length, whatever ends them."""
    text = data.removesuffix(b"\x1a")
    for newline in (b"\r\n", b"\r", b"\n"):
        if newline in text:
            return text.removesuffix(newline).split(newline)
    return [text[at : at + length] for at in range(0, len(text), length)]


def stated(code: str, data: bytes) -> list[tuple[int, int]]:
    """Count and amount as each trailer says, added up plainly; none where there are no totals."""
    if code == "zengin_statement":
        trailers = [row for row in rows_of(data, 200) if row[:1] == b"8"]
        return [
            (int(t[1:7]) + int(t[20:26]), int(t[7:20]) + int(t[26:39])) for t in trailers
        ]  # fmt: skip
    if code == "zengin_credit":
        trailers = [row for row in rows_of(data, 200) if row[:1] == b"8"]
        return [(int(t[1:7]) + int(t[19:25]), int(t[7:19]) + int(t[25:37])) for t in trailers]
    if code == "debit_result":
        trailers = [row for row in rows_of(data, 120) if row[:1] == b"8"]
        return [(int(t[1:7]), int(t[7:19])) for t in trailers]
    if code.startswith("eltax") or code in {"assessments", "slip_register"}:
        _, count, total = data.decode().rstrip("\r\n").rpartition("\r\n")[2].split(",")
        return [(int(count), int(total))]
    if code == "konbini_kyodo":
        lines = [row for row in data.split(b"\n") if row.startswith(b"TR,")]
        return [(int(row.split(b",")[1]), int(row.split(b",")[2])) for row in lines]
    return []


def tries(data: bytes):
    """Whatever takes these bytes: their format, and both registers."""
    found = detect(data, CONTEXT_ALL.profile)
    if not isinstance(found, Finding):
        yield found.code, found.read(data, CONTEXT_ALL), found.take_apart, found.write
    for register in (assessments, slip_register):
        layout = register.LAYOUT
        reading = register.read(data, CONTEXT_ALL)
        yield layout.code, reading, layout.take_apart, layout.put_together


@settings(max_examples=1_500)
@given(damaged())
def test_a_damaged_file_is_findings_or_ties(data):
    for code, reading, take_apart, write in tries(data):
        lines = list(reading.lines)
        for each in reading.findings:
            assert each.code
            assert each.byte_offset is None or 0 <= each.byte_offset <= len(data)
        if reading.failed:
            continue
        # Nothing is dropped, nothing is counted twice, and every total is the one that stands there.
        assert len(lines) == reading.count
        assert sum(line.amount_yen or 0 for line in lines) == reading.amount_yen
        assert len({line.line_no for line in lines}) == len(lines)
        wrapping, rows = take_apart(data)
        assert write(rows, wrapping) == data
        for trailers in filter(None, [stated(code, data)]):
            assert sum(count for count, _ in trailers) == reading.count
            assert sum(total for _, total in trailers) == reading.amount_yen


def test_what_the_golden_files_say_ties():
    """The second reading itself is right: it agrees on every file that is not damaged."""
    seen = set()
    for data in FILES:
        found = detect(data, CONTEXT_ALL.profile)
        if isinstance(found, Finding):
            continue
        reading = found.read(data, CONTEXT_ALL)
        list(reading.lines)
        if not reading.failed and stated(found.code, data):
            seen.add(found.code)
            assert sum(count for count, _ in stated(found.code, data)) == reading.count
    assert seen == {
        "zengin_statement", "zengin_credit", "debit_result", "eltax_payment", "eltax_remittance",
        "konbini_kyodo",
    }  # fmt: skip
