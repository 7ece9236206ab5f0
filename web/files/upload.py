"""資料の持込み: files that somebody brings by the page, one after the other into the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from reconcile.audit.seal import seal_pending
from reconcile.day_totals import summarise
from reconcile.waiting import reconcile_waiting
from web import clock
from web.inbox.deliveries import Way
from web.inbox.names import safe_name
from web.inbox.reception import book, put_away

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from reconcile.model import FileReport
    from web.config import Settings


@dataclass(frozen=True, slots=True)
class Brought:
    """持ち込まれた資料: its name, and its bytes as they lie on the disk."""

    name: str
    stream: IO[bytes]


@dataclass(frozen=True, slots=True)
class Result:
    """一件の結果: the report, or the code that says why there is none."""

    name: str
    report: FileReport | None
    problem: str = ""

    @property
    def file_id(self) -> int | None:
        """The file of the books, when it became one."""
        return self.report.file_id if self.report else None


def bring(
    settings: Settings,
    engine: Engine,
    municipality_code: str,
    chosen: list[Brought],
    *,
    claim: str,
    actor: str,
) -> list[Result]:
    """取込 of the files as they were chosen; then what waited for them is reconciled.

    ``claim`` is the channel that the person says they are of; "" where the content alone decides.
    """
    day, way = clock.today(), Way("upload", actor, claim)
    results: list[Result] = []
    for each in chosen:
        data = each.stream.read(settings.file_bytes_max + 1)
        if len(data) > settings.file_bytes_max:
            results.append(Result(safe_name(each.name), None, "too_large"))
            continue
        report = book(engine, municipality_code, each.name, data, way, received_on=day)
        problem = ""
        try:
            put_away(settings, engine, municipality_code, report, data, way, on=day)
        except OSError:
            problem = "copy_unwritable"
        results.append(Result(report.name, report, problem))
    if any(result.report and result.report.status.is_good for result in results):
        reconcile_waiting(engine, municipality_code, as_of=day, actor=actor)
        summarise(engine, municipality_code)
    seal_pending(engine, municipality_code)
    return results
