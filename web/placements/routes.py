"""充当先の画面: one line's money, and asking a second person that it be placed elsewhere.

What is looked up and typed travels in the body of the request only, never in an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.domain.errors import KokinError, RefusedError
from payments.domain.reason import REASON_MAX
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.placement.ask import ask_placement
from reconcile.placement.credit_ask import KIND as CREDIT_KIND
from reconcile.placement.credit_ask import CreditPlacement, GroupShare, ask_credit_placement
from reconcile.placement_model import KIND, Part, Placement
from web import clock, messages, stale
from web.accounts.record import record
from web.approval_roles import duty, require_asker
from web.duties import Do, holds
from web.errors import status_of
from web.placements.candidates import candidates_of
from web.placements.form import Typed, look_up, places_typed, read_form, rows_of, standing
from web.placements.panel import CREDIT, case_of_line, panel_of
from web.placements.preview import preview_of
from web.security import may
from web.services import services
from web.texts import placements as words
from web.texts.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response

    from payments.approve import Approval
    from web.placements.form import Row
    from web.placements.panel import Panel
    from web.placements.preview import Preview

placing = Blueprint("placements", __name__, url_prefix="/staff/placements")
# Where on the page an error stands; all others stand above everything.
REASON_ERRORS = frozenset({"reason_missing", "reason_long"})
PLACES_ERRORS = frozenset({"credit_mixed", "credit_groups", "credit_groups_sum", "placement_parts"})


@placing.get("/<int:file_id>/<int:line_no>")
@may(Do.READ_DETAILS)
def show(file_id: int, line_no: int) -> str:
    """Where the money of a line stands, and what may be asked for."""
    with reading(services().engine, services().municipality) as connection:
        panel = panel_of(connection, services().profile, file_id, line_no)
        page = _page(connection, panel, standing(panel))
    with unit_of_work(services().engine, services().municipality) as connection:
        record(connection, "placement_shown", f"{file_id}:{line_no}")
    return page


@placing.post("/<int:file_id>/<int:line_no>")
@may(Do.PLACE_MONEY)
def work(file_id: int, line_no: int) -> Response | tuple[str, int]:
    """検索・計算・依頼: look a number up, add up, or ask for what was typed.

    Whatever is missing or wrong is said beside its field, and nothing typed is lost.
    """
    asks = request.form.get("do") == "ask"
    with reading(services().engine, services().municipality) as connection:
        panel = panel_of(connection, services().profile, file_id, line_no)
        typed = read_form(request.form, panel, REASON_MAX)
        if not panel.kind:
            return _page(connection, panel, typed), 409
        if typed.number:
            look_up(connection, services().municipality, typed)
            asks = False  # What was just looked up must be seen before it is asked for.
        elif request.form.get("do") == "search":
            typed.errors["number"] = messages.error("placement_number")
        rows = rows_of(connection, services().profile, panel, typed)
        places = places_typed(rows, typed, panel.amount_yen)
        if asks and not places and not typed.errors:
            typed.errors["places"] = messages.error("placement_empty")
        if typed.errors:
            return _page(connection, panel, typed, rows), 422
    return _ask(panel, places, typed) if asks else _looked_at(panel, places, typed, rows)


@placing.post("/<int:file_id>/<int:line_no>/undo")
@may(Do.PLACE_MONEY)
def undo(file_id: int, line_no: int) -> Response | tuple[str, int]:
    """消込取消の依頼: no place at all; the money waits again."""
    with reading(services().engine, services().municipality) as connection:
        panel = panel_of(connection, services().profile, file_id, line_no)
    typed = standing(panel)
    typed.undo_reason = request.form.get("undo_reason", "")[: REASON_MAX + 1]
    if request.form.get("do") == "preview":
        return _page_of(panel, typed, None, _preview(panel, (), typed)), 200
    return _ask(panel, (), typed)


def _looked_at(
    panel: Panel, places: Sequence[Part | GroupShare], typed: Typed, rows: list[Row]
) -> tuple[str, int]:
    """The page with what was typed, and with the entries that it would lead to."""
    asks = request.form.get("do") == "check" and panel.movable and panel.waiting is None
    preview = _preview(panel, places, typed) if asks and places else None
    return _page_of(panel, typed, rows, preview), 200


def _preview(panel: Panel, places: Sequence[Part | GroupShare], typed: Typed) -> Preview:
    """仕訳の下見, whatever the reason will be."""
    reason = typed.reason if places else typed.undo_reason
    return preview_of(
        services().engine,
        services().profile,
        lambda connection: _asked(
            connection, panel, places, typed, reason.strip()[:REASON_MAX] or words.PREVIEW
        ),
    )


def _ask(
    panel: Panel, places: Sequence[Part | GroupShare], typed: Typed
) -> Response | tuple[str, int]:
    """依頼, and lead to the approval that waits now; what stands in the way is said on the page."""
    try:
        require_asker(g.user, CREDIT_KIND if panel.kind == CREDIT else KIND)
        with unit_of_work(services().engine, services().municipality) as connection:
            now = panel_of(connection, services().profile, panel.file_id, panel.line_no)
            if now.waiting is not None:  # a colleague was quicker: it waits whatever was shown here
                raise RefusedError("approval_waiting", approval_id=now.waiting.approval.approval_id)
            stale.require_shown(now.shown)
            reason = typed.reason if places else typed.undo_reason
            approval = _asked(connection, panel, places, typed, reason)
            record(connection, "placement_asked", str(approval.approval_id))
    except KokinError as error:
        beside = "page"
        if error.error_code in REASON_ERRORS:
            beside = "reason" if places else "undo_reason"
        elif error.error_code in PLACES_ERRORS:
            beside = "places"
        typed.errors[beside] = messages.error(error.error_code, error.details)
        typed.code = error.error_code
        return _page_of(panel, typed), status_of(error)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


def _asked(
    connection: Connection,
    panel: Panel,
    places: Sequence[Part | GroupShare],
    typed: Typed,
    reason: str,
) -> Approval:
    """The request, of a credit or of a payment; without places its link is undone."""
    code, profile = services().municipality, services().profile
    case_no = case_of_line(connection, code, panel.file_id, panel.line_no)
    parts = tuple(place for place in places if isinstance(place, Part))
    asked_by, at = g.user.user_name, clock.now()
    if panel.kind != CREDIT:
        placement = Placement(panel.file_id, panel.line_no, parts)
        return ask_placement(
            connection, profile, placement, asked_by=asked_by, at=at, reason=reason, case_no=case_no
        )
    credit = CreditPlacement(
        panel.file_id,
        panel.line_no,
        parts,
        tuple(place for place in places if isinstance(place, GroupShare)),
        learn_alias=typed.learn_alias and bool(parts),
    )
    return ask_credit_placement(
        connection, profile, credit, asked_by=asked_by, at=at, reason=reason, case_no=case_no
    )


def _page_of(
    panel: Panel, typed: Typed, rows: list[Row] | None = None, preview: Preview | None = None
) -> str:
    """The page as things stand now, with what was typed."""
    code, profile = services().municipality, services().profile
    with reading(services().engine, code) as connection:
        now = panel_of(connection, profile, panel.file_id, panel.line_no)
        return _page(connection, now, typed, rows, preview)


def _page(
    connection: Connection,
    panel: Panel,
    typed: Typed,
    rows: list[Row] | None = None,
    preview: Preview | None = None,
) -> str:
    """The page with what was typed."""
    code, profile = services().municipality, services().profile
    if rows is None:
        rows = rows_of(connection, profile, panel, typed) if panel.kind else []
    kind = CREDIT_KIND if panel.kind == CREDIT else KIND
    return render_template(
        "placements/show.html",
        panel=panel,
        rows=rows,
        typed=typed,
        placed_yen=sum(p.amount_yen for p in places_typed(rows, Typed(), panel.amount_yen)),
        candidates=candidates_of(connection, profile, panel) if panel.kind else (),
        case_no=case_of_line(connection, code, panel.file_id, panel.line_no),
        agents=[name for name in LABELS["agent"] if panel.kind == CREDIT],
        preview=preview,
        words=words,
        reason_max=REASON_MAX,
        may_ask=holds(g.user, duty(kind).asks),
    )
