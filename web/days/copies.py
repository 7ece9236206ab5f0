"""日計の控え: keeping what is shown of an open day, without anybody waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError, OperationalError

from payments.store.unit_of_work import enter_municipality
from reconcile import day_copies
from web import clock

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from reconcile.closures import Closure
    from reconcile.report.period import DayReport

WAIT_MS, USUAL_MS = 50, 60_000  # for SQLite's one writer


def keep_shown(engine: Engine, report: DayReport, closure: Closure | None, by: str) -> bool:
    """控えの記録 of what is being shown; of a closed day the signed report is there already.

    Where SQLite is being written by an intake nobody waits: the report is shown without a copy,
    and whoever looks next, or the night, keeps it. True when there is a copy of just this report.
    """
    if closure is not None or report.period != "day":
        return True
    code = report.municipality_code
    with engine.connect().execution_options(writes=True) as connection:
        _wait(connection.connection.dbapi_connection, engine, WAIT_MS)
        try:
            with connection.begin():
                enter_municipality(connection, code)
                day_copies.keep(connection, code, report, at=clock.now(), by=by)
        except (OperationalError, IntegrityError):  # busy, or kept by somebody else meanwhile
            return False
        finally:
            _wait(connection.connection.dbapi_connection, engine, USUAL_MS)
    return True


def _wait(raw: object, engine: Engine, most_ms: int) -> None:
    """How long this connection waits for another writer."""
    if engine.dialect.name == "sqlite":
        raw.execute(f"PRAGMA busy_timeout = {most_ms}")  # type: ignore[attr-defined]
