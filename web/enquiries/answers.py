"""照会の答えの見せ方: a state as the sentences and ways of its page."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.identifiers import ElNumber
from reconcile.status import (
    CHECKING,
    EXPIRED,
    PAID,
    PAID_OTHERWISE,
    PROVISIONAL,
    REISSUED,
    TERMS_BEGUN,
    UNCONFIRMED,
    UNKNOWN,
)
from web import clock, messages
from web.enquiries.typed import doubts
from web.formatting import count
from web.help.questions import questions
from web.texts.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from payments.domain.enquiring import OpenWay
    from reconcile.status import CutOff
    from web.enquiries.desk import Told
    from web.enquiries.limits import Verdict

# What people who see this answer ask next.
QUESTIONS = {
    UNCONFIRMED: "not-confirmed",
    PROVISIONAL: "quick-report",
    CHECKING: "when-shown",
    PAID: "no-receipt",
    PAID_OTHERWISE: "whole-or-parts",
    TERMS_BEGUN: "whole-or-parts",
    EXPIRED: "expired",
    REISSUED: "reissued",
    UNKNOWN: "wrong-number",
}
TAIL = 4  # last digits of 納付番号 that are shown at least
_HOUR, _MINUTE = 3_600, 60


class ShownWay(NamedTuple):
    """使える納付方法 in words."""

    name: str
    fee: str
    note: str
    until: date | None


class ShownCutOff(NamedTuple):
    """データの基準 in days and times of Japan."""

    kind: str  # "konbini" or "eltax"
    received_on: date | None
    next_day: date | None
    next_time: str


class Basis(NamedTuple):
    """答えのもと: how far the channels of a body have reported, and whom to ask.

    ``name`` is "" where all answers are of one body.
    """

    name: str
    cut_offs: list[ShownCutOff]
    contact: str


class Answer(NamedTuple):
    """一枚の答え: nothing in it but what is printed on the slip, and the state."""

    state: str
    next: list[str]
    ways: list[ShownWay]
    doubts: tuple[str, ...]
    paid_on: date | None
    valid_until: date | None
    late: bool
    tail: str
    refused: str
    question: tuple[str, str] | None  # of the help, by its address and its words


def tail_of(numbers: Sequence[ElNumber]) -> int:
    """How many last digits of 納付番号 tell several answers apart, four at least."""
    keys = {number.case_key for number in numbers}
    long = ElNumber.LENGTHS["case_key"]
    return next(
        (n for n in range(TAIL, long) if len({key[-n:] for key in keys}) == len(keys)), long
    )


def shown(told: Told, number: ElNumber | None, tail: int = TAIL) -> Answer:
    """答え as its page says it; of several, each by the last digits of what was asked."""
    status = told.status
    asked_nothing = status.state == UNKNOWN and number is not None
    return Answer(
        state=status.state,
        next=messages.label("slip_status_next", status.state).splitlines(),
        ways=[_way(each, status.valid_until) for each in status.ways],
        doubts=doubts(number, told.profile) if asked_nothing and number else (),
        paid_on=status.paid_on,
        valid_until=status.valid_until if status.state in {UNCONFIRMED, EXPIRED} else None,
        late=status.late and status.state in {UNCONFIRMED, EXPIRED},
        tail=number.case_key[-tail:] if number else "",
        refused="" if told.verdict.answered else refusal(told.verdict),
        question=question_on(QUESTIONS[status.state]) if status.state in QUESTIONS else None,
    )


def question_on(slug: str) -> tuple[str, str]:
    """質問と答えの一つ: its address and its words."""
    return slug, next(each.title for each in questions() if each.slug == slug)


def _way(each: OpenWay, valid_until: date | None) -> ShownWay:
    """A way with its last day, where that is not the slip's own."""
    way = each.way
    return ShownWay(
        way.name or messages.label("way", way.code),
        way.fee or _usual("way_fee", way.code),
        way.note or _usual("way_note", way.code),
        each.until if each.until != valid_until else None,
    )


def _usual(group: str, code: str) -> str:
    """What usually holds for a way that everybody has; of a body's own ways nothing is known."""
    return messages.label(group, code) if code in LABELS[group] else ""


def bases_of(told: Sequence[Told]) -> list[Basis]:
    """答えのもと of each body that the questions led to, once, in the order of the questions."""
    bodies = {each.profile.municipality_code: each for each in told if each.led}
    return [
        Basis(
            each.profile.name if len(bodies) > 1 else "",
            _cut_offs(each.cut_offs),
            each.profile.contact,
        )
        for each in bodies.values()
    ]


@functools.lru_cache(maxsize=64)
def _cut_offs(found: tuple[CutOff, ...]) -> list[ShownCutOff]:
    """The same for all who ask within a second."""
    return cut_offs_of(found)


def cut_offs_of(found: Sequence[CutOff]) -> list[ShownCutOff]:
    """データの基準 as the page's table says it: of several senders of a kind what all have told."""
    lines = []
    for kind in ("konbini", "eltax"):
        senders = [each for each in found if each.code.partition("_")[0] == kind]
        if not senders:
            continue
        days = [each.received_on for each in senders if each.received_on]
        moments = [clock.in_japan(each.next_at) for each in senders if each.next_at]
        at = max(moments, default=None) if len(moments) == len(senders) else None
        lines.append(
            ShownCutOff(
                kind,
                min(days) if len(days) == len(senders) else None,
                at.date() if at else None,
                f"{at:%H:%M}" if at else "",
            )
        )
    return lines


def refusal(verdict: Verdict) -> str:
    """お断り: why nothing is answered now, and how long to wait."""
    kind = {"slip": "slip", "busy": "site"}.get(verdict.rule, "source")
    seconds = verdict.wait_seconds
    if seconds > _HOUR:
        wait = count(-(-seconds // _HOUR), "時間")
    elif seconds > _MINUTE:
        wait = count(-(-seconds // _MINUTE), "分")
    else:
        wait = count(seconds, "秒")
    return messages.label("enquiry_refused", kind).format(wait=wait)


def wrong_words(length: int, wrong: str, found: int, label: str) -> str:
    """What is wrong with one field of the number."""
    said = messages.label("number_wrong", wrong)
    return said.format(part=label, length=length, found=found)
