"""督促の表: what pages, approvals and files show of a list."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from reconcile.arrivals.sources import sources
from reconcile.dunning import record
from reconcile.dunning.explain import sources_of
from reconcile.report.held import held
from web import formatting, messages
from web.arrivals.words import source_words
from web.days.sheet import columns_of, sheet_of
from web.days.sheets import Heading
from web.language import translate as _
from web.texts import approvals as words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.errors import KokinError
    from payments.domain.profile import Profile
    from reconcile.dunning.pull import PullLine
    from reconcile.dunning.record import DunningList
    from web.days.sheet import Cell, Sheet


DAYS_SAID = 3


def source_names(profile: Profile) -> dict[str, str]:
    """送付元 as people say it, by code."""
    return {source.code: source_words(source) for source in sources(profile)}


def refusal_words(profile: Profile, error: KokinError) -> str:
    """エラーの文, with what is missing named as people say it."""
    details = dict(error.details)
    if "lacking" in details:
        names, days = source_names(profile), defaultdict[str, list[str]](list)
        for each in str(details["lacking"]).split(", "):
            code, _space, day = each.rpartition(" ")
            days[names.get(code, code)].append(formatting.long_day(day))
        details["lacking"] = "／".join(f"{name} {_few(on)}" for name, on in days.items())
    return messages.error(error.error_code, details)


def _few(days: Sequence[str]) -> str:
    """日の並び: the first three and how many there are beside them."""
    said, more = "、".join(days[:DAYS_SAID]), len(days) - DAYS_SAID
    return _("{days}ほか{more}日", days=said, more=more) if more > 0 else said


def money_of_nobody(connection: Connection, profile: Profile, on: date) -> tuple[int, int]:
    """行き先の分からないお金: number and yen of payments without a claim, and of open credits.

    Nobody is named by it, so that it holds no letter back (law.md 9, I1, I5): people look first.
    """
    found = held(connection, profile, on)
    lines = [line for line in found.suspense if not line.item_code and line.kind != "surplus"]
    lines += found.credits
    return sum(line.total for line in lines), sum(line.total_yen for line in lines)


def grounds_sheet(connection: Connection, code: str, list_no: int) -> Sheet:
    """根拠別の件数と金額."""
    totals = record.totals_by_ground(connection, code, list_no)
    rows: list[tuple[Cell, ...]] = [
        (messages.label("dunning_ground", ground), counted.number, counted.yen)
        for ground, counted in totals.items()
    ]
    return sheet_of(
        "grounds", _("対象と留保"), columns_of("根拠", "件数:count", "未納額:yen"), rows
    )


def sources_sheet(connection: Connection, profile: Profile, list_no: int) -> Sheet:
    """資料の基準日."""
    names = source_names(profile)
    rows: list[tuple[Cell, ...]] = [
        (
            names.get(found.source, found.source),
            formatting.long_day(found.complete_until),
            _("、").join(formatting.long_day(day) for day in found.lacking) or _("なし"),
        )
        for found in sources_of(connection, profile.municipality_code, list_no)
    ]
    return sheet_of(
        "sources",
        _("資料の基準日"),
        columns_of("送付元", "この日まで届いている", "未着の日"),
        rows,
        adds_up=False,
    )


def lacking_words(profile: Profile, lacking: Sequence[str]) -> list[tuple[str, str]]:
    """届いていない資料: ``source day`` as two cells."""
    names = source_names(profile)
    parts = [each.rpartition(" ") for each in lacking]
    return [(names.get(code, code), formatting.long_day(day)) for code, _space, day in parts]


def pull_sheet(lines: Sequence[PullLine], names: Mapping[str, str]) -> Sheet:
    """引抜きリスト in the order of the envelopes."""
    rows: list[tuple[Cell, ...]] = [
        (
            str(line.seq),
            f"{line.file_no}-{line.page_no}" if line.page_no else "—",
            line.postal_code,
            line.name,
            f"{names.get(line.item_code, line.item_code)} {_place(line)}",
            formatting.yen(line.then_yen),
            formatting.yen(line.open_yen),
            messages.label("dunning_reason", line.reason),
        )
        for line in lines
    ]
    return sheet_of(
        "pull",
        _("引抜きリスト"),
        columns_of(
            "順番", "ファイル-ページ", "郵便番号", "氏名", "通知書", "印字の額", "いまの額", "理由"
        ),
        rows,
        adds_up=False,
    )


def _place(line: PullLine) -> str:
    """通知書: 賦課年度/通知書番号/期別."""
    return f"{line.levy_year}/{line.notice_no}/{line.term}"


def pull_heading(profile: Profile, found: DunningList, lines: int) -> Heading:
    """引抜きリストの表題: of which list, drawn when, and how many letters are meant."""
    drawn = found.last("pull_drawn")
    facts = [
        (_("団体"), profile.name),
        (_("督促リスト"), str(found.list_no)),
        (_("引抜きリストの抽出"), formatting.moment(drawn.made_at) if drawn else ""),
        (_("抜き取る枚数"), formatting.count(lines, _("通"))),
    ]
    title = _("督促状の引抜きリスト {list_no}", list_no=found.list_no)
    return Heading(title, profile.name, messages.label("dunning_state", found.state), tuple(facts))


# ---- 承認の物語 ----


def release_told(
    connection: Connection, profile: Profile, approval: Approval
) -> tuple[str, tuple[Sheet, ...]]:
    """督促状の作成: how many letters, over which files, and who is held back."""
    content: Mapping[str, Any] = approval.content
    code, list_no = profile.municipality_code, int(content["list_no"])
    letters = formatting.count(int(content["letters"]), _("通"))
    facts = sheet_of(
        "content",
        words.TITLES["content"],
        columns_of("項目", "値"),
        [
            (_("督促状"), letters),
            (_("未納額"), formatting.yen(int(content["amount_yen"]))),
            (_("抽出日"), formatting.long_day(str(content["as_of"]))),
            (_("すべての資料がそろっている日"), formatting.long_day(str(content["cut_off"]))),
            (_("留保した期別"), formatting.count(int(content["held_back"]))),
        ],
        adds_up=False,
    )
    effect = words.EFFECTS[approval.kind].format(list_no=list_no, letters=letters)
    return effect, (
        facts,
        grounds_sheet(connection, code, list_no),
        sources_sheet(connection, profile, list_no),
    )


def despite_told(profile: Profile, approval: Approval) -> tuple[str, tuple[Sheet, ...]]:
    """資料が未着のままの抽出: which files are missing."""
    day = formatting.long_day(str(approval.content["as_of"]))
    rows = lacking_words(profile, approval.content["lacking"])
    lacking = sheet_of(
        "lacking", words.TITLES["lacking"], columns_of("送付元", "日"), rows, adds_up=False
    )
    return words.EFFECTS[approval.kind].format(day=day), (lacking,)
