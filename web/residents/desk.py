"""結び付けの確認: what did not agree by itself, both sides beside each other, for people to decide.

One person may link where the name agrees; where it does not, or where somebody else is linked to
the person already, they ask and a second one decides (R10). The page names people, so that every
look at it is written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, RefusedError
from payments.domain.reason import require_reason
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.person_account import person_account
from web import clock, messages
from web.accounts.record import record
from web.approval_roles import require_asker
from web.duties import Do
from web.errors import status_of
from web.residents import contacts, linking
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

LINK, REFUSE = "link", "refuse"
LOG_SHOWN = 100

linking_desk = Blueprint("linking", __name__, url_prefix="/staff/residents")


@linking_desk.get("")
@may(Do.READ_LINKS)
def listing() -> str:
    """確認待ちの一覧, and the newest links."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        waiting = linking.waiting_requests(connection, code)
        log = linking.newest_links(connection, code, LOG_SHOWN)
    return render_template("residents/desk.html", waiting=waiting, log=log)


@linking_desk.get("/<int:request_no>")
@may(Do.READ_LINKS)
def show(request_no: int) -> str:
    """One request: what the provider says beside what the books say."""
    with unit_of_work(services().engine, services().municipality) as connection:
        linking.request_of(connection, None, services().municipality, request_no)
        record(connection, "resident_request_shown", str(request_no))
    return _page(request_no)


@linking_desk.post("/<int:request_no>/decision")
@may(Do.LINK_RESIDENTS)
def decide(request_no: int) -> BaseResponse | tuple[str, int]:
    """結び付ける、または断る; what is doubtful is asked of a second person."""
    code = services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            _decide(connection, code, request_no)
    except KokinError as error:
        if error.error_code == "resident_request":
            raise
        return _page(request_no, messages.error(error.error_code, error.details)), status_of(error)
    return redirect(url_for("linking.show", request_no=request_no), 303)


@linking_desk.post("/links/<int:link_no>/end")
@may(Do.LINK_RESIDENTS)
def end_link(link_no: int) -> BaseResponse:
    """結び付けの解除 by the staff, as when somebody reports that it is not theirs."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        resident_id = linking.resident_of(connection, code, link_no)
        linking.unlink(connection, code, resident_id, how=linking.BY_DESK, actor=g.user.user_name)
        contacts.stop_all(connection, code, resident_id)
        record(connection, "resident_unlinked", str(link_no))
    return redirect(url_for("linking.listing"), 303)


def _decide(connection: Connection, code: str, request_no: int) -> None:
    found = linking.request_of(connection, None, code, request_no)
    if found.state != linking.WAITING or _asked(connection, code, request_no):
        raise RefusedError("resident_decided")
    note, done = request.form.get("note", ""), request.form.get("decision", "")
    if done == REFUSE:
        linking.decide(
            connection, code, found, linking.REFUSED, actor=g.user.user_name,
            note=require_reason(note),
        )  # fmt: skip
    elif done == LINK and found.doubtful:
        require_asker(g.user, linking.KIND)
        approve.ask(
            connection, code, linking.KIND, str(request_no), linking.content_of(found),
            asked_by=g.user.user_name, at=clock.now(), reason=note,
        )  # fmt: skip
    elif done == LINK:
        linking.decide(connection, code, found, linking.LINKED, actor=g.user.user_name, note=note)
    else:
        raise InvalidValueError("not_one_of", field="decision", found=done[:20])
    record(connection, f"resident_request_{done}", str(request_no))


def _asked(connection: Connection, code: str, request_no: int) -> int:
    """The approval that a second person has still to decide; 0 without one."""
    asked = approve.of_subject(connection, code, linking.KIND, str(request_no))
    return next((each.approval_id for each in asked if each.state == approve.WAITING), 0)


def _page(request_no: int, error: str = "") -> str:
    code, settings = services().municipality, services().settings
    with reading(services().engine, code) as connection:
        found = linking.request_of(connection, settings, code, request_no)
        person = person_account(connection, code, found.obligor_no).person
        asked = _asked(connection, code, request_no)
    return render_template(
        "residents/desk_request.html",
        asked_for=found, person=person, asked=asked, error=error,
        note=request.form.get("note", "")[:200],
    )  # fmt: skip
