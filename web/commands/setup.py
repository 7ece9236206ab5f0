"""``kokin init``: a database and its municipalities (初期設定)."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import ConfigurationError
from payments.domain.profile import Profile, profile_from_mapping
from payments.store.engine import open_engine
from payments.store.municipalities import require_own_number, save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.formats.mapped import mappings_of
from reconcile.formats.own_format import formats_of
from web.admin.parameters import require_alone
from web.commands.session import Session, session_of
from web.database import upgrade
from web.inbox.folders import make_folders
from web.printing.layouts import layouts_by_item
from web.slip_forms import embedded_forms

if TYPE_CHECKING:
    from web.config import Settings

SAMPLE_MUNICIPALITY = "99999"
SECOND_SAMPLE = "99998"


@click.command()
@click.option(
    "--sample", "with_sample", is_flag=True, help="見本の団体（みほん市 99999）を登録します。"
)
@click.option(
    "--second-sample",
    "with_second",
    is_flag=True,
    help="二つ目の見本の団体（となり町 99998）も登録します。複数団体の運用を試すときに使います。",
)
@click.option(
    "--profile",
    "profile_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="団体設定（TOML）を登録します。",
)
@session_of
def init(
    session: Session, profile_file: Path | None, *, with_sample: bool, with_second: bool
) -> None:
    """データベースを作り、または最新の形に改めます。何度実行しても同じです。"""
    create(session.settings)
    session.out.print(f"データベースを用意しました: {_shown(session.settings)}")
    profiles = []
    if with_sample:
        profiles.append(sample_profile())
    if with_second:
        profiles.append(sample_profile(SECOND_SAMPLE))
    if profile_file is not None:
        profiles.append(read_profile(profile_file))
    for profile in profiles:
        enter(session, profile)
        session.out.print(f"団体を登録しました: {profile.municipality_code} {profile.name}")


def create(settings: Settings) -> None:
    """The database at its newest revision, the folders and the secret beside it."""
    file = settings.sqlite_file
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        settings.inbox_folder.mkdir(parents=True, exist_ok=True)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError("home", found=str(error), path=str(settings.home)) from error
    settings.secret()
    upgrade(settings.database)
    if file is not None:
        # An older release left it to the umask who may read the books.
        for part in file.parent.glob(f"{file.name}*"):
            part.chmod(0o600)


def enter(session: Session, profile: Profile) -> None:
    """Put a municipality's profile into the database, and make the folders of its inbox.

    Raises :class:`RefusedError` ``parameters_two_people`` for other settings of a body that is
    live, or for which two people have decided any.
    """
    engine = open_engine(session.settings.database)
    try:
        with unit_of_work(engine, profile.municipality_code) as connection:
            require_own_number(connection, profile)
            require_alone(connection, profile)
            save_profile(connection, profile)
    finally:
        engine.dispose()
    make_folders(session.settings, profile.municipality_code)


def sample_profile(municipality_code: str = SAMPLE_MUNICIPALITY) -> Profile:
    """見本の団体設定, as shipped."""
    text = files("web").joinpath("profiles", f"{municipality_code}.toml").read_text("utf-8")
    return profile_from_mapping(tomllib.loads(text))


def read_profile(path: Path) -> Profile:
    """A municipality's profile from a TOML file; ``profile_toml`` when it is none.

    ``slip_layouts`` names layout files of slips beside the profile; they are kept with it.
    A described layout or register may stand in a file of its own beside the profile
    (``file = "…"``). All of them are checked here, before anything is stored (docs/formats.md).
    """
    data = toml_of(path)
    for name in ("layouts", "registers"):
        if isinstance(described := data.get(name, []), list):
            data[name] = [_layout(path, each) for each in described]
    if isinstance(forms := data.get("slip_layouts", []), list):
        # A settings file that came from the books holds the layouts themselves.
        beside = [str(form) for form in forms if not isinstance(form, dict)]
        kept = [form for form in forms if isinstance(form, dict)]
        data["slip_layouts"] = [*kept, *embedded_forms(path.parent, beside)]
    profile = profile_from_mapping(data)
    formats_of(profile)
    mappings_of(profile)
    layouts_by_item(profile)
    return profile


def _layout(profile: Path, layout: Any) -> Any:
    """One described layout; the file beside the profile when it names one and nothing else."""
    if not isinstance(layout, dict) or layout.keys() != {"file"}:
        return layout
    return {**toml_of(profile.parent / str(layout["file"])), "file": layout["file"]}


def toml_of(path: Path) -> dict[str, Any]:
    """A TOML file."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:  # no TOML, no UTF-8, numbers too long
        raise ConfigurationError("profile_toml", path=str(path), found=str(error)) from error


def _shown(settings: Settings) -> str:
    """The database without a password."""
    head, at, tail = settings.database.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at and head else tail
