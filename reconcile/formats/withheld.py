"""指摘の値: what a finding quotes of a file, which nobody can take back once it is written down.

Findings stand in the books for good, on pages and in lists. What is sealed everywhere else
(accounts, holders, addresses; docs/adr/0017-personal-columns-at-rest.md) does not stand there in
clear, nor does a whole line, in which anything may be: instead of the value its length and kind
are told. Where it is wrong the line, the byte and the field say, and who may look at evidence sees
the bytes themselves.
"""

from __future__ import annotations

import re

# Columns about a person, by the names that every layout uses for them.
PERSONAL = frozenset(
    {
        "account_no",
        "address",
        "edi",
        "holder_name",
        "obligor_kana",
        "obligor_name",
        "payee_name",
        "payer_name",
        "postal_code",
        "remarks",
    }
)
# Findings that quote a line, or the end of one.
_OF_LINES = frozenset(
    {"after_end", "after_trailer", "newline", "no_instalment", "quoting", "truncated"}
)
# Findings that quote the beginning of a file: names of columns, unless numbers stand in it.
_OF_BEGINNINGS = frozenset({"header", "unknown_format"})
# Findings that quote no value of their field: damaged bytes, or an account of the body itself.
_PLAIN = frozenset({"undecodable", "unknown_account"})
_NUMBER = re.compile("[0-9０-９]{5}")
_BYTE = re.compile("0x[0-9A-F]{2}")
_HALF_KANA = re.compile("[\uff61-\uff9f\x20-\x7e]+")


def quoted(code: str, field: str, found: str, *, of_people: bool = True) -> str:
    """What a finding of this code says of a value of ``field`` (name of a column of ours).

    A column of a layout of their own stands before its name: ``住所→address``. Without
    ``of_people`` no column of the file is about a person, and its lines may be quoted.
    """
    if not (found and of_people) or code in _PLAIN or _BYTE.fullmatch(found):
        return found
    personal = field.rpartition("→")[2] in PERSONAL
    beginning = code in _OF_BEGINNINGS and _NUMBER.search(found) is not None
    if personal or code in _OF_LINES or beginning:
        return f"（{len(found)}文字、{_kind(found)}）"
    return found


def _kind(found: str) -> str:
    if found.isascii():
        return "数字" if found.isdigit() else "英数字・記号"
    return "半角カナ" if _HALF_KANA.fullmatch(found) else "全角を含む"
