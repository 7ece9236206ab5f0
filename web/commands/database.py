"""``kokin db``: who may do what in the database (データベースの役割)."""

from __future__ import annotations

import click

from payments.domain.errors import ConfigurationError
from payments.store.roles import grants
from payments.store.unit_of_work import reading
from web.commands.session import Session, session_of


@click.group()
def db() -> None:
    """データベース（PostgreSQL）の役割と権限。"""


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
