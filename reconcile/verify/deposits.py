"""検算・入金の払込人: whose money a credit is, by its line and the settings.

A credit waits for the remittances of its payer only. Whoever gives it to another agent, or to none,
lets it settle what that one owes, or lets it wait for ever, and it still adds up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.verify.heads import Settings
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payments.domain.profile import Profile
    from reconcile.verify.walk import Store

_CREDITS = """
SELECT d.file_id, d.line_no, d.agent, d.ref, b.edi, b.payer_code, b.payer_name, b.remarks,
    CAST(j.made_at AS VARCHAR(40)) AS made_at
FROM deposit d
JOIN bank_line b ON b.municipality_code = :m AND b.file_id = d.file_id AND b.line_no = d.line_no
LEFT JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = d.file_id
    AND o.line_no = d.line_no AND o.revision = 1
LEFT JOIN journal j ON j.municipality_code = :m AND j.journal_id = o.journal_id
WHERE d.municipality_code = :m ORDER BY d.file_id, d.line_no"""
_REMITTED = """
SELECT DISTINCT g.ref FROM remittance_group g
JOIN deposit d ON d.municipality_code = :m AND d.ref = g.ref
WHERE g.municipality_code = :m AND g.agent = 'eltax'"""


def deposits(store: Store) -> Iterator[Difference]:
    """入金: the payer and the remittance number of every credit."""
    remitted = {row.ref for row in store.rows(_REMITTED)}
    settings = Settings(store)
    for row in store.rows(_CREDITS):
        subject = f"{row.file_id}:{row.line_no}"
        if row.ref != row.edi:
            yield Difference("deposit", subject, f"ref={row.edi}", f"ref={row.ref}")
        if row.agent in _payers(store.profile, row, remitted) or row.made_at is None:
            continue
        # The agent of then may have another code today.
        expected = _payers(settings.at(row.made_at), row, remitted)
        if row.agent not in expected:
            yield Difference("deposit", subject, f"agent={expected[0]}", f"agent={row.agent}")


def _payers(profile: Profile, row: Any, remitted: set[str]) -> tuple[str, ...]:
    """The agents that may have paid: the one of the code, else of the name, else of the number.

    A number counts once its remittance is known; before that the credit is nobody's.
    """
    if row.payer_code:
        found = [each.code for each in profile.agents if each.payer_code == row.payer_code]
    else:
        said = (row.payer_name.strip(), row.remarks.strip())
        found = [each.code for each in profile.agents if each.payer_name in said]
    if found:
        return (found[0],)
    return ("", "eltax") if row.edi and row.edi in remitted else ("",)
