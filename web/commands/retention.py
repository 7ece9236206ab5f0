"""``kokin retention``: what is no longer needed: counted, archived, let go by two people."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, formatting, messages
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, explain, say_json, say_list, session_of
from web.commands.signing import USER, signed
from web.retention.rules import RULES, rule_in_force, rules_of, start_of

if TYPE_CHECKING:
    from datetime import datetime

    from web.retention.archive import Archive

JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="保管ファイルの置き場所（サービスの外の、権限を絞った場所）。",
)
NUMBER = click.argument("number", type=click.IntRange(min=1))


@click.group()
def retention() -> None:
    """保存年限を過ぎた記録の保管と廃棄。帳簿（調定・収納・証拠・決定・封印）は対象になりません。"""


@retention.command()
@click.option("--as-of", type=DATE, help="基準日（既定: きょう）。")
@JSON
@MUNICIPALITY
@session_of
def plan(session: Session, as_of: datetime | None, *, as_json: bool) -> None:
    """どの記録が何件、保存年限を過ぎているかを数えます。何も変えません。"""
    from web.retention.rows import due, held  # noqa: PLC0415

    day = as_of.date() if as_of else clock.today()
    found: list[dict[str, Any]] = []
    code = session.municipality
    with reading(session.engine, code) as connection:
        for rule in rules_of(load_profile(connection, code), day):
            before = rule.before(day)
            number, oldest = held(connection, code, rule)
            found.append({
                "table": rule.table, "years": rule.years, "ground": rule.ground,
                "own_ground": rule.own_ground, "from_on": rule.from_on,
                "before_on": before.date(), "held": number, "oldest_at": oldest,
                "due": due(connection, code, rule, before),
            })  # fmt: skip
    if as_json:
        say_json(found)
        return
    for row in found:
        name = messages.label("retention_table", row["table"])
        session.out.print(
            f"{name}（{row['table']}）: {row['years']}年保存、{row['before_on']} より前 "
            f"{row['due']:,}件／全 {row['held']:,}件",
            markup=False,
        )
        ground = messages.label("retention_ground", row["ground"])
        if row["own_ground"]:
            ground = f"{row['own_ground']}（{row['from_on']} から）"
        session.out.print(f"    根拠: {ground}", markup=False)
    session.out.print("帳簿は保存年限にかかわらず残します。", markup=False)


@retention.command()
@click.argument("table", type=click.Choice([rule.table for rule in RULES]))
@FOLDER
@click.option("--before", type=DATE, help="この日より前（既定: 保存年限が満ちた日）。")
@JSON
@MUNICIPALITY
@session_of
def archive(
    session: Session, table: str, folder: Path, before: datetime | None, *, as_json: bool
) -> None:
    """保存年限を過ぎた行をParquetに保管し、読み戻して確かめます。行は消えません。"""
    from web.retention.archive import archive as write  # noqa: PLC0415

    code = session.municipality
    with reading(session.engine, code) as connection:
        rule = rule_in_force(load_profile(connection, code), table, clock.today())
    latest = rule.before(clock.today())
    wanted = start_of(before.date()) if before else latest
    if wanted > latest:
        raise RefusedError("retention_early", before=wanted.date(), expected=latest.date())
    with unit_of_work(session.engine, code) as connection:
        made = write(
            connection, code, rule, folder, before=wanted, by=session.actor, at=clock.now()
        )
    if as_json:
        say_json(asdict(made))
        return
    session.out.print(_line(made), markup=False)


@retention.command("list")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, *, as_json: bool) -> None:
    """保管の一覧。"""
    from web.retention.archive import archives_of  # noqa: PLC0415

    with reading(session.engine, session.municipality) as connection:
        found = archives_of(connection, session.municipality)
    say_list(session, found, _line, as_json=as_json, empty="保管はまだありません。")


@retention.command()
@FOLDER
@JSON
@MUNICIPALITY
@session_of
def check(session: Session, folder: Path, *, as_json: bool) -> None:
    """保管ファイルがすべてあり、保管したときの内容のままかを確かめます。"""
    from web.retention.archive import archives_of, require_file  # noqa: PLC0415

    with reading(session.engine, session.municipality) as connection:
        found = archives_of(connection, session.municipality)
    wrong: list[RefusedError] = []
    with session.progress("保管の確認", len(found)) as progress:
        for number, each in enumerate(found, 1):
            try:
                require_file(each, folder)
            except RefusedError as error:
                wrong.append(error)
            progress(number)
    if as_json:
        say_json({"archives": len(found), "wrong": [error.details for error in wrong]})
    else:
        for each_wrong in wrong:
            click.echo(explain(each_wrong.error_code, each_wrong.details), err=True)
        ends = f"うち{len(wrong):,}件が違います。" if wrong else "すべて元のままです。"
        session.out.print(f"{len(found):,}件の保管を確かめました。{ends}", markup=False)
    if wrong:
        raise SystemExit(1)


@retention.command()
@NUMBER
@FOLDER
@click.option("--reason", required=True, help="廃棄の理由。")
@USER
@MUNICIPALITY
@session_of
def ask(session: Session, number: int, folder: Path, reason: str, user_name: str) -> None:
    """保管した行の廃棄を依頼します。別の職員が承認すると、行はデータベースから消えます。"""
    from web.retention import letting_go  # noqa: PLC0415
    from web.retention.archive import archive_of, require_file  # noqa: PLC0415

    code = session.municipality
    person = signed(session, user_name, asks=letting_go.KIND)
    with unit_of_work(session.engine, code) as connection:
        found = archive_of(connection, code, number)
        require_file(found, folder)
        approval = letting_go.ask(connection, code, found, by=person, at=clock.now(), reason=reason)
    session.seal()
    session.out.print(
        f"承認 {approval.approval_id} を依頼しました。別の職員が "
        f"kokin approvals approve {approval.approval_id} で決めます。",
        markup=False,
    )


@retention.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="書き出すファイル（Parquet）。",
)
@MUNICIPALITY
@session_of
def pseudonymised(session: Session, out: Path) -> None:
    """期別の調定と収納を、分析のために仮名でParquetに書き出します。

    氏名・住所・宛名番号・通知書番号は含みません。鍵は書出しのたびに作って捨てます。
    """
    from web.retention.pseudonyms import write  # noqa: PLC0415

    with reading(session.engine, session.municipality) as connection:
        number = write(connection, session.municipality, out)
    session.out.print(f"{number:,}件を {out} に書き出しました。", markup=False)


def _line(found: Archive) -> str:
    """One archive for a person."""
    name = messages.label("retention_table", found.table_name)
    before = clock.in_japan(found.before_at).date()
    gone = f"、{formatting.moment(found.deleted_at)} 廃棄" if found.deleted_at else ""
    return (
        f"{found.archive_no} {name} {before} より前 {found.row_count:,}件 {found.file_name}{gone}"
    )
