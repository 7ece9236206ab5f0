"""``kokin debit accounts``: payers' accounts, from a file and one by one (口座振替の口座)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.debit.accounts import (
    ENDED,
    SET,
    Account,
    Wish,
    entries_of,
    register_one,
    require_payer,
)
from reconcile.debit.release import RELEASE
from reconcile.formats.debit_accounts import require_account
from reconcile.registers import import_debit_accounts
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.intake import DATE, day_or_today
from web.commands.registers import FILE, JSON, RECEIVED_ON, run_import
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.commands.signing import USER, signed

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

REASON = click.option("--reason", required=True, help="理由（届出など）。")


@click.group()
def accounts() -> None:
    """口座振替の口座の登録。"""


@accounts.command("import")
@FILE
@RECEIVED_ON
@JSON
@MUNICIPALITY
@session_of
def import_(session: Session, file: Path, received_on: datetime | None, *, as_json: bool) -> None:
    """口座振替口座台帳（debit-account-1）を取り込みます。誤りが一つでもあれば、何も取り込みません。"""
    importer: Any = partial(import_debit_accounts, at=clock.now())
    run_import(session, importer, file, day_or_today(received_on), as_json=as_json)


@accounts.command("show")
@click.argument("obligor_no", metavar="宛名番号")
@JSON
@MUNICIPALITY
@session_of
def show_accounts(session: Session, obligor_no: str, *, as_json: bool) -> None:
    """一人の口座の経過（番号は下3桁だけ）。"""
    with reading(session.engine, session.municipality) as connection:
        require_payer(connection, session.municipality, obligor_no)
        found = entries_of(connection, session.municipality, obligor_no)
    if as_json:
        say_json([
            {"entry_no": e.entry_no, "item_code": e.item_code, "event": e.event,
             "from_on": e.from_on, "bank_code": e.account.bank_code,
             "branch_code": e.account.branch_code, "account_no": e.account.masked_no,
             "reason": e.reason, "actor": e.actor}
            for e in found
        ])  # fmt: skip
        return
    for e in found:
        session.out.print(
            f"{e.entry_no:>6}  {e.item_code or '全科目'}  {formatting.long_day(e.from_on)}から  "
            f"{messages.label('debit_account_event', e.event)}  {e.account.bank_code} "
            f"{e.account.bank_name} {e.account.branch_code} {e.account.masked_no}  {e.reason}",
            markup=False,
        )
    session.out.print(f"計 {formatting.count(len(found))}", markup=False)


@accounts.command("set")
@click.argument("obligor_no", metavar="宛名番号")
@click.option("--item", "item_code", default="", metavar="CODE", help="科目（既定: すべて）。")
@click.option("--from", "from_on", type=DATE, help="この日から（既定: 今日）。")
@click.option("--end", is_flag=True, help="廃止します（口座は書きません）。")
@click.option("--bank", default="", metavar="CODE", help="銀行コード。")
@click.option("--bank-name", default="", help="銀行名（半角カナ）。")
@click.option("--branch", default="", metavar="CODE", help="支店コード。")
@click.option("--branch-name", default="", help="支店名（半角カナ）。")
@click.option("--type", "kind", default="1", help="預金種目（1普通 2当座 3納税準備 9その他）。")
@click.option("--account", default="", help="口座番号（7桁）。")
@click.option("--holder", default="", help="預金者名（半角カナ）。")
@REASON
@USER
@MUNICIPALITY
@session_of
def set_(session: Session, /, obligor_no: str, **given: Any) -> None:
    """口座を登録・変更・廃止します。前の口座は、その日の前まで効きます。"""
    person = signed(session, given["user_name"], asks=RELEASE)
    account = Account()
    if not given["end"]:
        names = ("bank", "bank_name", "branch", "branch_name", "kind", "account", "holder")
        account = Account(*(given[name] for name in names))
        require_account(account)
    with unit_of_work(session.engine, session.municipality) as connection:
        wish = Wish(
            obligor_no, given["item_code"], ENDED if given["end"] else SET,
            day_or_today(given["from_on"]), account, given["reason"],
        )  # fmt: skip
        number = register_one(connection, session.municipality, wish, actor=person, at=clock.now())
        staff.record(connection, session.municipality, person, "debit_account_set", str(number))
    session.seal()
    session.out.print(f"口座を登録しました（番号 {number}）。")
