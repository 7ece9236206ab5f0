"""説明の表: rules one after another, postings, versions of slips, credits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from web import formatting, messages
from web.explain.values import moment, named, occasion_of, shown, term
from web.language import translate as _
from web.language import translated
from web.texts import explain as words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.explain.model import (
        Booking,
        Decision,
        LineStory,
        Settlement,
        SlipStory,
        Value,
    )


class Linked(str):
    """行き先のある文字: text that leads to a page; on a terminal it is the text alone."""

    __slots__ = ("endpoint", "values")
    endpoint: str
    values: dict[str, Value]


def linked(text: str, endpoint: str, **values: Value) -> Linked:
    """The text with where it leads, as ``url_for`` wants it."""
    found = Linked(text)
    found.endpoint, found.values = endpoint, values
    return found


def line_of(file_name: Value, file_id: Value, line_no: Value) -> Linked:
    """資料と行, leading to the explanation of that line."""
    text = formatting.line_place(file_name, line_no)
    return linked(text, "explain.line", file_id=file_id, line_no=line_no)


def group_of(ref: Value, group_id: Value) -> str:
    """払込番号, leading to the payments that it is made of."""
    text = shown("ref", ref)
    return linked(text, "reports.rows", listing="payments", group=group_id) if group_id else text


@dataclass(frozen=True, slots=True)
class Table:
    """表: headings and rows of text; ``figures`` are the columns of amounts."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: tuple[int, ...] = ()


def rules_table(decision: Decision) -> Table:
    """規則の当否: down to the one that decided."""
    return Table(
        words.HEADINGS["tests"],
        ("規則", "名称", "条件", "見た値", "当否"),
        tuple(
            (
                test.code,
                translated(test.label_ja),
                words.CONDITIONS[test.code],
                _("、").join(f"{label}: {value}" for label, value in named(test.facts, absent=True))
                or "—",
                _("成立") if test.holds else _("不成立"),
            )
            for test in decision.tests
        ),
    )


def candidates_table(decision: Decision) -> Table:
    """比べた払込: what each was worth at that moment."""
    return Table(
        words.HEADINGS["candidates"],
        ("払込番号・払込日", "資金化日", "入金されるはずの額", "結び付け"),
        tuple(
            (
                group_of(group["ref"], group["group_id"]),
                formatting.long_day(str(group["remitted_on"])),
                shown("yen", group["expected_yen"]),
                "○" if group["chosen"] else "—",
            )
            for group in decision.candidates
        ),
        (2,),
    )


def bookings_table(bookings: Sequence[Booking]) -> Table:
    """仕訳: every posting with its occasion, and what took it back."""
    return Table(
        words.HEADINGS["bookings"],
        ("会計日", "仕訳帳", "借方", "貸方", "金額", "理由", "期別・払込", "取消"),
        tuple(
            (
                formatting.long_day(booking.journal.booked_on),
                f"{booking.journal.journal_id} "
                + occasion_of(booking.journal.kind, booking.journal.file_name),
                messages.label("account", booking.debit_account),
                messages.label("account", booking.credit_account),
                formatting.yen(booking.amount_yen),
                words.REASONS.get(booking.reason, booking.reason),
                _place_of(booking),
                _("仕訳帳 {number}", number=booking.reversed_in)
                if booking.reversed_in is not None
                else "—",
            )
            for booking in bookings
        ),
        (4,),
    )


def _place_of(booking: Booking) -> str:
    """期別・払込: what the posting is about, leading there."""
    if not booking.place:
        return group_of(booking.group_ref or None, booking.group_id)
    where: dict[str, Value] = {"notice_id": booking.notice_id}
    if not booking.term:
        return linked(booking.place, "explain.notice", **where)
    return linked(booking.place, "explain.claim", **where, term=booking.term)


def others_table(story: LineStory) -> Table:
    """関わる報告."""
    return Table(
        words.HEADINGS["others"],
        ("関係", "資料", "種別", "領収日", "金額", "結果"),
        tuple(
            (
                words.RELATIONS[other.relation],
                line_of(other.file_name, other.file_id, other.line_no),
                f"{other.kind}（{messages.label('stage', other.stage)}）",
                formatting.long_day(other.paid_on or None),
                formatting.yen(other.amount_yen),
                messages.outcome(other.outcome).label,
            )
            for other in story.others
        ),
        (4,),
    )


def claim_tables(slip: SlipStory) -> tuple[Table, ...]:
    """請求: what is claimed there, every version, every 調定異動."""
    versions = Table(
        words.HEADINGS["versions"],
        ("納付書番号", "期別", "版", "状態", "金額", "支払期限", "発行日", "eL番号"),
        tuple(
            (
                linked(str(v["slip_no"]), "slips.show", slip_id=v["slip_id"]),
                term(str(v["term"])),
                str(v["version"]),
                messages.label("slip_state", str(v["state"])),
                shown("yen", v["amount_yen"]),
                shown("day", v["valid_until"]),
                shown("day", v["issued_on"]),
                str(v["el_number"] or "—"),
            )
            for v in slip.versions
        ),
        (4,),
    )
    events = Table(
        words.HEADINGS["slip_events"],
        ("日時", "納付書番号", "出来事", "人", "理由"),
        tuple(
            (
                moment(str(e["happened_at"])),
                str(e["slip_no"]),
                messages.label("slip_event", str(e["kind"])),
                str(e["actor"]),
                messages.label("slip_reason", str(e["reason"])),
            )
            for e in slip.events
        ),
    )
    tables = (versions, *history_tables(slip), events)
    return tuple(table for table in tables if table.rows)


def history_tables(slip: SlipStory) -> tuple[Table, ...]:
    """請求の経過: every 調定異動, what holds the claim back, and how it passed on."""
    tables = (_assessments_table(slip), _holds_table(slip), _carried_table(slip))
    return tuple(table for table in tables if table.rows)


def _assessments_table(slip: SlipStory) -> Table:
    """調定の異動: file, line, day, from which amount to which."""
    return Table(
        words.HEADINGS["assessments"],
        ("会計日", "資料", "期別", "異動", "前の額", "額", "区分", "取込", "理由", "結果"),
        tuple(
            (
                shown("day", a["booked_on"] or a["received_on"]),
                formatting.line_place(a["file_name"] or a["file_id"], a["line_no"]),
                term(str(a["term"])),
                words.ASSESSMENT_KINDS.get(str(a["kind"]), str(a["kind"])),
                shown("yen", a["before_yen"]),
                shown("yen", a["amount_yen"]),
                _("、").join(words.FLAGS[flag] for flag in str(a["flags"]).split(";") if flag)
                or "—",
                str(a["actor"] or "—"),
                str(a["reason"] or "—"),
                messages.label("register_outcome", str(a["outcome"])),
            )
            for a in slip.assessments
        ),
        (4, 5),
    )


def _flags(flags: str) -> str:
    return _("、").join(words.FLAGS[flag] for flag in flags.split(";") if flag) or "—"


def _holds_table(slip: SlipStory) -> Table:
    """猶予・停止: from when to when, by whom and why, and when it was lifted."""
    return Table(
        words.HEADINGS["holds"],
        ("番号", "期別", "種類", "始まり", "終わり", "決めた人", "理由", "解除"),
        tuple(
            (
                str(h["hold_no"] or "—"),
                _("全部") if h["term"] == "00" else term(str(h["term"])),
                messages.label("hold_kind", str(h["kind"])),
                shown("day", h["from_on"]),
                shown("day", h["until_on"]),
                f"{messages.label('hold_by', str(h['by']))} {h['actor']}",
                str(h["reason"] or "—"),
                _(
                    "{day}から {actor} {reason}",
                    day=shown("day", h["lifted_on"]),
                    actor=h["lift_actor"],
                    reason=h["lift_reason"],
                ).rstrip()
                if h["lifted_on"]
                else "—",
            )
            for h in slip.holds
        ),
    )


def _carried_table(slip: SlipStory) -> Table:
    """滞納繰越: from which year into which."""
    return Table(
        words.HEADINGS["carried"],
        ("会計日", "番号", "区分", "期別", "繰越元", "繰越先", "額", "人"),
        tuple(
            (
                shown("day", c["booked_on"]),
                str(c["carry_no"]),
                messages.label("carry_event", str(c["event"])),
                term(str(c["term"])),
                formatting.fiscal_year(int(str(c["from_year"]))),
                formatting.fiscal_year(int(str(c["to_year"]))),
                shown("yen", c["amount_yen"]),
                str(c["actor"]),
            )
            for c in slip.carried
        ),
        (6,),
    )


def credits_table(settlement: Settlement) -> Table:
    """払込と入金: the credits that paid a group."""
    return Table(
        words.HEADINGS["settlement"],
        ("勘定日", "資料", "入金額", "この払込に充てた額", "差引手数料"),
        tuple(
            (
                shown("day", credit["booked_on"]),
                line_of(credit["file_name"], credit["file_id"], credit["line_no"]),
                shown("yen", credit["credit_yen"]),
                shown("yen", credit["amount_yen"]),
                shown("yen", credit["fee_yen"]),
            )
            for credit in settlement.credits
        ),
        (2, 3, 4),
    )
