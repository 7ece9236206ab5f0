"""納め方と届いた資料: what a body offers and how far its channels have reported, for everybody.

Nothing here is about a person: ways of paying are settings, and of files only days are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.arrivals import PLAIN_DAYS
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.arrivals.rules import calendar_of
from reconcile.report.arrivals import board
from reconcile.status import data_cut_offs
from web import clock, messages
from web.enquiries.answers import cut_offs_of
from web.language import translate as _
from web.language import translated
from web.services import services
from web.texts.help import NEEDS, UNTIL, USUALLY
from web.texts.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.arrivals import ArrivalRule
    from payments.domain.enquiring import Way
    from payments.domain.profile import Profile

LATE = frozenset({"overdue", "missing"})
LISTED = "listed"  # on days that the calendar names one by one


class Offer(NamedTuple):
    """納め方の一つ in the reader's words; ``limit_yen`` 0 is none."""

    name: str
    fee: str
    limit_yen: int
    until: str
    needs: str
    note: str


class Channel(NamedTuple):
    """届いた資料: how far a kind of source has reported, when it usually does, and when next."""

    kind: str  # "konbini" or "eltax"
    received_on: date | None
    next_day: date | None
    next_time: str
    is_late: bool
    usual: str


class Offered(NamedTuple):
    """納め方 of one body."""

    name: str
    ways: tuple[Offer, ...]


class Reported(NamedTuple):
    """届いた資料 of one body."""

    name: str
    channels: tuple[Channel, ...]


def offered() -> list[Offered]:
    """納め方 of every body that is served here."""
    return [
        Offered(profile.name, tuple(_offer(way) for way in profile.enquiries.ways))
        for profile, _connection in _bodies()
    ]


def reported() -> list[Reported]:
    """届いた資料 of every body that is served here, as of now."""
    now, today = clock.now(), clock.today()
    return [
        Reported(profile.name, _channels(connection, profile, now, today))
        for profile, connection in _bodies()
    ]


def contact() -> str:
    """問い合わせ先 of the only body there is; "" where there are several."""
    return services().profile.contact if services().sole else ""


def _bodies() -> Iterator[tuple[Profile, Connection]]:
    for body in services().bodies:
        with reading(services().engine, body.code) as connection:
            yield load_profile(connection, body.code), connection


def _offer(way: Way) -> Offer:
    """The body's own words where it has some, else what usually holds."""
    usual = {group: _usual(group, way.code) for group in ("way", "way_fee", "way_note")}
    return Offer(
        way.name or usual["way"] or way.code,
        way.fee or usual["way_fee"],
        way.limit_yen,
        translated(UNTIL[way.needs]),
        translated(NEEDS[way.needs]),
        way.note or usual["way_note"],
    )


def _usual(group: str, code: str) -> str:
    return messages.label(group, code) if code in LABELS[group] else ""


def _channels(
    connection: Connection, profile: Profile, now: datetime, today: date
) -> tuple[Channel, ...]:
    expected = board(connection, profile, today, today, now)[today]
    late = {each.source.code for each in expected if each.state in LATE}
    calendar = calendar_of(connection, profile)
    sources = {source.code: source for source in calendar.sources}
    senders = data_cut_offs(connection, profile, now, today)
    found = []
    for shown in cut_offs_of(senders):
        codes = [each.code for each in senders if each.code.partition("_")[0] == shown.kind]
        # Of several senders of a kind the last one counts: until then something may be missing.
        rule = max((calendar.rule(sources[each], today) for each in codes), key=_cut_off)
        kind = rule.days if rule.days in PLAIN_DAYS else LISTED
        usual = _(USUALLY[kind], time=rule.cut_off)
        found.append(Channel(**shown._asdict(), is_late=not late.isdisjoint(codes), usual=usual))
    return tuple(found)


def _cut_off(rule: ArrivalRule) -> str:
    return rule.cut_off
