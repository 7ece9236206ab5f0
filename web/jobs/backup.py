"""バックアップ: every night, beside the running service; the newest are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from web.backups.make import back_up, backups_in, drop_old
from web.backups.manifest import size_of
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def backup(context: JobContext) -> JobResult:
    """バックアップ of the whole installation into the folder of the settings."""
    settings = context.settings
    try:
        made = back_up(
            settings, context.engine, settings.backup_folder, lambda _done, _total: context.beat()
        )
    except ConfigurationError as error:
        if error.error_code != "backup_exists":
            raise
        # Who took it in this very second was cut off behind it: it has its name, so it is whole.
        made = Path(str(error.details["path"]))
    dropped = drop_old(settings.backup_folder, settings.backups_kept)
    size = size_of(made)
    context.say(f"バックアップ {made.name} をとりました（{size:,}バイト）。")
    return JobResult(
        totals={
            "size_bytes": size,
            "kept": len(backups_in(settings.backup_folder)),
            "dropped": len(dropped),
        }
    )
