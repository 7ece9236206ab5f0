"""受領予定の言い方: sources, states and rules of the calendar as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.arrivals import JAPAN
from web import formatting, messages
from web.language import translate as _
from web.language import translated
from web.texts import arrivals as texts

if TYPE_CHECKING:
    from datetime import datetime

    from payments.domain.arrivals import ArrivalRule
    from reconcile.arrivals.learning import Proposal
    from reconcile.arrivals.sources import Source
    from reconcile.report.arrivals import Expectation

FIELDS = (
    "days", "cut_off", "grace_minutes", "files", "nil_allowed", "dated_days_before", "effective_on",
)  # fmt: skip


def source_words(source: Source) -> str:
    """送付元: the kind of file and who sends it."""
    return f"{messages.label('format', source.format_code)} {formatting.wide(source.name)}"


def state_word(state: str) -> str:
    """状態."""
    return translated(texts.STATES[state][0])


def shape(state: str) -> str:
    """印: the shape that says the same as the colour."""
    return texts.STATES[state][1]


def days_words(days: str) -> str:
    """受領予定日 of a rule."""
    kind, _colon, listed = days.partition(":")
    if kind in texts.DAYS:
        return texts.DAYS[kind]
    each = listed.split(",")
    if kind == "weekdays":
        said = _("・").join(texts.WEEKDAYS[day] for day in each)
    elif kind == "monthly":
        said = _("・").join(_nth(int(number)) for number in each)
    else:
        said = _("、").join(formatting.short_day(day) for day in each)
    return texts.LISTED[kind].format(days=said)


def _nth(number: int) -> str:
    if number > 0:
        return texts.WORDS["nth"].format(n=number)
    name = "last" if number == -1 else "from_last"
    return texts.WORDS[name].format(n=-number - 1)


def rule_words(rule: ArrivalRule) -> dict[str, str]:
    """受領予定の定め: field → what it says."""
    dated = {-1: "dated_none", 0: "dated_same"}.get(rule.dated_days_before, "dated_before")
    return {
        "days": days_words(rule.days),
        "cut_off": rule.cut_off,
        "grace_minutes": texts.WORDS["grace"].format(n=rule.grace_minutes),
        "files": texts.WORDS["files"].format(n=rule.files),
        "nil_allowed": texts.WORDS["nil_yes" if rule.nil_allowed else "nil_no"],
        "dated_days_before": texts.WORDS[dated].format(n=rule.dated_days_before),
        "effective_on": texts.WORDS["from"].format(day=formatting.long_day(rule.effective_on)),
    }


def changes(now: ArrivalRule, proposed: ArrivalRule) -> list[tuple[str, str, str]]:
    """変わること: field, what holds, what would hold; only what differs."""
    before, after = rule_words(now), rule_words(proposed)
    return [
        (texts.FIELDS[name], before[name], after[name])
        for name in FIELDS
        if before[name] != after[name]
    ]


def late_words(minutes: int) -> str:
    """遅れ: 75 → 1時間15分."""
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    name = "late_days" if days else "late_hours" if hours else "late_minutes"
    return texts.WORDS[name].format(days=days, hours=hours, minutes=rest)


def came_at(expected: Expectation) -> datetime | None:
    """届いた時刻 of the file that came last; None where only the day is known."""
    moments = [each.file.arrived_at for each in expected.files if each.file.accepted]
    if not moments:
        return None
    last = max(moments).astimezone(JAPAN)
    return None if (last.hour, last.minute, last.second) == (0, 0, 0) else last


def evidence_words(proposal: Proposal) -> str:
    """提案の根拠 in a sentence."""
    found = proposal.evidence
    if found is None:
        return texts.WORDS["evidence_none"]
    if proposal.proposed is None:
        return texts.WORDS["evidence_unclear"].format(
            first=formatting.long_day(found.first_on), last=formatting.long_day(found.last_on),
            files=found.files, days=found.days_came,
        )  # fmt: skip
    said = texts.WORDS["evidence"].format(
        first=formatting.long_day(found.first_on), last=formatting.long_day(found.last_on),
        files=found.files, due=found.hits + found.misses, hits=found.hits, misses=found.misses,
        others=found.others,
    )  # fmt: skip
    if found.timed:
        said += texts.WORDS["evidence_time"].format(
            timed=found.timed, earliest=found.earliest, latest=found.latest
        )
    if found.dated:
        said += texts.WORDS["evidence_dated"].format(dated=found.dated)
    return said
