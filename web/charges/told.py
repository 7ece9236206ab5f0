"""承認の物語・延滞金等: what an approval of a waiver, a plan or a write-off changes, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.domain.write_off import Ground
from payments.store.lookups import rows_about
from reconcile.charges import planning, waiving, write_offs
from web import clock, formatting, messages
from web.days.sheet import columns_of, sheet_of
from web.language import translate as _
from web.placements.panel import place_words

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from web.days.sheet import Cell, Sheet

KINDS = (waiving.KIND, planning.KIND, write_offs.KIND, write_offs.REVERSAL_KIND)


def place_in(approval: Approval) -> tuple[int, str]:
    """期別 that the approval is about: the first of it."""
    notice_id, _slash, term = approval.subject.removeprefix("instalment:").partition("/")
    return int(notice_id), term


def subject_words(approval: Approval) -> str:
    """対象 as people say it: the instalment, by its name where the content has it.

    Of a plan, how many instalments are paid in how many parts, from when until when, and the sum.
    """
    if approval.kind == planning.KIND:
        content = approval.content
        days = [formatting.long_day(day) for day, _yen in content["payments"]]
        return _(
            "期別{number}件を{times}回で（{first}から{last}まで、計{yen}）",
            number=len(content["places"]),
            times=len(days),
            first=days[0],
            last=days[-1],
            yen=formatting.yen(int(content["amount_yen"])),
        )
    parts = approval.content.get("parts", [])
    if parts and isinstance(parts[0], dict):
        return str(parts[0]["place"])
    return _("第{number}期", number=int(place_in(approval)[1]))


def content_now(connection: Connection, profile: Profile, approval: Approval) -> dict[str, Any]:
    """依頼の内容 as it would be asked for now; raises what stands in the way."""
    code, content = profile.municipality_code, approval.content
    if approval.kind == waiving.KIND:
        return waiving.content_of(connection, code, waiving.wish_in(content))
    if approval.kind == planning.KIND:
        return planning.content_of(connection, code, *planning.wish_in(content))
    if approval.kind == write_offs.KIND:
        wish = write_offs.wish_in(content)
        return write_offs.content_of(connection, profile, wish, clock.today())
    return write_offs.reversal_content(connection, code, place_in(approval))


def told(connection: Connection, profile: Profile, approval: Approval) -> list[Sheet]:
    """承認で変わること, as tables."""
    content = approval.content
    if approval.kind == write_offs.KIND:
        return [_facts(_grounds(content)), _given_up(profile, content)]
    if approval.kind == planning.KIND:
        return _plan(connection, profile, content)
    if approval.kind == waiving.KIND:
        return [_facts(_waived(content))]
    yen = formatting.yen(int(content["amount_yen"]))
    return [_facts([(_("不納欠損を取り消す額"), yen)])]


def _facts(rows: list[tuple[str, str]]) -> Sheet:
    return sheet_of("content", _("依頼の内容"), columns_of("項目", "値"), list(rows), adds_up=False)


def _grounds(content: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (_("根拠"), messages.label("write_off_ground", Ground(content["ground"]))),
        (_("消滅の日"), formatting.long_day(content["extinguished_on"])),
        (_("不納欠損額"), formatting.yen(int(content["amount_yen"]))),
    ]


def _given_up(profile: Profile, content: dict[str, Any]) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (place_words(profile, part["place"]), int(part["amount_yen"])) for part in content["parts"]
    ]
    return sheet_of(
        "parts", _("不納欠損にする期別"), columns_of("通知書と期別", "不納欠損額:yen"), rows
    )


_PLACES = """
SELECT i.notice_id, i.term, n.item_code, n.levy_year, n.notice_no,
    CAST(i.due_on AS VARCHAR(10)) AS due_on
FROM instalment i
JOIN notice n ON n.municipality_code = :m AND n.notice_id = i.notice_id
WHERE i.municipality_code = :m AND i.notice_id IN :some"""


def _plan(connection: Connection, profile: Profile, content: dict[str, Any]) -> list[Sheet]:
    """分納: every instalment with its 納期限 and yen, and every payment with the one it pays."""
    found = {
        (row.notice_id, row.term): row
        for row in rows_about(
            connection, _PLACES, profile.municipality_code,
            sorted({int(notice_id) for notice_id, _term in content["places"]}),
        )
    }  # fmt: skip
    names = {
        place: place_words(profile, f"{r.item_code}/{r.levy_year}/{r.notice_no}/{r.term}")
        for place, r in found.items()
    }
    times = {day: number for number, (day, _yen) in enumerate(content["payments"], start=1)}
    owed: dict[tuple[int, str], int] = {}
    payments: list[tuple[Cell, ...]] = []
    for day, notice_id, term, yen in content["parts"]:
        place = (int(notice_id), str(term))
        owed[place] = owed.get(place, 0) + int(yen)
        number = _("第{number}回", number=times[day])
        payments.append((number, formatting.long_day(day), names[place], int(yen)))
    instalments: list[tuple[Cell, ...]] = [
        (names[place], formatting.long_day(found[place].due_on), yen) for place, yen in owed.items()
    ]
    return [
        sheet_of(
            "instalments", _("分納にする期別"), columns_of("期別", "納期限", "額:yen"), instalments
        ),
        sheet_of(
            "parts", _("各回の納付"), columns_of("納付の回", "納付の日", "期別", "額:yen"), payments
        ),
    ]


def _waived(content: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(_("減免の種類"), messages.label("waiver_kind", content["kind"]))]
    if content["kind"] == "part":
        rows.append((_("減免する額"), formatting.yen(int(content["amount_yen"]))))
    if content["kind"] == "period":
        days = (formatting.long_day(content[name]) for name in ("from_on", "until_on"))
        rows.append((_("減免する期間"), "〜".join(days)))
    rows.append((_("いまの調定額"), formatting.yen(int(content["charge_yen"]))))
    return rows
