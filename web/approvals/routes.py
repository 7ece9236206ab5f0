"""承認の画面: what waits for a second person, what it would do, and the decision."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments import approve
from payments.domain.errors import KokinError, RefusedError
from payments.domain.reason import REASON_MAX
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.placement.credit_ask import KIND as CREDIT_PLACEMENT
from reconcile.placement_model import APPROPRIATION
from reconcile.placement_model import KIND as PLACEMENT
from web import messages, stale
from web.accounts import staff
from web.accounts.role_change import KIND as USER_ROLES
from web.approval_desk import decide_as, recall_as
from web.approval_roles import DUTIES, duty, is_own, may_decide, may_read, readable_kinds
from web.approvals.story import kind_words, subject_words, tell
from web.duties import MAY, Do
from web.errors import status_of
from web.placements.preview import preview_of
from web.security import may, source
from web.services import services
from web.texts import approvals as words

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

PAGE = 50
MINE = "mine"  # what waits for just this person
WAITING_MAX = 1_000
# Errors that stand beside the field in which they can be mended.
NOTE_ERRORS = frozenset({"reason_missing", "reason_long"})

PREVIEWED = frozenset(
    {APPROPRIATION, PLACEMENT, CREDIT_PLACEMENT}
)  # what books entries when it is agreed to

approving = Blueprint("approvals", __name__, url_prefix="/staff/approvals")


@approving.get("")
@may(Do.READ_APPROVALS)
def listing() -> str:
    """承認の一覧: what waits first."""
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    state = state if state in {MINE, *approve.STATES} else ""
    kinds = readable_kinds(g.user)
    kind = kind if kind in kinds else ""
    if len(kinds) < len(DUTIES):
        kind = kind or USER_ROLES  # Who may not read everything reads one kind at a time.
    number = max(request.args.get("page", 1, type=int) or 1, 1)
    code = services().municipality
    begin = (number - 1) * PAGE
    with reading(services().engine, code) as connection:
        if state == MINE:
            waiting = approve.approvals(
                connection, code, state=approve.WAITING, kind=kind, limit=WAITING_MAX
            )
            mine = [approval for approval in waiting if may_decide(g.user, approval)]
            total, found = len(mine), mine[begin : begin + PAGE]
        else:
            total = approve.how_many(connection, code, state=state, kind=kind)
            found = approve.approvals(
                connection, code, state=state, kind=kind, limit=PAGE, offset=begin
            )
    return render_template(
        "approvals/list.html",
        approvals=found,
        total=total,
        state=state,
        kind=kind,
        states=approve.STATES,
        kinds=kinds,
        every_kind=len(kinds) == len(DUTIES),
        number=number,
        pages=max(-(-total // PAGE), 1),
        size=PAGE,
        subject_words=partial(subject_words, profile=services().profile),
        kind_words=kind_words,
        may_decide=partial(may_decide, g.user),
    )


@approving.get("/<int:approval_id>")
@may(Do.READ_APPROVALS)
def show(approval_id: int) -> str:
    """One approval: what it would do, who asked, and who may decide."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        if not may_read(g.user, approve.show(connection, code, approval_id).kind):
            raise RefusedError("role_needed", roles=tuple(sorted(MAY[Do.READ_DETAILS])))
        staff.record(
            connection, code, g.user.user_name, "approval_shown", str(approval_id), source()
        )
    return _page(approval_id)


@approving.post("/<int:approval_id>/decision")
@may(Do.APPROVE)
def decide(approval_id: int) -> Response | tuple[str, int]:
    """承認・却下; what stands in the way is said on the page, with what was typed."""
    note = request.form.get("note", "")
    try:
        stale.require_shown(_shown_now(approval_id))
        decide_as(
            services().engine,
            services().municipality,
            approval_id,
            request.form.get("decision", ""),
            person=g.user,
            note=note,
            source=source(),
        )
    except KokinError as error:
        return _refused(approval_id, note, error)
    return _done(approval_id)


@approving.post("/<int:approval_id>/recall")
@may(Do.APPROVE)
def recall(approval_id: int) -> Response | tuple[str, int]:
    """取下げ of one's own request, while nobody has decided it."""
    note = request.form.get("note", "")
    try:
        recall_as(
            services().engine,
            services().municipality,
            approval_id,
            person=g.user,
            note=note,
            source=source(),
        )
    except KokinError as error:
        return _refused(approval_id, note, error)
    return _done(approval_id)


def _refused(approval_id: int, note: str, error: KokinError) -> tuple[str, int]:
    """What stands in the way, on the page, with what was typed; an unknown number is no page."""
    if error.error_code == "approval":
        raise error
    said = messages.error(error.error_code, error.details)
    place = "note" if error.error_code in NOTE_ERRORS else "page"
    errors = {place: said, "code": error.error_code}
    return _page(approval_id, note=note, errors=errors), status_of(error)


def _done(approval_id: int) -> Response:
    return redirect(url_for("approvals.show", approval_id=approval_id) + "#decision", 303)


def waiting_count() -> int:
    """承認待ちの件数, for the way to this page on every page of the staff."""
    kind = "" if len(readable_kinds(g.user)) == len(DUTIES) else USER_ROLES
    code = services().municipality
    with reading(services().engine, code) as connection:
        return approve.how_many(connection, code, state=approve.WAITING, kind=kind)


def _page(approval_id: int, *, note: str = "", errors: dict[str, str] | None = None) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        approval = approve.show(connection, code, approval_id)
        story = tell(connection, services().profile, approval)
    preview = None
    if approval.kind in PREVIEWED and approval.state == approve.WAITING and not story.stale:
        preview = preview_of(services().engine, services().profile, lambda _connection: approval)
    return render_template(
        "approvals/show.html",
        approval=approval,
        story=story,
        shown=stale.shown(approval.state, approval.content_sha256, story),
        preview=preview,
        subject=subject_words(approval, services().profile),
        kind=kind_words(approval),
        may_decide=may_decide(g.user, approval),
        own=is_own(g.user, approval),
        deciders=messages.words("role", duty(approval.kind).decides),
        words=words,
        note=note,
        note_max=REASON_MAX,
        errors=errors or {},
    )


def _shown_now(approval_id: int) -> str:
    """画面の版 of an approval: its state, and the story that its page tells."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        approval = approve.show(connection, code, approval_id)
        story = tell(connection, services().profile, approval)
        return stale.shown(approval.state, approval.content_sha256, story)
