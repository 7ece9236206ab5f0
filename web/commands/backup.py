"""``kokin backup`` and ``kokin restore``: everything in a folder, and back (バックアップ・復元).

``kokin backup DIR`` takes one; ``kokin backup drill`` tries one out.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from payments.domain.errors import ConfigurationError
from web.backups.drill import Drill, drill, newest
from web.backups.files import put_back
from web.backups.make import back_up
from web.backups.manifest import size_of
from web.backups.restore import restore_from, same_secret, try_out, verify_all
from web.backups.sealed import opened
from web.backups.sqlite import database_files
from web.commands.session import Session, say_json, session_of

FOLDER = click.Path(file_okay=False, path_type=Path)
BACKUP = click.Path(exists=True, file_okay=False, path_type=Path)


class _Backup(click.Group):
    """A group whose first word may also be the folder: then it takes a backup."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """``kokin backup DIR`` means ``kokin backup take DIR``."""
        if args and args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = ["take", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Backup, no_args_is_help=True)
def backup() -> None:
    """バックアップをとり、復元の訓練をします（kokin backup DIR でとります）。"""


@backup.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--verify", "trying", is_flag=True, help="別の場所に復元し、検算まで行って確かめます。"
)
@click.option("--clear", is_flag=True, help="暗号化の鍵があっても、封をしません。")
@session_of
def take(session: Session, folder: Path, *, trying: bool, clear: bool) -> None:
    """台帳の全部（証拠と受付簿を含む）を、動いているまま DIR の中の新しいフォルダに写します。

    受信フォルダで待つもの、控え、報告なども、目録に載せて写します。暗号化の鍵があれば、全部に封をします。

    秘密（secret-key、暗号鍵）は含みません。別の場所に保管してください。
    """
    file = session.settings.sqlite_file
    total = sum(path.stat().st_size for path in database_files(file)) if file else None
    with session.progress("バックアップ", total) as progress:
        made = back_up(
            session.settings,
            session.engine,
            folder,
            lambda done, _total: progress(done),
            clear=clear,
        )
    session.out.print(f"バックアップ {made}（{size_of(made):,}バイト）", markup=False)
    if trying:
        with session.progress("検算") as progress:
            _say_verified(session, try_out(session.settings, made, progress))


@backup.command("drill")
@click.argument("folder", metavar="[BACKUP]", type=BACKUP, required=False)
@click.option(
    "--max-age-hours",
    type=click.IntRange(0),
    default=48,
    show_default=True,
    help="これより古いバックアップしかなければ、失敗とします。0なら問いません。",
)
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@session_of
def drill_(session: Session, folder: Path | None, *, max_age_hours: int, as_json: bool) -> None:
    """復元訓練: 最新の（または指定の）バックアップを別の場所に復元し、検算し、時間を言います。

    動いている帳簿には触れません。復元したものは、終われば消えます。
    """
    chosen = folder or newest(session.settings.backup_folder)
    with session.progress("検算") as progress:
        done = drill(session.settings, chosen, progress)
    if as_json:
        say_json({**asdict(done), "backup": str(done.backup), "seconds": done.seconds})
    else:
        _say_drill(session, done)
    wrong = [code for code, number in done.differences.items() if number]
    if wrong:
        raise ConfigurationError("backup_differs", found=", ".join(wrong))
    if max_age_hours and done.age_hours > max_age_hours:
        raise ConfigurationError("backup_old", found=done.age_hours, expected=max_age_hours)


def _say_drill(session: Session, done: Drill) -> None:
    """What was tried, how long each step took, and what came out."""
    sealed = f"封あり（鍵 {done.key_id}）" if done.key_id else "封なし"
    session.out.print(
        f"復元訓練 {done.backup.name}: {done.size_bytes:,}バイト {sealed} "
        f"明細 {done.lines:,}件 {done.age_hours:,}時間前のもの",
        markup=False,
    )
    session.out.print(
        f"開封と照合 {done.open_seconds:,.1f}秒 復元 {done.restore_seconds:,.1f}秒 "
        f"検算 {done.verify_seconds:,.1f}秒 計 {done.seconds:,.1f}秒"
    )
    if not any(done.differences.values()):
        session.out.print("復元した帳簿を検算し、すべて一致しました。")


@click.command()
@click.argument("folder", metavar="BACKUP", type=BACKUP)
@click.option("--no-verify", is_flag=True, help="復元の後の検算を省きます。")
@session_of
def restore(session: Session, folder: Path, *, no_verify: bool) -> None:
    """バックアップを、空のデータベースに復元し、検算します。既にあるものは上書きしません。"""
    with opened(session.settings, folder) as (clear, manifest):
        restore_from(session.settings, clear, manifest)
        put, left = put_back(session.settings, clear, manifest)
    lines = sum(counts["source_line"] for counts in manifest.counts.values())
    session.out.print(
        f"{manifest.made_at} のバックアップを復元しました"
        f"（団体 {len(manifest.counts)} 明細 {lines:,}件）。",
        markup=False,
    )
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
