"""定時処理の約束: what a job is given, and what it says when it has run.

A job is a function of a :class:`JobContext`. It does its work for one municipality, may be run
again at any time (R8), and says how it ended. What it raises is FAILED, and the scheduler writes
that down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from web import clock

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Engine

    from web.config import Settings


class JobState(StrEnum):
    """結果: how a run of a job ended; what could not finish never looks like a success (R8)."""

    OK = "OK"
    INCOMPLETE = "INCOMPLETE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class JobContext:
    """一回の実行: for whom a job runs, at which moment, and whom it tells."""

    settings: Settings
    engine: Engine
    municipality_code: str
    now: datetime  # aware; the moment the run is for, not always the clock's
    actor: str  # "schedule", or the user name of who ran it by hand
    say: Callable[[str], None]  # one line per thing that happened, without personal data
    beat: Callable[[], None] = lambda: None  # called during long work: this process still lives

    @property
    def as_of(self) -> date:
        """基準日: the Japanese day that the run is for."""
        return clock.in_japan(self.now).date()


@dataclass(frozen=True, slots=True)
class JobResult:
    """実行結果: its state, its totals (numbers and yen by name), and what was not finished."""

    state: JobState = JobState.OK
    totals: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # codes of web/texts that say why it is not OK


Job = Callable[[JobContext], JobResult]
