"""確認事項の画面: one case with its evidence, and what a person does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.domain.errors import KokinError, NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import cases as deeds
from reconcile.case_list import WAITING
from reconcile.cases import show_case
from web import clock, messages, stale
from web.accounts import staff
from web.cases.evidence import record_of
from web.cases.remittances import Compared, compared_with
from web.cases.version import changes_since, version_of
from web.duties import Do, can
from web.errors import status_of
from web.placements.candidates import candidates_of
from web.placements.panel import panel_of
from web.security import may
from web.services import services
from web.texts import placements as placing_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from web.placements.candidates import Candidate
    from web.placements.panel import Panel

    Deed = Callable[[Connection, str], None]

NOTE_MAX = 2_000

cases = Blueprint("cases", __name__, url_prefix="/staff/cases")


@cases.get("/<int:case_no>")
@may(Do.READ_DETAILS)
def show(case_no: int) -> str:
    """One case with its facts and history."""
    return _page(case_no)


@cases.post("/<int:case_no>/acknowledge")
@may(Do.WORK_CASES)
def take(case_no: int) -> BaseResponse | tuple[str, int]:
    """対応開始."""
    return _do(
        case_no,
        lambda connection, code: deeds.acknowledge(
            connection, code, case_no, actor=g.user.user_name, on=clock.today()
        ),
    )


@cases.post("/<int:case_no>/notes")
@may(Do.WORK_CASES)
def note(case_no: int) -> BaseResponse | tuple[str, int]:
    """メモ."""
    return _do(
        case_no,
        lambda connection, code: deeds.add_note(
            connection, code, case_no, _note(), actor=g.user.user_name, on=clock.today()
        ),
        "note",
    )


@cases.post("/<int:case_no>/accept")
@may(Do.WORK_CASES)
def close(case_no: int) -> BaseResponse | tuple[str, int]:
    """了承: with a note that says why nothing is booked."""
    return _do(
        case_no,
        lambda connection, code: deeds.accept(
            connection, code, case_no, _note(), actor=g.user.user_name, on=clock.today()
        ),
        "accept",
    )


@cases.post("/<int:case_no>/assign")
@may(Do.WORK_CASES)
def assign(case_no: int) -> BaseResponse | tuple[str, int]:
    """担当の変更: a colleague, oneself, or nobody."""
    owner = request.form.get("owner", "")

    def do(connection: Connection, code: str) -> None:
        if owner and owner not in people(connection):
            raise NotFoundError("case_owner", found=owner)
        deeds.assign(connection, code, case_no, owner, actor=g.user.user_name, on=clock.today())

    return _do(case_no, do, "owner")


@cases.post("/<int:case_no>/deadline")
@may(Do.WORK_CASES)
def deadline(case_no: int) -> BaseResponse | tuple[str, int]:
    """期限の変更."""
    return _do(
        case_no,
        lambda connection, code: deeds.set_deadline(
            connection, code, case_no, deeds.deadline_of(request.form.get("due_on", "")),
            actor=g.user.user_name, on=clock.today(),
        ),
        "due_on",
    )  # fmt: skip


@cases.post("/<int:case_no>/events/<int:event_no>/undo")
@may(Do.WORK_CASES)
def undo(case_no: int, event_no: int) -> BaseResponse | tuple[str, int]:
    """経過の取消."""
    return _do(
        case_no,
        lambda connection, code: deeds.undo(
            connection, code, case_no, event_no, actor=g.user.user_name, on=clock.today()
        ),
    )


def _do(case_no: int, deed: Deed, field: str = "") -> BaseResponse | tuple[str, int]:
    """Do it, if the case is still as it was shown; else say so, with what was typed."""
    code = services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            stale.require_shown(str(version_of(connection, code, case_no)))
            deed(connection, code)
    except KokinError as error:
        if error.error_code == "case":
            raise
        return _page(case_no, field, error), status_of(error)
    return redirect(url_for("cases.show", case_no=case_no), 303)


def _page(case_no: int, field: str = "", error: KokinError | None = None) -> str:
    """The case as it stands; of a deed that was refused, why, and what was typed."""
    code, profile = services().municipality, services().profile
    with reading(services().engine, code) as connection:
        view = show_case(connection, code, case_no)
        version = version_of(connection, code, case_no)
        panel: Panel | None = None
        candidates: tuple[Candidate, ...] = ()
        evidence = None
        compared: list[Compared] = []
        if view.line:
            place = view.line["file_id"], view.line["line_no"]
            panel = panel_of(connection, profile, *place)
            candidates = candidates_of(connection, profile, panel)
            compared = compared_with(connection, profile, panel, view.details.get("groups", ()))
            if can(g.user, Do.READ_DETAILS):
                evidence = record_of(connection, code, *place)
        colleagues = people(connection)
    said = request.form.get(stale.FIELD, "") if error else ""
    seen = said.partition(".")[0]
    return render_template(
        "cases/show.html",
        view=view,
        panel=panel if panel and panel.kind else None,
        account=profile.account(view.bank["account_key"]) if view.bank else None,
        evidence=evidence,
        compared=compared,
        today=clock.today(),
        messages=messages,
        waiting=WAITING,
        candidates=candidates,
        placing=placing_words,
        people=colleagues,
        shown=str(version),
        changes=changes_since(said, version, view),
        seen=int(seen) if seen.isascii() and seen.isdigit() else None,
        field=field,
        typed=request.form if error else {},
        error=messages.error(error.error_code, error.details) if error else "",
        error_code=error.error_code if error else "",
    )


def people(connection: Connection) -> dict[str, str]:
    """担当にできる職員: name to sign in with → name to read."""
    return {
        person.user_name: person.display_name
        for person in staff.everybody(connection, services().municipality)
        if not person.disabled and can(person, Do.WORK_CASES)
    }


def _note() -> str:
    return request.form.get("note", "")[:NOTE_MAX]
