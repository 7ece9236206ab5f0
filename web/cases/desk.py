"""確認事項の一覧の画面: filter, sort, saved views, exports, and deeds for several cases at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import Response, g, redirect, render_template, request, session, url_for

from payments import approve
from payments.domain.errors import KokinError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_facts import groups
from reconcile.case_list import DUE, NOBODY, STATES, CasePage, every_case, list_cases
from reconcile.cases import waiting_kinds
from reconcile.placement.credit_ask import KIND as CREDIT_PLACEMENT
from reconcile.placement_model import KIND as PLACEMENT
from web import clock, messages
from web.accounts.record import record
from web.cases import asked as conditions
from web.cases import bulk, views
from web.cases.routes import NOTE_MAX, cases, people
from web.cases.subjects import subject_words, with_subjects
from web.csv_download import csv_download
from web.duties import Do, can
from web.errors import status_of
from web.security import may
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from web.cases.asked import Asked

__all__ = ["cases"]  # with all of its pages

PAGE = 50
ASKED_MAX = 500
NUMBER, SHOWN = re.compile("[0-9]{1,18}"), re.compile("shown-[0-9]{1,18}")
COLUMNS = (
    "番号", "種類", "種類コード", "状態", "金額（円）", "発生日", "期限", "経過日数", "担当",
    "資料", "行", "対象",
)  # fmt: skip


@cases.get("")
@may(Do.READ_DETAILS)
def worklist() -> str:
    """The cases that wait, or those that are asked for."""
    return _page()


@cases.post("/narrow")
@may(Do.READ_DETAILS)
def narrow() -> BaseResponse:
    """絞込み: what is private stays in the session, the rest becomes the address."""
    asked = conditions.read(request.form, g.user.user_name, {})
    asked = conditions.keep(asked, session)
    return redirect(url_for("cases.worklist", **asked.address()), 303)


@cases.get("/export.csv")
@may(Do.READ_DETAILS)
def export() -> Response:
    """CSV of everything that is asked for, as it comes from the database."""
    code, today, engine = services().municipality, clock.today(), services().engine
    with unit_of_work(engine, code) as connection:
        asked = _asked(connection)
        record(connection, "cases_exported", "")

    def rows() -> Iterator[tuple[object, ...]]:
        with reading(engine, code) as connection:
            every = every_case(connection, code, asked.wanted, today=today, order=asked.order)
            for case, subject in with_subjects(connection, code, every):
                yield (
                    case.case_no, messages.case(case.kind).label, case.kind,
                    messages.label("case_state", case.state), case.amount_yen, case.opened_on,
                    case.due_on or "", case.age_days(today), case.owner, case.file_name,
                    case.line_no or "", subject,
                )  # fmt: skip

    return csv_download(f"cases-{today}.csv", COLUMNS, rows())


@cases.post("/views")
@may(Do.WORK_CASES)
def keep_view() -> BaseResponse | tuple[str, int]:
    """一覧の保存."""
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            number = views.save_view(
                connection,
                services().municipality,
                conditions.read(request.form, g.user.user_name, session),
                name=request.form.get("name", ""),
                shared=request.form.get("shared") == "yes",
                user_name=g.user.user_name,
                at=clock.now(),
            )
    except KokinError as error:
        return _page(error=error), status_of(error)
    return redirect(url_for("cases.worklist", view=number), 303)


@cases.post("/views/<int:view_no>/forget")
@may(Do.WORK_CASES)
def forget_view(view_no: int) -> BaseResponse:
    """保存した一覧の削除: one's own."""
    with unit_of_work(services().engine, services().municipality) as connection:
        views.forget_view(connection, services().municipality, view_no, g.user.user_name)
    return redirect(url_for("cases.worklist"), 303)


# ---- several at once ----


@cases.post("/bulk")
@may(Do.WORK_CASES)
def bulk_ask() -> BaseResponse | str | tuple[str, int]:
    """まとめての確認: what would happen to each case, before anything does."""
    deed = _deed()
    if deed.code not in bulk.DEEDS:
        return redirect(url_for("cases.worklist"), 303)
    with reading(services().engine, services().municipality) as connection:
        planned = bulk.plan(connection, services().municipality, deed.code, _chosen(connection))
        return _confirm(connection, deed, planned)


@cases.post("/bulk/do")
@may(Do.WORK_CASES)
def bulk_do() -> str | tuple[str, int]:
    """まとめて行う, and say what became of each."""
    deed, code = _deed(), services().municipality
    shown = {
        int(name.removeprefix("shown-")): int(value)
        for name, value in request.form.items()
        if SHOWN.fullmatch(name) and NUMBER.fullmatch(value)
    }
    shown = dict(sorted(shown.items())[: bulk.CASES_MAX])
    try:
        with unit_of_work(services().engine, code) as connection:
            bulk.require_deed(deed, people(connection), clock.today())
            done = bulk.carry_out(
                connection, code, deed, shown, actor=g.user.user_name, on=clock.today()
            )
            record(connection, f"cases_{deed.code}", str(sum(not d.refused for d in done)))
    except KokinError as error:
        with reading(services().engine, code) as connection:
            planned = bulk.plan(connection, code, deed.code, list(shown))
            return _confirm(connection, deed, planned, error), status_of(error)
    undoable = deed.code != "note"
    return render_template("cases/bulk_done.html", deed=deed, done=done, undoable=undoable)


@cases.post("/bulk/undo")
@may(Do.WORK_CASES)
def bulk_undo() -> str:
    """まとめての取消."""
    pairs = [value.partition(":") for value in request.form.getlist("event")]
    sound = [(a, b) for a, _, b in pairs if NUMBER.fullmatch(a) and NUMBER.fullmatch(b)]
    events = [(int(case_no), int(event_no)) for case_no, event_no in sound]
    with unit_of_work(services().engine, services().municipality) as connection:
        done = bulk.take_back(
            connection,
            services().municipality,
            events,
            actor=g.user.user_name,
            on=clock.today(),
        )
    return render_template("cases/bulk_done.html", deed=None, done=done, undoable=False)


def _confirm(
    connection: Connection,
    deed: bulk.Deed,
    planned: list[bulk.Planned],
    error: KokinError | None = None,
) -> str:
    return render_template(
        "cases/bulk.html",
        deed=deed,
        planned=planned,
        people=people(connection),
        error=messages.error(error.error_code, error.details) if error else "",
        note_max=NOTE_MAX,
        messages=messages,
        today=clock.today(),
    )


def _deed() -> bulk.Deed:
    form = request.form
    return bulk.Deed(
        form.get("deed", ""),
        form.get("owner", ""),
        day_or_none(form.get("due_on", "")),
        form.get("note", "")[:NOTE_MAX],
    )


def _chosen(connection: Connection) -> list[int]:
    """The cases with a tick, or the first of all that are asked for."""
    if request.form.get("scope") != "all":
        ticks = request.form.getlist("case")[: bulk.CASES_MAX]
        return [int(value) for value in ticks if NUMBER.fullmatch(value)]
    asked = conditions.read(request.form, g.user.user_name, session)
    if NUMBER.fullmatch(request.form.get("view", "")):
        asked = _view(connection, int(request.form["view"]))
    page = list_cases(
        connection,
        services().municipality,
        asked.wanted,
        today=clock.today(),
        order=asked.order,
        limit=bulk.CASES_MAX,
    )
    return [case.case_no for case in page.cases]


# ---- the page ----


def _page(error: KokinError | None = None) -> str:
    code, today = services().municipality, clock.today()
    with reading(services().engine, code) as connection:
        asked = _asked(connection)
        page: CasePage = list_cases(
            connection,
            code,
            asked.wanted,
            today=today,
            order=asked.order,
            limit=PAGE,
            after=_number("after"),
            before=_number("before"),
        )
        found = {
            "kinds": waiting_kinds(connection, code),
            "waiting": _asked_for(connection, code),
            "groups": groups(connection, code, (case.subject for case in page.cases)),
            "views": views.saved_views(connection, code, g.user.user_name),
            "people": people(connection),
        }
    return render_template(
        "cases/worklist.html",
        page=page,
        asked=asked,
        address=asked.address(),
        states=STATES,
        dues=DUE,
        channels=conditions.CHANNELS,
        today=today,
        me=g.user.user_name,
        nobody=NOBODY,
        deeds=bulk.DEEDS if can(g.user, Do.WORK_CASES) else (),
        size=PAGE,
        most=bulk.CASES_MAX,
        error=messages.error(error.error_code, error.details) if error else "",
        messages=messages,
        subject_words=subject_words,
        **found,
    )


def _asked(connection: Connection) -> Asked:
    """What the address asks for; a saved view by its number, sorted as the address says."""
    asked = conditions.read(request.args, g.user.user_name, session)
    number = _number("view")
    if not number:
        return asked
    return conditions.sorted_as(_view(connection, number), request.args)


def _number(name: str) -> int:
    """An argument that is a number of ours, else 0."""
    value = request.args.get(name, "")
    return int(value) if NUMBER.fullmatch(value) else 0


def _view(connection: Connection, number: int) -> Asked:
    return views.saved_view(connection, services().municipality, number, g.user.user_name)


def _asked_for(connection: Connection, municipality_code: str) -> dict[str, int]:
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
