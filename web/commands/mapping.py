"""``kokin registers``: 宛名 in, and what a described register would become (台帳の対応づけ)."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import ConfigurationError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.formats.mapped import mapping_of, mappings_of
from reconcile.model import ReadContext
from reconcile.registers import import_obligors
from web import clock, formatting
from web.commands.intake import day_or_today, finding_line
from web.commands.registers import FILE, JSON, RECEIVED_ON, run_import
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.commands.setup import toml_of
from web.printing.shown_names import unprintable

if TYPE_CHECKING:
    from datetime import datetime

    from payments.domain.characters import Shown
    from payments.domain.profile import Profile
    from reconcile.formats.mapped import MappedRegister

_FINDINGS_SHOWN = 20
_NAMED = ("obligor_name", "address")


@click.group()
def registers() -> None:
    """基幹システムの台帳: 宛名の取込と、対応づけの確認。"""


@registers.command("obligors")
@FILE
@RECEIVED_ON
@JSON
@MUNICIPALITY
@session_of
def obligors_(session: Session, file: Path, received_on: datetime | None, *, as_json: bool) -> None:
    """宛名（obligors-1、または対応づけた資料）を取り込みます。誤りが一つでもあれば、何も取り込みません。"""
    run_import(session, import_obligors, file, day_or_today(received_on), as_json=as_json)


@registers.command("map-check")
@click.argument("mapping", metavar="対応づけ")
@FILE
@click.option("--lines", type=click.IntRange(1, 1000), default=3, help="示す行の数（既定: 3）。")
@JSON
@MUNICIPALITY
@session_of
def map_check(session: Session, mapping: str, file: Path, lines: int, *, as_json: bool) -> None:
    """対応づけ（TOMLのファイル、または団体設定にある名前）で資料を読み、取り込まずに結果を示します。

    初めの数行がどう写るか、件数と合計、すべての指摘、印字できない文字を示します。
    """
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
    form, profile = _mapping(mapping, profile)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError("file_unreadable", path=str(file)) from error
    sheet = form.read(data, ReadContext(clock.today(), profile))
    apart = sheet.sheet.lines_apart
    shown = [line._asdict() for line in islice(sheet.lines, lines)]
    lacking = _lacking(shown, profile, apart)
    for line in sheet.lines:
        lacking += _lacking([line._asdict()], profile, apart)
    if as_json:
        say_json(_facts(form, sheet, shown, lacking))
    else:
        _show(session, form, file.name, sheet, shown, lacking)
    fail_unless(not sheet.failed)


def _mapping(name: str, profile: Profile) -> tuple[MappedRegister, Profile]:
    """The mapping of a file, or that of the settings; and the settings with it alone."""
    known = mapping_of(profile, name)
    if known is not None:
        return known, profile
    path = Path(name)
    described = {**toml_of(path), "file": path.name}
    alone = replace(profile, registers=(json.dumps(described, ensure_ascii=False),))
    return mappings_of(alone)[0], alone


def _lacking(
    lines: list[dict[str, Any]], profile: Profile, apart: int
) -> list[tuple[int, str, Shown]]:
    """Where a name or an address has a character that no font has, and which."""
    return [
        (line["line_no"] // apart, name, shown)
        for line in lines
        for name in _NAMED
        for shown in unprintable(line[name], profile)
    ]


def _facts(
    form: MappedRegister, sheet: Any, shown: list[dict[str, Any]],
    lacking: list[tuple[int, str, Shown]],
) -> dict[str, Any]:  # fmt: skip
    """The same for a program."""
    return {
        "mapping": form.code,
        "register": form.mapping.register,
        "count": sheet.count,
        "amount_yen": sheet.amount_yen,
        "lines": shown,
        "findings": [
            {**_plain(finding), "severity": finding.severity.value} for finding in sheet.findings
        ],
        "unprintable": [
            {"line_no": line_no, "field": name, "character": each.codes, "shown": each.instead}
            for line_no, name, each in lacking
        ],
    }


def _plain(finding: Any) -> dict[str, Any]:
    """A finding as plain values."""
    names = ("code", "line_no", "byte_offset", "field", "found", "expected")
    return {name: getattr(finding, name) for name in names}


def _show(
    session: Session, form: MappedRegister, name: str, sheet: Any, shown: list[dict[str, Any]],
    lacking: list[tuple[int, str, Shown]],
) -> None:  # fmt: skip
    """The same for a person."""
    total = f"{formatting.count(sheet.count)} {formatting.yen(sheet.amount_yen)}"
    session.out.print(f"{form.LABEL_JA}（{form.code}）  {total}", markup=False)
    for line in shown:
        number = line["line_no"] // sheet.sheet.lines_apart
        session.out.print(f"{number}行目", markup=False)
        for field, value in islice(line.items(), 2, None):
            session.out.print(f"    {field}: {value}", markup=False)
    for finding in sheet.findings[:_FINDINGS_SHOWN]:
        session.out.print(finding_line(name, finding), markup=False)
    if len(sheet.findings) > _FINDINGS_SHOWN:
        session.out.print(f"ほか{len(sheet.findings) - _FINDINGS_SHOWN}件の指摘", markup=False)
    for line_no, field, each in lacking[:_FINDINGS_SHOWN]:
        said = f"{line_no}行目 {field}: 印字用の文字がありません {each.codes}"
        session.out.print(f"{said}（置き換えるなら「{each.instead}」）", markup=False)
    if len(lacking) > _FINDINGS_SHOWN:
        session.out.print(f"ほか{len(lacking) - _FINDINGS_SHOWN}か所", markup=False)
    words = "このままでは取り込めません。" if sheet.failed else "取り込める内容です。"
    session.out.print(f"{words}何も取り込んでいません。", markup=False)
