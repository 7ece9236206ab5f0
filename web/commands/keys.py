"""``kokin key`` and ``kokin notification``: keys of payment operators, and what was refused."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from payments.domain.errors import NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.session import MUNICIPALITY, Session, say_list, session_of
from web.notifications import door, keys
from web.notifications.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from web.notifications.spool_rows import Entry

KEY_ID = click.argument("key_id")
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
OVERLAP_DAYS = 7


@click.group()
def key() -> None:
    """納付通知（HTTP）の署名に使う、事業者の鍵。"""


@key.command()
@KEY_ID
@click.option("--operator", required=True, help="事業者の名前。")
@MUNICIPALITY
@session_of
def add(session: Session, key_id: str, operator: str) -> None:
    """鍵を登録し、秘密を一度だけ表示します。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        secret = keys.add(
            connection, session.settings, session.municipality, key_id, operator_name=operator
        )
        staff.record(connection, session.municipality, session.actor, "key_added", key_id)
    session.out.print(f"鍵 {key_id} を登録しました。秘密（一度だけ表示）: {secret}", markup=False)


@key.command()
@KEY_ID
@click.option(
    "--overlap-days",
    default=OVERLAP_DAYS,
    show_default=True,
    type=click.IntRange(0, 366),
    help="古い秘密も使える日数。0 なら、古い秘密はすぐに使えなくなります。",
)
@MUNICIPALITY
@session_of
def rotate(session: Session, key_id: str, overlap_days: int) -> None:
    """鍵の秘密を新しくします。古い秘密は、しばらくの間そのまま使えます。"""
    until = clock.now() + timedelta(days=overlap_days)
    with unit_of_work(session.engine, session.municipality) as connection:
        secret = keys.rotate(
            connection, session.settings, session.municipality, key_id, ends_at=until
        )
        staff.record(connection, session.municipality, session.actor, "key_rotated", key_id)
    session.out.print(
        f"鍵 {key_id} の新しい秘密（一度だけ表示）: {secret}\n"
        f"古い秘密は {formatting.moment(until)} まで使えます。",
        markup=False,
    )


@key.command("list")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, *, as_json: bool) -> None:
    """鍵の一覧（秘密は表示しません）。"""
    used = _last_uses(session)
    with reading(session.engine, session.municipality) as connection:
        found = keys.everybody(connection, session.municipality, used)
    say_list(session, found, _line, as_json=as_json, data=_data, empty="鍵はありません。")


@key.command()
@KEY_ID
@MUNICIPALITY
@session_of
def disable(session: Session, key_id: str) -> None:
    """鍵を無効にします。数秒のうちに使えなくなります。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        keys.disable(connection, session.municipality, key_id)
        staff.record(connection, session.municipality, session.actor, "key_disabled", key_id)
    session.out.print(f"鍵 {key_id} を無効にしました。", markup=False)


@click.group()
def notification() -> None:
    """受け付けられなかった納付通知と、食い違った納付通知。"""


@notification.command()
@JSON
@MUNICIPALITY
@session_of
def refused(session: Session, *, as_json: bool) -> None:
    """署名は正しいのに受け付けられなかった通知の一覧（新しい順）。"""
    found: list[door.Refusal] = []
    with closing(Spool(session.engine)) as spool:
        store = spool.reading(session.municipality)
        if store is not None:
            with store as connection:
                found = door.refused_ones(connection, session.municipality)
    say_list(
        session,
        found,
        lambda entry: (
            f"{entry.refusal_no}  {formatting.moment(entry.received_at)}  {entry.key_id}"
            f"  {entry.notification_id or '—'}  {messages.error(entry.code)}"
        ),
        as_json=as_json,
        data=lambda entry: entry._asdict() | {"received_at": _instant(entry.received_at)},
        empty="受け付けられなかった通知はありません。",
    )


@notification.command()
@JSON
@MUNICIPALITY
@session_of
def conflicts(session: Session, *, as_json: bool) -> None:
    """同じ識別子で届いた、内容の違う通知の一覧（新しい順）。初めに届いたものだけを記帳しています。"""
    with closing(Spool(session.engine)) as spool:
        found = spool.conflicts(session.municipality)
    say_list(
        session,
        found,
        lambda pair: (
            f"{pair[0].spool_no}  {formatting.moment(pair[0].received_at)}  {pair[0].key_id}"
            f"  {pair[0].notification_id}  記帳した通知 {pair[1].spool_no if pair[1] else '—'}"
        ),
        as_json=as_json,
        data=_conflict,
        empty="食い違った通知はありません。",
    )


@notification.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--refused", "of_refused", is_flag=True, help="受け付けられなかった通知の番号です。")
@MUNICIPALITY
@session_of
def body(session: Session, number: int, *, of_refused: bool) -> None:
    """通知の本文を、届いたとおりに出力します（番号は refused か conflicts の一覧のもの）。"""
    found = None
    with closing(Spool(session.engine)) as spool:
        store = spool.reading(session.municipality)
        if store is not None and of_refused:
            with store as connection:
                found = door.refused_body(connection, session.municipality, number)
        elif store is not None:
            found = spool.bodies(session.municipality, [number]).get(number)
    if found is None:
        raise NotFoundError("notification_number", number=number)
    sys.stdout.buffer.write(found)


def _conflict(pair: tuple[Entry, Entry | None]) -> dict[str, object]:
    """An entry that conflicts, and the one that counts."""
    entry, counts = pair
    return {
        "number": entry.spool_no,
        "key_id": entry.key_id,
        "notification_id": entry.notification_id,
        "sha256": entry.body_sha256,
        "received_at": _instant(entry.received_at),
        "booked": counts.spool_no if counts else None,
    }


def _last_uses(session: Session) -> Mapping[tuple[str, int], datetime]:
    """When each secret last signed, as the door has noted it."""
    with closing(Spool(session.engine)) as spool:
        store = spool.reading(session.municipality)
        if store is None:
            return {}
        with store as connection:
            return door.last_uses(connection, session.municipality)


def _line(entry: keys.ApiKey) -> str:
    """A key on one line, and one line for each secret where there are several."""
    state = "無効" if entry.disabled else "有効"
    used = formatting.moment(entry.used_at)
    lines = [f"{entry.key_id}  {entry.operator_name}  {state}  最終使用 {used}"]
    if len(entry.secrets) > 1:
        lines += [
            f"    秘密{each.secret_no}  {formatting.moment(each.made_at)} から"
            f" {formatting.moment(each.ends_at)} まで"
            f"  最終使用 {formatting.moment(each.used_at)}"
            for each in entry.secrets
        ]
    return "\n".join(lines)


def _data(entry: keys.ApiKey) -> dict[str, object]:
    secrets = [
        {
            "secret_no": each.secret_no,
            "made_at": _instant(each.made_at),
            "ends_at": _instant(each.ends_at),
            "used_at": _instant(each.used_at),
        }
        for each in entry.secrets
    ]
    return entry._asdict() | {"secrets": secrets, "used_at": _instant(entry.used_at)}


def _instant(value: datetime | None) -> str | None:
    """An instant in Japanese time, to the second."""
    return None if value is None else clock.in_japan(value).isoformat(timespec="seconds")
