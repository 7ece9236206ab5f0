"""A small reconciled city, and the service in front of it."""

from __future__ import annotations

import functools
import shutil
import uuid
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from jinja2 import BytecodeCache
from werkzeug.routing import Rule

from payments.store.engine import open_engine
from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.app import create_app
from web.commands.session import Session
from web.commands.setup import enter, sample_profile
from web.config import Settings
from web.security import Application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import postgres
    from jinja2.bccache import Bucket

PASSWORD = "kaikei-no-himitsu"
SECRET = "a secret of the tests, long enough"
DAY = date(2026, 6, 1)
# Who works in the sample city; the head of a small office administers and approves.
PEOPLE = {
    "kaikei": ("treasury",),
    "kansa": ("auditor",),
    "kanri": ("admin", "approver"),
    "nofu": ("slips",),
    "shuno": ("collection",),
    "shonin": ("approver",),
    "joho": ("admin",),
}


def _settings(url: str, home: Path) -> Settings:
    return Settings(home=home, database_url=url, secret_key=SECRET, municipality="99999")


def _fill(session: Session, folder: Path) -> None:
    """Two reconciled days of a small city, and people of every role to look at them."""
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415
    from reconcile.registers import import_assessments, import_slips  # noqa: PLC0415
    from sample_data.city import generate  # noqa: PLC0415

    enter(session, sample_profile())
    generate.make(folder / "city", obligors=120, days=2, seed=7, start=DAY)
    for name, importer in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
        delivery = Delivery(name, (folder / "city" / name).read_bytes())
        importer(session.engine, "99999", delivery, received_on=DAY)
    for inbox in sorted((folder / "city" / "inbox").iterdir()):
        for path in sorted(inbox.iterdir()):
            received_on = date.fromisoformat(inbox.name)
            delivery = Delivery(path.name, path.read_bytes())
            take_in(session.engine, "99999", delivery, received_on=received_on)
    with unit_of_work(session.engine, "99999") as connection:
        for name, roles in PEOPLE.items():
            staff.add(connection, "99999", name, roles=roles, display_name=name, password=PASSWORD)


class Compiled(BytecodeCache):
    """Templates that an application before this one has compiled; the tests make thousands."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class Routed:
    """How the address of a route is put together, compiled once for all applications."""

    def __init__(self) -> None:
        self._compile = Rule._compile_builder
        self._kept: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def __get__(self, rule: Rule, _type: object = None) -> Callable[..., Any]:
        """In the place of the method of a rule."""

        def builder(append_unknown: bool) -> Callable[..., tuple[str, str]]:
            defaults = repr(sorted((rule.defaults or {}).items()))
            key = (rule.rule, *rule._trace, defaults, append_unknown)
            if key not in self._kept:
                self._kept[key] = self._compile(rule, append_unknown)
            return self._kept[key]

        return builder


class Parsed:
    """What an address consists of, taken apart once for all applications, whose rules are alike."""

    def __init__(self) -> None:
        self._parse = Rule._parse_rule
        self._kept: dict[tuple[object, ...], tuple[Any, ...]] = {}

    def __get__(self, rule: Rule, _type: object = None) -> Callable[[str], Any]:
        """In the place of the method of a rule."""

        def parse(text: str) -> Any:
            assert rule.map is not None
            key = (text, *sorted(rule.map.converters.items(), key=lambda each: each[0]))
            if key not in self._kept:
                before = len(rule._trace)
                parts = [*self._parse(rule, text)]
                made = {name: rule._converters[name] for name in rule._converters}
                self._kept[key] = (parts, rule._trace[before:], made)
                return parts
            parts, trace, made = self._kept[key]
            rule._trace.extend(trace)
            rule._converters.update(made)
            rule.arguments.update(made)
            return parts

        return parse


@pytest.fixture(scope="session", autouse=True)
def _swift() -> Iterator[None]:
    """Signing in and the first page of an application cost a hundredth of what they do outside.

    What a password costs there is asked in test_sign_in.
    """
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staff, "_hasher", cheap)
        patch.setattr(staff, "_nobody", functools.cache(lambda: cheap.hash("nobody")))
        patch.setattr(Application, "jinja_options", {"bytecode_cache": Compiled()})
        patch.setattr(Rule, "_compile_builder", Routed())
        patch.setattr(Rule, "_parse_rule", Parsed())
        yield


@pytest.fixture(scope="session")
def city_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a small city; made once per worker."""
    folder = tmp_path_factory.mktemp("city")
    database = folder / "city.sqlite"
    shutil.copyfile(sqlite_template, database)
    session = Session(_settings(f"sqlite:///{database}", folder))
    _fill(session, folder)
    session.close()
    return database


@pytest.fixture(scope="session")
def postgres_city_template(
    postgres_cluster: postgres.Cluster,
    postgres_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SimpleNamespace]:
    """A PostgreSQL database with the same city; made once per worker, and copied."""
    folder = tmp_path_factory.mktemp("postgres-city")
    name = f"city_{uuid.uuid4().hex}"
    session = Session(
        _settings(postgres_cluster.create_database(name, template=postgres_template), folder)
    )
    _fill(session, folder)
    session.close()
    yield SimpleNamespace(name=name, files=folder / "city")
    postgres_cluster.drop_database(name)


@pytest.fixture
def postgres_city(
    postgres_cluster: postgres.Cluster, postgres_city_template: SimpleNamespace, tmp_path: Path
) -> Iterator[SimpleNamespace]:
    """The same small city on PostgreSQL, this test's own copy."""
    name = f"test_{uuid.uuid4().hex}"
    url = postgres_cluster.create_database(name, template=postgres_city_template.name)
    engine = open_engine(url)
    yield SimpleNamespace(
        settings=_settings(url, tmp_path),
        engine=engine,
        day=DAY,
        files=postgres_city_template.files,
    )
    engine.dispose()
    postgres_cluster.drop_database(name)


@pytest.fixture
def city(city_template: Path, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """This test's own copy of the small city, with settings and an open engine."""
    database = tmp_path / "city.sqlite"
    shutil.copyfile(city_template, database)
    url = f"sqlite:///{database}"
    engine = open_engine(url)
    yield SimpleNamespace(
        settings=_settings(url, tmp_path),
        engine=engine,
        day=DAY,
        files=city_template.parent / "city",
    )
    engine.dispose()


@pytest.fixture
def app(city):
    """The application over the small city."""
    return create_app(city.settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def treasurer(app):
    """A signed-in treasurer."""
    found = app.test_client()
    answer = found.post("/staff/sign-in", data={"user_name": "kaikei", "password": PASSWORD})
    assert answer.status_code == 303
    return found


@pytest.fixture
def auditor(app):
    found = app.test_client()
    found.post("/staff/sign-in", data={"user_name": "kansa", "password": PASSWORD})
    return found


@pytest.fixture
def address(city: SimpleNamespace) -> Iterator[str]:
    """The service on a free port of this machine, with every protection on."""
    import browser  # noqa: PLC0415  # most tests need no browser and need not load its driver

    with browser.served(create_app(city.settings, city.engine)) as found:
        yield found


@pytest.fixture
def books(database_url: str, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """An empty municipality on both kinds of database."""
    settings = _settings(database_url, tmp_path)
    session = Session(settings)
    enter(session, sample_profile())
    yield SimpleNamespace(settings=settings, engine=session.engine)
    session.close()


@pytest.fixture(autouse=True)
def _fresh_limits():
    """Each test begins with no attempts counted."""
    from web.security import limiter  # noqa: PLC0415

    if limiter.initialized:
        limiter.reset()


@pytest.fixture(autouse=True)
def _patient_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: what is sent is answered when it is booked, a picture is read.

    A test that holds the books says so itself, with a desk of its own.
    """
    from web.enquiries import photos  # noqa: PLC0415
    from web.notifications import booker, receive  # noqa: PLC0415
    from web.slips import routes  # noqa: PLC0415

    limits = replace(routes.UPLOAD_LIMITS, seconds_max=200)
    monkeypatch.setattr(photos, "UPLOAD_LIMITS", limits)
    monkeypatch.setattr(routes, "UPLOAD_LIMITS", limits)
    monkeypatch.setattr(booker, "PATIENCE_SECONDS", 60)
    monkeypatch.setattr(receive, "LOCK_WAIT_MS", 2_000)
