"""確認事項の版: what the page of a case showed, for forms that must not decide about more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.cases import events_shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconcile.cases import CaseView

# The outcome in force of the line, and the approvals about its money.
_POSITION = """
SELECT (SELECT COALESCE(MAX(o.revision), 0) FROM line_outcome o WHERE o.municipality_code = :m
          AND o.file_id = c.file_id AND o.line_no = c.line_no),
    (SELECT COUNT(*) FROM approval a WHERE a.municipality_code = :m AND a.subject =
        'line:' || CAST(c.file_id AS VARCHAR(20)) || ':' || CAST(c.line_no AS VARCHAR(20)))
FROM review_case c WHERE c.municipality_code = :m AND c.case_no = :case_no"""


class CaseVersion(NamedTuple):
    """版: how many events, which revision of the outcome, how many requests about the money."""

    events: int
    revision: int = 0
    requests: int = 0

    def __str__(self) -> str:
        """As a form carries it."""
        return f"{self.events}.{self.revision}.{self.requests}"


def version_of(connection: Connection, municipality_code: str, case_no: int) -> CaseVersion:
    """The version as it stands now."""
    events = events_shown(connection, municipality_code, case_no)
    row = connection.execute(
        text(_POSITION), {"m": municipality_code, "case_no": case_no}
    ).one_or_none()
    return CaseVersion(events, *map(int, row or ()))


def changes_since(said: str, now: CaseVersion, view: CaseView) -> tuple[str, ...]:
    """何が変わったか since a form was shown: codes for the page; the events beside them are new."""
    parts = said.split(".")
    if len(parts) != len(now) or not all(part.isascii() and part.isdigit() for part in parts):
        return ()
    then = CaseVersion(*map(int, parts))
    found = []
    if then.events < now.events and view.events:
        found.append("events")
    if then.revision != now.revision:
        found.append("outcome")
    if then.requests != now.requests:
        found.append("requests")
    return tuple(found)
