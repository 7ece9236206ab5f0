"""``kokin slips read``: what the symbols on paper say (納付書の読取)."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click
from rich.console import Console
from rich.table import Table

from payments.domain.errors import ConfigurationError, KokinError
from qr.scan.apart import read_apart
from qr.scan.limits import STAFF_LIMITS
from web import messages
from web.commands.session import Session, explain, fail_unless, session_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from qr.digits.symbol_reading import SymbolReading
    from qr.scan.slip_reading import SlipReading


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--table", is_flag=True, help="一行のJSONの代わりに、人が読む表で出力します。")
@click.option(
    "--pages-max", type=click.IntRange(min=1), help="ファイルごとのページ数の上限。", metavar="N"
)
@session_of
def read(session: Session, files: tuple[Path, ...], pages_max: int | None, *, table: bool) -> None:
    """画像・スキャン・PDFの記号を読み取り、一つを一行のJSONで出力します。

    PNG・JPEG・HEIC・TIFF・WebP・BMP・GIF・PDFを読みます。PDFでは文字層のOCR行とeL番号も照らし合わせます。
    正しくない記号、記号どうしの食い違い、記号のないファイルがあれば終了コード1です。
    """
    limits = replace(STAFF_LIMITS, pages_max=pages_max) if pages_max else STAFF_LIMITS
    say = _table_on(session.out) if table else _lines_on(sys.stdout)
    good = True
    with _progress(session, len(files)) as progress:
        for count, file in enumerate(files, start=1):
            found = False
            try:
                for slips in read_apart(file, file.name, limits):
                    found = found or bool(slips)
                    good = good and all(slip.good for slip in slips)
                    say(slips)
            except ConfigurationError:
                raise
            except KokinError as error:
                session.err.print(explain(error.error_code, error.details), markup=False)
                good = False
            else:
                if not found:
                    sentence = explain("symbol_none", {"file": file.name})
                    session.err.print(sentence, markup=False)
                    good = False
            progress(count)
    fail_unless(good)


def _progress(
    session: Session, files: int
) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """A bar for many files, unless results are written to the same screen."""
    if files == 1 or sys.stdout.isatty():
        return contextlib.nullcontext(lambda _done: None)
    return session.progress("読み取り", files)


def _lines_on(out: TextIO) -> Callable[[list[SlipReading]], None]:
    """One line of JSON per symbol, written at once.

    ``out`` is kept from before the bar, which would take whatever is printed to itself.
    """

    def say(slips: list[SlipReading]) -> None:
        for slip in slips:
            for symbol in slip.symbols:
                click.echo(json.dumps(symbol.as_dict(), ensure_ascii=False), file=out)

    return say


def _table_on(console: Console) -> Callable[[list[SlipReading]], None]:
    """One table per page, for people."""
    out = console.file

    def say(slips: list[SlipReading]) -> None:
        if not slips:
            return
        first = slips[0].symbols[0]
        table = Table(title=f"{first.file} {first.page}ページ", title_justify="left")
        table.add_column("納付書", justify="right")
        table.add_column("記号")
        table.add_column("判定")
        table.add_column("金額", justify="right")
        table.add_column("支払期限")
        table.add_column("番号")
        for slip in slips:
            for symbol in slip.symbols:
                table.add_row(*_cells(symbol))
        page = Console(file=out, width=console.width, highlight=False)
        page.print(table)
        for slip in slips:
            for finding in slip.findings:
                page.print(f"納付書{slip.number} {messages.symbol_finding(finding)}", markup=False)

    return say


def _cells(symbol: SymbolReading) -> tuple[str, ...]:
    """One symbol as a row: what a person compares with the paper."""
    amount = symbol.fields.get("amount_yen")
    number = symbol.fields.get("el_number") or symbol.fields.get("case_key")
    return (
        str(symbol.slip),
        messages.symbol(symbol.symbol),
        _verdict(symbol),
        "" if amount is None else f"{amount:,}円",
        symbol.fields.get("valid_until") or "",
        number or symbol.text,
    )


def _verdict(symbol: SymbolReading) -> str:
    """判定: a symbol that another one of the slip contradicts is not right by itself."""
    if not symbol.valid:
        return "不正"
    return "食い違い" if symbol.contradicted else "正しい"
