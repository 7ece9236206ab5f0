"""``kokin db move``: from the SQLite file of one machine to PostgreSQL (引っ越し)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from payments.domain.errors import ConfigurationError
from payments.store.municipalities import bodies
from payments.store.unit_of_work import reading
from web.commands.session import Session, fail_unless, session_of
from web.commands.verify import told
from web.database import open_books
from web.moving import held, move, require_target, rows_in
from web.notifications.checking import verify

if TYPE_CHECKING:
    from pathlib import Path


@click.command("move")
@click.option(
    "--to", "url", metavar="URL", required=True, help="移し先（postgresql://…）。空のデータベース。"
)
@click.option("--check-only", is_flag=True, help="移せるかどうかを確かめるだけで、移しません。")
@click.option("--no-verify", is_flag=True, help="移した後の検算を省きます。")
@session_of
def move_(session: Session, url: str, *, check_only: bool, no_verify: bool) -> None:
    """SQLiteの台帳を、空のPostgreSQLのデータベースにすべて移します。

    先に kokin serve と kokin schedule を止めてください。移し先には、表の所有者になる普通の役割
    （スーパーユーザーでない）で接続します。パスワードは PGPASSWORD か ~/.pgpass に置けます。
    途中で止まれば移し先には一行も残らず、もう一度実行できます。元のファイルは変わりません。
    """
    file = session.settings.sqlite_file
    if file is None:
        raise ConfigurationError("move_source")
    with held(file) as source:
        require_target(url)
        if check_only:
            say(session, f"移せます。移す行は {rows_in(source):,}行です。")
            return
        moved = move(source, url, session.progress)
    rows = sum(table.rows for table in moved)
    say(session, f"移しました: {len(moved):,}表 {rows:,}行。")
    say(session, "どの表も、行数とSHA-256が元のファイルと一致しました。")
    good = no_verify or _verified(session, url)
    _say_next(session, file)
    fail_unless(good)


def _verified(session: Session, url: str) -> bool:
    """検算 of every body at its new place; whether nothing differs."""
    there = open_books(session.settings.model_copy(update={"database_url": url}))
    good = True
    try:
        with reading(there) as connection:
            everybody = bodies(connection)
        for body in everybody:
            with session.progress(f"検算 {body.code}") as progress:
                differences = verify(there, body.code, progress)
            good = good and not differences
            for difference in differences:
                say(session, f"{body.code} {told(difference)}")
            if not differences:
                say(session, f"検算 {body.code} {body.name}: すべて一致しました。")
    finally:
        there.dispose()
    return good


def _say_next(session: Session, file: Path) -> None:
    """What a person has to do now."""
    for line in (
        "次にすること:",
        "1. KOKIN_DATABASE_URL を移し先のアドレスに改めます。",
        "2. サービスに権限の少ない役割を使うときは、所有者で kokin db roles --apply を実行します。",
        "3. kokin doctor で確かめ、kokin serve と kokin schedule を始めます。",
        f"4. {file} と、隣の受付簿（-notifications）は、次のバックアップを確かめるまで残します。",
        f"鍵・受信フォルダ・印刷・報告などのファイルは {session.settings.home} から動かしません。",
    ):
        say(session, line)


def say(session: Session, line: str) -> None:
    """One line of the answer."""
    session.out.print(line, markup=False)
