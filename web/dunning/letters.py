"""督促状の印刷: the letters of a list as slips, by a print run of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.print_runs import Selection
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning.record import Happening, append, list_of, require_state
from web import clock
from web.printing.folder import held
from web.printing.plan import Wish, plan_for
from web.printing.run import begin, carry_out

if TYPE_CHECKING:
    from pathlib import Path

    from web.printing.run import Shop
    from web.printing.status import RunStatus

LAYOUT = "dunning"


def print_letters(shop: Shop, list_no: int, out: Path, layout: str = LAYOUT) -> RunStatus:
    """督促状の印刷 into a folder; the same folder again goes on where it stood.

    Raises :class:`RefusedError` ``dunning_state`` before two people agreed to the list, and what
    printing raises.
    """
    code = shop.municipality_code
    with reading(shop.engine, code) as connection:
        found = list_of(connection, code, list_no)
        require_state(found, "approved", "pull_drawn", "pull_confirmed")
    with held(out.absolute()) as folder:
        with reading(shop.engine, code) as connection:
            plan = plan_for(connection, code, folder.path, Wish(layout=layout))
        run = begin(shop, folder, Selection(dunning_list=list_no, kinds="term"), plan)
        if found.run_id != run.run_id:
            printing = Happening(
                "printing", clock.today(), shop.actor, clock.now(), run.slips, run.run_id
            )
            with unit_of_work(shop.engine, code) as connection:
                append(connection, code, list_no, printing)
        return carry_out(shop, folder, run)
