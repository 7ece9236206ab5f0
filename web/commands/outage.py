"""``kokin outage-page``: the page that a proxy serves while the service does not answer."""

from __future__ import annotations

import click

from web.commands.session import say_json
from web.commands.writing import written
from web.help.outage import outage_page


@click.command("outage-page")
@click.option("--out", default="-", metavar="FILE", help="書き出すファイル（- は標準出力）。")
@click.option("--contact", default="", help="画面に載せる問い合わせ先。")
@click.option(
    "--json", "as_json", is_flag=True, help="書いたファイルをJSONで出力します（--out のとき）。"
)
def outage(out: str, contact: str, *, as_json: bool) -> None:
    """点検中の画面（7言語、1ファイル）を書き出します。

    サービスが止まっている間に、前に立つWebサーバーが状態503で返すためのファイルです。
    """
    page = outage_page(contact)
    with written(out) as stream:
        stream.write(page)
    if as_json and out != "-":
        say_json({"out": out, "bytes": len(page.encode())})
