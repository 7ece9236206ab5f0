"""確認事項 in SQL: which cases wait for somebody, and the notice that a case is about."""

from __future__ import annotations

OPEN_CASE = "c.state IN ('open', 'acknowledged')"
# A case about an instalment names it ``notice/term``; a term has two digits.
ABOUT_INSTALMENT = "c.subject LIKE '%/__'"
NOTICE_OF_CASE = (
    f"CASE WHEN {ABOUT_INSTALMENT} "
    "THEN CAST(SUBSTR(c.subject, 1, LENGTH(c.subject) - 3) AS BIGINT) END"
)
