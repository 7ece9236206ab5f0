"""引渡の依頼: what is asked for before a print run leaves the building."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from payments import approve
from payments.release import KIND, release_content, subject_of
from web import clock
from web.printing.folder import sha256_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from payments.print_runs import PrintRun, RunFile


def changed_files(run: PrintRun, files: list[RunFile]) -> list[str]:
    """印刷ファイルの確認: names of files that are gone or no longer what was read back."""
    folder = Path(run.folder)
    return [
        file.name for file in files if file.name and sha256_of(folder / file.name) != file.sha256
    ]


def ask_release(
    connection: Connection, profile: Profile, run_id: int, *, asked_by: str, reason: str
) -> Approval:
    """引渡の依頼: the first of the two people; raises what stands in the way."""
    content = release_content(connection, profile, run_id, changed_files=changed_files)
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
