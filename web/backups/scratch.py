"""作業の場所: where a backup lies while it is made, opened or tried, and is gone from afterwards.

What is in clear lies in the data folder only, beside the books themselves: a process that is killed
over it leaves nothing in a place that others share.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "kokin-"


@contextmanager
def scratch(folder: Path, name: str) -> Iterator[Path]:
    """A folder of this process alone, gone at the end; what dead ones have left goes first."""
    draft = folder / f".{name}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f".{PREFIX}*.part"):
            if not _is_alive(left):
                shutil.rmtree(left)
        draft.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigurationError("backup_folder", path=str(folder), found=str(error)) from error
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_alive(draft: Path) -> bool:
    """Whether the process that began a draft still runs (on this machine)."""
    try:
        os.kill(int(draft.name.split(".")[-2]), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
