"""``kokin verify``: recompute every invariant from the evidence (検算)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from web import messages
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.notifications.checking import verify as verify_books

if TYPE_CHECKING:
    from reconcile.verify.walk import Difference


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def verify(session: Session, *, as_json: bool) -> None:
    """保管した証拠からすべての数字を計算し直し、帳簿と比べます。一つでも違えば終了コード1です。

    すべて一致すれば、まだ封印していないものを封印します。
    """
    with session.progress("検算") as progress:
        differences = verify_books(session.engine, session.municipality, progress)
    if as_json:
        say_json(
            {
                "ok": not differences,
                "differences": [
                    {
                        "name": difference.name,
                        "subject": difference.subject,
                        "expected": difference.expected,
                        "found": difference.found,
                    }
                    for difference in differences
                ],
            }
        )
    else:
        for difference in differences:
            session.out.print(told(difference), markup=False)
        if not differences:
            session.out.print("すべて一致しました。")
    fail_unless(not differences)
    session.seal()


def told(difference: Difference) -> str:
    """不一致 as a line for a person."""
    name = f"不一致 {messages.label('invariant', difference.name)}（{difference.name}）"
    return f"{name} {difference.subject}: 正 {difference.expected} 値 {difference.found}"
