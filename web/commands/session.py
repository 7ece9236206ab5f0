"""命令の共通部: settings, database, output and progress of one command."""

from __future__ import annotations

import contextlib
import getpass
import json
import sys
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from payments.domain.errors import ConfigurationError, KokinError
from payments.store.municipalities import bodies
from payments.store.unit_of_work import reading
from reconcile.audit.seal import seal_pending
from web import messages
from web.config import Settings, load_settings
from web.database import open_books

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Engine

    from payments.store.municipalities import Body

_Entry = TypeVar("_Entry")

ACTOR_MAX = 60
WIDE = 200


@dataclass
class Session:
    """一回の命令: everything is opened when it is first needed, and not before."""

    settings: Settings = field(default_factory=load_settings)
    wrong: tuple[KokinError, ...] = ()  # settings that could not be used, for who looks into that

    @cached_property
    def out(self) -> Console:
        """What the command answers."""
        console = Console(highlight=False, soft_wrap=True)
        if not console.is_terminal:
            console.width = WIDE  # Into a file or a pipe nothing is cut off.
        return console

    @cached_property
    def err(self) -> Console:
        """What a person reads beside the answer: progress and errors."""
        return Console(stderr=True, highlight=False, soft_wrap=True)

    @cached_property
    def engine(self) -> Engine:
        """The database; :class:`ConfigurationError` ``database_missing`` before `kokin init`."""
        file = self.settings.sqlite_file
        if file is not None and not file.exists():
            raise ConfigurationError("database_missing", path=str(file))
        return open_books(self.settings)

    @cached_property
    def municipality(self) -> str:
        """The municipality this command works for."""
        return choose_municipality(self.engine, self.settings)

    @property
    def actor(self) -> str:
        """Who runs the command, for the records."""
        with contextlib.suppress(KeyError, OSError):
            return f"cli:{getpass.getuser()}"[:ACTOR_MAX]
        return "cli"

    @contextlib.contextmanager
    def progress(
        self, label: str, total: int | None = None, *, begun: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """進捗: call the value with the number done so far; silent unless a person looks on.

        ``begun`` of the total were done before: they count neither for the rate nor for the time
        that remains.
        """
        if not self.err.is_terminal:
            yield lambda _done: None
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[remaining]}"),
        )
        with Progress(*columns, console=self.err) as bar:
            task = bar.add_task(label, total=total, completed=begun, rate="", remaining="")

            def show(done: int) -> None:
                rate, remaining = pace(done - begun, total, begun, bar.tasks[0].elapsed or 0)
                bar.update(task, completed=done, rate=rate, remaining=remaining)

            yield show
            end = bar.tasks[0].completed
            bar.update(task, total=end or 1, completed=end or 1, remaining="")

    def seal(self) -> None:
        """封印: seal what has been committed so far; nothing to do costs two look-ups."""
        with self.progress("封印") as progress:
            seal_pending(self.engine, self.municipality, progress)

    def close(self) -> None:
        """Give the database connections back, when any were opened."""
        if "engine" in self.__dict__:
            self.engine.dispose()


def pace(done: int, total: int | None, begun: int, seconds: float) -> tuple[str, str]:
    """速さと残り時間: how fast ``done`` were done and how long the rest takes, as text.

    Both are empty until something has been done; without a total nothing is known of the rest.
    """
    if done <= 0 or seconds <= 0:
        return "", ""
    rate = f"{done / seconds:,.0f} 件/秒"
    if total is None:
        return rate, ""
    left = round(max(total - begun - done, 0) * seconds / done)
    return rate, f"残り {timedelta(seconds=left)}"


def choose_municipality(engine: Engine, settings: Settings) -> str:
    """The municipality of the settings, or the only one that is served.

    One that is disabled can still be named. Raises :class:`ConfigurationError`
    ``municipality_none``, ``municipality_unknown``, ``municipality_disabled`` or
    ``municipality_choice``.
    """
    with reading(engine) as connection:
        everybody = bodies(connection)
    if not everybody:
        raise ConfigurationError("municipality_none")
    if settings.municipality:
        if settings.municipality not in {body.code for body in everybody}:
            raise ConfigurationError("municipality_unknown", found=settings.municipality)
        return settings.municipality
    served = [body for body in everybody if not body.disabled]
    if not served:
        raise ConfigurationError("municipality_disabled", found=listed(everybody))
    if len(served) > 1:
        raise ConfigurationError("municipality_choice", found=listed(served))
    return served[0].code


def listed(found: Iterable[Body]) -> str:
    """Bodies with their names, to choose from."""
    return "、".join(f"{body.code} {body.name}" for body in found)


def _stand_above(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    """Let ``--municipality`` stand above the environment."""
    if value:
        ctx.find_object(Session).settings.municipality = value  # type: ignore[union-attr]


MUNICIPALITY = click.option(
    "--municipality",
    metavar="CODE",
    expose_value=False,
    callback=_stand_above,
    help="団体コード（既定: KOKIN_MUNICIPALITY、または登録された唯一の団体）。",
)


def say_json(value: object) -> None:
    """Print a value as JSON, dates and enums as their text."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say_list(
    session: Session,
    found: Sequence[_Entry],
    line: Callable[[_Entry], str],
    *,
    as_json: bool,
    data: Callable[[Any], object] = asdict,
    empty: str = "",
) -> None:
    """一覧: a line each, or all of them as JSON; ``empty`` tells a person that there are none."""
    if as_json:
        say_json([data(entry) for entry in found])
        return
    for entry in found:
        session.out.print(line(entry), markup=False)
    if empty and not found:
        session.out.print(empty)


def fail_unless(good: bool) -> None:  # noqa: FBT001 - reads as the sentence it is
    """Exit code 0 only when all went well."""
    if not good:
        sys.exit(1)


def explain(code: str, details: dict[str, Any]) -> str:
    """One Japanese sentence and the stable code behind it."""
    return f"{messages.error(code, details)}（{code}）"


session_of = click.make_pass_decorator(Session, ensure=True)
