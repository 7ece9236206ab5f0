"""``kokin assessments import``: 調定 in (調定の取込)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from payments.domain.errors import ConfigurationError
from reconcile.model import Delivery
from reconcile.registers import import_assessments
from web.commands.intake import (
    DATE,
    MUNICIPALITY,
    day_or_today,
    report_as_json,
    show_report,
)
from web.commands.session import Session, fail_unless, say_json, session_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from sqlalchemy import Engine

    from reconcile.model import FileReport


class Importer(Protocol):
    """What reconcile.registers offers for each kind of register."""

    def __call__(  # noqa: D102 - the shape of two functions documented there
        self,
        engine: Engine,
        municipality_code: str,
        delivery: Delivery,
        *,
        received_on: date,
        actor: str = ...,
        progress: Callable[[int], None] | None = ...,
    ) -> FileReport: ...


FILE = click.argument("file", type=click.Path(path_type=Path))
RECEIVED_ON = click.option("--received-on", type=DATE, help="受領日（既定: 今日）。")
JSON = click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")


@click.group()
def assessments() -> None:
    """調定（assessments-1）。"""


@assessments.command("import")
@FILE
@RECEIVED_ON
@JSON
@MUNICIPALITY
@session_of
def import_(session: Session, file: Path, received_on: datetime | None, *, as_json: bool) -> None:
    """調定ファイルを取り込みます。誤りが一つでもあれば、何も取り込みません。"""
    run_import(session, import_assessments, file, day_or_today(received_on), as_json=as_json)


def run_import(
    session: Session, importer: Importer, file: Path, day: date, *, as_json: bool
) -> None:
    """Take one register in and say what became of it."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError("file_unreadable", path=str(file)) from error
    with session.progress(file.name) as progress:
        report = importer(
            session.engine,
            session.municipality,
            Delivery(file.name, data),
            received_on=day,
            actor=session.actor,
            progress=progress,
        )
    session.seal()
    if as_json:
        say_json(report_as_json(report))
    else:
        show_report(session.out, report)
    fail_unless(report.status.is_good)
