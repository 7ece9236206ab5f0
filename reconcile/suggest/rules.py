"""候補の規則: how sure a suggestion is, from the facts that agree. Pure.

Money is never linked by similarity (R6): a suggestion only shows two people what they may want to
decide. 確実 (sure) means that every fact points to one place and nothing to another; 有力
(probable) that somebody should compare; なし (none) that there is nothing to show, and why. The
words for every fact are in ``web/texts``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

SUGGESTIONS_MAX = 10


class Level(StrEnum):
    """候補の段階: 確実, 有力, なし."""

    SURE = "sure"
    PROBABLE = "probable"
    NONE = "none"


class Fact(StrEnum):
    """一致した事実: what speaks for a suggestion, or against calling it sure."""

    NUMBER_REPORTED = "number_reported"  # the slip that the report itself names
    KEY_ONE_DIGIT = "key_one_digit"
    KEY_EXCHANGED = "key_exchanged"  # two neighbours
    KEY_LENGTH = "key_length"  # a digit is missing or too many
    CHECK_DIGIT = "check_digit"  # that of the number put right holds
    AMOUNT_ONE = "amount_one"  # what one instalment or slip is open for
    AMOUNT_SUM = "amount_sum"  # what several instalments of one obligor are open for
    AMOUNT_WITH_OTHERS = "amount_with_others"  # several payments for one instalment
    IN_TIME = "in_time"
    LATE = "late"  # after 支払期限
    NAME_EQUAL = "name_equal"
    NAME_NEAR = "name_near"
    ALIAS = "alias"
    NUMBER_WRITTEN = "number_written"  # of a slip
    NOTICE_WRITTEN = "notice_written"
    SAME_OBLIGOR = "same_obligor"
    GROUPS_SUM = "groups_sum"
    # What forbids calling it sure.
    NUMBER_KNOWN = "number_known"  # the number as reported is that of another slip
    NAME_SHARED = "name_shared"
    NAME_OF_MANY = "name_of_many"  # so many that nothing is shown
    SEVERAL_READINGS = "several_readings"
    NOT_ALL_SHOWN = "not_all_shown"


class Agreement(NamedTuple):
    """段階の一行: the level of what has all of ``needs`` and none of ``not_with``."""

    level: Level
    needs: tuple[frozenset[Fact], ...]  # of each set at least one
    not_with: frozenset[Fact] = frozenset()


_KEY = frozenset({Fact.KEY_ONE_DIGIT, Fact.KEY_EXCHANGED})
_ANY_KEY = _KEY | {Fact.KEY_LENGTH}
_AMOUNT = frozenset({Fact.AMOUNT_ONE, Fact.AMOUNT_SUM})
_WHO = frozenset({Fact.NAME_EQUAL, Fact.ALIAS})
_UNCLEAR = frozenset({Fact.SEVERAL_READINGS, Fact.NOT_ALL_SHOWN})
# The first row that holds decides.
AGREEMENTS = (
    # a receipt: one slip of the pen, the amount, the time
    Agreement(
        Level.SURE,
        (_KEY, _AMOUNT, frozenset({Fact.IN_TIME})),
        _UNCLEAR | {Fact.NUMBER_KNOWN},
    ),
    # a line that is malformed elsewhere, but not in its number and amount
    Agreement(
        Level.SURE,
        (frozenset({Fact.NUMBER_REPORTED}), _AMOUNT, frozenset({Fact.IN_TIME})),
        _UNCLEAR,
    ),
    # a credit: the number that somebody wrote, or who it is from; and the amount
    Agreement(Level.SURE, (frozenset({Fact.NUMBER_WRITTEN}), _AMOUNT), _UNCLEAR),
    Agreement(Level.SURE, (_WHO, _AMOUNT), _UNCLEAR | {Fact.NAME_SHARED}),
    Agreement(Level.PROBABLE, (_ANY_KEY, _AMOUNT)),
    Agreement(
        Level.PROBABLE,
        (
            _WHO | {Fact.NAME_NEAR, Fact.NUMBER_WRITTEN, Fact.NOTICE_WRITTEN, Fact.SAME_OBLIGOR},
            _AMOUNT | {Fact.AMOUNT_WITH_OTHERS},
        ),
    ),
    Agreement(Level.PROBABLE, (frozenset({Fact.NUMBER_REPORTED}),)),
    Agreement(Level.PROBABLE, (frozenset({Fact.GROUPS_SUM}),)),
)


def level_of(facts: frozenset[Fact]) -> Level:
    """候補の段階 of facts that agree."""
    for row in AGREEMENTS:
        if all(facts & some for some in row.needs) and not facts & row.not_with:
            return row.level
    return Level.NONE


class SuggestedPart(NamedTuple):
    """候補の期別: where ``amount_yen`` of the money may belong, with the names a person reads.

    ``place`` is 科目/賦課年度/通知書番号/期別.
    """

    notice_id: int
    term: str
    amount_yen: int
    place: str
    outstanding_yen: int
    obligor_no: str
    obligor_name: str


class SuggestedGroup(NamedTuple):
    """候補の払込: a remittance group, and how much of the credit it would be."""

    group_id: int
    ref: str
    remitted_on: date
    amount_yen: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """候補: parts (or groups) that the money may be for, how sure, and which facts say so.

    ``beside`` names lines (``file:line``) whose money would belong to the same place.
    """

    level: Level
    reasons: tuple[Fact, ...]
    parts: tuple[SuggestedPart, ...] = ()
    groups: tuple[SuggestedGroup, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """読み方: one way in which the money may be meant, and the facts that speak for it."""

    facts: frozenset[Fact]
    parts: tuple[SuggestedPart, ...] = ()
    groups: tuple[SuggestedGroup, ...] = ()
    beside: tuple[str, ...] = ()


def suggestions_of(readings: Sequence[Reading], *, cut: bool = False) -> list[Suggestion]:
    """候補の一覧: the readings with their levels, the surest first, at most ten.

    Readings of the same parts are one, with the facts of both. Where several places are meant,
    each of them says so, and none is sure; ``cut`` says that the search was ended early.
    """
    merged: dict[tuple[object, ...], Reading] = {}
    for reading in readings:
        meant = (
            tuple((p.notice_id, p.term, p.amount_yen) for p in reading.parts),
            tuple((g.group_id, g.amount_yen) for g in reading.groups),
            reading.beside,
        )
        known = merged.get(meant)
        merged[meant] = replace(reading, facts=reading.facts | known.facts) if known else reading
    against: set[Fact] = set()
    if len(merged) > 1:
        against.add(Fact.SEVERAL_READINGS)
    if cut or len(merged) > SUGGESTIONS_MAX:
        against.add(Fact.NOT_ALL_SHOWN)
    found = [_suggestion(reading, reading.facts | against) for reading in merged.values()]
    shown = [one for one in found if one.level is not Level.NONE or not one.parts]
    return sorted(shown, key=_order)[:SUGGESTIONS_MAX]


def _suggestion(reading: Reading, facts: frozenset[Fact]) -> Suggestion:
    in_order = tuple(fact for fact in Fact if fact in facts)
    return Suggestion(level_of(facts), in_order, reading.parts, reading.groups, reading.beside)


def _order(one: Suggestion) -> tuple[object, ...]:
    """The surest first; then fewer parts, more facts, and the order of places."""
    return (
        list(Level).index(one.level),
        len(one.parts) + len(one.groups),
        -len(one.reasons),
        tuple((part.place, part.amount_yen) for part in one.parts),
        tuple((group.remitted_on, group.ref) for group in one.groups),
        one.beside,
    )
