"""延滞金等から見た期別: an instalment with what was charged, waived, agreed and given up of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments import approve
from payments.charges import charges_among
from payments.domain.errors import NotFoundError
from payments.limitation import limitations_of
from payments.plans import list_of_places
from payments.write_off import write_offs_of
from reconcile.charges import planning, waiving, write_offs
from reconcile.charges.due import charges_due, claims_of
from reconcile.charges.register import charges_of_notices
from reconcile.charges.waived import waivers

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.charges import Charge, PlaceKey
    from payments.domain.profile import Profile
    from payments.limitation import Prescribing
    from payments.plans import Plan
    from payments.write_off import WriteOff
    from reconcile.charges.due import Basis, Claim
    from reconcile.charges.register import BookedCharge
    from reconcile.charges.waived import Waiver

KINDS = (waiving.KIND, planning.KIND, write_offs.KIND, write_offs.REVERSAL_KIND)


@dataclass(frozen=True, slots=True)
class ClaimView:
    """期別と、それに付くもの: as the books stand now."""

    claim: Claim
    levy_year: int
    notice_no: str
    of: Charge | None  # what this is a charge on; None: a tax or fee of its own
    charges: tuple[BookedCharge, ...]
    certain_yen: int | None  # the charge that is certain now; None: it is not
    basis: Basis | None
    waivers: tuple[Waiver, ...]
    plans: tuple[Plan, ...]
    write_offs: tuple[WriteOff, ...]
    limitation: Prescribing | None
    together: tuple[tuple[int, str, str, int], ...]  # open with it: notice, term, name, yen
    waiting: tuple[Approval, ...]

    @property
    def place(self) -> str:
        """科目/賦課年度/通知書番号/期別."""
        return f"{self.claim.item_code}/{self.levy_year}/{self.notice_no}/{self.claim.term}"


_NOTICE = """
SELECT levy_year, notice_no FROM notice WHERE municipality_code = :m AND notice_id = :notice_id"""
# The notice is one of its list: with an OR beside it PostgreSQL reads every instalment of the city.
_TOGETHER = """
SELECT a.notice_id, a.term, n.item_code, n.levy_year, n.notice_no,
    a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen
FROM instalment_account a
JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
WHERE a.municipality_code = :m AND a.notice_id IN (
    SELECT CAST(:notice_id AS BIGINT) UNION SELECT b.notice_id FROM late_charge_booking b
    WHERE b.municipality_code = :m AND b.principal_notice_id = :notice_id)
  AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen > 0
ORDER BY n.item_code, n.notice_no, a.term"""


def claim_view(connection: Connection, profile: Profile, place: PlaceKey) -> ClaimView:
    """期別と、それに付くもの; :class:`NotFoundError` ``claim``."""
    code, (notice_id, term) = profile.municipality_code, place
    claims = claims_of(connection, code, [place])
    if not claims:
        raise NotFoundError("claim", found=f"{notice_id}/{term}")
    scope = {"m": code, "notice_id": notice_id}
    notice = connection.execute(text(_NOTICE), scope).one()
    due = charges_due(profile, claims)
    booked = charges_of_notices(connection, code, [notice_id])
    together = connection.execute(text(_TOGETHER), scope).all()
    waiting = (
        approval
        for kind in KINDS
        for approval in approve.of_subject(connection, code, kind, write_offs.subject_of([place]))
        if not approval.decision
    )
    return ClaimView(
        claims[0],
        notice.levy_year,
        notice.notice_no,
        charges_among(connection, code, [place]).get(place),
        tuple(each for each in booked if each.principal_term == term),
        due.yen[place] if claims[0].paid_up else None,
        due.basis.get(place),
        tuple(w for w in waivers(connection, code, [notice_id]) if w.term == term),
        tuple(list_of_places(connection, code, [place])),
        tuple(w for w in write_offs_of(connection, code, [notice_id]) if w.term == term),
        limitations_of(connection, profile, [notice_id]).get(place),
        tuple(
            (
                row.notice_id,
                row.term,
                f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}",
                int(row.open_yen),
            )
            for row in together
        ),
        tuple(waiting),
    )
