"""廃棄: what two people let go, after it was archived and read back (R10).

The decision names the archive with its digests and stands in the sealed approval. In the
transaction of the second person the rows are read once more: only if they are the archived ones,
each and in their order, do they go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.errors import RefusedError
from web import clock
from web.retention.archive import archive_of, deletions
from web.retention.rows import Chain, chain_of, delete_older
from web.retention.rules import rule_in_force

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from web.retention.archive import Archive

KIND = "retention_deletion"


def ask(
    connection: Connection, code: str, found: Archive, *, by: str, at: datetime, reason: str
) -> Approval:
    """廃棄の依頼 for one archive.

    Raises :class:`RefusedError` ``retention_deleted`` and what :func:`payments.approve.ask` raises.
    """
    content = content_of(found)
    return approve.ask(
        connection, code, KIND, str(found.archive_no), content,
        asked_by=by, at=at, reason=reason,
    )  # fmt: skip


def content_now(connection: Connection, profile: Profile, approval: Approval) -> dict[str, Any]:
    """廃棄の内容 as it would be asked for now."""
    code = profile.municipality_code
    return content_of(archive_of(connection, code, int(approval.content["archive_no"])))


def content_of(found: Archive) -> dict[str, Any]:
    """廃棄の内容: which rows, and by which file they can be shown ever after.

    Raises :class:`RefusedError` ``retention_deleted``.
    """
    if found.deleted_at is not None:
        raise RefusedError("retention_deleted", archive_no=found.archive_no)
    return {
        "archive_no": found.archive_no,
        "table": found.table_name,
        "before_on": clock.in_japan(found.before_at).date().isoformat(),
        "rows": found.row_count,
        "rows_sha256": found.rows_sha256,
        "archive_file": found.file_name,
        "file_sha256": found.file_sha256,
    }


def carry_out(connection: Connection, profile: Profile, approval: Approval) -> None:
    """廃棄: the rows go, or nothing does.

    Raises :class:`RefusedError` ``approval_stale`` when the rows are not those of the archive.
    """
    code = profile.municipality_code
    found = archive_of(connection, code, int(approval.content["archive_no"]))
    rule = rule_in_force(profile, found.table_name, clock.today())
    before = clock.in_japan(found.before_at)
    archived = Chain(found.row_count, found.rows_sha256)
    if (
        approve.canonical(content_of(found)) != approve.canonical(approval.content)
        or before > rule.before(clock.today())
        or chain_of(connection, code, rule, before) != archived
    ):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    connection.execute(
        deletions.insert().values(
            municipality_code=code,
            archive_no=found.archive_no,
            table_name=found.table_name,
            before_at=found.before_at,
            row_count=found.row_count,
            approval_id=approval.approval_id,
            deleted_at=clock.now(),
        )
    )
    delete_older(connection, code, rule, before)
