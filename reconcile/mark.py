"""集計の印: up to which journal the summaries go (``books_mark``); what is behind is read itself.

The number goes into statements as a value: a planner that is told only where it stands reckons that
a third of all postings are behind it, and reads millions to find none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection


def summed_up_to(connection: Connection, municipality_code: str) -> int:
    """The last journal in ``day_total``, ``delay_total`` and ``file_total``; 0: none yet."""
    return (
        connection.execute(
            text("SELECT journal_id FROM books_mark WHERE municipality_code = :m"),
            {"m": municipality_code},
        ).scalar_one_or_none()
        or 0
    )
