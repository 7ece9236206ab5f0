"""``kokin backup`` and ``kokin restore``: everything in a folder, and back (バックアップ・復元)."""

from __future__ import annotations

from pathlib import Path

import click

from payments.domain.errors import ConfigurationError
from web.backups.files import put_back
from web.backups.make import back_up
from web.backups.manifest import size_of
from web.backups.restore import restore as restore_backup
from web.backups.restore import same_secret, try_out, verify_all
from web.backups.sqlite import database_files
from web.commands.session import Session, session_of

FOLDER = click.Path(file_okay=False, path_type=Path)
BACKUP = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--verify", "trying", is_flag=True, help="別の場所に復元し、検算まで行って確かめます。"
)
@session_of
def backup(session: Session, folder: Path, *, trying: bool) -> None:
    """台帳の全部（証拠と受付簿を含む）を、動いているまま DIR の中の新しいフォルダに写します。

    受信フォルダで待つもの、控え、報告なども、目録に載せて写します。

    秘密（secret-key、暗号鍵）は含みません。別の場所に保管してください。
    """
    file = session.settings.sqlite_file
    total = sum(path.stat().st_size for path in database_files(file)) if file else None
    with session.progress("バックアップ", total) as progress:
        made = back_up(
            session.settings, session.engine, folder, lambda done, _total: progress(done)
        )
    session.out.print(f"バックアップ {made}（{size_of(made):,}バイト）", markup=False)
    if trying:
        with session.progress("検算") as progress:
            _say_verified(session, try_out(session.settings, made, progress))


@click.command()
@click.argument("folder", metavar="BACKUP", type=BACKUP)
@click.option("--no-verify", is_flag=True, help="復元の後の検算を省きます。")
@session_of
def restore(session: Session, folder: Path, *, no_verify: bool) -> None:
    """バックアップを、空のデータベースに復元し、検算します。既にあるものは上書きしません。"""
    manifest = restore_backup(session.settings, folder)
    lines = sum(counts["source_line"] for counts in manifest.counts.values())
    session.out.print(
        f"{manifest.made_at} のバックアップを復元しました"
        f"（団体 {len(manifest.counts)} 明細 {lines:,}件）。",
        markup=False,
    )
    put, left = put_back(session.settings, folder, manifest)
    if put or left:
        session.out.print(
            f"ファイル {put:,}件を戻しました。"
            + (f"すでにある {left:,}件はそのままにしました。" if left else "")
        )
    if not same_secret(session.settings, manifest):
        session.err.print(
            "秘密がバックアップのときと違います。元の secret-key（または KOKIN_SECRET_KEY）に"
            "戻すまで、職員の画面と事業者の鍵はそのままでは使えません。"
        )
    if not no_verify:
        with session.progress("検算") as progress:
            _say_verified(session, verify_all(session.settings, manifest, progress))


def _say_verified(session: Session, differences: dict[str, int]) -> None:
    """Raise :class:`ConfigurationError` ``backup_differs`` when something does not agree."""
    wrong = [code for code, number in differences.items() if number]
    if wrong:
        raise ConfigurationError("backup_differs", found=", ".join(wrong))
    session.out.print("復元した帳簿を検算し、すべて一致しました。")
