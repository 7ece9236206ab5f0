"""外部通知の画面: what was told to whom, one event with its deliveries, and telling it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.domain.errors import NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff
from web.duties import Do
from web.events import deliveries, log
from web.events.body import content, event_id, is_told, one_event
from web.events.kinds import KINDS
from web.events.subscribers import FOLDER, everybody, named
from web.security import may, source
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

PAGE = 50

outgoing = Blueprint("events", __name__, url_prefix="/staff/events")


@outgoing.get("")
@may(Do.READ_EVENTS)
def listing() -> str:
    """外部通知の一覧, the newest first, and how it stands with each subscriber."""
    kind, state = request.args.get("kind", ""), request.args.get("state", "")
    kind = kind if kind in KINDS else ""
    state = state if state in deliveries.STATES else ""
    before = request.args.get("before", log.NUMBER_MAX, type=int) or log.NUMBER_MAX
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = log.happened(
            connection, code, kind=kind, state=state,
            before=min(max(before, 1), log.NUMBER_MAX), limit=PAGE + 1,
        )  # fmt: skip
        standings = log.standings(connection, code)
    return render_template(
        "events/list.html",
        events=found[:PAGE],
        older=found[PAGE - 1].event_no if len(found) > PAGE else None,
        begins=before == log.NUMBER_MAX,
        standings=standings,
        kind=kind,
        state=state,
        kinds=KINDS,
        states=deliveries.STATES,
        size=PAGE,
        place=place,
        folder=FOLDER,
    )


@outgoing.get("/<int:event_no>")
@may(Do.READ_EVENTS)
def show(event_no: int) -> str:
    """One event: what each subscriber is told, and every attempt."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        event = log.one(connection, code, event_no)
        if event is None:
            raise NotFoundError("event", found=event_no)
        row = one_event(connection, code, event_no)
        history = log.history(connection, code, event)
        known = everybody(connection, code)
        bodies = {
            subscriber.subscriber_no: json.dumps(
                content(subscriber, code, row), ensure_ascii=False, indent=2
            )
            for subscriber in known
            if is_told(subscriber, row)
        }
    return render_template(
        "events/show.html",
        event=event,
        event_id=event_id(event.event_no, event.token),
        history=history,
        subscribers=[one for one in known if one.subscriber_no in bodies],
        told={one.subscriber_no: one for one in event.deliveries},
        bodies=bodies,
        place=place,
        folder=FOLDER,
    )


@outgoing.post("/<int:event_no>/replay")
@may(Do.SEND_EVENTS)
def replay(event_no: int) -> Response:
    """再送 of one event to one subscriber."""
    code, name = services().municipality, request.form.get("name", "")
    with unit_of_work(services().engine, code) as connection:
        subscriber = named(connection, code, name)
        deliveries.replay(connection, code, subscriber, event_no, event_no)
        staff.record(connection, code, g.user.user_name, "events_replayed", name, source())
    return redirect(url_for("events.show", event_no=event_no), 303)


@outgoing.post("/replay-failed")
@may(Do.SEND_EVENTS)
def replay_failed() -> Response:
    """再送 of everything that was given up for one subscriber."""
    code, name = services().municipality, request.form.get("name", "")
    with unit_of_work(services().engine, code) as connection:
        deliveries.replay_failed(connection, code, named(connection, code, name))
        staff.record(connection, code, g.user.user_name, "events_replayed", name, source())
    return redirect(url_for("events.listing", state=deliveries.WAITING), 303)


def place(address: str) -> str:
    """宛先 as a page shows it: of a URL its host alone, for the rest may be as good as a secret."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else address
