"""延滞金・分納・不納欠損の画面: lists, one instalment with all of it, asking, and plans.

No name of a person stands here: the account of whoever owes it is opened for a purpose
(:mod:`web.people.routes`).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for

from payments import approve
from payments import plans as books
from payments.domain.errors import InvalidValueError, KokinError, NotFoundError
from payments.domain.plans import even_payments, monthly
from payments.domain.reason import REASON_MAX
from payments.domain.write_off import Ground
from payments.limitation import prescribing
from payments.store.lookups import rows_about
from payments.store.unit_of_work import reading, unit_of_work
from payments.versions import Act
from payments.write_off import write_offs
from reconcile.charges import planning, waiving
from reconcile.charges import write_offs as giving_up
from reconcile.charges.booking import book_charges
from reconcile.charges.register import booked_charges, bookings_of
from reconcile.charges.view import claim_view
from web import clock, messages, stale
from web.accounts.record import record as note
from web.approval_roles import require_asker
from web.calc.questions import LateChargeAnswer
from web.calc.tables import rates_of
from web.calc.working import tell_late_charge
from web.charges.paper import plan_slips
from web.csv_download import csv_answer, csv_file
from web.duties import Do
from web.errors import status_of
from web.security import may
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from payments.charges import PlaceKey
    from reconcile.charges.due import Basis
    from reconcile.charges.view import ClaimView
    from web.calc.working import Working

SHOWN = 100
PARTS = ("charges", "plans", "write_offs", "prescribing")
WITHIN_MAX = 3_650
PARTS_MOST = 60
charges = Blueprint("charges", __name__, url_prefix="/staff/charges")


@charges.get("")
@may(Do.READ_CHARGES)
def listing() -> str:
    """The lists: charges, plans, write-offs, and what is prescribed soon."""
    code, profile = services().municipality, services().profile
    part = request.args.get("part", PARTS[0])
    part = part if part in PARTS else PARTS[0]
    below = request.args.get("below", 0, int) or 2**62
    within = _within()
    only_open = request.args.get("open") == "1"
    state = request.args.get("state", books.KEPT)
    state = state if state in (books.KEPT, *books.ENDS) else ""
    today = clock.today()
    readers: dict[str, Callable[[Connection], list[Any]]] = {
        "charges": lambda c: booked_charges(
            c, code, only_open=only_open, below=below, limit=SHOWN + 1
        ),
        "plans": lambda c: books.list_plans(c, code, state=state, below=below, limit=SHOWN + 1),
        "write_offs": lambda c: write_offs(c, code, below=below, limit=SHOWN + 1),
        "prescribing": lambda c: prescribing(c, profile, today, within_days=within),
    }
    with reading(services().engine, code) as connection:
        rows = readers[part](connection)
        stands, claims, waiting = {}, dict[int, Any](), list[approve.Approval]()
        if part == "write_offs":  # what one person has asked for, and nobody has decided
            claims = _claims(connection, code, rows[:SHOWN])
            waiting = [
                each
                for kind in (giving_up.KIND, giving_up.REVERSAL_KIND)
                for each in approve.approvals(connection, code, state=approve.WAITING, kind=kind)
            ]
        if part == "plans":
            grace = profile.charges.plan_grace_days
            stands = books.standings(connection, code, rows[:SHOWN], today, grace_days=grace)
    return render_template(
        "charges/listing.html", parts=PARTS, part=part, rows=rows[:SHOWN], number=len(rows),
        more=len(rows) > SHOWN, within=within, only_open=only_open, state=state, stands=stands,
        states=(books.KEPT, *books.ENDS), today=today, names=_names(), waiting=waiting,
        claims=claims,
    )  # fmt: skip


@charges.get("/prescribing.csv")
@may(Do.READ_CHARGES)
def take_prescribing() -> Response:
    """時効が近い期別 as CSV; that it was taken is written down."""
    within = _within()
    today = clock.today()
    with unit_of_work(services().engine, services().municipality) as connection:
        found = prescribing(connection, services().profile, today, within_days=within)
        note(connection, "prescribing_taken", str(len(found)))
    columns = (
        "科目",
        "賦課年度",
        "通知書番号",
        "期別",
        "納期限",
        "未納額",
        "時効の日",
        "残りの日数",
    )
    rows = (
        (
            each.item_code, each.levy_year, each.notice_no, each.term, each.due_on, each.open_yen,
            each.limitation.last_on, each.days_left(today),
        )
        for each in found
    )  # fmt: skip
    return csv_answer("prescribing.csv", csv_file(columns, rows))


@charges.get("/<int:notice_id>/<term>")
@may(Do.READ_CHARGES)
def show(notice_id: int, term: str) -> str:
    """One instalment: what was charged, waived, agreed and given up of it, and the next step."""
    return _page((notice_id, term), {})


@charges.post("/<int:notice_id>/<term>/book")
@may(Do.ASK_CHARGES)
def book(notice_id: int, term: str) -> BaseResponse | tuple[str, int]:
    """延滞金の調定 of this instalment, now."""
    place = (notice_id, term)
    with reading(services().engine, services().municipality) as connection:
        claim_view(connection, services().profile, place)  # 404 where there is no such instalment
    try:
        booked = book_charges(
            services().engine, services().municipality, on=clock.today(), actor=g.user.user_name,
            only=[place],
        )  # fmt: skip
        with unit_of_work(services().engine, services().municipality) as connection:
            note(connection, "charges_booked", str(booked.count))
    except KokinError as error:
        return _refused(place, error)
    return redirect(url_for("charges.show", notice_id=notice_id, term=term), 303)


@charges.post("/<int:notice_id>/<term>/waive")
@may(Do.ASK_CHARGES)
def waive(notice_id: int, term: str) -> BaseResponse | tuple[str, int]:
    """減免の依頼."""

    def ask(connection: Connection, place: PlaceKey, who: dict[str, Any]) -> int:
        form = request.form
        wish = waiving.Waiving(
            place,
            form.get("kind", ""),
            _yen(form.get("amount_yen", "")),
            day_or_none(form.get("from_on", "")),
            day_or_none(form.get("until_on", "")),
        )
        return waiving.ask_waiver(connection, services().municipality, wish, **who).approval_id

    return _ask((notice_id, term), waiving.KIND, ask)


@charges.post("/<int:notice_id>/<term>/write-off")
@may(Do.ASK_CHARGES)
def write_off(notice_id: int, term: str) -> BaseResponse | tuple[str, int]:
    """不納欠損の依頼."""

    def ask(connection: Connection, place: PlaceKey, who: dict[str, Any]) -> int:
        day = day_or_none(request.form.get("extinguished_on", ""))
        ground = request.form.get("ground", "")
        if day is None or ground not in {each.value for each in Ground}:
            raise InvalidValueError("write_off_ground", found=ground or "—")
        wish = giving_up.GivingUp((place,), Ground(ground), day)
        return giving_up.ask_write_off(
            connection, services().profile, wish, on=clock.today(), **who
        ).approval_id

    return _ask((notice_id, term), giving_up.KIND, ask)


@charges.post("/<int:notice_id>/<term>/take-up")
@may(Do.ASK_CHARGES)
def take_up(notice_id: int, term: str) -> BaseResponse | tuple[str, int]:
    """不納欠損の取消の依頼."""

    def ask(connection: Connection, place: PlaceKey, who: dict[str, Any]) -> int:
        return giving_up.ask_reversal(connection, services().municipality, place, **who).approval_id

    return _ask((notice_id, term), giving_up.REVERSAL_KIND, ask)


@charges.post("/<int:notice_id>/<term>/plan")
@may(Do.ASK_CHARGES)
def plan(notice_id: int, term: str) -> BaseResponse | tuple[str, int]:
    """分納の依頼, or its beginning where one person may agree it."""
    place, profile = (notice_id, term), services().profile
    try:
        require_asker(g.user, planning.KIND)
        with unit_of_work(services().engine, services().municipality) as connection:
            _require_as_shown(claim_view(connection, profile, place))
            places = [_place(each) for each in request.form.getlist("place")] or [place]
            first_on = day_or_none(request.form.get("first_on", ""))
            count = _yen(request.form.get("count", ""))
            if first_on is None or not 0 < count <= PARTS_MOST:
                raise InvalidValueError("plan_parts", found=count, expected=f"1..{PARTS_MOST}")
            _whose, owed = books.owed_on(connection, services().municipality, places)
            wanted = even_payments(sum(o.open_yen for o in owed), monthly(first_on, count))
            reason = request.form.get("reason", "")
            if profile.charges.plans_by_two:
                approval = planning.ask_plan(
                    connection, profile, places, wanted, asked_by=g.user.user_name,
                    at=clock.now(), reason=reason,
                )  # fmt: skip
                note(connection, "payment_plan_asked", str(approval.approval_id))
                there = url_for("approvals.show", approval_id=approval.approval_id)
            else:
                number = planning.begin(connection, profile, places, wanted, _act(), reason=reason)
                note(connection, "plan_begun", str(number))
                there = url_for("charges.show_plan", plan_no=number)
    except KokinError as error:
        return _refused(place, error)
    return redirect(there, 303)


@charges.get("/plans/<int:plan_no>")
@may(Do.READ_CHARGES)
def show_plan(plan_no: int) -> str:
    """One plan: its parts, what came, its slips."""
    return _plan_page(plan_no)


@charges.post("/plans/<int:plan_no>/cancel")
@may(Do.ASK_CHARGES)
def cancel_plan(plan_no: int) -> BaseResponse | tuple[str, int]:
    """分納の取消: its slips end; the claims stay as they are."""
    code = services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            reason = request.form.get("reason", "")
            books.end_plan(connection, code, plan_no, "cancelled", _act(), reason=reason)
            note(connection, "plan_cancelled", str(plan_no))
    except NotFoundError:
        raise
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _plan_page(plan_no, error=said), status_of(error)
    return redirect(url_for("charges.show_plan", plan_no=plan_no), 303)


@charges.get("/plans/<int:plan_no>/slips.pdf")
@may(Do.READ_SLIPS)
def plan_paper(plan_no: int) -> Response:
    """分納の納付書: the slips that are not paid yet, as one PDF; that it was taken is noted."""
    code = services().municipality
    out = io.BytesIO()
    with unit_of_work(services().engine, code) as connection:
        found = books.plan_of(connection, code, plan_no)
        plan_slips(connection, services().profile, found, out)
        note(connection, "plan_slips_taken", str(plan_no))
    headers = {"Content-Disposition": f'attachment; filename="plan-{plan_no}.pdf"'}
    return Response(out.getvalue(), content_type="application/pdf", headers=headers)


# ---- what they share ----


def _ask(
    place: PlaceKey, kind: str, ask: Callable[[Connection, PlaceKey, dict[str, Any]], int]
) -> BaseResponse | tuple[str, int]:
    """One person asks; the page of the approval says what the second one will decide."""
    try:
        require_asker(g.user, kind)
        who = {
            "asked_by": g.user.user_name,
            "at": clock.now(),
            "reason": request.form.get("reason", ""),
        }
        with unit_of_work(services().engine, services().municipality) as connection:
            _require_as_shown(claim_view(connection, services().profile, place))
            approval_id = ask(connection, place, who)
            note(connection, f"{kind}_asked", str(approval_id))
    except KokinError as error:
        return _refused(place, error)
    return redirect(url_for("approvals.show", approval_id=approval_id), 303)


def _refused(place: PlaceKey, error: KokinError) -> tuple[str, int]:
    """The page again, with the sentence and what was typed."""
    if isinstance(error, NotFoundError):
        raise error
    typed = {name: value.strip()[:REASON_MAX] for name, value in request.form.items()}
    said = messages.error(error.error_code, error.details)
    return _page(place, typed, error=said), status_of(error)


def _version(view: ClaimView) -> str:
    """版 of what a form is about."""
    return stale.shown(view.claim, view.charges, view.write_offs, view.together)


def _require_as_shown(view: ClaimView) -> None:
    stale.require_shown(_version(view))


def _page(place: PlaceKey, typed: dict[str, str], error: str = "") -> str:
    code, profile = services().municipality, services().profile
    with reading(services().engine, code) as connection:
        view = claim_view(connection, profile, place)
        bookings = {
            (each.notice_id, each.term): bookings_of(connection, code, each.notice_id, each.term)
            for each in view.charges
        }
    latest = next((b.basis for each in reversed(list(bookings.values())) for b in each), None)
    basis = view.basis or latest
    return render_template(
        "charges/show.html", view=view, bookings=bookings, typed=typed, error=error,
        working=_working(basis) if basis else None, basis=basis, grounds=tuple(Ground),
        waiver_kinds=waiving.KINDS, version=_version(view), reason_max=REASON_MAX,
        today=clock.today(), names=_names(), parts_most=PARTS_MOST,
        by_two=profile.charges.plans_by_two,
    )  # fmt: skip


def _working(basis: Basis) -> Working:
    """計算の過程, by the very code of the calculators."""
    found = basis.work_out()
    answer = LateChargeAnswer(found, basis.levy, basis.due_on, basis.payments, basis.left_out)
    return tell_late_charge(answer, rates_of(services().settings))


def _plan_page(plan_no: int, error: str = "") -> str:
    code = services().municipality
    today = clock.today()
    with reading(services().engine, code) as connection:
        found = books.plan_of(connection, code, plan_no)
        grace = services().profile.charges.plan_grace_days
        stands = books.standings(connection, code, [found], today, grace_days=grace)[plan_no]
    return render_template(
        "charges/plan.html", plan=found, stands=stands, error=error, reason_max=REASON_MAX,
        today=today, kept=found.state == books.KEPT,
    )  # fmt: skip


def _claims(connection: Connection, code: str, rows: list[Any]) -> dict[int, Any]:
    """通知書 of rows, by the numbers that people know them by."""
    found = rows_about(
        connection,
        "SELECT notice_id, item_code, levy_year, notice_no FROM notice "
        "WHERE municipality_code = :m AND notice_id IN :some",
        code,
        sorted({each.notice_id for each in rows}),
    )
    return {row.notice_id: row for row in found}


def _names() -> dict[str, str]:
    return {item.item_code: item.name for item in services().profile.items}


def _act() -> Act:
    return Act(g.user.user_name, clock.now(), clock.today())


def _yen(typed: str) -> int:
    """A number as typed; "" is 0; :class:`InvalidValueError` ``placement_yen``."""
    digits = typed.strip().replace(",", "").removesuffix("円")
    if digits and not (digits.isascii() and digits.isdigit()):
        raise InvalidValueError("placement_yen", found=typed)
    return int(digits or 0)


def _place(typed: str) -> PlaceKey:
    """``notice/term`` of a box that was ticked; :class:`NotFoundError` ``claim``."""
    notice_id, _slash, term = typed.partition("/")
    if not (notice_id.isascii() and notice_id.isdigit() and len(notice_id) < 19):
        raise NotFoundError("claim", found=typed)
    return int(notice_id), term


def _within() -> int:
    """時効までの日数 that is asked about; as the body has set it unless the address says."""
    own = services().profile.dunning.limitation_days
    return min(max(request.args.get("within", own, int), 0), WITHIN_MAX)
