"""``kokin doctor``: what is missing, and how to get it (診断)."""

from __future__ import annotations

from dataclasses import asdict

import click

from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.doctor import examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def doctor(session: Session, *, as_json: bool) -> None:
    """必要なものがそろっているかを調べ、足りないものをすべて挙げます。"""
    findings = list(examine(session.settings, session.wrong))
    if as_json:
        say_json([{**asdict(finding), "ok": finding.ok} for finding in findings])
    else:
        for finding in findings:
            mark = "良" if finding.ok else "不備"
            said = f"[{mark}] {finding.label} {finding.problem or finding.note}".rstrip()
            session.out.print(said, markup=False)
    fail_unless(all(finding.ok for finding in findings))
