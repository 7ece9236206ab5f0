"""調定の行: what :mod:`payments.assess` asks of a line, whichever layout it comes from."""

from __future__ import annotations

from typing import Any, Protocol


class AssessmentLike(Protocol):
    """One line of ``assessments-1`` (files.md 3.5), or of a described register of changes.

    ``kind`` ``difference``: ``amount_yen`` is added to what is owed now, below 0 for less.
    """

    line_no: int
    item_code: str
    fiscal_year: int
    levy_year: int
    notice_no: str
    term: str
    obligor_no: str
    obligor_name: str
    obligor_kana: str
    postal_code: str
    address: str
    amount_yen: int
    due_on_statutory: str
    kind: str
    whole_year_group: str
    flags: Any

    @property
    def before_yen(self) -> int | None:
        """更正前の額, where the file says it."""


def change_no(line: AssessmentLike) -> str:
    """異動番号, "" where the line has none; the content of one that has begins with its number."""
    return str(getattr(line, "change_no", ""))
