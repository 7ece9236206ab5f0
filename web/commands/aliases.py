"""``kokin aliases``: the payers' names that were learned from links, and forgetting one."""

from __future__ import annotations

import click

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.placement.credit_ask import KIND
from reconcile.suggest import aliases as names
from web import clock, formatting
from web.accounts import staff
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.commands.signing import USER, signed


@click.group()
def aliases() -> None:
    """振込名義: 入金の結び付けから覚えた名義。候補を示すためだけに使います。"""


@aliases.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def list_(session: Session, *, as_json: bool) -> None:
    """覚えている振込名義の一覧。"""
    with reading(session.engine, session.municipality) as connection:
        found = names.all_aliases(connection, session.municipality, on=clock.today())
    if as_json:
        say_json([alias._asdict() for alias in found])
        return
    for alias in found:
        session.out.print(
            f"{alias.alias_no:>6}  {alias.payer_folded}  宛名番号 {alias.obligor_no}  "
            f"承認 {alias.approval_id}  {formatting.long_day(alias.learned_on)}から"
            f"{formatting.long_day(alias.expires_on)}まで",
            markup=False,
        )
    if not found:
        session.out.print("覚えている振込名義はありません。")


@aliases.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="理由（記録に残ります）。")
@USER
@MUNICIPALITY
@session_of
def forget(session: Session, number: int, reason: str, user_name: str) -> None:
    """振込名義を一つ忘れます。すでに結び付けたものは変わりません。"""
    person = signed(session, user_name, asks=KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        names.revoke(connection, code, number, on=clock.today(), actor=person, reason=reason)
        staff.record(connection, code, person, "alias_revoked", str(number))
    session.seal()
    session.out.print(f"振込名義 {number} を忘れました。", markup=False)
