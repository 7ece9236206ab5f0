"""``kokin audit``: a day or a case as a pack that proves itself; the seals (監査資料・封印)."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payments.domain.errors import ConfigurationError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.audit.pack import Words, write_pack
from reconcile.audit.scope import case_scope, day_scope
from reconcile.audit.seal import seals_after
from web import messages
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, say_json, say_list, session_of
from web.texts.audit import COLUMNS, CONTENTS, README, SCOPE
from web.texts.labels import LABELS
from web.texts.outcomes import OUTCOMES

if TYPE_CHECKING:
    from datetime import datetime

    from payments.domain.profile import Profile
    from reconcile.audit.pack import Packed
    from reconcile.audit.scope import Scope

JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")


@click.group()
def audit() -> None:
    """検査・監査に渡す資料と、帳簿の封印。"""


@audit.command()
@click.option("--day", type=DATE, help="この日の受領・記帳・締め。")
@click.option("--case", "case_no", type=click.IntRange(min=1), help="この確認事項に関わるもの。")
@click.option("--with-files", is_flag=True, help="--case でも、届いた資料の全バイトを入れます。")
@click.option("--with-registers", is_flag=True, help="調定などの台帳（氏名・住所）も入れます。")
@click.option("--out", required=True, metavar="FILE", help="書き出すzipファイル。")
@JSON
@MUNICIPALITY
@session_of
def pack(
    session: Session,
    *,
    day: datetime | None,
    case_no: int | None,
    with_files: bool,
    with_registers: bool,
    out: str,
    as_json: bool,
) -> None:
    """一日分または一件分の監査資料を作ります。

    証拠・明細・規則・仕訳・承認・封印と、それだけで確かめられる検査プログラム（check.py）が入ります。
    個人情報は必要なものだけにします。ファイルは本人だけが読めます（0600）。
    """
    if (day is None) == (case_no is None):
        raise click.UsageError(messages.error("audit_scope"))
    session.seal()
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        if day is not None:
            scope = day_scope(connection, session.municipality, day.date())
        else:
            scope = case_scope(connection, session.municipality, int(case_no or 0))
        scope = replace(
            scope,
            with_files=scope.with_files or with_files or with_registers,
            with_registers=with_registers,
        )
        target = Path(out)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
                packed = write_pack(connection, profile, scope, _words(profile, scope), file)
            part.replace(target)
        except OSError as error:
            raise ConfigurationError("output_unwritable", path=out, found=str(error)) from error
        finally:
            part.unlink(missing_ok=True)
    _say(session, packed, out, as_json=as_json)


@audit.command()
@click.option("--after", type=click.IntRange(min=0), default=0, help="この番号より後の封印。")
@JSON
@MUNICIPALITY
@session_of
def seals(session: Session, after: int, *, as_json: bool) -> None:
    """封印の一覧: 番号、どこまで覆うか、作成時刻（UTC）、ハッシュ。

    番号とハッシュを紙に控えておけば、後から帳簿ごと作り直されても分かります。
    """
    with reading(session.engine, session.municipality) as connection:
        found = seals_after(connection, session.municipality, after)
    say_list(
        session,
        found,
        lambda seal: (
            f"{seal.seal_no:>6}  仕訳帳 {seal.journal_id} まで  対象 {seal.entry_no} まで"
            f"  {seal.made_utc}  {seal.sha256}"
        ),
        as_json=as_json,
        data=lambda seal: seal._asdict(),
        empty="封印はまだありません。",
    )


def _words(profile: Profile, scope: Scope) -> Words:
    """What people read in the pack."""
    contents = "lines"
    if scope.with_files:
        contents = "registers" if scope.with_registers else "files"
    kind, value = next(iter(scope.name.items()))
    release = version("kokin")
    return Words(
        readme=README.format(
            release=release,
            municipality_name=profile.name,
            municipality_code=profile.municipality_code,
            scope=SCOPE[kind].format(**{kind: value}),
            contents=CONTENTS[contents],
        ),
        columns=COLUMNS,
        outcomes=OUTCOMES,
        accounts=LABELS["account"],
        release=release,
    )


def _say(session: Session, packed: Packed, out: str, *, as_json: bool) -> None:
    """What was written, and the one hash to note down."""
    if as_json:
        say_json({"path": out, **packed._asdict()})
        return
    held = f"{packed.members}件、封印した行 {packed.sealed_rows:,}行"
    session.out.print(f"監査資料を書き出しました: {out}（{held}）", markup=False)
    session.out.print(f"manifest.json の SHA-256: {packed.manifest_sha256}", markup=False)
