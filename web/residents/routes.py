"""本人のページ: one's own slips and instalments, and the papers about them (law.md 10.1, level 2).

Everything shown is about the one person to whom the signed-in resident is linked; no address and no
form ever names a person. Every view is written down before it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, Response, redirect, render_template, request, session, url_for

from payments.domain.errors import InvalidValueError, KokinError, NotFoundError
from payments.domain.identifiers import ElNumber
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.person_account import person_account
from reconcile.refunds.state import refund_state
from reconcile.status import data_cut_offs
from web import clock, formatting, messages
from web.calc.tables import rates_of
from web.certificates import confirmation
from web.certificates.paper import paper_pdf
from web.enquiries import typed
from web.errors import status_of
from web.language import translated
from web.residents import contacts, linking, sessions
from web.residents.own import charges_for, only_items, own_levies
from web.residents.payment_paper import payment_paper
from web.residents.sessions import me
from web.residents.views import own_views, record_view
from web.security import limiter
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from reconcile.person_account import PersonAccount
    from reconcile.status import CutOff

own = Blueprint("own", __name__, url_prefix="/my")


class Shown(NamedTuple):
    """What a page of one's own rests on: the account, and up to when each channel has reported."""

    account: PersonAccount
    cut_offs: tuple[CutOff, ...]
    names: dict[str, str]


def who() -> str:
    """Requests are counted per person, wherever they come from."""
    return f"resident:{me().resident_id}"


@own.get("/account")
@limiter.limit("60 per minute", key_func=who)
def overview() -> BaseResponse | str:
    """納付状況: every levy with its instalments, and what the states rest on."""
    obligor_no = linked()
    if not obligor_no:
        return redirect(url_for("own.link"), 303)
    record_view(me().resident_id, obligor_no, "overview")
    shown = _shown(obligor_no)
    code, profile, today = services().municipality, services().profile, clock.today()
    with reading(services().engine, code) as connection:
        views = own_views(connection, code, obligor_no)
        refunds = [
            each
            for each in refund_state(connection, profile, obligor_no, today)
            if each.item_code in shown_items()
        ]
    return render_template(
        "residents/overview.html",
        levies=own_levies(shown.account, today),
        refunds=refunds,
        cut_offs=shown.cut_offs,
        names=shown.names,
        views=views,
        said_year=formatting.fiscal_year,
    )


@own.get("/late-charge")
@limiter.limit("60 per minute", key_func=who)
def late_charge() -> BaseResponse | str | tuple[str, int]:
    """延滞金の試算 on a day: what each open instalment would bear if it were paid then."""
    obligor_no = linked()
    if not obligor_no:
        return redirect(url_for("own.link"), 303)
    record_view(me().resident_id, obligor_no, "preview")
    shown, error, charges = _shown(obligor_no), "", None
    on = clock.today()
    try:
        on = _day(request.args.get("on", ""))
        rates = rates_of(services().settings)
        charges = charges_for(shown.account, on, services().profile.charges, rates)
    except InvalidValueError as refused:
        error = messages.error(refused.error_code, refused.details)
    levies = own_levies(shown.account, clock.today(), charges)
    open_now = [
        (levy, claim) for levy in levies for claim in levy.claims if claim.charge_yen is not None
    ]
    page = render_template(
        "residents/late_charge.html",
        on=on, today=clock.today(), error=error, names=shown.names, rows=open_now,
        beyond=any(
            claim.open_yen and claim.due_on < on and claim.charge_yen is None
            for levy in levies
            for claim in levy.claims
        ),
        total_yen=sum(claim.charge_yen or 0 for _levy, claim in open_now),
        said_year=formatting.fiscal_year,
    )  # fmt: skip
    return (page, 422) if error else page


@own.post("/confirmation")
@limiter.limit("20 per hour", key_func=who)
def take_confirmation() -> BaseResponse:
    """納付確認書 of one levy and year, or of everything, as PDF with a code to check it by."""
    obligor_no = linked()
    if not obligor_no:
        return redirect(url_for("own.link"), 303)
    record_view(me().resident_id, obligor_no, "confirmation")
    shown, profile, now = _shown(obligor_no), services().profile, clock.now()
    wanted = (request.form.get("item", "")[:3], request.form.get("year", 0, int) or 0)
    paper = payment_paper(profile, shown.account, shown.cut_offs, wanted, now)
    if not paper.rows:
        raise NotFoundError("confirmation_empty")
    with unit_of_work(services().engine, services().municipality) as connection:
        issued = confirmation.issue(
            connection, services().settings, services().municipality, paper,
            issued_to=me().resident_id, obligor_no=obligor_no,
        )  # fmt: skip
    check_at = url_for("verifying.ask", _external=True)
    return Response(
        paper_pdf(paper, issued, check_at),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="payment-{clock.today()}.pdf"'},
    )


# ---- link ----


@own.get("/link")
def link() -> BaseResponse | str:
    """結び付け: the form, or what became of it."""
    if linked():
        return redirect(url_for("own.overview"), 303)
    return _link_page(typed.parts_of())


@own.post("/link")
@limiter.limit("5 per hour; 10 per day", key_func=who)
def ask_link() -> BaseResponse | tuple[str, int]:
    """結び付けの申出 by a slip of one's own."""
    parts = typed.typed(request.form)
    number = typed.number_of(parts)
    if number is None:
        return _link_page(parts), 422
    code = services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            state = linking.ask(connection, services().settings, code, me(), number)
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _link_page(parts, said), status_of(error)
    return redirect(url_for("own.overview" if state == linking.LINKED else "own.link"), 303)


@own.post("/link/drop")
def drop_link() -> BaseResponse:
    """確認依頼の取下げ; the next attempt begins with a new sign-in."""
    with unit_of_work(services().engine, services().municipality) as connection:
        linking.drop(connection, services().municipality, me().resident_id)
        sessions.end(connection, services().municipality, me().resident_id)
    session.clear()
    return redirect(url_for("residents.welcome"), 303)


@own.post("/unlink")
def unlink() -> BaseResponse:
    """結び付けの解除 by the person; they are signed out everywhere."""
    code, resident_id = services().municipality, me().resident_id
    with unit_of_work(services().engine, code) as connection:
        linking.unlink(connection, code, resident_id, how=linking.BY_RESIDENT, actor="")
        contacts.stop_all(connection, code, resident_id)
        sessions.end(connection, code, resident_id)
    session.clear()
    return redirect(url_for("residents.welcome"), 303)


@own.post("/sign-out")
def sign_out() -> BaseResponse:
    """サインアウト, on every device."""
    with unit_of_work(services().engine, services().municipality) as connection:
        sessions.end(connection, services().municipality, me().resident_id)
    session.clear()
    return redirect(url_for("residents.welcome"), 303)


# ---- parts ----


def linked() -> str:
    """宛名番号 of who is signed in; "" before they are linked."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        return linking.obligor_of(connection, code, me().resident_id)


def _shown(obligor_no: str) -> Shown:
    code, profile = services().municipality, services().profile
    with reading(services().engine, code) as connection:
        account = only_items(person_account(connection, code, obligor_no), shown_items())
        cut_offs = _cut_offs(connection)
    return Shown(account, cut_offs, {item.item_code: item.name for item in profile.items})


def shown_items() -> tuple[str, ...]:
    """科目 that somebody's own page may show."""
    return services().settings.residents[services().municipality].shown_items


def _cut_offs(connection: Connection) -> tuple[CutOff, ...]:
    return data_cut_offs(connection, services().profile, clock.now(), clock.today())


def _link_page(parts: list[typed.Part], error: str = "") -> str:
    code, resident_id = services().municipality, me().resident_id
    with reading(services().engine, code) as connection:
        waiting = linking.waiting_of(connection, code, resident_id) is not None
        refused = linking.last_refused(connection, code, resident_id)
    return render_template(
        "residents/link.html",
        parts=parts, error=error, waiting=waiting, refused=refused,
        part_names={name: translated(said) for name, said in ElNumber.LABELS_JA.items()},
        stale=me().claims is None and not waiting,
    )  # fmt: skip


def _day(text: str) -> date:
    """日付, today when nothing was asked; :class:`InvalidValueError` ``not_a_day``."""
    day = day_or_none(text) if text else clock.today()
    if day is None:
        raise InvalidValueError("not_a_day", field="date", found=text[:20], expected="YYYY-MM-DD")
    return day
