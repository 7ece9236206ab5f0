"""引渡しの依頼: what is asked for before a print run leaves the building."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from payments import approve
from payments.release import KIND, release_content, subject_of
from web import clock
from web.printing.release import folder_findings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from payments.print_runs import PrintRun


def content_to_release(connection: Connection, profile: Profile, run_id: int) -> dict[str, Any]:
    """引渡の内容, once books, hub and disk agree; raises what stands in the way."""

    def changed_files(run: PrintRun) -> list[str]:
        code = profile.municipality_code
        findings = folder_findings(connection, code, run.run_id, Path(run.folder))
        return [f"{finding.file}（{finding.code}）" for finding in findings]

    return release_content(connection, profile, run_id, changed_files=changed_files)


def ask_release(
    connection: Connection, profile: Profile, run_id: int, *, asked_by: str, reason: str
) -> Approval:
    """引渡しの依頼: the first of the two people; raises what stands in the way."""
    content = content_to_release(connection, profile, run_id)
    return approve.ask(
        connection,
        profile.municipality_code,
        KIND,
        subject_of(run_id),
        content,
        asked_by=asked_by,
        at=clock.now(),
        reason=reason,
    )
