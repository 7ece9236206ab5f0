"""確認事項 in SQL: which cases wait for somebody, and the notice that a case is about."""

from __future__ import annotations

OPEN_CASE = "c.state IN ('open', 'acknowledged')"
# A case about an instalment names it ``notice/term``; a term has two digits.
ABOUT_INSTALMENT = "c.subject LIKE '%/__'"
NOTICE_OF_CASE = (
    f"CASE WHEN {ABOUT_INSTALMENT} "
    "THEN CAST(SUBSTR(c.subject, 1, LENGTH(c.subject) - 3) AS BIGINT) END"
)
# The notices of payments that a case waits for.
NOTICES_ASKED = f"""SELECT r.notice_id FROM review_case c JOIN receipt r ON r.municipality_code = :m
        AND r.file_id = c.file_id AND r.line_no = c.line_no
    WHERE c.municipality_code = :m AND {OPEN_CASE} AND r.notice_id IS NOT NULL"""
