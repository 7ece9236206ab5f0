"""印刷の進み: how far a run is by what the books have recorded, and what is left (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from web import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from payments.print_runs import PrintRun, RunFile

GOING_ON = frozenset({"planned", "printing"})
# Up to how many slips a run is checked whenever somebody looks; larger ones are when asked.
CHECKED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Progress:
    """印刷の進み: slips numbered and pages finished, of how many; pace and rest while it runs."""

    slips: int
    numbered: int
    pages: int
    files_done: int
    files: int
    per_minute: int | None  # pages; None before the first file, and when it is over
    minutes_left: int | None


def progress_of(run: PrintRun, files: Sequence[RunFile], now: datetime) -> Progress:
    """進み of a run as it stands ``now``."""
    pages = sum(file.pages for file in files)
    per_minute = minutes_left = None
    if run.state in GOING_ON and files:
        seconds = (now - clock.in_japan(run.made_at)).total_seconds()
        if seconds > 0 and pages:
            per_minute = max(round(pages * 60 / seconds), 1)
            minutes_left = -(-(run.slips - pages) // per_minute)
    return Progress(
        run.slips, run.numbered_seq, pages, len(files), run.files, per_minute, minutes_left
    )
