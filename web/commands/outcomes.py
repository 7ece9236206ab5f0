"""``kokin outcomes export``: every line with its outcome (照合結果の書出し)."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payments.domain.errors import ConfigurationError
from payments.store.unit_of_work import reading
from reconcile.export import write_outcomes
from web.commands.intake import MUNICIPALITY
from web.commands.session import Session, session_of

if TYPE_CHECKING:
    from typing import TextIO


@click.group()
def outcomes() -> None:
    """照合結果。"""


@outcomes.command()
@click.option("--file", "sha256", metavar="SHA256", help="この資料だけを書き出します。")
@click.option("--out", required=True, metavar="FILE", help="書き出すCSV。- は標準出力。")
@MUNICIPALITY
@session_of
def export(session: Session, sha256: str | None, out: str) -> None:
    """明細ごとの照合結果を、現在の状態でCSV（UTF-8、CRLF）に書き出します。"""
    if out == "-":
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            _write(session, sha256, stream)
        finally:
            stream.flush()
            stream.detach()
        return
    target = Path(out)
    # Written beside its place and then renamed: nobody ever sees half a file.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            number = _write(session, sha256, stream)
        part.replace(target)
    except OSError as error:
        raise ConfigurationError("output_unwritable", path=out, found=str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    session.err.print(f"{number:,}件を書き出しました: {out}", markup=False)


def _write(session: Session, sha256: str | None, stream: TextIO) -> int:
    """All rows into an open stream."""
    with (
        session.progress("照合結果の書出し") as progress,
        reading(session.engine, session.municipality) as connection,
    ):
        return write_outcomes(
            connection, session.municipality, stream, sha256=sha256, progress=progress
        )
