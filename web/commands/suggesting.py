"""``kokin cases suggest``: where money without a place may belong, and what speaks for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.suggest.candidates import suggestions_for
from web import formatting, messages
from web.commands.placing import TARGET, target_line
from web.commands.session import MUNICIPALITY, Session, say_json, session_of

if TYPE_CHECKING:
    from reconcile.suggest.rules import Suggestion


@click.command()
@TARGET
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def suggest(session: Session, target: str, *, as_json: bool) -> None:
    """行き先のない納付・入金の候補を、確かさと根拠とともに示します。

    帳簿は変わりません。確実な候補も、二人が決めるまで（kokin cases place、kokin approvals
    approve）、充てることはありません。
    """
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        line, _case_no = target_line(connection, session.municipality, target)
        found = suggestions_for(connection, profile, *line)
    if as_json:
        say_json([asdict(one) for one in found])
        return
    for number, one in enumerate(found, start=1):
        session.out.print(_told(number, one), markup=False)
    if not found:
        session.out.print("番号や名義と金額の合う候補はありません。", markup=False)


def _told(number: int, one: Suggestion) -> str:
    """One suggestion: how sure, where, why."""
    lines = [f"{number:>2}  {messages.label('suggestion_level', one.level)}"]
    lines += [
        f"    {part.place}  {formatting.yen(part.amount_yen)}"
        f"（未納 {formatting.yen(part.outstanding_yen)}）  {part.obligor_name}"
        for part in one.parts
    ]
    lines += [f"    払込 {group.ref}  {formatting.yen(group.amount_yen)}" for group in one.groups]
    if one.beside:
        lines.append(f"    合わせて充てるもの（資料:行）: {'、'.join(one.beside)}")
    reasons = "、".join(messages.label("suggestion_reason", reason) for reason in one.reasons)
    return "\n".join([*lines, f"    根拠: {reasons}"])
