"""検算・口座: each line of a register of payers' accounts stands in the books as it says."""

from __future__ import annotations

import contextlib
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from payments.domain.errors import KokinError
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.verify.walk import Store

_AT_ONCE = 500
_FIELDS = ("obligor_no", "item_code", "event", "from_on", "bank_code", "bank_name", "branch_code",
           "branch_name", "account_type", "account_no", "holder_name")  # fmt: skip
# A line that said nothing new is that of an entry before it, and has none of its own.
_ENTRIES = """
SELECT d.obligor_no, d.item_code, d.event, CAST(d.from_on AS VARCHAR(10)), d.bank_code,
    d.bank_name, d.branch_code, d.branch_name, d.account_type, d.text_no, s.key_id, s.data
FROM debit_account d
LEFT JOIN sealed_text s ON s.municipality_code = :m AND s.text_no = d.text_no
WHERE d.municipality_code = :m AND d.obligor_no IN :keys AND d.entry_no <= (
    SELECT COALESCE(MAX(e.entry_no), (SELECT MAX(x.entry_no) FROM debit_account x
        WHERE x.municipality_code = :m))
    FROM debit_account e WHERE e.municipality_code = :m AND e.file_id = :file_id)"""
_WRITTEN = """
SELECT COUNT(*) FROM debit_account WHERE municipality_code = :m AND file_id = :file_id"""


def debit_accounts(store: Store, file_id: int, lines: Iterable[Any]) -> Iterator[Difference]:
    """口座: an entry like each line, none of the file beyond its lines."""
    rest, number = iter(lines), 0
    while batch := [*islice(rest, _AT_ONCE)]:
        number += len(batch)
        entries: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
        for row in store.among(_ENTRIES, [line.obligor_no for line in batch], file_id=file_id):
            entry = _opened(store, row)
            entries.setdefault((entry[0], entry[1], entry[3]), []).append(entry)
        for line in batch:
            should = tuple(getattr(line, name) for name in _FIELDS)
            found = entries.get((line.obligor_no, line.item_code, line.from_on), [])
            if should not in found:
                is_ = found[-1] if found else ("",) * len(_FIELDS)
                # Only which fields differ: what stands in them is nobody's business here.
                names = [n for n, a, b in zip(_FIELDS, should, is_, strict=True) if a != b]
                place = f"{file_id}:{line.line_no}"
                yield Difference("debit_account", place, "資料の行", ", ".join(names))
    written = store.number(_WRITTEN, file_id=file_id)
    if written > number:
        yield Difference("debit_account", f"file:{file_id}", str(number), str(written))


def _opened(store: Store, row: tuple[Any, ...]) -> tuple[str, ...]:
    """An entry as a line would say it."""
    *head, text_no, key_id, data = row
    number, holder = "", ""
    if text_no is not None:
        place = f"sealed_text|{store.profile.municipality_code}|{text_no}".encode()
        with contextlib.suppress(KokinError, ValueError, TypeError):  # then it differs
            ring = keys_of(store.connection)
            number, holder = json.loads(open_piece(ring, key_id, bytes(data), place))
    return (*map(str, head), number, holder)
