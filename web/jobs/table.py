"""定時処理の一覧: every job there is, in the order in which jobs of one moment run.

What stands here is all that can be run: the database names jobs by their code only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import NotFoundError
from web.jobs.arrivals import arrivals
from web.jobs.backup import backup
from web.jobs.charges import charges
from web.jobs.day_report import day_report
from web.jobs.due import due
from web.jobs.dunning_preview import dunning_preview
from web.jobs.inbox import anything_in_inbox, inbox, prune_archive
from web.jobs.letters import any_consent, consent_letters, letters
from web.jobs.limitation import limitation
from web.jobs.notifications import anything_waits, book_notifications
from web.jobs.outbox import anything_to_tell, outbox
from web.jobs.overdue import overdue
from web.jobs.parameters import parameters
from web.jobs.printing import anything_to_print, printing
from web.jobs.prune_spool import prune_spool
from web.jobs.reconcile import reconcile
from web.jobs.seal import anything_unsealed, seal
from web.jobs.statistics import statistics
from web.jobs.timing import EVERY, CatchUp, Days
from web.jobs.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from web.config import Settings
    from web.jobs.contract import Job, JobContext

BOOKS, SENDING, CHECKS, PRINTING = "books", "sending", "checks", "printing"
LANES = (BOOKS, SENDING, CHECKS, PRINTING)  # one job of a lane at a time; lanes run side by side


@dataclass(frozen=True, slots=True)
class Entry:
    """定時処理: a job with its defaults; its Japanese name is the label ``job`` of its code.

    ``waits``: of a round, whether there is anything to do; without it nothing is written down.
    ``whole``: it is about the installation, and is watched under its first municipality only.
    """

    code: str
    run: Job
    lane: str
    timing: Callable[[Settings], str]
    days: Days = Days.EVERY_DAY
    catch_up: CatchUp = CatchUp.ONCE
    waits: Callable[[JobContext], bool] | None = None
    whole: bool = False


def _round(settings: Settings) -> str:
    """As often as the inbox is looked into."""
    return f"{EVERY}{settings.inbox_seconds}"


def _morning(settings: Settings) -> str:
    """The time of the daily reconciliation."""
    hour, minute = settings.reconcile_at.split(":")
    return f"{int(minute)} {int(hour)} * * *"


def _at(text: str) -> Callable[[Settings], str]:
    """A cron expression that no setting changes."""
    return lambda _settings: text


JOBS = (
    Entry("notifications", book_notifications, BOOKS, _round, waits=anything_waits),
    Entry("parameters", parameters, BOOKS, _at("5 0 * * *")),
    Entry("inbox", inbox, BOOKS, _round, waits=anything_in_inbox),
    Entry("charges", charges, BOOKS, _at("30 4 * * *")),
    Entry("reconcile", reconcile, BOOKS, _morning),
    Entry("overdue", overdue, BOOKS, _at("45 6 * * *"), Days.BUSINESS),
    Entry("arrivals", arrivals, BOOKS, _at("*/15 * * * *")),
    Entry("dunning_preview", dunning_preview, BOOKS, _at("0 7 * * *"), Days.BUSINESS),
    Entry("day_report", day_report, BOOKS, _at("0 20 * * *"), catch_up=CatchUp.EACH),
    Entry("seal", seal, BOOKS, _round, waits=anything_unsealed),
    Entry("outbox", outbox, SENDING, _round, waits=anything_to_tell),
    Entry("consent_letters", consent_letters, SENDING, _round, waits=any_consent),
    Entry("letters", letters, SENDING, _at("*/15 * * * *")),
    Entry("backup", backup, CHECKS, _at("30 1 * * *"), whole=True),
    Entry("verify", verify, CHECKS, _at("30 2 * * *")),
    Entry("archive", prune_archive, CHECKS, _at("15 3 * * *")),
    Entry("spool", prune_spool, CHECKS, _at("45 3 * * *")),
    Entry("statistics", statistics, CHECKS, _at("0 4 * * *")),
    Entry("limitation", limitation, CHECKS, _at("0 5 * * *")),
    Entry("due", due, CHECKS, _at("10 5 * * *")),
    Entry("printing", printing, PRINTING, _round, waits=anything_to_print),
)
_BY_CODE = {entry.code: entry for entry in JOBS}


def entry_of(code: str) -> Entry:
    """The job with this code; :class:`NotFoundError` ``job``."""
    if code not in _BY_CODE:
        raise NotFoundError("job", found=code)
    return _BY_CODE[code]


def codes_of(lane: str) -> list[str]:
    """The jobs of a lane, in order."""
    return [entry.code for entry in JOBS if entry.lane == lane]
