"""まとめた印刷の画面: what a run would hold, then its plan; the scheduler prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, redirect, render_template, request, url_for

from payments import print_runs
from payments.domain.errors import InvalidValueError, KokinError
from payments.print_runs import PlanTotal, Selection
from payments.print_selection import KINDS, ORDERS
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages, stale
from web.accounts.record import record
from web.duties import Do
from web.errors import status_of
from web.printing.asked import new_place
from web.printing.plan import AUTO, FULL, Wish, plan_for
from web.security import may
from web.services import services
from web.slips.run_routes import runs
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from datetime import date

    from werkzeug.wrappers import Response as BaseResponse

MOST = 100_000  # slips of one run that a page plans; more are planned by command
TYPED_MAX = 40

__all__ = ["runs"]


@runs.get("/new")
@may(Do.ISSUE_SLIPS)
def ask() -> str:
    """The form: which slips."""
    return _form({"limit": str(MOST)})


@runs.post("/new")
@may(Do.ISSUE_SLIPS)
def plan() -> BaseResponse | str | tuple[str, int]:
    """見積り, then 計画: what was looked at is frozen, or shown again as it stands now."""
    typed = {name: value.strip()[:TYPED_MAX] for name, value in request.form.items()}
    code, home = services().municipality, services().settings.home
    totals: list[PlanTotal] = []
    try:
        selection = _selection(typed)
        if typed.get("do") != "start":
            with reading(services().engine, code) as connection:
                totals = print_runs.plan_totals(connection, code, selection, on=clock.today())
            return _form(typed, totals=totals, selection=selection)
        folder = new_place(home, code)
        wish = Wish(read_back=FULL if typed.get("read_back") == FULL else AUTO)
        with unit_of_work(services().engine, code) as connection:
            totals = print_runs.plan_totals(connection, code, selection, on=clock.today())
            stale.require_shown(_version(selection, totals))
            run_id = print_runs.plan_run(
                connection, load_profile(connection, code), selection,
                plan_for(connection, code, folder, wish),
                actor=g.user.user_name, at=clock.now(), on=clock.today(),
            )  # fmt: skip
            record(connection, "print_planned", f"run:{run_id}")
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        shown = totals or None
        return _form(typed, totals=shown, selection=Selection(), error=said), status_of(error)
    return redirect(url_for("runs.show", run_id=run_id), 303)


def _form(
    typed: dict[str, str],
    *,
    totals: list[PlanTotal] | None = None,
    selection: Selection | None = None,
    error: str = "",
) -> str:
    items = services().profile.items
    return render_template(
        "slips/start.html", typed=typed, totals=totals, error=error, items=items,
        names={item.item_code: item.name for item in items}, kinds=KINDS, orders=tuple(ORDERS),
        most=MOST, full=FULL, auto=AUTO, field=stale.FIELD,
        version=_version(selection, totals or []) if selection else "",
        slips=sum(each.slips for each in totals or []),
        amount_yen=sum(each.amount_yen for each in totals or []),
    )  # fmt: skip


def _version(selection: Selection, totals: list[PlanTotal]) -> str:
    return stale.shown(selection, totals)


def _selection(typed: dict[str, str]) -> Selection:
    """印刷の対象 of the form; what was typed wrongly is named."""
    if typed.get("item_code", "") not in {item.item_code for item in services().profile.items}:
        raise InvalidValueError("print_item")
    return Selection(
        item_code=typed["item_code"],
        levy_year=_number(typed.get("levy_year", ""), "levy_year", 2_100),
        kinds=typed.get("kinds") or "both",
        order=typed.get("order") or "postal",
        limit=_number(typed.get("limit", ""), "limit", MOST) or MOST,
        due_from=_day(typed.get("due_from", "")),
        due_to=_day(typed.get("due_to", "")),
        with_direct_debit=typed.get("with_direct_debit") == "1",
        with_collection_hold=typed.get("with_collection_hold") == "1",
        with_revoked=typed.get("with_revoked") == "1",
        again=typed.get("again") == "1",
    )


def _day(typed: str) -> date | None:
    """A day of the form, or None; :class:`InvalidValueError` ``day_typed``."""
    day = day_or_none(typed)
    if typed and day is None:
        raise InvalidValueError("day_typed", found=typed)
    return day


def _number(typed: str, field: str, most: int) -> int | None:
    """A number of the form, or None; :class:`InvalidValueError` ``print_number``."""
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and 0 < int(typed) <= most):
        raise InvalidValueError("print_number", field=field, found=typed, expected=f"1..{most:,}")
    return int(typed)
