"""明細の記帳: writing the outcome and the postings of one bank or advice line."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection


class LineBooks:
    """One municipality's books within one journal, a line at a time."""

    def __init__(self, connection: Connection, municipality_code: str, journal_id: int) -> None:
        """``journal_id`` names the booking occasion that every posting here belongs to."""
        self.connection = connection
        self.scope = {"m": municipality_code, "journal_id": journal_id}

    def run(self, statement: str, **values: object) -> Any:
        """Execute one statement with the municipality and the journal bound."""
        return self.connection.execute(text(statement), {**self.scope, **values})

    def outcome_of(self, file_id: int, line_no: int) -> str | None:
        """The outcome of a line as it stands."""
        found: str | None = self.run(
            """SELECT outcome FROM line_outcome WHERE municipality_code = :m
               AND file_id = :file_id AND line_no = :line_no ORDER BY revision DESC LIMIT 1""",
            file_id=file_id,
            line_no=line_no,
        ).scalar_one_or_none()
        return found

    def write_outcome(
        self,
        file_id: int,
        line_no: int,
        outcome: str,
        rule: str,
        *,
        partner: tuple[int, int] | None = None,
    ) -> None:
        """A further revision of a bank or advice line's outcome; its money is in the ledger."""
        self.run(
            """INSERT INTO line_outcome (municipality_code, file_id, line_no, revision, outcome,
                   rule, applied_yen, suspense_yen, partner_file_id, partner_line_no, journal_id)
               SELECT CAST(:m AS VARCHAR(5)),
                   :file_id, :line_no, COALESCE(MAX(revision), 0) + 1, :outcome, :rule,
                   0, 0, CAST(:partner_file AS BIGINT), CAST(:partner_line AS INTEGER),
                   :journal_id
               FROM line_outcome
               WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no""",
            file_id=file_id,
            line_no=line_no,
            outcome=outcome,
            rule=rule,
            partner_file=partner[0] if partner else None,
            partner_line=partner[1] if partner else None,
        )

    def post(
        self,
        file_id: int,
        line_no: int,
        leg: int,
        debit_account: str,
        credit_account: str,
        amount_yen: int,
        reason: str,
        group_id: int | None = None,
    ) -> None:
        """仕訳: one posting about this line."""
        self.run(
            """INSERT INTO posting (municipality_code, journal_id, subject_file_id,
                   subject_line_no, leg, debit_account, credit_account, amount_yen, reason,
                   group_id)
               VALUES (:m, :journal_id, :file_id, :line_no, :leg, :debit_account,
                   :credit_account, :amount_yen, :reason, :group_id)""",
            file_id=file_id,
            line_no=line_no,
            leg=leg,
            debit_account=debit_account,
            credit_account=credit_account,
            amount_yen=amount_yen,
            reason=reason,
            group_id=group_id,
        )


def as_date(value: object) -> date:
    """A date column as a date: SQLite hands out ISO text, PostgreSQL dates."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))
