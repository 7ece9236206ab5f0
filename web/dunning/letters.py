"""督促状の印刷: the letters of a list as slips, by a print run of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from payments.print_runs import Selection
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning.record import Happening, append, list_of, require_state
from reconcile.dunning.sent import book_list_fees, fee_items
from web import clock
from web.printing.folder import held
from web.printing.layouts import layouts_by_item
from web.printing.plan import Wish, plan_for
from web.printing.run import begin, carry_out

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from payments.print_runs import RunPlan
    from web.printing.run import Shop
    from web.printing.status import RunStatus

LAYOUT, WITH_FEE = "dunning", "dunning_fee"


def print_letters(shop: Shop, list_no: int, out: Path, layout: str = LAYOUT) -> RunStatus:
    """督促状の印刷 into a folder; the same folder again goes on where it stood.

    Where the profile encloses the slips of 督促手数料, the fees are booked before, their slips
    follow in files of their own in the order of the letters, and the letters name them.

    Raises :class:`RefusedError` ``dunning_state`` before two people agreed to the list, and what
    printing raises.
    """
    code = shop.municipality_code
    with reading(shop.engine, code) as connection:
        found = list_of(connection, code, list_no)
        require_state(found, "approved", "pull_drawn", "pull_confirmed")
        enclosed = load_profile(connection, code).charges.fee_slip == "enclosed"
    if enclosed:
        book_list_fees(shop.engine, code, list_no, on=clock.today(), actor=shop.actor)
    with held(out.absolute()) as folder:
        with reading(shop.engine, code) as connection:
            plan = plan_for(connection, code, folder.path, Wish(layout=layout))
            if enclosed:
                plan = _with_fees(connection, code, list_no, plan, layout)
        wanted = Selection(dunning_list=list_no, kinds="term", with_fees=enclosed)
        run = begin(shop, folder, wanted, plan)
        if found.run_id != run.run_id:
            printing = Happening(
                "printing", clock.today(), shop.actor, clock.now(), found.listed_count, run.run_id
            )
            with unit_of_work(shop.engine, code) as connection:
                append(connection, code, list_no, printing)
        return carry_out(shop, folder, run)


def _with_fees(
    connection: Connection, code: str, list_no: int, plan: RunPlan, layout: str
) -> RunPlan:
    """様式: letters that name the slip enclosed with them; the fees on slips of their own form."""
    profile = load_profile(connection, code)
    bearing = fee_items(connection, code, list_no)
    own = layouts_by_item(profile)
    naming = layouts_by_item(profile, WITH_FEE if layout == LAYOUT else layout)
    fees = {each.fee_item for each in profile.charges.levies if each.fee_item}
    layouts = {
        item: own[item] if item in fees else naming[item] if item in bearing else planned
        for item, planned in plan.layouts.items()
    }
    return replace(plan, layouts=layouts)
