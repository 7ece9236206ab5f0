"""``kokin events``: who is told what has happened, and telling it once more (外部通知)."""

from __future__ import annotations

from datetime import timedelta

import click

from payments.domain.errors import InvalidValueError, RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.session import MUNICIPALITY, Session, say_list, session_of
from web.events import deliveries, drop, log, subscribers
from web.events.kinds import KINDS, NUMBERS, require_kinds, require_numbers

NAME = click.argument("name")
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")


@click.group()
def events() -> None:
    """外部通知: 納付済・取消・資料の保留などを、Webhookまたはファイルで知らせます。"""


@events.command()
@NAME
@click.option("--url", default="", help="WebhookのURL（KOKIN_WEBHOOK_HOSTS にある宛先）。")
@click.option("--folder", default="", help="ファイルで知らせるフォルダ（閉じたネットワーク用）。")
@click.option(
    "--kind", "kinds", multiple=True,
    help=f"知らせる種類（何度でも。既定: すべて）。{', '.join(KINDS)}。slip のようにまとめても可。",
)  # fmt: skip
@click.option(
    "--number", "numbers", multiple=True,
    help=f"納付書の示し方（何度でも。既定: slip_no）。{', '.join(NUMBERS)}",
)  # fmt: skip
@click.option("--amounts", "with_amounts", is_flag=True, help="金額も知らせます。")
@click.option("--from-the-beginning", is_flag=True, help="これまでに記録された分から知らせます。")
@MUNICIPALITY
@session_of
def subscribe(
    session: Session,
    name: str,
    url: str,
    folder: str,
    kinds: tuple[str, ...],
    numbers: tuple[str, ...],
    *,
    with_amounts: bool,
    from_the_beginning: bool,
) -> None:
    """購読者を登録します。Webhookの秘密は一度だけ表示します。"""
    if bool(url) == bool(folder):
        raise InvalidValueError("subscriber_target")
    wish = subscribers.Wish(
        name,
        subscribers.WEBHOOK if url else subscribers.FOLDER,
        url or folder,
        require_kinds(kinds),
        require_numbers(numbers),
        with_amounts,
        from_the_beginning,
    )
    with unit_of_work(session.engine, session.municipality) as connection:
        secret = subscribers.subscribe(
            connection, session.settings, session.municipality, wish, actor=session.actor
        )
        staff.record(connection, session.municipality, session.actor, "subscriber_added", name)
    session.out.print(f"購読者 {name} を登録しました。", markup=False)
    if secret:
        session.out.print(f"秘密（一度だけ表示）: {secret}", markup=False)


@events.command("list")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, *, as_json: bool) -> None:
    """購読者の一覧（秘密は表示しません）。"""
    with reading(session.engine, session.municipality) as connection:
        found = log.standings(connection, session.municipality)
    say_list(session, found, _standing, as_json=as_json, empty="購読者は登録されていません。")


def _standing(standing: log.Standing) -> str:
    """One subscriber on one line."""
    who = standing.subscriber
    kinds = "・".join(messages.label("event_kind", kind) for kind in who.kinds)
    return (
        f"{who.name}  {'停止' if who.disabled else '有効'}  {who.address}  "
        f"送信待ち {standing.waiting:,}件  断念 {standing.failed:,}件  "
        f"金額 {'あり' if who.with_amounts else 'なし'}  {kinds}"
    )


@events.command()
@NAME
@MUNICIPALITY
@session_of
def disable(session: Session, name: str) -> None:
    """購読を止めます。止めている間の出来事は、再開したときに知らせます。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        subscribers.disable(connection, session.municipality, name)
        staff.record(connection, session.municipality, session.actor, "subscriber_disabled", name)
    session.out.print(f"購読者 {name} への通知を止めました。", markup=False)


@events.command()
@NAME
@MUNICIPALITY
@session_of
def enable(session: Session, name: str) -> None:
    """止めた購読を再開します。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        subscribers.enable(connection, session.municipality, name)
        staff.record(connection, session.municipality, session.actor, "subscriber_enabled", name)
    session.out.print(f"購読者 {name} への通知を再開しました。", markup=False)


@events.command()
@NAME
@click.option(
    "--overlap-hours", type=click.IntRange(min=0), default=24, show_default=True,
    help="前の秘密でも署名を続ける時間。",
)  # fmt: skip
@MUNICIPALITY
@session_of
def rotate(session: Session, name: str, overlap_hours: int) -> None:
    """秘密を新しくし、一度だけ表示します。しばらくは前の秘密でも署名します。"""
    overlap = timedelta(hours=overlap_hours)
    with unit_of_work(session.engine, session.municipality) as connection:
        secret = subscribers.rotate(
            connection, session.settings, session.municipality, name, overlap=overlap
        )
        staff.record(connection, session.municipality, session.actor, "subscriber_rotated", name)
    until = formatting.moment(clock.now() + overlap)
    session.out.print(f"新しい秘密（一度だけ表示）: {secret}", markup=False)
    session.out.print(f"前の秘密でも {until} まで署名します。", markup=False)


@events.command()
@NAME
@click.option("--from", "first", type=int, help="送り直す最初の番号（通知の number）。")
@click.option("--to", "last", type=int, help="送り直す最後の番号（既定: 最初の番号だけ）。")
@click.option("--failed", is_flag=True, help="断念したものをすべて送り直します。")
@click.option("--file", "file_no", type=click.IntRange(min=1), help="フォルダ: ファイルの番号。")
@MUNICIPALITY
@session_of
def replay(
    session: Session, name: str, first: int | None, last: int | None, file_no: int | None,
    *, failed: bool,
) -> None:  # fmt: skip
    """送り直します。受信側は同じIDで重複と分かります。次の巡回で送られます。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        subscriber = subscribers.named(connection, code, name)
    if file_no is not None:
        if subscriber.channel != subscribers.FOLDER:
            raise RefusedError("nothing_to_replay", name=name)
        path = drop.write_again(session.engine, code, subscriber, file_no)
        session.out.print(f"{path} に書き出しました。", markup=False)
        return
    with unit_of_work(session.engine, code) as connection:
        if failed:
            number = deliveries.replay_failed(connection, code, subscriber)
        else:
            number = deliveries.replay(connection, code, subscriber, *_range(first, last))
        staff.record(connection, code, session.actor, "events_replayed", name)
    session.out.print(f"購読者 {name} に {number:,}件を送り直します。", markup=False)


def _range(first: int | None, last: int | None) -> tuple[int, int]:
    """The numbers meant; :class:`InvalidValueError` ``event_range``."""
    begin = first if first is not None else 0
    end = last if last is not None else begin
    if not 1 <= begin <= end <= log.NUMBER_MAX:
        raise InvalidValueError("event_range")
    return begin, end


@events.command("log")
@click.option("--state", type=click.Choice(deliveries.STATES), default=None, help="配信の状態。")
@click.option("--kind", type=click.Choice(KINDS), default=None, help="種類。")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, help="何件まで（既定: 50）。")
@JSON
@MUNICIPALITY
@session_of
def log_(
    session: Session, state: str | None, kind: str | None, limit: int, *, as_json: bool
) -> None:
    """外部通知の一覧。新しいものから表示します。"""
    with reading(session.engine, session.municipality) as connection:
        found = log.happened(
            connection, session.municipality, kind=kind or "", state=state or "", limit=limit
        )
    say_list(session, found, _happened, as_json=as_json, empty="外部通知はまだありません。")


def _happened(event: log.Happened) -> str:
    """One event on one line."""
    told = "  ".join(
        f"{one.name}: {messages.label('delivery_state', one.state)}" for one in event.deliveries
    )
    return (
        f"{event.event_no:>10}  {formatting.moment(event.occurred_at)}  "
        f"{messages.label('event_kind', event.kind)}  {event.subject}  {told}"
    )
