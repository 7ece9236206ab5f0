"""``kokin evidence``: the keys over the evidence (証拠の暗号化)."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from payments.store.engine import keys_of
from payments.store.known_keys import require_keys
from payments.store.personal import columns_pending, reseal_columns
from payments.store.sealed_bytes import new_key_text
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds.sealed import seal_anew
from reconcile.store.rekey import pending
from reconcile.store.rekey import rekey as turn
from reconcile.store.sealed_texts import texts_pending
from web import clock, formatting
from web.accounts import staff
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.events import subscribers
from web.events.subscribers import reseal_secrets
from web.notifications import keys
from web.notifications.keys import reseal
from web.notifications.reseal import reseal_all
from web.notifications.spool import Spool
from web.sealed_rows import reseal_rows, rows_pending

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from reconcile.store.rekey import Rekeyed

LEFT_SHOWN = 10


@click.group()
def evidence() -> None:
    """証拠（届いた資料のバイト列）の暗号化と、鍵の更新。"""


@evidence.command("new-key")
@click.argument("key_id")
def new_key(key_id: str) -> None:
    """新しい鍵を一行で出力します（鍵のファイルの最後に加えます）。

    KEY_ID は鍵の名前です（例: 2026-11）。名前は秘密ではありません。鍵は台帳とは別の場所に
    控えてください。失うと、その鍵で暗号化した資料は二度と読めません。
    """
    click.echo(new_key_text(key_id))


@evidence.command()
@click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")
@MUNICIPALITY
@session_of
def status(session: Session, *, as_json: bool) -> None:
    """いまの鍵、証拠に要る鍵、まだ新しい鍵になっていない量を示します。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        needed = require_keys(connection, code)
        clear = not keys_of(connection).newest
        personal = (
            columns_pending(connection, code, clear=clear)
            + texts_pending(connection, code, clear=clear)
            + _beside_pending(session, connection, clear=clear)
        )
    newest = keys_of(session.engine).newest
    rest = pending(session.engine, code, clear=not newest)
    if as_json:
        say_json(
            {
                "newest": newest,
                "needed": needed,
                "pending": rest._asdict(),
                "personal_pending": personal,
            }
        )
        return
    session.out.print(formatting.encryption(newest), markup=False)
    session.out.print(f"証拠に要る鍵: {'、'.join(needed) or 'なし'}", markup=False)
    session.out.print(
        f"新しい鍵になっていない量: {rest.pieces:,}片 {rest.size_bytes:,}バイト", markup=False
    )
    session.out.print(
        f"新しい鍵になっていない住所・口座など: {formatting.count(personal)}", markup=False
    )


@evidence.command()
@click.option("--clear", is_flag=True, help="暗号化をやめ、元のバイト列に戻します。")
@click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")
@MUNICIPALITY
@session_of
def rekey(session: Session, *, clear: bool, as_json: bool) -> None:
    """証拠・個人情報の列・通知用の鍵と秘密のすべてを、いちばん新しい鍵で暗号化し直します。

    途中で止めても失われるものはなく、もう一度実行すると続きから進みます。取込や照合と並べて
    実行できます。終わったら、古い鍵は鍵のファイルから外せます。
    """
    code, engine = session.municipality, session.engine
    _record(session, "evidence_rekey", "clear" if clear else keys_of(engine).newest)
    total = pending(engine, code, clear=clear).pieces
    with session.progress("暗号化の更新", total) as progress, closing(Spool(engine)) as spool:
        done = turn(
            engine,
            code,
            actor=session.actor,
            at=clock.now(),
            clear=clear,
            progress=progress,
            beside=lambda: (
                reseal_all(spool, code, clear=clear)
                + _accounts_anew(engine, code, clear=clear)
                + reseal_columns(engine, code, clear=clear)
                + reseal_rows(engine, session.settings, code, clear=clear)
                + _secrets_anew(session, clear=clear)
            ),
            rest=lambda connection: _beside_pending(session, connection, clear=clear),
        )
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            # What was in clear does not wait in the log of the database either.
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    if as_json:
        say_json(done._asdict())
    else:
        _show(session, done)
    fail_unless(done.finished)


def _show(session: Session, done: Rekeyed) -> None:
    size = f"{done.pieces:,}片 {done.size_bytes:,}バイト"
    session.out.print(f"暗号化の更新: {size}", markup=False)
    for sha256 in done.left[:LEFT_SHOWN]:
        session.out.print(f"    開けませんでした: sha256 {sha256}", markup=False)
    if done.left_beside:
        beside = f"    開けない本文・住所・口座など: {formatting.count(done.left_beside)}"
        session.out.print(beside, markup=False)
    if done.left:
        session.out.print("    `kokin verify` で確かめてください。", markup=False)
    elif not (done.finished or done.left_beside):
        session.out.print("    その間に届いた資料があります。もう一度実行してください。")


def _accounts_anew(engine: Engine, code: str, *, clear: bool) -> int:
    """口座番号の更新: those of payees, too; how many did not open."""
    with unit_of_work(engine, code) as connection:
        return seal_anew(connection, code, clear=clear)


def _secrets_anew(session: Session, *, clear: bool) -> int:
    """秘密の更新: of senders and subscribers, within the run; one that does not open ends it.

    Behind the end of the run nobody would miss them: killed there, it left them under a key that
    nothing else needed any more.
    """
    code, settings = session.municipality, session.settings
    with unit_of_work(session.engine, code) as connection:
        reseal(connection, settings, code, clear=clear)
        reseal_secrets(connection, settings, code, clear=clear)
    return 0


def _beside_pending(session: Session, connection: Connection, *, clear: bool) -> int:
    """未更新: what only this package knows and what lies under another key."""
    code, settings = session.municipality, session.settings
    return sum(
        each(connection, settings, code, clear=clear)
        for each in (rows_pending, keys.secrets_pending, subscribers.secrets_pending)
    )


def _record(session: Session, event: str, subject: str) -> None:
    """操作記録: who turned the keys, and to which."""
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.record(
            connection, session.municipality, session.actor, event, subject=subject, source="cli"
        )
