"""資料の確認事項: what a person must look at because of a whole file, beyond its single lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.fiscal import last_closed_fiscal_year
from reconcile.flag import Case

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import Connection


def late_confirmations(
    connection: Connection, scope: dict[str, Any], settled_before: Iterable[str]
) -> list[Case]:
    """確報 for a group whose money has already come: the group reopens with the difference."""
    cases = []
    for ref in settled_before:
        group = connection.execute(
            text(
                "SELECT group_id, confirmed_yen - fee_yen - credited_yen AS open_yen "
                "FROM remittance_group WHERE municipality_code = :m AND agent = :agent "
                "AND ref = :ref"
            ),
            {**scope, "ref": ref},
        ).one()
        if group.open_yen:
            cases.append(Case("late_confirmation", f"group:{group.group_id}", group.open_yen))
    return cases


def revived_payments(file_id: int, revived: Iterable[tuple[int, int]]) -> list[Case]:
    """確報 after a 取消 of the same payment: a new receipt (line, yen) to look at."""
    return [
        Case("confirmed_after_withdrawal", f"{file_id}:{line_no}", yen, file_id, line_no)
        for line_no, yen in revived
    ]


def closed_years(connection: Connection, scope: dict[str, Any], received_on: date) -> list[Case]:
    """Receipts whose 領収日 lies in a year whose books are closed (自治令160)."""
    closed_to = f"{last_closed_fiscal_year(received_on) + 1}-03-31"
    rows = connection.execute(
        text(
            "SELECT r.file_id, r.line_no, r.amount_yen FROM receipt r "
            "JOIN source_line l ON l.municipality_code = :m AND l.file_id = r.file_id "
            "AND l.line_no = r.line_no AND l.fault IS NULL "
            "WHERE r.municipality_code = :m AND r.file_id = :file_id "
            "AND r.stage <> 'withdrawn' AND r.paid_on <= :closed_to ORDER BY r.line_no"
        ),
        {**scope, "closed_to": closed_to},
    )
    return [
        Case("closed_year", f"{r.file_id}:{r.line_no}", r.amount_yen, r.file_id, r.line_no)
        for r in rows
    ]
