"""断りの文言: refusals that no other test meets, each with its code, so that every sentence is said."""

from __future__ import annotations

import socket
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from codebase import ROOT

from payments.domain.errors import ConfigurationError, InvalidValueError, KokinError, NotFoundError
from payments.domain.profile import profile_from_mapping
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from sample_data.city import generate
from web import doctor, messages
from web.commands.demo import _fresh
from web.commands.session import choose_municipality
from web.config import Settings
from web.notifications import keys
from web.server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _refused(code: str, kind: type[KokinError], act: Callable[..., Any], *given: Any) -> None:
    """The act is refused with this code, for which there are words."""
    with pytest.raises(kind) as caught:
        act(*given)
    assert caught.value.error_code == code
    assert messages.error(code, caught.value.details) != messages.UNKNOWN_ERROR


def _profile(**changes: Any) -> dict[str, Any]:
    return tomllib.loads((ROOT / "web/profiles/99999.toml").read_text("utf-8")) | changes


def _kept(**changes):
    """A rule of retention, as a file of settings has it."""
    rule = {"record": "account_view", "from_on": "2026-04-01", "years": 7, "ground": "規程12条"}
    return rule | changes


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("profile_field", lambda plain: plain.pop("items")),
        ("profile_items", lambda plain: plain["items"].append(plain["items"][0])),
        ("profile_money", lambda plain: plain["accounts"][0].update(money_kind="91")),
        ("profile_fee", lambda plain: plain["agents"][0].update(fee="advised")),
        ("profile_costs", lambda plain: plain.update(costs={"each_yen": {"nobody": 60}})),
        ("profile_costs", lambda plain: plain.update(costs={"sheet_yen": True})),
        ("profile_open_data", lambda plain: plain.update(open_data={"published": True})),
        ("profile_charges", lambda plain: plain.update(charges={"booked": "some day"})),
        ("profile_dunning", lambda plain: plain.update(dunning={"wait_days": 61})),
        ("profile_dunning", lambda plain: plain.update(dunning={"minimum_yen": True})),
        (
            "profile_open_data",
            lambda plain: plain.update(open_data={"licence_url": "http://example.jp/"}),
        ),
        ("profile_enquiries", lambda plain: plain.update(enquiries={"address": "http://a.jp/"})),
        ("profile_enquiries", lambda plain: plain.update(enquiries={"slips_max": 0})),
        ("profile_retention", lambda plain: plain.update(retention=[_kept(years=4)])),
        ("profile_retention", lambda plain: plain.update(retention=[_kept(years=True)])),
        ("profile_retention", lambda plain: plain.update(retention=[_kept(record="posting")])),
        ("profile_retention", lambda plain: plain.update(retention=[_kept(from_on="2026-4-1")])),
        ("profile_retention", lambda plain: plain.update(retention=[_kept(ground=" ")])),
        ("profile_retention", lambda plain: plain.update(retention=[_kept(), _kept(years=9)])),
        (
            "profile_enquiries",
            lambda plain: plain.update(enquiries={"ways": [{"code": "app", "needs": "luck"}]}),
        ),
        ("profile_digits", lambda plain: plain.update(collecting_body_code="9999")),
    ],
)
def test_a_profile_that_cannot_be(code: str, change: Callable[[dict[str, Any]], Any]) -> None:
    plain = _profile()
    change(plain)
    _refused(code, InvalidValueError, profile_from_mapping, plain)


def test_a_home_that_cannot_hold_a_secret(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(home=tmp_path / "file" / "home", secret_key="")
    _refused("home", ConfigurationError, settings.secret)


def test_a_database_before_its_migrations(tmp_path: Path) -> None:
    (tmp_path / "kokin.sqlite3").touch()
    settings = Settings(home=tmp_path, database_url="")
    _refused("database_version", ConfigurationError, doctor._database, settings)


@pytest.mark.parametrize("code", ["package_owner", "package_place"])
def test_a_package_of_somebody_else(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code == "package_owner":
        monkeypatch.setattr(doctor, "packages_distributions", lambda: {"web": ["other"]})
    else:
        monkeypatch.setattr(doctor, "__file__", str(tmp_path / "web" / "doctor.py"))
    _refused(code, ConfigurationError, doctor._packages, Settings(home=tmp_path))


def test_a_database_without_a_municipality(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    settings = Settings(home=tmp_path, database_url=sqlite_url)
    _refused("municipality_none", ConfigurationError, choose_municipality, engine, settings)
    with reading(engine) as connection:
        _refused("municipality", NotFoundError, load_profile, connection, "99999")
    engine.dispose()


def test_a_key_for_notifications_that_cannot_be(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    settings = Settings(home=tmp_path, database_url=sqlite_url)
    with unit_of_work(engine, "99999") as connection:
        _refused("key", NotFoundError, keys.disable, connection, "99999", "pay-1")
        with pytest.raises(InvalidValueError) as caught:
            keys.add(connection, settings, "99999", "pay 1", operator_name="見本決済")
    assert caught.value.error_code == "key_id"
    engine.dispose()


def test_a_sample_city_of_nobody_or_in_a_full_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="sample_size"):
        generate.make(tmp_path, obligors=0, days=1, seed=1)
    (tmp_path / "inbox").mkdir()
    with pytest.raises(InvalidValueError, match="sample_folder"):
        generate.make(tmp_path, obligors=1, days=1, seed=1)


def test_a_demo_in_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    _refused("demo_folder", ConfigurationError, _fresh, tmp_path)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _refused("port_in_use", ConfigurationError, free_port, "127.0.0.1", port)
