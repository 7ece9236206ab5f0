"""Everything is invented: no account, address or number in this project belongs to anybody.

Bank 9999 does not exist, the municipality is 99999, telephone numbers begin with 000, and mail
goes to reserved domains (RFC 2606).
"""

from __future__ import annotations

import re
import tomllib

import pytest
from codebase import ROOT, name, tracked_files

GOLDEN = ROOT / "sample_data" / "golden"
# 1-based byte positions of the bank code in header and data records (files.md 1.1 to 1.4).
BANK_CODE_AT = {"01": (23, None), "03": (23, None), "21": (59, 2), "91": (59, 2)}
# No top-level domain begins with a digit: 31@2.6 are days at a rate (tests/vectors).
MAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)*\.[A-Za-z][\w-]*)")
RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org|jp))?|invalid|test|localhost)$")
TELEPHONE = re.compile(r"(?<![\w-])0\d{1,4}-\d{1,4}-\d{4}(?![\w-])")
TEXTS = {".py", ".md", ".toml", ".html", ".txt", ".csv", ".json", ".sh", ""}


def _texts():
    for path in tracked_files():
        if path.suffix in TEXTS:
            yield path, path.read_text(encoding="utf-8", errors="replace")


def _bank_codes(data: bytes) -> set[str]:
    """The bank codes of a fixed-length Zengin file, by the positions of its kind."""
    kind = data[1:3].decode("ascii", "replace")
    header, detail = BANK_CODE_AT[kind]
    records = [line for line in data.split(b"\r\n") if line]
    return {
        record[at - 1 : at + 3].decode("ascii", "replace")
        for record in records
        for mark, at in ((b"1", header), (b"2", detail))
        if at and record.startswith(mark)
    }


def test_mail_addresses_are_of_reserved_domains():
    real = {
        f"{name(path)}: {match.group()}"
        for path, text in _texts()
        for match in MAIL.finditer(text)
        if not RESERVED.search(match.group(1))
    }
    assert real == set()


def test_telephone_numbers_cannot_be_dialled():
    real = {
        f"{name(path)}: {match.group()}"
        for path, text in _texts()
        for match in TELEPHONE.finditer(text)
        if not match.group().startswith("000-")
    }
    assert real == set()


@pytest.mark.parametrize("path", sorted((ROOT / "web" / "profiles").glob("*.toml")), ids=name)
def test_shipped_profiles_name_nobody(path):
    profile = tomllib.loads(path.read_text(encoding="utf-8"))
    assert profile["municipality_code"] == profile["collecting_body_code"] == path.stem
    assert path.stem in {"99998", "99999"}
    assert {account["bank_code"] for account in profile["accounts"]} == {"9999"}
    assert all(agent["payer_code"].startswith("9") for agent in profile["agents"])


@pytest.mark.parametrize("kind", ["zengin_statement", "zengin_credit", "debit_result"])
def test_golden_bank_files_name_a_bank_that_does_not_exist(kind):
    whole = [
        path
        for path in sorted((GOLDEN / kind).iterdir())
        if not path.name.endswith(".expected.txt") and path.read_bytes()[1:3].isdigit()
    ]
    assert whole
    named = {name(path): _bank_codes(path.read_bytes()) for path in whole}
    assert {path: codes for path, codes in named.items() if not codes <= {"9999", ""}} == {}
