"""The folders of the small city, and its inbox job as the scheduler runs it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from inbox_files import payments

from web import clock
from web.jobs.contract import JobContext
from web.jobs.inbox import inbox

NOW = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)


@pytest.fixture
def desk(city, monkeypatch):
    """The city's inbox: ``deliver`` puts bytes there, ``run`` takes in what has arrived."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    settings = city.settings.model_copy(update={"inbox_settle_seconds": 0})
    found = SimpleNamespace(settings=settings, engine=city.engine, said=[], city=city)
    found.root, found.payments = settings.inbox_folder, payments

    def deliver(name, data, folder="99999"):
        path = settings.inbox_folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def context(engine=None):
        who = (found.settings, engine or found.engine, "99999", NOW, "schedule")
        return JobContext(*who, found.said.append)

    def below(kind):
        folder = settings.home / kind / "99999" / "2026-06-03"
        return {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}

    found.deliver, found.context, found.below = deliver, context, below
    found.run = lambda engine=None: inbox(context(engine))
    return found
