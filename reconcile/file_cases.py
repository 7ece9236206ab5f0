"""資料の確認事項: what a person must look at because of a whole file, beyond its single lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.fiscal import last_closed_fiscal_year
from reconcile.flag import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile


def open_after_money(connection: Connection, profile: Profile, agent: str) -> dict[int, int]:
    """入金済みの払込 of an agent: the yen still open of each, less than 0 where too much came."""
    terms = profile.agent(agent)
    fee = "fee_yen" if terms is not None and terms.is_net else "0"
    rows = connection.execute(
        text(
            f"SELECT group_id, confirmed_yen - {fee} - credited_yen AS open_yen "
            "FROM remittance_group WHERE municipality_code = :m AND agent = :agent "
            "AND credited_yen > 0 ORDER BY group_id"
        ),
        {"m": profile.municipality_code, "agent": agent},
    )
    return {int(row.group_id): int(row.open_yen) for row in rows}


def changed_after_money(
    connection: Connection, profile: Profile, agent: str, before: Mapping[int, int]
) -> list[Case]:
    """入金後に変わった払込: the group reopens with the difference (outcomes.md 9).

    A 確報 came late; a 22 took the payment that it corrects out of its group; or an advice named
    another fee than the one the credit was settled with. ``before`` is :func:`open_after_money`
    ahead of this file.
    """
    return [
        Case("late_confirmation", f"group:{group_id}", open_yen)
        for group_id, open_yen in open_after_money(connection, profile, agent).items()
        if open_yen and open_yen != before.get(group_id)
    ]


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
