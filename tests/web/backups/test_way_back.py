"""更新と戻し: an upgrade forward, and the way back by the backup that was taken before it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web.backups import restore
from web.backups.make import back_up
from web.config import Settings
from web.database import _scripts, current_revision, head_revision, upgrade

M = "99999"


@pytest.fixture
def before():
    """The revision that the release before this one ended with."""
    script = _scripts().get_revision("head")
    assert script is not None
    return str(script.down_revision)


@pytest.fixture
def old(bare_database_url, before, tmp_path):
    """Books as the release before left them."""
    upgrade(bare_database_url, before)
    settings = Settings(home=tmp_path / "home", database_url=bare_database_url, secret_key="s" * 40)
    engine = open_engine(bare_database_url)
    try:
        with unit_of_work(engine, M) as connection:
            connection.execute(
                text(
                    "INSERT INTO municipality (municipality_code, name, profile_json, live, "
                    "disabled) VALUES (:m, :name, '{}', :no, :no)"
                ),
                {"m": M, "name": "みほん市", "no": False},
            )
        yield settings, engine
    finally:
        engine.dispose()


def _revision_and_name(url):
    engine = open_engine(url)
    try:
        with reading(engine, M) as connection:
            name = connection.execute(text("SELECT name FROM municipality")).scalar_one()
        return current_revision(engine), name
    finally:
        engine.dispose()


def test_what_was_backed_up_before_an_upgrade_leads_back_and_forward(
    old, before, tmp_path, monkeypatch
):
    settings, engine = old
    made = back_up(settings, engine, tmp_path / "backups")
    upgrade(settings.database)
    assert _revision_and_name(settings.database) == (head_revision(), "みほん市")
    with restore.elsewhere(settings) as place:  # forward: by this release
        restore.restore(place, made)
        assert _revision_and_name(place.database) == (head_revision(), "みほん市")
    # Back: the release before knows no later revision than its own.
    monkeypatch.setattr(restore, "upgrade", lambda url: upgrade(url, before))
    with restore.elsewhere(settings) as place:
        restore.restore(place, made)
        assert _revision_and_name(place.database) == (before, "みほん市")
