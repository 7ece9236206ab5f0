"""収納状況の画面: a person's account, opened by a number and for a purpose that is recorded.

No address, and no log that keeps addresses, ever holds a number of a person: numbers come by POST,
and the address of an account is the random handle of its view (地方税法22条).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for

from payments.domain.errors import InvalidValueError, KokinError, NotFoundError
from payments.domain.late_charge_levies import shipped_levies
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.person_account import person_account
from reconcile.person_letters import letters_to
from web import clock, messages
from web.accounts.record import record
from web.calc.tables import rates_of
from web.certificates import confirmation
from web.csv_download import csv_answer
from web.duties import Do, can
from web.errors import status_of
from web.people.account import (
    PARTS,
    Wanted,
    choices,
    claims_of,
    narrowed,
    page_of,
    total_of,
    totals_of,
)
from web.people.export import account_csv, views_csv
from web.people.find import KINDS, find_person, names_of, person_of_notice
from web.people.late import LEVY, charges_on, require_levy, working_of
from web.people.purpose import (
    PURPOSES,
    View,
    begin_view,
    check_purpose,
    person_behind,
    require_purpose,
    views_in_force,
)
from web.people.timeline import places_of, timeline
from web.people.views import Asked, all_views, list_views
from web.security import may
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from reconcile.person_account import PersonAccount
    from reconcile.person_letters import Letter

NUMBER_MAX = 300
VIEWS_SHOWN = 200

people = Blueprint("people", __name__, url_prefix="/staff/people")


@people.get("")
@may(Do.READ_PERSON)
def ask() -> str:
    """The form, and the accounts that this session has open."""
    return _form({})


@people.post("")
@may(Do.READ_PERSON)
def find() -> BaseResponse | tuple[str, int]:
    """Open the account that a number leads to; the purpose is written down before it is shown."""
    typed = {name: value.strip()[:NUMBER_MAX] for name, value in request.form.items()}
    code = services().municipality
    try:
        check_purpose(typed.get("purpose", ""), typed.get("note", ""))
        with unit_of_work(services().engine, code) as connection:
            obligor_no = _person(connection, code, typed)
            view_id = begin_view(
                connection, obligor_no, typed.get("purpose", ""), typed.get("note", "")
            )
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _form(typed, error=said, wrong=error.error_code), status_of(error)
    return redirect(url_for("people.show", view_id=view_id), 303)


@people.get("/notices/<int:notice_id>")
@may(Do.READ_PERSON)
def of_notice(notice_id: int) -> BaseResponse | str:
    """The account of whose notice it is; asks for the purpose unless one is in force."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        obligor_no = person_of_notice(connection, code, notice_id)
        open_now = {view.obligor_no: view.view_id for view in views_in_force(connection)}
    if obligor_no in open_now:
        return redirect(url_for("people.show", view_id=open_now[obligor_no]), 303)
    return _form({"notice_id": str(notice_id)})


@people.get("/<view_id>")
@may(Do.READ_PERSON)
def show(view_id: str) -> str | tuple[str, int]:
    """収納状況: totals, instalments, slips, payments, holds, cases, or all of it as a timeline."""
    view = require_purpose(view_id)
    if view is None:
        return _form({"view_id": view_id}, lapsed=True), 403
    account = _account(view)
    wanted, part = _wanted(), request.args.get("part", PARTS[0])
    part = part if part in PARTS else PARTS[0]
    shown = narrowed(account, wanted)
    on, levy, charges, error = _late(account, shown)
    claims = claims_of(shown, on, charges)
    items, years = choices(account)
    page = render_template(
        "people/show.html",
        view=view,
        person=account.person,
        account=shown,
        places=places_of(account.instalments),
        names=_names(),
        totals=totals_of(claims),
        total=total_of(claims),
        suspense_yen=sum(each.suspense_yen for each in shown.receipts),
        differing=account.differing(),
        part=part,
        parts=PARTS,
        counts=_counts(shown),
        page=page_of(
            _rows(part, shown, claims, view),
            request.args.get("page", 1, int) or 1,
            everything=request.args.get("rows") == "all",
        ),
        wanted=wanted,
        items=items,
        years=years,
        on=on,
        levy=levy,
        levies=shipped_levies().names,
        error=error,
        today=clock.today(),
        messages=messages,
        may_read_refunds=can(g.user, Do.READ_REFUNDS),
    )
    # A year whose rate is not announced yet hides the late charges, not the account.
    asked = request.args.get("on") or request.args.get("levy")
    return (page, 422) if error and asked else page


@people.get("/<view_id>/late-charge/<int:notice_id>/<term>")
@may(Do.READ_PERSON)
def late_charge(view_id: str, notice_id: int, term: str) -> str | tuple[str, int]:
    """延滞金の過程 of one instalment on the day."""
    view = require_purpose(view_id)
    if view is None:
        return _form({"view_id": view_id}, lapsed=True), 403
    account = _account(view)
    mine = [i for i in account.instalments if (i.notice_id, i.term) == (notice_id, term)]
    if not mine:
        raise NotFoundError("claim", found=f"{notice_id}/{term}")
    on, levy = _day(request.args.get("on", "")), require_levy(request.args.get("levy", LEVY))
    held = claims_of(account, on, None)[account.instalments.index(mine[0])].held
    return render_template(
        "people/late_charge.html",
        view=view,
        person=account.person,
        instalment=mine[0],
        names=_names(),
        on=on,
        levy=shipped_levies().names[levy],
        held_names=[messages.label("hold_kind", kind) for kind in held],
        working=working_of(account, mine[0], on, levy, rates_of(services().settings)),
    )


@people.get("/<view_id>/account.csv")
@may(Do.READ_PERSON)
def download(view_id: str) -> Response | tuple[str, int]:
    """収納状況 as CSV; that it was taken is written down."""
    view = require_purpose(view_id)
    if view is None:
        return _form({"view_id": view_id}, lapsed=True), 403
    with unit_of_work(services().engine, services().municipality) as connection:
        record(connection, "account_exported", f"view:{view.view_id}")
    account = _account(view)
    shown = narrowed(account, _wanted())
    on, _levy, charges, _error = _late(account, shown)
    entries = timeline(shown, _letters(view), _papers(view))
    pieces = account_csv(claims_of(shown, on, charges), entries, _names())
    return csv_answer(f"account-{clock.today()}.csv", pieces)


@people.get("/views")
@may(Do.READ_VIEWS)
def views() -> str:
    """閲覧の記録: the newest."""
    return _views_page({}, Asked())


@people.post("/views")
@may(Do.READ_VIEWS)
def find_views() -> str | tuple[str, int] | Response:
    """閲覧の記録 by person, looker and days; on the page, or as CSV."""
    typed = {name: value.strip()[:NUMBER_MAX] for name, value in request.form.items()}
    try:
        asked = Asked(
            typed.get("obligor_no", ""),
            typed.get("actor", ""),
            _maybe_day(typed.get("from_on", "")),
            _maybe_day(typed.get("until_on", "")),
        )
    except InvalidValueError as error:
        said = messages.error(error.error_code, error.details)
        return _views_page(typed, Asked(), error=said), 422
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        record(connection, "views_listed", "csv" if typed.get("form") == "csv" else "page")
    if typed.get("form") == "csv":
        return csv_answer(f"views-{clock.today()}.csv", _streamed(asked))
    return _views_page(typed, asked)


# ---- parts ----


def _person(connection: Connection, code: str, typed: dict[str, str]) -> str:
    """Whose account is asked for: by a handle, by a notice of the books, or by a number."""
    if typed.get("view_id"):
        return person_behind(connection, typed["view_id"])
    if typed.get("notice_id", "").isdecimal():
        return person_of_notice(connection, code, int(typed["notice_id"][:18]))
    return find_person(connection, code, typed.get("number", ""), typed.get("kind", KINDS[0]))


def _form(typed: dict[str, str], *, error: str = "", wrong: str = "", lapsed: bool = False) -> str:
    """番号と目的, with what was typed."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        open_now = views_in_force(connection)
        names = names_of(connection, code, [view.obligor_no for view in open_now])
    return render_template(
        "people/ask.html",
        typed=typed,
        error=error,
        wrong=wrong,
        lapsed=lapsed,
        purposes=PURPOSES,
        kinds=KINDS,
        open_now=[(view, names.get(view.obligor_no, "")) for view in open_now],
    )


def _account(view: View) -> PersonAccount:
    with reading(services().engine, services().municipality) as connection:
        return person_account(connection, services().municipality, view.obligor_no)


def _letters(view: View) -> tuple[Letter, ...]:
    with reading(services().engine, services().municipality) as connection:
        return letters_to(connection, services().municipality, view.obligor_no)


def _papers(view: View) -> list[tuple[str, datetime]]:
    with reading(services().engine, services().municipality) as connection:
        return confirmation.of_person(connection, services().municipality, view.obligor_no)


def _names() -> dict[str, str]:
    return {item.item_code: item.name for item in services().profile.items}


def _wanted() -> Wanted:
    return Wanted(request.args.get("item", "")[:3], request.args.get("year", 0, int) or 0)


def _late(
    account: PersonAccount, shown: PersonAccount
) -> tuple[date, str, dict[tuple[int, str], int] | None, str]:
    """Day, levy and late charges as asked for; the error in place of the charges."""
    levy = request.args.get("levy", LEVY)
    try:
        on = _day(request.args.get("on", ""))
    except InvalidValueError as error:
        return clock.today(), LEVY, None, messages.error(error.error_code, error.details)
    try:
        require_levy(levy)
        rates = rates_of(services().settings)
        return on, levy, charges_on(account, shown.instalments, on, levy, rates), ""
    except InvalidValueError as error:
        return on, LEVY, None, messages.error(error.error_code, error.details)


def _rows(part: str, account: PersonAccount, claims: list[Any], view: View) -> list[Any]:
    """The rows of a part, as its table shows them."""
    if part == "instalments":
        return claims
    if part == "timeline":
        return timeline(account, _letters(view), _papers(view))
    return list(getattr(account, part))


def _counts(account: PersonAccount) -> dict[str, int | None]:
    """件数 of each part; the timeline has that of nothing in particular."""
    return {part: None if part == "timeline" else len(getattr(account, part)) for part in PARTS}


def _day(text: str) -> date:
    """日付, today when nothing was asked; :class:`InvalidValueError` ``not_a_day``."""
    return _maybe_day(text) or clock.today()


def _maybe_day(text: str) -> date | None:
    if not text:
        return None
    day = day_or_none(text)
    if day is None:
        raise InvalidValueError("not_a_day", field="date", found=text[:20], expected="YYYY-MM-DD")
    return day


def _views_page(typed: dict[str, str], asked: Asked, error: str = "") -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        rows = list_views(connection, code, asked, limit=VIEWS_SHOWN + 1)
    return render_template(
        "people/views.html",
        typed=typed,
        error=error,
        rows=rows[:VIEWS_SHOWN],
        more=len(rows) > VIEWS_SHOWN,
        shown=VIEWS_SHOWN,
    )


def _streamed(asked: Asked) -> Iterator[bytes]:
    engine, code = services().engine, services().municipality

    def pieces() -> Iterator[bytes]:
        with reading(engine, code) as connection:
            yield from views_csv(all_views(connection, code, asked))

    return pieces()
