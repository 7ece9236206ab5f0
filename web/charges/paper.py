"""分納の納付書: the slips of a plan that are not paid yet, drawn as one PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from payments.domain.errors import NotFoundError
from payments.print_runs import slip_to_print
from payments.store.lookups import rows_about
from payments.store.municipalities import is_live
from qr.draw.slip_pdf import draw_slips
from qr.layout.slip_page import PrintProfile
from web.printing.pages import slip_page
from web.slip_forms import own_layouts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from payments.plans import Plan


LAYOUT = "standard"  # of all: what the slips are for may differ
_UNPAID = """
SELECT s.slip_id FROM slip s WHERE s.municipality_code = :m AND s.slip_id IN :some
  AND s.state = 'new' AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.municipality_code = :m
    AND r.notice_id = s.notice_id AND r.slip_id = s.slip_id AND r.stage <> 'withdrawn')"""


def plan_slips(connection: Connection, profile: Profile, plan: Plan, out: BinaryIO) -> None:
    """納付書のPDF of the parts, in order of their days.

    Raises :class:`NotFoundError` ``plan_slips`` where none stands any more.
    """
    code = profile.municipality_code
    wanted = [slip_id for slip_id in plan.slips if slip_id is not None]
    unpaid = {row.slip_id for row in rows_about(connection, _UNPAID, code, wanted)}
    if not unpaid:
        raise NotFoundError("plan_slips", plan_no=plan.plan_no)
    slips = [slip_to_print(connection, code, slip_id) for slip_id in wanted if slip_id in unpaid]
    pages = [slip_page(slip, profile, LAYOUT) for slip in slips]
    live = is_live(connection, code)
    draw_slips(pages, out, PrintProfile(sample=not live, slip_layouts=own_layouts(profile)))
