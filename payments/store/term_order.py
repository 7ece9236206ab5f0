"""期別の順 in SQL: the instalment that follows another one of its notice."""

from __future__ import annotations


def next_term(alias: str) -> str:
    """次の期別: the term after that of a row ``alias``, in two digits as it is stored."""
    return f"SUBSTR(CAST(CAST({alias}.term AS INTEGER) + 101 AS VARCHAR(3)), 2, 2)"
