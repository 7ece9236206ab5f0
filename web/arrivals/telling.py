"""受領予定のお知らせ: what the treasury is told about a source, a file, and of a morning.

Each function words one notice; that it is said once is the business of its key.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from reconcile.arrivals.sources import as_date
from web import clock, formatting, messages
from web.arrivals.words import came_at, late_words, source_words, state_word
from web.language import JAPANESE, speaking
from web.texts import notices as texts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from payments.domain.profile import Profile
    from reconcile.arrivals.files import Came
    from reconcile.arrivals.rules import Calendar
    from reconcile.report.arrivals import Expectation

RED, CAME, SUMMARY = "arrival_red", "arrival_came", "arrival_summary"
ASIDE, FOREIGN = "file_aside", "file_foreign"


class Telling(NamedTuple):
    """お知らせの中身, as :func:`web.notices.send.send_notice` takes it."""

    key: str
    kind: str
    subject: str
    lines: tuple[str, ...]


@speaking(JAPANESE)
def red(profile: Profile, expected: Expectation) -> Telling:
    """未着: past the cut-off and its grace, and nothing is there."""
    values = {
        "source": source_words(expected.source),
        "due_on": formatting.short_day(expected.due_on),
        "cut_off": expected.rule.cut_off,
        "grace": expected.rule.grace_minutes,
    }
    lines = _lines(("red", "red_next"), values, expected.due_on)
    return Telling(red_key(expected), RED, _subject(RED, profile, values), lines)


def red_key(expected: Expectation) -> str:
    """The key under which a source is called red on a day."""
    return f"{RED}:{expected.source.code}:{expected.due_on}"


@speaking(JAPANESE)
def came(profile: Profile, expected: Expectation) -> Telling:
    """到着: what was called red has come at last, or a person says that there is nothing."""
    moment = came_at(expected)
    day = max((each.file.received_on for each in expected.files), default=None)
    values = {
        "source": source_words(expected.source),
        "due_on": formatting.short_day(expected.due_on),
        "arrived": formatting.moment(moment) if moment else formatting.long_day(day),
        "late": late_words(expected.minutes_late),
    }
    said: tuple[str, ...] = ("nil",) if expected.state == "nil" else ("came",)
    if expected.state == "partial":
        said += ("came_partial",)
    key = f"{CAME}:{expected.source.code}:{expected.due_on}"
    return Telling(
        key, CAME, _subject(CAME, profile, values), _lines(said, values, expected.due_on)
    )


@speaking(JAPANESE)
def files_aside(
    connection: Connection, profile: Profile, calendar: Calendar, since: date
) -> list[Telling]:
    """保留・対象外・中止: files that stand aside since a day, with what is wrong but no values."""
    rows = connection.execute(
        text(
            "SELECT file_id, format_code, agent, status, received_on FROM source_file "
            "WHERE municipality_code = :m AND received_on >= :since "
            "AND status NOT IN ('received', 'accepted') ORDER BY file_id"
        ),
        {"m": profile.municipality_code, "since": since.isoformat()},
    ).all()
    return [_aside(connection, profile, calendar, row) for row in rows]


def _aside(connection: Connection, profile: Profile, calendar: Calendar, row: Row[Any]) -> Telling:
    source = calendar.source_of(row.format_code, row.agent)
    name = source_words(source) if source else messages.label("format", row.format_code)
    codes = connection.execute(
        text(
            "SELECT DISTINCT code FROM finding WHERE municipality_code = :m "
            "AND file_id = :file_id AND severity <> 'warning' ORDER BY code"
        ),
        {"m": profile.municipality_code, "file_id": row.file_id},
    ).scalars()
    values = {
        "source": name,
        "file_id": row.file_id,
        "status": messages.label("file_status", row.status),
    }
    found = [
        texts.LINES["aside_finding"].format(sentence=messages.finding(code), code=code)
        for code in codes
    ]
    day = as_date(row.received_on) or date.min
    head, after, where = _lines(("aside", "aside_next"), values, day)
    key = f"{ASIDE}:{row.file_id}"
    return Telling(key, ASIDE, _subject(ASIDE, profile, values), (head, *found, after, where))


@speaking(JAPANESE)
def foreign(profile: Profile, calendar: Calendar, file: Came) -> Telling:
    """他団体の資料: every line of a file is about another municipality."""
    source = calendar.source_of(file.format_code, file.agent)
    name = source_words(source) if source else messages.label("format", file.format_code)
    values = {"source": name, "file_id": file.file_id}
    lines = _lines(("foreign", "foreign_next"), values, file.received_on)
    return Telling(f"{FOREIGN}:{file.file_id}", FOREIGN, _subject(FOREIGN, profile, values), lines)


@speaking(JAPANESE)
def summary(
    profile: Profile, days: dict[date, tuple[Expectation, ...]], today: date, at: datetime
) -> Telling:
    """朝のまとめ: what is red, what a person must look at, and what is due today."""
    everything = [each for expected in days.values() for each in expected]
    red_ones = [each for each in everything if each.colour == "red"]
    amber = [each for each in everything if each.colour == "amber"]
    due = [each for each in days.get(today, ()) if each.rule.is_due(today)]
    lines = [
        texts.LINES["summary_head"].format(
            day=formatting.long_day(today), at=clock.in_japan(at).strftime("%H:%M")
        )
    ]
    for name, chosen in (("summary_red", red_ones), ("summary_amber", amber)):
        lines.append(texts.LINES[name].format(number=len(chosen)))
        lines += [
            texts.LINES["summary_row"].format(
                due_on=formatting.short_day(each.due_on),
                source=source_words(each.source),
                state=state_word(each.state),
            )
            for each in chosen
        ] or [texts.LINES["summary_none"]]
    lines.append(texts.LINES["summary_due"].format(number=len(due)))
    lines += [
        texts.LINES["summary_due_row"].format(
            source=source_words(each.source), cut_off=each.rule.cut_off,
            state=state_word(each.state),
        )
        for each in due
    ] or [texts.LINES["summary_none"]]  # fmt: skip
    lines.append(texts.LINES["where"].format(day=today))
    result = "red" if red_ones else "amber" if amber else "good"
    values = {
        "day": formatting.short_day(today),
        "result": texts.RESULTS[result].format(red=len(red_ones), amber=len(amber)),
    }
    return Telling(f"{SUMMARY}:{today}", SUMMARY, _subject(SUMMARY, profile, values), tuple(lines))


def _subject(kind: str, profile: Profile, values: Mapping[str, object]) -> str:
    return texts.SUBJECTS[kind].format(municipality=profile.name, **values)


def _lines(names: tuple[str, ...], values: Mapping[str, object], day: date) -> tuple[str, ...]:
    said = [texts.LINES[name].format(**values) for name in names]
    return (*said, texts.LINES["where"].format(day=day))
