"""``kokin assessments``: 調定 in, and the history of a claim (調定の取込・経過)."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from payments.domain.errors import ConfigurationError
from payments.domain.reason import require_reason
from payments.holds import target_of
from payments.store.hold_tables import WHOLE_NOTICE
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.rest import slip_story
from reconcile.model import Delivery
from reconcile.registers import import_assessments
from web.accounts import staff
from web.commands.explain import table_of
from web.commands.intake import DATE, day_or_today, report_as_json, show_report
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.explain.tables import history_tables
from web.explain.values import named

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
@click.option("--reason", default="", help="この異動の理由（例: 税額更正決定）。経過に残ります。")
@JSON
@MUNICIPALITY
@session_of
def import_(
    session: Session, file: Path, received_on: datetime | None, reason: str, *, as_json: bool
) -> None:
    """調定ファイルを取り込みます。誤りが一つでもあれば、何も取り込みません。"""
    importer = partial(import_assessments, reason=require_reason(reason) if reason else "")
    run_import(session, importer, file, day_or_today(received_on), as_json=as_json)


@assessments.command()
@click.argument("claim", metavar="科目/賦課年度/通知書番号[/期別]")
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, claim: str, *, as_json: bool) -> None:
    """通知書や期別の経過: 調定の異動、猶予・停止、滞納繰越、今の残高。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        target = target_of(connection, code, claim)
        term = "" if target.term == WHOLE_NOTICE else target.term
        story = slip_story(connection, code, target.notice_id, term)
    with unit_of_work(session.engine, code) as connection:
        subject = f"claim {target.notice_id} {term}".rstrip()
        staff.record(connection, code, session.actor, "explained", subject)
    if as_json:
        say_json(asdict(story))
        return
    for name, value in named(story.facts):
        session.out.print(f"{name}: {value}", markup=False)
    for table in history_tables(story):
        session.out.print(table_of(table))


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
