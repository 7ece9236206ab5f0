"""充当先の画面: one line's money, and asking a second person that it be placed elsewhere.

What is looked up and typed travels in the body of the request only, never in an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.domain.errors import KokinError
from payments.domain.reason import REASON_MAX
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.placement import ask_placement
from reconcile.placement_model import KIND, Part, Placement
from web import clock, messages
from web.accounts import staff
from web.approval_roles import require_asker
from web.errors import status_of
from web.placements.candidates import candidates_of
from web.placements.form import Typed, look_up, parts_of, prefilled, read_form, rows_of
from web.placements.panel import Panel, case_of_line, panel_of
from web.security import roles, source
from web.services import services
from web.texts import placements as words

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response

    from payments.approve import Approval
    from web.placements.form import Row

placing = Blueprint("placements", __name__, url_prefix="/staff/placements")
readers = roles("tax", "treasury", "auditor", "admin")
workers = roles("tax", "treasury", "admin")
# What is wrong with the reason stands beside it.
REASON_ERRORS = frozenset({"reason_missing", "reason_long"})


@placing.get("/<int:file_id>/<int:line_no>")
@readers
def show(file_id: int, line_no: int) -> str:
    """Where the money of a line stands, and what may be asked for."""
    with reading(services().engine, services().municipality) as connection:
        panel = panel_of(connection, services().profile, file_id, line_no)
        parts = panel.view.parts if panel.view else ()
        typed = prefilled([Part(p.notice_id, p.term, p.amount_yen) for p in parts])
        page = _page(connection, panel, typed)
    with unit_of_work(services().engine, services().municipality) as connection:
        _record(connection, "placement_shown", f"{file_id}:{line_no}")
    return page


@placing.post("/<int:file_id>/<int:line_no>")
@workers
def work(file_id: int, line_no: int) -> Response | tuple[str, int]:
    """検索・計算・依頼: look a number up, add up, or ask for what was typed.

    Whatever is missing or wrong is said beside its field, and nothing typed is lost.
    """
    typed = read_form(request.form, REASON_MAX)
    asks = request.form.get("do") == "ask"
    with reading(services().engine, services().municipality) as connection:
        panel = panel_of(connection, services().profile, file_id, line_no)
        if panel.view is None:
            return _page(connection, panel, typed), 409
        if typed.number or request.form.get("do") == "search":
            look_up(connection, services().municipality, typed)
            asks = False  # What was just looked up must be seen before it is asked for.
        rows = rows_of(connection, services().profile, typed, panel.view)
        parts = parts_of(rows, typed, panel.view.amount_yen)
        if asks and not parts and not typed.errors:
            typed.errors["parts"] = messages.error("placement_empty")
        if typed.errors or not asks:
            return _page(connection, panel, typed, rows), 422 if typed.errors else 200
    return _ask(panel, parts, typed)


@placing.post("/<int:file_id>/<int:line_no>/undo")
@workers
def undo(file_id: int, line_no: int) -> Response | tuple[str, int]:
    """消込取消の依頼: no part at all; the money goes back to suspense."""
    with reading(services().engine, services().municipality) as connection:
        panel = panel_of(connection, services().profile, file_id, line_no)
    return _ask(panel, (), Typed(undo_reason=request.form.get("undo_reason", "")))


def _ask(panel: Panel, parts: tuple[Part, ...], typed: Typed) -> Response | tuple[str, int]:
    """依頼, and lead to the approval that waits now; what stands in the way is said on the page."""
    undoes = not parts
    try:
        require_asker(g.user, KIND)
        with unit_of_work(services().engine, services().municipality) as connection:
            approval = _asked(
                connection, panel, parts, typed.undo_reason if undoes else typed.reason
            )
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        reason = "undo_reason" if undoes else "reason"
        typed.errors[reason if error.error_code in REASON_ERRORS else "page"] = said
        with reading(services().engine, services().municipality) as connection:
            return _page(connection, panel, typed), status_of(error)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


def _asked(connection: Connection, panel: Panel, parts: tuple[Part, ...], reason: str) -> Approval:
    approval = ask_placement(
        connection,
        services().profile,
        Placement(panel.file_id, panel.line_no, parts),
        asked_by=g.user.user_name,
        at=clock.now(),
        reason=reason,
        case_no=case_of_line(connection, services().municipality, panel.file_id, panel.line_no),
    )
    _record(connection, "placement_asked", str(approval.approval_id))
    return approval


def _page(connection: Connection, panel: Panel, typed: Typed, rows: list[Row] | None = None) -> str:
    """The page with what was typed."""
    code = services().municipality
    if rows is None and panel.view is not None:
        rows = rows_of(connection, services().profile, typed, panel.view)
    placed = sum(part.amount_yen for part in parts_of(rows or [], Typed(), 0))
    return render_template(
        "placements/show.html",
        panel=panel,
        rows=rows or [],
        typed=typed,
        placed_yen=placed,
        candidates=candidates_of(connection, services().profile, panel),
        case_no=case_of_line(connection, code, panel.file_id, panel.line_no),
        words=words,
        messages=messages,
        reason_max=REASON_MAX,
        may_ask=g.user.role != "auditor",
    )


def _record(connection: Connection, event: str, subject: str) -> None:
    """Who looked and who asked, for the records."""
    staff.record(connection, services().municipality, g.user.user_name, event, subject, source())
