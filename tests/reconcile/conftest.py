"""What the tests of seals and audit packs share: a small city, taken in and sealed once."""

from __future__ import annotations

import shutil

import pytest
from sample_folder import SampleFolder
from sealed_city import M, take_in_city

from payments.store.engine import open_engine
from reconcile.audit.seal import seal_pending
from sample_data.city import make


@pytest.fixture(scope="session")
def sealed_folder(tmp_path_factory):
    """The files of the city."""
    out = tmp_path_factory.mktemp("sealed") / "city"
    make(out, obligors=40, days=3, seed=4)
    return SampleFolder(out)


@pytest.fixture(scope="session")
def sealed_file(sealed_folder, sqlite_template, tmp_path_factory):
    """The SQLite file of its books, sealed; to be copied."""
    path = tmp_path_factory.mktemp("sealed") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    engine = open_engine(f"sqlite:///{path}")
    take_in_city(engine, sealed_folder)
    seal_pending(engine, M)
    engine.dispose()
    return path


@pytest.fixture
def sealed_books(sealed_file, tmp_path):
    """A copy of these books."""
    return shutil.copyfile(sealed_file, tmp_path / "kokin.sqlite")
