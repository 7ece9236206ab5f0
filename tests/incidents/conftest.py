"""The small city of the incidents: settled once, copied for every story."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from incident_city import IncidentCity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def settled_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of the settled city; to be copied."""
    path = tmp_path_factory.mktemp("incidents") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    IncidentCity(f"sqlite:///{path}").settle().close()
    return path


@pytest.fixture
def books(settled_file: Path, tmp_path: Path) -> Path:
    """The file behind ``city``."""
    return shutil.copyfile(settled_file, tmp_path / "kokin.sqlite")


@pytest.fixture
def city(books: Path) -> Iterator[IncidentCity]:
    """Ten people who owe 10,000 yen since 30 June 2026; it is dunned on 20 July."""
    made = IncidentCity(f"sqlite:///{books}")
    yield made
    made.close()


@pytest.fixture
def any_city(database_url: str) -> Iterator[IncidentCity]:
    """The same, on SQLite and on PostgreSQL."""
    made = IncidentCity(database_url).settle()
    yield made
    made.close()
