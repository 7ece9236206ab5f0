"""検算・還付の通知: what a person was told about their overpayment, and from when thirty days ran.

A notice says what was found out about an overpayment, which is sealed; its day is the one from
which interest may be left out (地方税法17条の4②), and it names that day's consequence itself.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from payments.domain.overpayment import claim_late_from
from reconcile.verify.walk import Difference, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_NOTICES = """
SELECT r.notice_no, r.obligor_no, r.subject, r.kind, r.content_json,
    CAST(r.noticed_on AS VARCHAR(10)) AS noticed_on
FROM refund_notice r WHERE r.municipality_code = :m ORDER BY r.notice_no"""
# What was found out about the same overpayment, the last first.
_CLASSED = """
SELECT c.obligor_no, c.reason, CAST(c.paid_on AS VARCHAR(10)) AS paid_on,
    CAST(c.arose_on AS VARCHAR(10)) AS arose_on,
    CAST(c.interest_from_on AS VARCHAR(10)) AS interest_from_on, n.item_code, n.levy_year,
    n.notice_no, c.term
FROM overpayment c
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = c.notice_id
WHERE c.municipality_code = :m AND c.subject = :subject ORDER BY c.overpayment_no DESC"""
_SAID = (
    "obligor_no", "reason", "paid_on", "arose_on", "interest_from_on", "place", "claim_late_on",
    "total_yen", "kind",
)  # fmt: skip


def refund_notices(store: Store) -> Iterator[Difference]:
    """還付・充当の通知 against what was found out, and against themselves."""
    for row in list(store.rows(_NOTICES)):
        said = json.loads(row.content_json)
        found = (
            row.obligor_no,
            *(said[name] for name in ("reason", "paid_on", "arose_on", "interest_from_on")),
            said["place"],
            said["claim_late_on"],
            said["total_yen"],
            row.kind,
        )
        late_on = claim_late_from(date.fromisoformat(row.noticed_on)).isoformat()
        of_itself = (late_on, *_sums(said))
        could = [
            (*fact[:5], [*fact[5:]], *of_itself)
            for fact in store.rows(_CLASSED, subject=row.subject)
        ]
        if not could:
            yield Difference("refund_notice", f"notice:{row.notice_no}", row.subject, "")
        elif found not in could:
            yield Difference(
                "refund_notice", f"notice:{row.notice_no}", shown(_SAID, could[0], found),
                shown(_SAID, found, could[0]),
            )  # fmt: skip


def _sums(said: dict[str, Any]) -> tuple[int, str]:
    """All yen of a notice, and whether these go back, elsewhere, or both."""
    parts = sum(part["amount_yen"] for part in said["parts"])
    kind = "refund"
    if parts:
        kind = "both" if said["refund_yen"] else "appropriation"
    return parts + said["refund_yen"], kind
