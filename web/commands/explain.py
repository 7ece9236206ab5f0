"""``kokin explain``: why a line, slip, receipt, credit or case stands as it does (説明)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import (
    explain_case,
    explain_credit,
    explain_line,
    explain_number,
    explain_place,
    explain_receipt,
    explain_slip,
)
from reconcile.explain.proof import proven
from reconcile.find import find_file
from web.accounts import staff
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.explain.story import tell, title

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from sqlalchemy import Connection

    from reconcile.explain.model import Explanation
    from web.explain.story import Section
    from web.explain.tables import Table

JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")


class Numbers(click.Group):
    """A group whose unknown first word is a number to be explained."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """``kokin explain NUMBER`` is ``kokin explain number NUMBER``."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "number", self.commands["number"], args
        return super().resolve_command(ctx, args)


@click.group("explain", cls=Numbers)
def why() -> None:
    """なぜその結果になったかを、届いたバイト列から入金まで説明します。

    番号だけでも使えます（kokin explain 番号）: 納付書番号、eL番号、バーコード、口座振替の顧客番号、
    通知書番号（科目/賦課年度/番号）、資料名:行番号。
    """


@why.command()
@click.argument("file")
@click.argument("line_no", type=click.IntRange(min=1))
@JSON
@MUNICIPALITY
@session_of
def line(session: Session, file: str, line_no: int, *, as_json: bool) -> None:
    """資料（名前またはSHA-256）の一行を説明します。"""
    _tell(
        session,
        lambda connection, code: explain_line(
            connection, code, find_file(connection, code, file), line_no
        ),
        as_json=as_json,
    )


@why.command()
@click.argument("slip_no")
@JSON
@MUNICIPALITY
@session_of
def slip(session: Session, slip_no: str, *, as_json: bool) -> None:
    """納付書と、その納付を説明します。"""
    _tell(
        session,
        lambda connection, code: explain_slip(connection, code, slip_no),
        as_json=as_json,
    )


def _by_place(
    name: str, explain: Callable[[Connection, str, int, int], Explanation], said: str
) -> None:
    """A command for what one line of a file brought."""

    @why.command(name, help=said)
    @click.argument("place", metavar="FILE:LINE")
    @JSON
    @MUNICIPALITY
    @session_of
    def command(session: Session, place: str, *, as_json: bool) -> None:
        _tell(
            session,
            lambda connection, code: explain(
                connection, code, *explain_place(connection, code, place)
            ),
            as_json=as_json,
        )


_by_place("receipt", explain_receipt, "収納を、それを報告した明細から説明します。")
_by_place(
    "credit", explain_credit, "入金が、どの払込と結び付いたか（付かなかったか）を説明します。"
)


@why.command()
@click.argument("case_no", type=click.IntRange(min=1))
@JSON
@MUNICIPALITY
@session_of
def case(session: Session, case_no: int, *, as_json: bool) -> None:
    """確認事項の対象を説明します。"""
    _tell(
        session,
        lambda connection, code: explain_case(connection, code, case_no),
        as_json=as_json,
    )


@why.command()
@click.argument("number")
@JSON
@MUNICIPALITY
@session_of
def number(session: Session, number: str, *, as_json: bool) -> None:
    """番号が示すものを説明します。"""
    _tell(
        session,
        lambda connection, code: explain_number(connection, code, number),
        as_json=as_json,
    )


def _tell(
    session: Session, explain: Callable[[Connection, str], Explanation], *, as_json: bool
) -> None:
    """Print the explanation, and record that somebody looked."""
    code = session.municipality
    with reading(session.engine, code) as connection:
        explanation = proven(connection, code, explain(connection, code))
    about = explanation.subject
    place = about.get("file_id") or about.get("notice_id") or about["name"]
    with unit_of_work(session.engine, code) as connection:
        subject = f"{about['kind']} {place} {about.get('line_no') or about.get('term') or ''}"
        staff.record(connection, code, session.actor, "explained", subject.rstrip())
    if as_json:
        say_json(explanation.as_json())
        return
    session.out.print(f"説明: {title(explanation)}", markup=False)
    for section in tell(explanation):
        _print(session.out, section)


def _print(out: Console, section: Section) -> None:
    """One section as text."""
    out.print()
    out.print(f"■ {section.title}", markup=False)
    for sentence in (section.warning, *section.sentences):
        if sentence:
            out.print(f"  {sentence}", markup=False)
    for name, value in section.facts:
        out.print(f"  {name}: {value}", markup=False)
    for row in section.code:
        out.print(f"    {row}", markup=False)
    for table in section.tables:
        out.print(table_of(table))


def table_of(table: Table) -> Any:
    """A table whose columns stand under one another, full-width characters included."""
    shown = RichTable(box=box.SIMPLE, title=table.caption, title_justify="left", pad_edge=False)
    for place, heading in enumerate(table.headings):
        shown.add_column(heading, justify="right" if place in table.figures else "left")
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown
