"""確認事項の画面: the worklist, and one case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments import approve
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_list import STATES, WAITING, Wanted, list_cases
from reconcile.cases import (
    accept,
    acknowledge,
    add_note,
    show_case,
    waiting_kinds,
)
from reconcile.placement.credit_ask import KIND as CREDIT_PLACEMENT
from reconcile.placement_model import KIND as PLACEMENT
from web import clock, messages
from web.duties import Do
from web.placements.candidates import candidates_of
from web.placements.panel import panel_of
from web.security import may
from web.services import services
from web.texts import placements as placing_words

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response

    from web.placements.candidates import Candidate
    from web.placements.panel import Panel

PAGE = 50
ASKED_MAX = 500
NOTE_MAX = 2_000

cases = Blueprint("cases", __name__, url_prefix="/staff/cases")


@cases.get("")
def worklist() -> str:
    """The open cases, or those of another state or kind."""
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    number = max(request.args.get("page", 1, type=int) or 1, 1)
    code = services().municipality
    with reading(services().engine, code) as connection:
        wanted = Wanted((state,) if state in STATES else WAITING, (kind,) if kind else ())
        page = list_cases(connection, code, wanted, limit=PAGE)
        kinds = waiting_kinds(connection, code)
        asked = _asked(connection, code)
    return render_template(
        "cases/worklist.html",
        page=page,
        kinds=kinds,
        asked=asked,
        state=state if state in STATES else "",
        kind=kind,
        number=number,
        pages=max(-(-page.total // PAGE), 1),
        states=STATES,
        today=clock.today(),
        messages=messages,
    )


@cases.get("/<int:case_no>")
def show(case_no: int) -> str:
    """One case with its facts and history."""
    with reading(services().engine, services().municipality) as connection:
        view = show_case(connection, services().municipality, case_no)
        panel: Panel | None = None
        candidates: tuple[Candidate, ...] = ()
        if view.line:
            place = view.line["file_id"], view.line["line_no"]
            panel = panel_of(connection, services().profile, *place)
            candidates = candidates_of(connection, services().profile, panel)
    return render_template(
        "cases/show.html",
        view=view,
        panel=panel if panel and panel.kind else None,
        today=clock.today(),
        messages=messages,
        waiting=WAITING,
        candidates=candidates,
        placing=placing_words,
    )


@cases.post("/<int:case_no>/acknowledge")
@may(Do.WORK_CASES)
def take(case_no: int) -> Response:
    """対応開始."""
    with unit_of_work(services().engine, services().municipality) as connection:
        acknowledge(
            connection,
            services().municipality,
            case_no,
            actor=g.user.user_name,
            on=clock.today(),
        )
    return _back(case_no)


@cases.post("/<int:case_no>/notes")
@may(Do.WORK_CASES)
def note(case_no: int) -> Response:
    """メモ."""
    with unit_of_work(services().engine, services().municipality) as connection:
        add_note(
            connection,
            services().municipality,
            case_no,
            _note(),
            actor=g.user.user_name,
            on=clock.today(),
        )
    return _back(case_no)


@cases.post("/<int:case_no>/accept")
@may(Do.WORK_CASES)
def close(case_no: int) -> Response:
    """了承: with a note that says why nothing is booked."""
    with unit_of_work(services().engine, services().municipality) as connection:
        accept(
            connection,
            services().municipality,
            case_no,
            _note(),
            actor=g.user.user_name,
            on=clock.today(),
        )
    return _back(case_no)


def _asked(connection: Connection, municipality_code: str) -> dict[str, int]:
    """承認待ち: ``file:line`` → the approval about it that waits for a second person."""
    waiting = [
        approval
        for kind in (PLACEMENT, CREDIT_PLACEMENT)
        for approval in approve.approvals(
            connection, municipality_code, state=approve.WAITING, kind=kind, limit=ASKED_MAX
        )
    ]
    return {
        f"{one.content['file_id']}:{one.content['line_no']}": one.approval_id for one in waiting
    }


def _note() -> str:
    return request.form.get("note", "")[:NOTE_MAX]


def _back(case_no: int) -> Response:
    return redirect(url_for("cases.show", case_no=case_no), 303)
