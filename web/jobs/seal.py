"""封印: what people decided and operators notified is sealed soon behind its commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.unit_of_work import reading
from reconcile.audit.seal import is_pending, seal_pending
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def anything_unsealed(context: JobContext) -> bool:
    """Whether something waits for its seal."""
    with reading(context.engine, context.municipality_code) as connection:
        return is_pending(connection, context.municipality_code)


def seal(context: JobContext) -> JobResult:
    """封印 of everything that has been committed so far."""
    made = seal_pending(context.engine, context.municipality_code, lambda _done: context.beat())
    return JobResult(totals={"seals": made})
