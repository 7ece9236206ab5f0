"""The golden files of the fixed-length formats read as the listings beside them say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixed_samples import CONTEXT, GOLDEN, GOLDEN_ACCOUNT, PROFILE, SECOND_ACCOUNT, read

from reconcile.formats import FORMATS
from reconcile.formats.fixed_length import split, wrapping_of
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.model import ReadContext, Severity

FIXED = {form.code: form for form in FORMATS if isinstance(form, FixedFormat)}
CASES = [
    pytest.param(form, path, id=f"{code}/{path.stem}")
    for code, form in FIXED.items()
    for path in sorted((GOLDEN / code).glob("*.dat"))
]
WITH_ALL_ACCOUNTS = ReadContext(
    CONTEXT.received_on,
    replace(PROFILE, accounts=(*PROFILE.accounts, GOLDEN_ACCOUNT, SECOND_ACCOUNT)),
)


def test_every_fixed_format_has_golden_files():
    assert len(FIXED) == 5
    assert all(any((GOLDEN / code).glob("*.dat")) for code in FIXED)


@pytest.mark.parametrize(("form", "path"), CASES)
def test_the_listing_beside_the_file(form, path):
    data = path.read_bytes()
    expected = path.with_suffix(".expected.txt").read_text(encoding="utf-8").splitlines()
    findings = [
        f"{each.severity}\t{each.code}\t{each.line_no}\t{each.byte_offset}\t{each.field}"
        f"\t{each.found}\t{each.expected}"
        for each in read(form, data, WITH_ALL_ACCOUNTS)[1].findings
    ]
    assert [*form.describe(data), *findings] == expected


@pytest.mark.parametrize(("form", "path"), CASES)
def test_only_the_files_said_to_be_broken_are(form, path):
    findings = read(form, path.read_bytes(), WITH_ALL_ACCOUNTS)[1].findings
    assert any(each.severity is not Severity.WARNING for each in findings) == (
        path.stem.startswith("broken")
    )


@pytest.mark.parametrize(("form", "path"), CASES)
def test_a_golden_file_read_and_written_again_is_the_same_bytes(form, path):
    data = path.read_bytes()
    length = form.reader.layouts["2"].length
    rows = []
    for _, _, raw, text in split(data, length):
        layout = form.reader.layout_of(text)
        rows.append(layout.write(layout.values(text)) if layout else raw)
    assert wrapping_of(data, length).join(rows) == data
