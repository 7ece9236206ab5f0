"""The town of tests/support/placing_town.py, somebody who listens, and the job that tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from placing_town import M, PlacingTown
from receiver import receiving

from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.config import Settings
from web.events.kinds import require_kinds, require_numbers
from web.events.subscribers import WEBHOOK, Wish, subscribe
from web.jobs.contract import JobContext, JobResult
from web.jobs.outbox import outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from receiver import Receiver

NOW = datetime(2026, 6, 20, 1, tzinfo=UTC)
SECRET_KEY = "a secret of the tests, long enough"  # nobody's


@dataclass
class Listening:
    """町と購読者: the clock stands still until a test moves it."""

    town: PlacingTown
    settings: Settings
    moment: datetime = NOW
    said: list[str] = field(default_factory=list)

    def subscribe(self, name: str = "portal", address: str = "", **wish: Any) -> str:
        """購読の登録; returns the secret."""
        values = {"channel": WEBHOOK, "kinds": (), "numbers": ()} | wish
        kinds = require_kinds(values.pop("kinds"))
        numbers = require_numbers(values.pop("numbers"))
        asked = Wish(name=name, address=address, kinds=kinds, numbers=numbers, **values)
        with unit_of_work(self.town.engine, M) as connection:
            return subscribe(connection, self.settings, M, asked, actor="kanri")

    def context(self) -> JobContext:
        """One run of a job."""
        return JobContext(
            self.settings, self.town.engine, M, self.moment, "schedule", self.said.append
        )

    def tell(self, **later: int) -> JobResult:
        """The job, after some time."""
        self.moment += timedelta(**later)
        return outbox(self.context())

    def deliveries(self) -> list[tuple[int, str, int, str]]:
        """Event, state, attempts and reason of every delivery."""
        rows = self.town.rows(
            "SELECT event_no, state, attempts, reason FROM event_delivery ORDER BY event_no"
        )
        return [tuple(row) for row in rows]

    def do(self, action: Any, *args: Any, **more: Any) -> Any:
        """Anything that writes, in a transaction of its own."""
        with unit_of_work(self.town.engine, M) as connection:
            return action(connection, *args, **more)

    def see(self, action: Any, *args: Any, **more: Any) -> Any:
        """Anything that reads."""
        with reading(self.town.engine, M) as connection:
            return action(connection, *args, **more)


@pytest.fixture
def listening(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Listening]:
    """The town on both kinds of database; in the end every event must follow from the books."""
    settings = Settings(
        home=tmp_path,
        database_url=database_url,
        secret_key=SECRET_KEY,
        webhook_hosts="127.0.0.1",
        webhook_networks="127.0.0.0/8",
        webhook_http=True,
    )
    found = Listening(PlacingTown(database_url), settings)
    monkeypatch.setattr(clock, "now", lambda: found.moment)
    yield found
    found.town.check()
    found.town.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody at the other end."""
    with receiving() as found:
        yield found
