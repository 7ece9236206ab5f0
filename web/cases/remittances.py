"""比べた払込: what a credit should have contained, beside what it brought.

A case about a difference names the remittances it was held against (outcomes.md 7); here stand
their sums as the books are now, and by how much the money is more or less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, text

from payments.versions import as_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from web.placements.panel import Panel

_GROUPS = text(
    """SELECT group_id, ref, remitted_on, confirmed_yen, fee_yen, credited_yen
       FROM remittance_group
       WHERE municipality_code = :m AND agent = :agent AND ref IN :refs ORDER BY group_id"""
).bindparams(bindparam("refs", expanding=True))


class Compared(NamedTuple):
    """払込と入金: yen; ``fee_yen`` only where the agent deducts it from what it remits."""

    group_id: int
    ref: str
    remitted_on: date | None
    confirmed_yen: int
    fee_yen: int
    credited_yen: int
    amount_yen: int

    @property
    def left_yen(self) -> int:
        """まだ入るはずの額."""
        return self.confirmed_yen - self.fee_yen - self.credited_yen

    @property
    def differs_yen(self) -> int:
        """入金との差: more than should have come, or less."""
        return self.amount_yen - self.left_yen


def compared_with(
    connection: Connection, profile: Profile, panel: Panel | None, refs: Sequence[str]
) -> list[Compared]:
    """The remittances of the credit's agent under these references; none for other lines."""
    if panel is None or not panel.agent or not refs:
        return []
    terms = profile.agent(panel.agent)
    net = terms is not None and terms.is_net
    rows = connection.execute(
        _GROUPS, {"m": profile.municipality_code, "agent": panel.agent, "refs": list(refs)}
    )
    return [
        Compared(
            row.group_id, row.ref, row.remitted_on and as_day(row.remitted_on), row.confirmed_yen,
            row.fee_yen if net else 0, row.credited_yen, panel.amount_yen,
        )
        for row in rows
    ]  # fmt: skip
