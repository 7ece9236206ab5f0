"""What every test may ask for: databases of both kinds, a browser, and repeatable random tests.

``database_url``          a migrated, empty database; the test runs once per kind of database
``sqlite_url``, ``postgres_url``   the same, of one kind
``bare_database_url``     a database before the first migration, once per kind
``postgres_cluster``      the cluster itself, for what needs a superuser
``kokin_loaded``          starts programs of kokin without the seconds in which they are loaded
``page``                  an empty page of a real Chromium, Japanese, in Tokyo (mark: ``browser``)
"""

from __future__ import annotations

import faulthandler
import gc
import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import compiled_once
import fired
import hypothesis
import loaded
import postgres
import pytest
import run_place
import spare_databases as spare

from payments.store import engine

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

pytest_plugins = ["soak_report"]

KINDS = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]
TEMPLATE = "migrated"
# A test leaves much behind that nobody looks at again, and less of it is looked through for garbage
# when that is done less often (by itself 700, 10, 10): a tenth of all that the tests compute.
GARBAGE_AFTER = (20_000, 20, 20)
# Options that let a run choose among the tests: it is not expected to fire everything then.
CHOOSING = ("file_or_dir", "keyword", "deselect", "ignore", "ignore_glob", "lf", "maxfail")
NEVER_FIRED = pytest.StashKey[list[str]]()

# The same examples on every machine and every day: a red test is a change, never luck.
hypothesis.settings.register_profile(
    "repeatable",
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
)
# `make soak` looks further: other examples every time, and many more of them.
hypothesis.settings.register_profile("soak", deadline=None, max_examples=5_000, print_blob=True)
# What an ordinary property is asked then: one that says itself how many it needs, so much more.
SOAK_EXAMPLES, SOAK_TIMES = 1_000, 10


@pytest.hookimpl(tryfirst=True)  # before anybody asks where temporary files are
def pytest_configure(config: pytest.Config) -> None:
    """Choose the Hypothesis profile; the controlling process opens the folder of the run."""
    soak = config.getoption("markexpr") == "soak"
    hypothesis.settings.load_profile("soak" if soak else "repeatable")
    if not hasattr(config, "workerinput"):
        # What a soak writes is too much for memory, and is to come upon a disk.
        run_dir = postgres.create_run_dir(None if soak else run_place.place())
        os.environ[postgres.RUN_DIR_VARIABLE] = str(run_dir)
        if not soak:
            config.add_cleanup(run_place.keep_in(run_dir / "temporary"))
    fired.watch()
    compiled_once.share()
    _wait_for_no_disk()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What all tests share from here on is not looked through again and again for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GARBAGE_AFTER)
        gc.enable()


def _wait_for_no_disk() -> None:
    """What is committed need not outlive the machine here, nor is it to on PostgreSQL (postgres).

    The processes that tests start and kill are as delivered.
    """
    prepare = engine._prepare_sqlite

    def prepare_for_a_test(connection: sqlite3.Connection, _record: object) -> None:
        prepare(connection, _record)
        connection.execute("PRAGMA synchronous = OFF")

    engine._prepare_sqlite = prepare_for_a_test


@pytest.hookimpl(tryfirst=True)  # before the marks choose
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A soak asks every property too, with more examples than any other run has time for."""
    if config.getoption("markexpr") != "soak":
        return
    longer: set[object] = set()
    for item in items:
        function = getattr(item, "obj", None)
        own = getattr(function, "_hypothesis_internal_use_settings", None)
        if own is None or item.get_closest_marker("soak"):
            continue
        item.add_marker("soak")
        if function not in longer:
            longer.add(function)
            function._hypothesis_internal_use_settings = _longer(own)


def _longer(own: hypothesis.settings) -> hypothesis.settings:
    """The settings of a property for a soak."""
    says_itself = own.max_examples != hypothesis.settings.default.max_examples
    number = own.max_examples * SOAK_TIMES if says_itself else SOAK_EXAMPLES
    return hypothesis.settings(own, max_examples=number, derandomize=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Set a limit anew: a test that has failed has lost those of pyproject.toml by now."""
    _end_in_time(item.config)


def _end_in_time(config: pytest.Config) -> None:
    """Show what every thread is at, and end the process, should it not have gone on by then."""
    own = config.pluginmanager.getplugin("faulthandler")
    shown_at = config.stash[own.fault_handler_stderr_fd_key]
    seconds = float(config.getini("faulthandler_timeout"))
    faulthandler.dump_traceback_later(seconds, exit=True, file=shown_at)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down which codes were fired; a whole run that missed one has failed."""
    run_dir, config = Path(os.environ[postgres.RUN_DIR_VARIABLE]), session.config
    _end_in_time(config)
    fired.write_down(run_dir)
    whole = not any(config.getoption(name) for name in CHOOSING)
    if hasattr(config, "workerinput") or not whole or session.exitstatus != pytest.ExitCode.OK:
        return
    if config.getoption("markexpr") == "not soak" and (missing := fired.never_fired(run_dir)):
        session.config.stash[NEVER_FIRED] = missing
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the codes that nothing has fired."""
    for missing in config.stash.get(NEVER_FIRED, []):
        terminalreporter.line(f"no test fires {missing}", red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop and remove whatever the run has started, when its last worker has gone."""
    gc.unfreeze()  # Libraries look at the end for what nobody has let go.
    run_dir = os.environ.get(postgres.RUN_DIR_VARIABLE)
    if run_dir and not hasattr(config, "workerinput"):
        del os.environ[postgres.RUN_DIR_VARIABLE]
        postgres.remove_run_dir(Path(run_dir))


@pytest.fixture(scope="session")
def run_dir() -> Path:
    """The folder that the worker processes of this run share."""
    return Path(os.environ[postgres.RUN_DIR_VARIABLE])


@pytest.fixture(scope="session")
def kokin_loaded() -> Iterator[loaded.Loaded]:
    """Programs of kokin that begin at once; made by the first test of this worker that needs it."""
    with loaded.loaded() as found:
        yield found


@pytest.fixture(scope="session")
def postgres_cluster(run_dir: Path) -> postgres.Cluster:
    """The PostgreSQL cluster of this run."""
    return postgres.run_cluster(run_dir)


@pytest.fixture(scope="session")
def sqlite_template(run_dir: Path) -> Path:
    """A migrated, empty SQLite file to copy; made once per run by the real migrations."""
    template = run_dir / "migrated.sqlite"
    with postgres.locked(run_dir / "sqlite.lock"):
        if not template.exists():
            upgrade = _upgrade()
            draft = template.with_suffix(".draft")
            upgrade(f"sqlite:///{draft}")
            draft.rename(template)
    return template


@pytest.fixture(scope="session")
def postgres_template(run_dir: Path, postgres_cluster: postgres.Cluster) -> str:
    """The name of a migrated, empty PostgreSQL database to copy; made once per run."""
    ready = run_dir / "pg-template"
    with postgres.locked(run_dir / "pg-template.lock"):
        if not ready.exists():
            postgres_cluster.drop_database(TEMPLATE)
            _upgrade()(postgres_cluster.create_database(TEMPLATE))
            ready.touch()
    return TEMPLATE


def _upgrade():
    # Imported here, so that the tests of the pure core run without the web package.
    from web.database import upgrade  # noqa: PLC0415

    return upgrade


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database of this test's own."""
    path = tmp_path / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def spare_databases(
    postgres_cluster: postgres.Cluster, postgres_template: str
) -> Iterator[spare.SpareDatabases]:
    """The PostgreSQL databases of this worker that one test after another uses."""
    found = spare.SpareDatabases(postgres_cluster, postgres_template)
    yield found
    found.close()


@pytest.fixture
def postgres_url(spare_databases: spare.SpareDatabases) -> Iterator[str]:
    """A migrated, empty PostgreSQL database of this test's own."""
    name = spare_databases.take()
    yield spare_databases.cluster.url(name)
    spare_databases.give_back(name)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database; the test runs on SQLite and on PostgreSQL."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return request.getfixturevalue(fixture)


@pytest.fixture
def bare_postgres_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """A PostgreSQL database before the first migration."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres_cluster.create_database(name)
    postgres_cluster.drop_database(name)


@pytest.fixture(params=KINDS)
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database before the first migration, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.sqlite'}"
    return request.getfixturevalue("bare_postgres_url")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of this worker process."""
    import browser  # noqa: PLC0415  # most tests need no browser and need not load its driver

    with browser.launched() as started:
        yield started


@pytest.fixture(scope="session")
def shared_context(chromium: Browser) -> Iterator[BrowserContext]:
    """What the pages of one test after another share: the process that draws them."""
    context = chromium.new_context(locale="ja-JP", timezone_id="Asia/Tokyo")
    context.new_page()  # so that the process does not end with the page of a test
    yield context
    context.close()


@pytest.fixture
def page(shared_context: BrowserContext) -> Iterator[Page]:
    """An empty page without cookies or anything else kept; a script error on it fails the test."""
    import browser  # noqa: PLC0415  # most tests need no browser and need not load its driver

    errors: list[str] = []
    opened = shared_context.new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    browser.forget(shared_context)
    assert errors == []
