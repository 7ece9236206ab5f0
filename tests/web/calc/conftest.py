"""One signed-in member of staff for all pages of the calculators: nothing here is ever written."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from payments.store.engine import open_engine
from web.app import create_app
from web.config import Settings

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "kaikei-no-himitsu"


@pytest.fixture(scope="module")
def staff(city_template: Path, tmp_path_factory: pytest.TempPathFactory):
    """An auditor, who may look at everything and change nothing."""
    folder = tmp_path_factory.mktemp("calc")
    shutil.copyfile(city_template, folder / "city.sqlite")
    url = f"sqlite:///{folder / 'city.sqlite'}"
    settings = Settings(home=folder, database_url=url, secret_key="x" * 40, municipality="99999")
    engine = open_engine(url)
    app = create_app(settings, engine, TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    signed_in = client.post("/staff/sign-in", data={"user_name": "kansa", "password": PASSWORD})
    assert signed_in.status_code == 303
    yield client
    engine.dispose()
