"""``kokin people views``: who looked at whose account, and for what purpose (閲覧の記録)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.person_as_of import account_as_of, journal_at
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, say_list, session_of
from web.commands.signing import USER, signed
from web.people.export import views_csv
from web.people.views import Asked, all_views, list_views
from web.printing.folder import unwritable, whole_file

if TYPE_CHECKING:
    from sqlalchemy import Row

    from reconcile.person_as_of import Stood

SHOWN = 200


@click.group()
def people() -> None:
    """納付義務者の収納状況の閲覧の記録。"""


@people.command()
@click.option("--obligor", "obligor_no", default="", help="宛名番号。")
@click.option("--by", "actor", default="", help="見た職員の利用者名。")
@click.option("--from", "from_on", type=DATE, help="この日から。")
@click.option("--until", "until_on", type=DATE, help="この日まで。")
@click.option(
    "--csv", "out", type=click.Path(dir_okay=False, path_type=Path), help="CSVに書き出します。"
)
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def views(
    session: Session,
    *,
    obligor_no: str,
    actor: str,
    from_on: datetime | None,
    until_on: datetime | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """誰が、いつ、誰の収納状況を、何のために開いたか（新しい順）。"""
    asked = Asked(
        obligor_no,
        actor,
        from_on.date() if from_on else None,
        until_on.date() if until_on else None,
    )
    with reading(session.engine, session.municipality) as connection:
        if out is not None:
            with unwritable(out), whole_file(out) as stream:
                stream.writelines(views_csv(all_views(connection, session.municipality, asked)))
            session.out.print(f"書き出しました: {out}", markup=False)
            return
        found = list_views(connection, session.municipality, asked, limit=SHOWN)
    say_list(
        session,
        found,
        _line,
        as_json=as_json,
        data=_data,
        empty="該当する閲覧はありません。",
    )


@people.command("as-of")
@click.argument("obligor_no", metavar="宛名番号")
@click.option("--on", type=DATE, help="この日の終わりの姿（既定: いま）。")
@click.option("--journal", type=click.IntRange(min=0), help="この仕訳帳までの姿。")
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@USER
@MUNICIPALITY
@session_of
def as_of(
    session: Session,
    obligor_no: str,
    *,
    on: datetime | None,
    journal: int | None,
    as_json: bool,
    user_name: str,
) -> None:
    """過去のある時点の収納状況を、仕訳帳から示します。閲覧は記録されます。"""
    person, code = signed(session, user_name), session.municipality
    end = (on.date() if on else clock.today()) + timedelta(days=1)
    at = datetime(end.year, end.month, end.day, tzinfo=clock.JST).astimezone(UTC)
    with unit_of_work(session.engine, code) as connection:
        position = journal_at(connection, code, at) if journal is None else journal
        found = account_as_of(connection, code, obligor_no, position)
        staff.record(connection, code, person, "account_as_of", f"journal:{position}")
    say_list(
        session, found, _stood, as_json=as_json,
        data=lambda row: row._asdict() | {"open_yen": row.open_yen, "journal_id": position},
    )  # fmt: skip


def _stood(row: Stood) -> str:
    place = f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}"
    return (
        f"{place}  調定 {formatting.yen(row.amount_yen)}  納付 {formatting.yen(row.paid_yen)}  "
        f"未納 {formatting.yen(row.open_yen)}"
    )


def _line(row: Row[Any]) -> str:
    purpose = messages.label("view_purpose", row.purpose)
    said = f"{formatting.moment(row.viewed_at)} {row.actor} 宛名番号 {row.obligor_no} {purpose}"
    return " ".join(part for part in (said, row.note, row.source) if part)


def _data(row: Row[Any]) -> dict[str, object]:
    return {
        "viewed_at": clock.in_japan(row.viewed_at).isoformat(),
        "actor": row.actor,
        "obligor_no": row.obligor_no,
        "purpose": row.purpose,
        "note": row.note,
        "source": row.source,
    }
