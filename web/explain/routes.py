"""説明の画面: why a line, slip, receipt, credit or case stands as it does.

A number is asked for by POST and leads to the books' own numbers, so that no eL number with its
確認番号 ever stands in an address. Every view is recorded: what is shown is secret by law
(地方税法22条).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.domain.errors import KokinError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import explain_case, explain_claim, explain_line, explain_number
from reconcile.explain.model import UNPROVEN
from reconcile.explain.proof import proven
from web import messages
from web.accounts import staff
from web.duties import Do
from web.explain.leads import Lead, leads_of
from web.explain.story import tell, title
from web.placements.panel import panel_of
from web.security import may, source
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response

    from reconcile.explain.model import Explanation
    from web.placements.panel import Panel

NUMBER_MAX = 200
# Evidence that is held against its hash at every look: on a small server a tenth of a second.
AT_SIGHT_BYTES = 16 << 20

explaining = Blueprint("explain", __name__, url_prefix="/staff/explain")


@explaining.get("")
@may(Do.READ_DETAILS)
def ask() -> str:
    """The form."""
    return render_template("explain/ask.html", number="", error="")


@explaining.post("")
@may(Do.READ_DETAILS)
def find() -> Response | tuple[str, int]:
    """Lead to the explanation of a number."""
    number = request.form.get("number", "").strip()[:NUMBER_MAX]
    try:
        with reading(services().engine, services().municipality) as connection:
            subject = explain_number(connection, services().municipality, number).subject
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return render_template("explain/ask.html", number=number, error=said), 404
    if subject["kind"] == "line":
        place = url_for("explain.line", file_id=subject["file_id"], line_no=subject["line_no"])
    elif subject["term"]:
        place = url_for("explain.claim", notice_id=subject["notice_id"], term=str(subject["term"]))
    else:
        place = url_for("explain.notice", notice_id=subject["notice_id"])
    return redirect(place, 303)


@explaining.get("/lines/<int:file_id>/<int:line_no>")
@may(Do.READ_DETAILS)
def line(file_id: int, line_no: int) -> str:
    """One line."""
    return _show(
        f"line {file_id}:{line_no}",
        lambda connection, code: explain_line(connection, code, file_id, line_no),
    )


@explaining.get("/notices/<int:notice_id>")
@may(Do.READ_DETAILS)
def notice(notice_id: int) -> str:
    """Everything about a notice."""
    return _show(
        f"notice {notice_id}", lambda connection, code: explain_claim(connection, code, notice_id)
    )


@explaining.get("/notices/<int:notice_id>/<term>")
@may(Do.READ_DETAILS)
def claim(notice_id: int, term: str) -> str:
    """One instalment with its slips, or the 全期 slip (00)."""
    return _show(
        f"notice {notice_id}/{term[:2]}",
        lambda connection, code: explain_claim(connection, code, notice_id, term),
    )


@explaining.get("/cases/<int:case_no>")
@may(Do.READ_DETAILS)
def case(case_no: int) -> str:
    """What a case is about."""
    return _show(
        f"case {case_no}", lambda connection, code: explain_case(connection, code, case_no)
    )


def _panel(connection: Connection, explanation: Explanation) -> Panel | None:
    """The line whose money people may place elsewhere, when the explanation is about one."""
    subject = explanation.subject
    if subject["kind"] not in {"line", "receipt", "credit"}:
        return None
    place = int(str(subject["file_id"])), int(str(subject["line_no"]))
    panel = panel_of(connection, services().profile, *place)
    return panel if panel.kind else None


def _leads(connection: Connection, explanation: Explanation) -> list[Lead]:
    """Where else the claim stands, when the explanation is about one."""
    subject = explanation.subject
    if subject["kind"] not in {"slip", "instalment", "notice"} or not subject.get("notice_id"):
        return []
    place = int(str(subject["notice_id"])), str(subject.get("term") or "")
    return leads_of(connection, services().municipality, *place, g.user)


def _show(subject: str, explain: Callable[[Connection, str], Explanation]) -> str:
    """The page, and the record that somebody looked; ``?whole=1`` proves large files, too."""
    code = services().municipality
    most_bytes = None if request.args.get("whole") == "1" else AT_SIGHT_BYTES
    with reading(services().engine, code) as connection:
        explanation = proven(connection, code, explain(connection, code), most_bytes)
        panel = _panel(connection, explanation)
        leads = _leads(connection, explanation)
    with unit_of_work(services().engine, code) as connection:
        staff.record(connection, code, g.user.user_name, "explained", subject, source())
    return render_template(
        "explain/show.html",
        explanation=explanation,
        title=title(explanation),
        sections=tell(explanation),
        panel=panel,
        leads=leads,
        unproven=any(story.evidence.proof == UNPROVEN for story in explanation.stories),
    )
