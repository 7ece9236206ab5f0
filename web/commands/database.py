"""``kokin db``: who may do what in the database, and on which machine its rows lie."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import ConfigurationError
from payments.store.cluster import SHARDS, is_cluster, placed, plan_of
from payments.store.roles import grants
from payments.store.unit_of_work import reading
from web.commands.session import Session, say_json, session_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from payments.store.cluster import Plan, Step


@click.group()
def db() -> None:
    """データベース（PostgreSQL）の役割と権限、クラスタへの分散。"""


@db.command()
@click.option("--app", default="kokin_app", show_default=True, help="サービスの役割。")
@click.option(
    "--auditor", default="kokin_auditor", show_default=True, help="閲覧だけの監査の役割。"
)
@click.option("--apply", "now", is_flag=True, help="表示するだけでなく、実行します。")
@session_of
def roles(session: Session, app: str, auditor: str, *, now: bool) -> None:
    """役割に必要な権限だけを与えるSQLを表示し、または実行します。

    表の所有者として実行します（KOKIN_DATABASE_URL）。役割は先に作っておきます。
    新しい表ができるたび（kokin init の後）にもう一度実行してください。
    """
    if session.engine.dialect.name != "postgresql":
        raise ConfigurationError("database_roles_sqlite")
    with reading(session.engine) as connection:
        statements = grants(connection, app, auditor)
    if now:
        with session.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        session.out.print(f"{app} と {auditor} の権限を改めました。", markup=False)
        return
    for statement in statements:
        session.out.print(f"{statement};", markup=False)


class Machine(click.ParamType[tuple[str, int]]):
    """接続先: HOST:PORT."""

    name = "HOST:PORT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Name and number, in letters that need no quoting."""
        found = re.fullmatch(r"([A-Za-z0-9._-]{1,253}):([0-9]{1,5})", str(value))
        if found is None:
            self.fail(f"「{value}」は HOST:PORT の形ではありません。", param, ctx)
        return found[1], int(found[2])


@db.command()
@click.option("--coordinator", type=Machine(), help="ほかのノードから見たコーディネータ。")
@click.option("--node", "nodes", type=Machine(), multiple=True, help="加えるノード（繰返し可）。")
@click.option(
    "--shards", type=click.IntRange(1, 1024), default=SHARDS, show_default=True, help="分割数。"
)
@click.option("--dry-run", is_flag=True, help="SQLを表示するだけで、実行しません。")
@click.option(
    "--leave-triggers",
    is_flag=True,
    help="クラスタに置けないトリガーを外すことを承知で実行します（封印の番号が付かなくなります）。",
)
@click.option("--json", "as_json", is_flag=True, help="JSONで表示します。")
@session_of
def distribute(
    session: Session,
    coordinator: tuple[str, int] | None,
    nodes: tuple[tuple[str, int], ...],
    shards: int,
    *,
    dry_run: bool,
    leave_triggers: bool,
    as_json: bool,
) -> None:
    """表を団体コードで分けて、Citusのノードに置きます。

    表の所有者として実行します。途中で止まったときは、もう一度実行すると残りから続けます。
    実機のクラスタでの確認はまだです。docs/scaling.md を先にお読みください。
    """
    if session.engine.dialect.name != "postgresql":
        raise ConfigurationError("cluster_sqlite")
    with reading(session.engine) as connection:
        plan = plan_of(connection, coordinator=coordinator, nodes=nodes, shards=shards)
        ready = is_cluster(connection)
        done = placed(connection) if ready else set()
    if dry_run:
        _show(session, plan, as_json=as_json)
        return
    if plan.left and not leave_triggers:
        raise ConfigurationError("cluster_triggers", found=f"{len(plan.left):,}")
    if not ready:
        raise ConfigurationError("cluster_missing")
    waiting = [step for step in plan.steps if step.statements and step.table not in done]
    with session.progress("分散", len(waiting)) as progress:
        for count, step in enumerate(waiting, 1):
            run_step(session.engine, step)
            progress(count)
    session.out.print(f"{len(waiting):,}段階を実行しました。", markup=False)


def run_step(engine: Engine, step: Step) -> None:
    """One step in one transaction: a table is either placed with its guards or as it was."""
    with engine.begin() as connection:
        for statement in step.statements:
            connection.exec_driver_sql(statement)


def _show(session: Session, plan: Plan, *, as_json: bool) -> None:
    """The SQL of every step, and what a cluster cannot have."""
    if as_json:
        say_json(asdict(plan))
        return
    for step in plan.steps:
        if not step.statements:
            session.out.print(f"-- {step.table}: コーディネータに残します", markup=False)
            continue
        session.out.print("BEGIN;", markup=False)
        for statement in step.statements:
            session.out.print(f"{statement};", markup=False)
        session.out.print("COMMIT;", markup=False)
    for table, trigger in plan.left:
        session.out.print(f"-- 置けないトリガー: {table}.{trigger}", markup=False)
