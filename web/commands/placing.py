"""``kokin cases place`` and ``undo``: where a payment's money goes, asked for by one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from payments.domain.errors import InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import explain_place
from reconcile.placement import credit_ask
from reconcile.placement.ask import ask_placement, content_of, placement_view
from reconcile.placement.credit_ask import KIND as CREDIT_KIND
from reconcile.placement.credit_ask import CreditPlacement
from reconcile.placement.named import line_of_case, parts_named
from reconcile.placement_model import KIND, Placement
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.commands.signing import USER, signed
from web.texts.placements import SUSPENSE, operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from sqlalchemy import Connection

    from payments.domain.profile import Profile

TARGET = click.argument("target", metavar="N|FILE:LINE")
REASON = click.option("--reason", required=True, help="理由（記録に残ります）。")
YES = click.option("--yes", is_flag=True, help="確かめずに依頼します。")
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します（確かめません）。")


class _Wish(NamedTuple):
    """依頼: where the money should go, why, and whether the payer's name is to be remembered."""

    wanted: Sequence[tuple[str, int | None]]
    reason: str
    learn_alias: bool = False


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
@click.option(
    "--learn-alias",
    is_flag=True,
    help="入金の振込名義を、充当先の納付義務者のものとして覚えます（候補を示すためだけに使います）。",
)
@REASON
@USER
@YES
@JSON
@MUNICIPALITY
@session_of
def place(
    session: Session, target: str, places: tuple[str, ...], reason: str, user_name: str,
    *, learn_alias: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """納付の充当先を決めます（再消込・振替・分割）。口座への入金は、期別か払込に充てます。

    確認事項の番号、または資料名:行番号で納付を指定します。いまの充当は取消仕訳で戻し、充てない額は仮受に残ります。
    収納代行会社などの入金は、--to に払込日・払込番号を書くと、その払込のお金になります。
    依頼するだけで、別の職員が kokin approvals approve で承認するまで、何も変わりません。
    """
    wanted = [_wanted(one) for one in places]
    wish = _Wish(wanted, reason, learn_alias=learn_alias)
    _ask(session, target, wish, user_name, yes=yes, as_json=as_json)


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
    """納付の消込を取り消し、全額を仮受に戻します。口座への入金は、不明入金に戻します。

    同じ結び付けが自動で戻ることはありません。依頼するだけで、別の職員が
    kokin approvals approve で承認するまで、何も変わりません。
    """
    _ask(session, target, _Wish([], reason), user_name, yes=yes, as_json=as_json)


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
    session: Session, target: str, wish: _Wish, user_name: str, *, yes: bool, as_json: bool
) -> None:
    """Show what would be done, ask whether that is meant, and ask the second person."""
    code = session.municipality
    with reading(session.engine, code) as connection:
        profile = load_profile(connection, code)
        line, case_no = target_line(connection, code, target)
        asked = _asked(connection, profile, line, wish)
        kind = KIND if isinstance(asked, Placement) else CREDIT_KIND
        if isinstance(asked, Placement):
            content = content_of(connection, code, asked, case_no=case_no)
        else:
            content = credit_ask.content_of(connection, profile, asked, case_no=case_no)
    if not as_json:
        show_placement(session.out, content, kind)
        if not (yes or click.confirm("この内容で依頼しますか", err=True)):
            session.out.print("依頼しませんでした。何も変わっていません。")
            fail_unless(good=False)
    person = signed(session, user_name, asks=kind)
    who: dict[str, Any] = {
        "asked_by": person, "at": clock.now(), "reason": wish.reason, "case_no": case_no,
    }  # fmt: skip
    with unit_of_work(session.engine, code) as connection:
        profile = load_profile(connection, code)
        if isinstance(asked, Placement):
            approval = ask_placement(connection, profile, asked, **who)
        else:
            approval = credit_ask.ask_credit_placement(connection, profile, asked, **who)
        staff.record(connection, code, person, "placement_asked", str(approval.approval_id))
    session.seal()
    number = approval.approval_id
    if as_json:
        say_json({"approval_id": number, "content": approval.content})
        return
    session.out.print(
        f"{messages.label('approval_kind', kind)}を依頼しました（承認番号 {number}）。"
        f"別の職員が kokin approvals approve {number} --user NAME で承認します。",
        markup=False,
    )


def _asked(
    connection: Connection, profile: Profile, line: tuple[int, int], wish: _Wish
) -> Placement | CreditPlacement:
    """What is meant: of a credit on the account, or of a payment that a channel reported."""
    code = profile.municipality_code
    if credit_ask.is_credit(connection, profile, *line):
        credit = credit_ask.credit_view(connection, profile, *line)
        groups = credit_ask.groups_named(connection, profile, credit, wish.wanted)
        parts = () if groups else parts_named(connection, code, credit, wish.wanted)
        return CreditPlacement(*line, parts, groups, learn_alias=wish.learn_alias)
    view = placement_view(connection, code, *line)
    return Placement(view.file_id, view.line_no, parts_named(connection, code, view, wish.wanted))


def target_line(
    connection: Connection, code: str, target: str
) -> tuple[tuple[int, int], int | None]:
    """対象の明細: the line that is meant, and the case if one was named."""
    if target.isascii() and target.isdigit():
        case_no = int(target)
        return line_of_case(connection, code, case_no), case_no
    return explain_place(connection, code, target), None


def show_placement(out: Console, content: dict[str, Any], kind: str = KIND) -> None:
    """充当先の決定 as the bookings that it means: what is reversed, what is posted, what waits."""
    stands = content["stands"]
    out.print(
        f"{operation(kind, content['operation'])}  "
        f"{content['file_name']} {content['line_no']}行目  "
        f"{formatting.yen(content['amount_yen'])}  "
        f"いまは「{messages.outcome(stands['outcome']).label}」（{stands['rule']}）",
        markup=False,
    )
    moved = [("取り消す仕訳", _where(part), part["amount_yen"]) for part in _shares(stands)]
    if stands["suspense_yen"]:
        moved.append(("取り消す仕訳", SUSPENSE, stands["suspense_yen"]))
    moved += [("起こす仕訳", _where(part), part["amount_yen"]) for part in _shares(content)]
    if content["suspense_yen"]:
        moved.append(("起こす仕訳", SUSPENSE, content["suspense_yen"]))
    for what, where, yen in moved:
        out.print(f"  {what}  {where}  {formatting.yen(yen)}", markup=False)
    if content.get("alias"):
        names = "、".join(obligor["name"] for obligor in content["alias"]["obligors"])
        out.print(f"  覚える振込名義  {content['alias']['payer_folded']}（{names}）", markup=False)


def _shares(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The bills and the remittance groups of one side."""
    return [*said["parts"], *said.get("groups", ())]


def _where(share: dict[str, Any]) -> str:
    return str(share["place"] if "place" in share else f"払込 {share['ref']}")
