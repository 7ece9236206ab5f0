"""``kokin cases place`` and ``undo``: where a payment's money goes, asked for by one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain import explain_place
from reconcile.placement import ask_placement, content_of, line_of_case, parts_named, placement_view
from reconcile.placement_model import KIND, Placement
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.intake import MUNICIPALITY
from web.commands.session import Session, say_json, session_of
from web.commands.signing import USER, signed
from web.texts.placements import SUSPENSE, operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from sqlalchemy import Connection

TARGET = click.argument("target", metavar="N|FILE:LINE")
REASON = click.option("--reason", required=True, help="理由（記録に残ります）。")
YES = click.option("--yes", is_flag=True, help="確かめずに依頼します。")
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します（確かめません）。")


@click.command()
@TARGET
@click.option(
    "--to",
    "places",
    multiple=True,
    required=True,
    metavar="PLACE[=YEN]",
    help="充当先と金額。科目/賦課年度/通知書番号/期別、納付書番号、eL番号など。金額がなければ、"
    "残りを未納額まで充てます。いくつでも指定できます。",
)
@REASON
@USER
@YES
@JSON
@MUNICIPALITY
@session_of
def place(
    session: Session, target: str, places: tuple[str, ...], reason: str, user_name: str,
    *, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """納付の充当先を決めます（再消込・振替・分割）。

    確認事項の番号、または資料名:行番号で納付を指定します。いまの充当は取消仕訳で戻し、充てない額は仮受に残ります。
    依頼するだけで、別の職員が kokin approvals approve で承認するまで、何も変わりません。
    """
    wanted = [_wanted(one) for one in places]
    _ask(session, target, wanted, reason, user_name, confirmed=yes, as_json=as_json)


@click.command()
@TARGET
@REASON
@USER
@YES
@JSON
@MUNICIPALITY
@session_of
def undo(
    session: Session, target: str, reason: str, user_name: str, *, yes: bool, as_json: bool
) -> None:
    """納付の消込を取り消し、全額を仮受に戻します。

    同じ結び付けが自動で戻ることはありません。依頼するだけで、別の職員が
    kokin approvals approve で承認するまで、何も変わりません。
    """
    _ask(session, target, [], reason, user_name, confirmed=yes, as_json=as_json)


def _wanted(place: str) -> tuple[str, int | None]:
    """``PLACE=YEN`` or ``PLACE``; :class:`InvalidValueError` ``placement_yen``."""
    number, equals, yen = place.partition("=")
    if not equals:
        return number, None
    digits = yen.replace(",", "").removesuffix("円")
    if not digits.isascii() or not digits.isdigit():
        raise InvalidValueError("placement_yen", found=yen)
    return number, int(digits)


def _ask(
    session: Session,
    target: str,
    wanted: Sequence[tuple[str, int | None]],
    reason: str,
    user_name: str,
    *,
    confirmed: bool,
    as_json: bool,
) -> None:
    """Show what would be done, ask whether that is meant, and ask the second person."""
    code = session.municipality
    with reading(session.engine, code) as connection:
        line, case_no = _target(connection, code, target)
        view = placement_view(connection, code, *line)
        parts = parts_named(connection, code, view, wanted)
        placement = Placement(view.file_id, view.line_no, parts)
        content = content_of(connection, code, placement, case_no=case_no)
    if not as_json:
        show_placement(session.out, content)
        if not confirmed:
            click.confirm("この内容で依頼しますか", abort=True, err=True)
    person = signed(session, user_name, asks=KIND)
    with unit_of_work(session.engine, code) as connection:
        profile = load_profile(connection, code)
        approval = ask_placement(
            connection, profile, placement, asked_by=person, at=clock.now(), reason=reason,
            case_no=case_no,
        )  # fmt: skip
        staff.record(connection, code, person, "placement_asked", str(approval.approval_id))
    session.seal()
    number = approval.approval_id
    if as_json:
        say_json({"approval_id": number, "content": approval.content})
        return
    session.out.print(
        f"{messages.label('approval_kind', KIND)}を依頼しました（承認番号 {number}）。"
        f"別の職員が kokin approvals approve {number} --user NAME で承認します。",
        markup=False,
    )


def _target(connection: Connection, code: str, target: str) -> tuple[tuple[int, int], int | None]:
    """The line that is meant, and the case if one was named."""
    if target.isascii() and target.isdigit():
        case_no = int(target)
        return line_of_case(connection, code, case_no), case_no
    return explain_place(connection, code, target), None


def show_placement(out: Console, content: dict[str, Any]) -> None:
    """充当先の決定 as the bookings that it means: what is reversed, what is posted, what waits."""
    stands = content["stands"]
    out.print(
        f"{operation(KIND, content['operation'])}  "
        f"{content['file_name']} {content['line_no']}行目  "
        f"{formatting.yen(content['amount_yen'])}  "
        f"いまは「{messages.outcome(stands['outcome']).label}」（{stands['rule']}）",
        markup=False,
    )
    moved = [("取り消す仕訳", part["place"], part["amount_yen"]) for part in stands["parts"]]
    if stands["suspense_yen"]:
        moved.append(("取り消す仕訳", SUSPENSE, stands["suspense_yen"]))
    moved += [("起こす仕訳", part["place"], part["amount_yen"]) for part in content["parts"]]
    if content["suspense_yen"]:
        moved.append(("起こす仕訳", SUSPENSE, content["suspense_yen"]))
    for what, where, yen in moved:
        out.print(f"  {what}  {where}  {formatting.yen(yen)}", markup=False)
