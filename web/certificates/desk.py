"""納税証明の画面: the basis of a certificate, its paper, and the file about vehicles.

Numbers of people come by POST; that somebody looked is recorded.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, RefusedError
from payments.domain.fiscal import fiscal_year
from payments.domain.reason import REASON_MAX, require_reason
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.certificate import (
    KIND,
    basis_of,
    despite_content,
    lacking,
    require_complete,
    vehicle_states,
)
from web import clock, messages
from web.accounts.record import record
from web.approval_roles import require_asker
from web.certificates import confirmation
from web.certificates.feed import as_csv, vehicle_feed
from web.certificates.paper import paper_pdf
from web.certificates.tax_paper import channel_words, seen_words, tax_paper
from web.duties import Do
from web.errors import status_of
from web.people.purpose import OTHER, begin_view
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from payments.domain.profile import Profile
    from reconcile.certificate import Basis

certificates = Blueprint("certificates", __name__, url_prefix="/staff/certificates")
_PERSON = re.compile(r"[0-9A-Za-z]{1,15}")
YEAR_DIGITS = 4


@certificates.get("")
@may(Do.CERTIFY)
def ask() -> str:
    """The form, and whether every channel is complete."""
    return _page()


@certificates.post("")
@may(Do.CERTIFY)
def show() -> str | tuple[str, int]:
    """証明の基礎 of a person."""
    try:
        return _page(basis=_basis())
    except KokinError as error:
        return _page(error=_said(error)), status_of(error)


@certificates.post("/paper")
@may(Do.CERTIFY)
def paper() -> Response | tuple[str, int]:
    """証明の書面 as PDF with its code; kept sealed, so that anybody can check it."""
    try:
        basis, code = _basis(), services().municipality
        said = tax_paper(services().profile, basis, clock.now())
        with unit_of_work(services().engine, code) as connection:
            issued = confirmation.issue(
                connection, services().settings, code, said, issued_to=g.user.user_name,
                obligor_no=basis.obligor_no,
            )  # fmt: skip
            record(connection, "certificate_issued", f"{said.kind} {basis.cut_off_on}")
    except KokinError as error:
        return _page(error=_said(error)), status_of(error)
    pdf = paper_pdf(said, issued, url_for("verifying.ask", _external=True))
    return _file(pdf, "application/pdf", "certificate.pdf")


@certificates.post("/vehicles")
@may(Do.CERTIFY)
def vehicles() -> Response | tuple[str, int]:
    """車両の納付状況 of a year as a signed file."""
    typed = request.form.get("year", "")
    code = services().municipality
    try:
        if not (typed.isascii() and typed.isdigit() and len(typed) == YEAR_DIGITS):
            raise InvalidValueError("certificate_year", found=typed)
        now = clock.now()
        with unit_of_work(services().engine, code) as connection:
            profile = load_profile(connection, code)
            states, complete = vehicle_states(connection, profile, int(typed), clock.today(), now)
            record(connection, "vehicle_feed_taken", typed)
    except KokinError as error:
        return _page(error=_said(error)), status_of(error)
    feed = vehicle_feed(services().settings, profile, states, complete, clock.in_japan(now))
    if request.form.get("form") == "csv":
        return _file(as_csv(feed), "text/csv; charset=utf-8", f"vehicles-{typed}.csv")
    data = json.dumps(feed, ensure_ascii=False, indent=1).encode()
    return _file(data, "application/json", f"vehicles-{typed}.json")


@certificates.post("/despite")
@may(Do.CERTIFY)
def ask_despite() -> BaseResponse | tuple[str, int]:
    """資料が未着のままの証明の依頼: the first of two people, for today."""
    code, today, now = services().municipality, clock.today(), clock.now()
    try:
        require_asker(g.user, KIND)
        with unit_of_work(services().engine, code) as connection:
            content = despite_content(connection, load_profile(connection, code), today, now)
            approval = approve.ask(
                connection, code, KIND, today.isoformat(), content, asked_by=g.user.user_name,
                at=now, reason=require_reason(request.form.get("reason", "")),
            )  # fmt: skip
            record(connection, "certificate_despite_asked", today.isoformat())
    except KokinError as error:
        return _page(error=_said(error)), status_of(error)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


def _basis() -> Basis:
    number = request.form.get("obligor_no", "").strip()
    if not _PERSON.fullmatch(number):
        raise InvalidValueError("debit_payer", found=number)
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        profile = load_profile(connection, code)
        found = basis_of(connection, profile, number, clock.today(), clock.now())
        begin_view(connection, number, OTHER, seen_words(found))  # whose figures, of which day
    return found


def _page(basis: Basis | None = None, error: str = "") -> str:
    code, today = services().municipality, clock.today()
    with reading(services().engine, code) as connection:
        profile = load_profile(connection, code)
        behind = lacking(connection, profile, today, clock.now())
        decided = _decided(connection, profile, today) if behind else None
    return render_template(
        "certificates/desk.html",
        basis=basis,
        error=error,
        behind={channel_words(profile, name): until for name, until in behind.items()},
        decided=decided,
        complete=_complete(profile, basis),
        typed=request.form.get("obligor_no", ""),
        year=fiscal_year(today),
        names={item.item_code: item.name for item in profile.items},
        reason_max=REASON_MAX,
    )


def _said(error: KokinError) -> str:
    """エラーの文, with what is behind named as people say it; up to when says the page."""
    details = dict(error.details)
    if "lacking" in details:
        codes = (each.rpartition(" ")[0] for each in str(details["lacking"]).split(", "))
        details["lacking"] = "、".join(channel_words(services().profile, code) for code in codes)
    return messages.error(error.error_code, details)


def _decided(connection: Connection, profile: Profile, today: date) -> int | None:
    """承認 of today by which certificates are made although a channel is behind, or None."""
    try:
        return require_complete(connection, profile, today, clock.now())[1]
    except RefusedError:
        return None


def _complete(profile: Profile, basis: Basis | None) -> dict[str, date]:
    """データの基準日 by the words for each channel."""
    if basis is None:
        return {}
    return {channel_words(profile, name): day for name, day in basis.complete_until.items()}


def _file(data: bytes, kind: str, name: str) -> Response:
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, content_type=kind, headers=headers)
