"""The pages for residents, served with a small city behind them."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from browser import served

from payments.store.engine import open_engine
from web.app import create_app
from web.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "a secret of the tests, long enough"


@pytest.fixture(scope="module")
def public(
    city_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """The address of the service, which counts no tries."""
    home = tmp_path_factory.mktemp("public")
    shutil.copyfile(city_template, home / "city.sqlite")
    url = f"sqlite:///{home / 'city.sqlite'}"
    engine = open_engine(url)
    settings = Settings(home=home, database_url=url, secret_key=SECRET, municipality="99999")
    app = create_app(settings, engine, RATELIMIT_ENABLED=False)
    with served(app) as address:
        yield SimpleNamespace(address=address, app=app)
    engine.dispose()
