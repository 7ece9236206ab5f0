"""確認事項の根拠: the rows that a case rests on, as plain values for the page of the case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from payments.store.tables import InstalmentRow, NoticeRow, SlipRow
from reconcile.store.tables import (
    BankLineRow,
    LineOutcomeRow,
    RemittanceGroupRow,
    SourceFileRow,
    SourceLineRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

Facts = dict[str, Any]
SAME_MAX = 20

file_table = SourceFileRow.__table__  # type: ignore[attr-defined]
line_table = SourceLineRow.__table__  # type: ignore[attr-defined]
outcome_table = LineOutcomeRow.__table__  # type: ignore[attr-defined]
slip_table = SlipRow.__table__  # type: ignore[attr-defined]
notice_table = NoticeRow.__table__  # type: ignore[attr-defined]
instalment_table = InstalmentRow.__table__  # type: ignore[attr-defined]
bank_table = BankLineRow.__table__  # type: ignore[attr-defined]
group_table = RemittanceGroupRow.__table__  # type: ignore[attr-defined]


def line(
    connection: Connection, municipality_code: str, file_id: int | None, line_no: int | None
) -> Facts:
    """報告の明細: the line and its outcome in force, when the case is about a line."""
    if file_id is None or line_no is None:
        return {}
    row = connection.execute(
        select(line_table, outcome_table)
        .join(
            outcome_table,
            (outcome_table.c.municipality_code == line_table.c.municipality_code)
            & (outcome_table.c.file_id == line_table.c.file_id)
            & (outcome_table.c.line_no == line_table.c.line_no),
        )
        .where(
            line_table.c.municipality_code == municipality_code,
            line_table.c.file_id == file_id,
            line_table.c.line_no == line_no,
        )
        .order_by(outcome_table.c.revision.desc())
        .limit(1)
    ).first()
    return dict(row._mapping) if row is not None else {}  # noqa: SLF001 - SQLAlchemy's public name


def slip(
    connection: Connection, municipality_code: str, slip_id: int | None, subject: str
) -> Facts:
    """納付書: the slip the line names, or the instalment the case is about."""
    notice = notice_table
    if slip_id is not None:
        row = connection.execute(
            select(slip_table, notice.c.item_code, notice.c.levy_year, notice.c.notice_no)
            .join(
                notice,
                (notice.c.municipality_code == slip_table.c.municipality_code)
                & (notice.c.notice_id == slip_table.c.notice_id),
            )
            .where(
                slip_table.c.municipality_code == municipality_code,
                slip_table.c.slip_id == slip_id,
            )
        ).first()
        return dict(row._mapping) if row is not None else {}  # noqa: SLF001
    notice_id, slash, term = subject.partition("/")
    if not slash or not notice_id.isdigit():
        return {}
    row = connection.execute(
        select(instalment_table, notice.c.item_code, notice.c.levy_year, notice.c.notice_no)
        .join(
            notice,
            (notice.c.municipality_code == instalment_table.c.municipality_code)
            & (notice.c.notice_id == instalment_table.c.notice_id),
        )
        .where(
            instalment_table.c.municipality_code == municipality_code,
            instalment_table.c.notice_id == int(notice_id),
            instalment_table.c.term == term,
        )
    ).first()
    return dict(row._mapping) if row is not None else {}  # noqa: SLF001


def group(connection: Connection, municipality_code: str, subject: str) -> Facts:
    """払込単位: the remittance group a case is about."""
    if not subject.startswith("group:"):
        return {}
    row = connection.execute(
        select(group_table).where(
            group_table.c.municipality_code == municipality_code,
            group_table.c.group_id == int(subject.removeprefix("group:")),
        )
    ).first()
    return dict(row._mapping) if row is not None else {}  # noqa: SLF001


def groups(
    connection: Connection, municipality_code: str, subjects: Iterable[str]
) -> dict[str, Facts]:
    """払込単位 of several cases at once, by their subjects; other subjects are left out."""
    numbers = [int(s.removeprefix("group:")) for s in subjects if s.startswith("group:")]
    if not numbers:
        return {}
    rows = connection.execute(
        select(group_table).where(
            group_table.c.municipality_code == municipality_code,
            group_table.c.group_id.in_(numbers),
        )
    )
    return {f"group:{row.group_id}": dict(row._mapping) for row in rows}  # noqa: SLF001


def bank(connection: Connection, municipality_code: str, facts: Facts) -> Facts:
    """入出金明細: what the statement says about the line beyond its amount."""
    if not facts:
        return {}
    row = connection.execute(
        select(bank_table).where(
            bank_table.c.municipality_code == municipality_code,
            bank_table.c.file_id == facts["file_id"],
            bank_table.c.line_no == facts["line_no"],
        )
    ).first()
    return dict(row._mapping) if row is not None else {}  # noqa: SLF001


def same_identity(
    connection: Connection, municipality_code: str, facts: Facts
) -> tuple[Facts, ...]:
    """Other lines of the same payment or record, with the outcome in force (R3: both shown)."""
    if not facts:
        return ()
    later = outcome_table.alias()
    rows = connection.execute(
        select(
            line_table.c.file_id,
            line_table.c.line_no,
            line_table.c.stage,
            line_table.c.kind,
            line_table.c.slip_key,
            line_table.c.amount_yen,
            line_table.c.paid_on,
            file_table.c.name,
            file_table.c.received_on,
            outcome_table.c.outcome,
        )
        .join(
            file_table,
            (file_table.c.municipality_code == line_table.c.municipality_code)
            & (file_table.c.file_id == line_table.c.file_id),
        )
        .join(
            outcome_table,
            (outcome_table.c.municipality_code == line_table.c.municipality_code)
            & (outcome_table.c.file_id == line_table.c.file_id)
            & (outcome_table.c.line_no == line_table.c.line_no),
        )
        .where(
            line_table.c.municipality_code == municipality_code,
            line_table.c.identity == facts["identity"],
            (line_table.c.file_id != facts["file_id"]) | (line_table.c.line_no != facts["line_no"]),
            ~select(later.c.revision)
            .where(
                later.c.municipality_code == outcome_table.c.municipality_code,
                later.c.file_id == outcome_table.c.file_id,
                later.c.line_no == outcome_table.c.line_no,
                later.c.revision > outcome_table.c.revision,
            )
            .exists(),
        )
        .order_by(line_table.c.file_id, line_table.c.line_no)
        .limit(SAME_MAX)
    )
    return tuple(dict(row._mapping) for row in rows)  # noqa: SLF001
