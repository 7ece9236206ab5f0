"""調定の書込: what a batch of assessment lines decided (:mod:`payments.assess`), in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.bulk import insert_rows
from payments.store.personal import ADDRESS, Sealer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

_POSTING = (
    "municipality_code", "journal_id", "subject_file_id", "subject_line_no", "leg",
    "debit_account", "credit_account", "amount_yen", "reason", "notice_id", "term",
)  # fmt: skip
_TABLES = {
    "notice": ("municipality_code", "notice_id", "item_code", "levy_year", "notice_no",
               "whole_year_group", "obligor_no"),
    "instalment": ("municipality_code", "notice_id", "term", "fiscal_year", "due_on_statutory",
                   "due_on", "collection_hold", "dunning_hold", "direct_debit", "debit_no"),
    "instalment_account": ("municipality_code", "notice_id", "term", "in_group", "amount_yen",
                           "term_yen", "whole_yen", "surplus_yen"),
    "assessment_event": ("municipality_code", "file_id", "line_no", "kind", "notice_id", "term",
                         "amount_yen", "flags", "content", "outcome"),
    "pay_key": ("municipality_code", "pay_key", "notice_id", "term", "superseded"),
    "posting": _POSTING,
}  # fmt: skip
_ROWS = {
    "notice": "notice",
    "instalment": "instalment",
    "instalment_account": "account",
    "assessment_event": "event",
    "pay_key": "pay_key",
    "posting": "posting",
}


def write_rows(
    connection: Connection,
    municipality_code: str,
    rows: Mapping[str, Sequence[tuple[Any, ...]]],
    *,
    file_id: int,
    journal_id: int,
) -> None:
    """New notices, instalments, events and postings, by the short names of their tables."""
    for table, columns in _TABLES.items():
        constants: tuple[Any, ...] = (municipality_code,)
        if table == "posting":
            constants = (municipality_code, journal_id)
        if table == "assessment_event":
            constants = (municipality_code, file_id)
        insert_rows(connection, table, columns, rows[_ROWS[table]], constants=constants)


def write_updates(connection: Connection, updates: Sequence[dict[str, Any]]) -> None:
    """Instalments that are otherwise now: their amounts, due dates and holds."""
    if not updates:
        return
    for statement in (_ACCOUNT, _INSTALMENT):
        connection.execute(text(statement), updates)


def write_obligors(
    connection: Connection, municipality_code: str, obligors: Iterable[tuple[Any, ...]]
) -> None:
    """Names and addresses as the latest line gives them."""
    latest = list(obligors)
    if not latest:
        return
    names = ("obligor_no", "name", "kana", "kana_folded", "postal_code", "address")
    keep = Sealer(connection, municipality_code).kept
    rows = ((*said, keep(ADDRESS, (said[0],), at)) for *said, at in latest)
    connection.execute(
        text(_OBLIGOR),
        [{"m": municipality_code, **dict(zip(names, row, strict=True))} for row in rows],
    )


_ACCOUNT = """UPDATE instalment_account SET amount_yen = :amount_yen,
    surplus_yen = :surplus_yen, term_yen = term_yen - :back,
    written_off_yen = written_off_yen - :back
WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term"""
_INSTALMENT = """UPDATE instalment SET due_on_statutory = :statutory, due_on = :due_on,
    collection_hold = :collection_hold, dunning_hold = :dunning_hold,
    direct_debit = :direct_debit
WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term"""
_OBLIGOR = """
INSERT INTO obligor (municipality_code, obligor_no, name, kana, kana_folded, postal_code, address)
VALUES (:m, :obligor_no, :name, :kana, :kana_folded, :postal_code, :address)
ON CONFLICT (municipality_code, obligor_no) DO UPDATE SET name = excluded.name,
    kana = excluded.kana, kana_folded = excluded.kana_folded,
    postal_code = excluded.postal_code, address = excluded.address"""
