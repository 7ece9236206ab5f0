"""Three claims past their due date, the people who act, and the service over them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from dunning_town import DunningTown, M
from years_town import claim

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.app import create_app
from web.config import Settings

PASSWORD = "tokusoku-no-himitsu"
NOW = datetime(2026, 7, 20, 3, tzinfo=UTC)
PEOPLE = (("abe", "collection"), ("ito", "approver"), ("kansa", "auditor"))


@pytest.fixture
def town(sqlite_url):
    made = DunningTown(sqlite_url)
    made.assess(
        *(claim(number, 2026, 10_000) for number in (1, 2, 3)),
        claim(4, 2026, 10_000, flags="dunning_hold"),
        on="2026-04-10",
    )
    with unit_of_work(made.engine, M) as connection:
        for name, role in PEOPLE:
            staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
    yield made
    made.close()


@pytest.fixture
def settings(sqlite_url, tmp_path):
    return Settings(
        home=tmp_path, database_url=sqlite_url, municipality=M,
        secret_key="a secret of the tests, long enough",
    )  # fmt: skip


@pytest.fixture
def desk(town, settings):
    """``desk(name)``: a client that is signed in as this person."""
    app = create_app(settings, town.engine, TESTING=True, WTF_CSRF_ENABLED=False)

    def signed_in(name):
        client = app.test_client()
        answer = client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
        assert answer.status_code == 303
        return client

    return signed_in
