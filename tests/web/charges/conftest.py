"""The service in front of a town in which claims of years ago are paid late."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from charge_town import ChargeTown
from placing_town import NOTICES, M

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.app import create_app
from web.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

PASSWORD = "kaikei-no-himitsu"
PEOPLE = {"shuno": "collection", "kaikei": "treasury", "kansa": "auditor", "joho": "admin"}


@pytest.fixture
def town(sqlite_url: str, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """The books, the settings, and the address of an instalment's page."""
    books = ChargeTown(sqlite_url)
    with unit_of_work(books.engine, M) as connection:
        for name, role in PEOPLE.items():
            staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
    settings = Settings(
        home=tmp_path, database_url=sqlite_url, secret_key="a secret of the tests, long enough",
        municipality=M,
    )  # fmt: skip

    def page(notice: int, term: str = "01") -> str:
        return f"/staff/charges/{books.notice[NOTICES[notice - 1]]}/{term}"

    yield SimpleNamespace(books=books, settings=settings, page=page)
    books.close()


@pytest.fixture
def application(town: SimpleNamespace) -> Flask:
    return create_app(town.settings, town.books.engine, TESTING=True, WTF_CSRF_ENABLED=False)


@pytest.fixture
def sign_in(application: Flask) -> Callable[[str], FlaskClient]:
    """A client of somebody."""

    def signed(name: str) -> FlaskClient:
        found = application.test_client()
        answer = found.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
        assert answer.status_code == 303
        return found

    return signed
