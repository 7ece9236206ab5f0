"""手数料: what agents collected, kept back and paid in, by agent and month of 払込日.

``fee_yen`` of a group is what the advice names or what the agreement says; it is deducted only
where the profile says that the agent pays net (自治令164四 繰替払). What an agent invoices is not
in the books: it is worked out from the unit price that the body entered in its profile, if any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

_GROUPS = """
SELECT agent, SUBSTR(CAST(remitted_on AS VARCHAR(10)), 1, 7) AS month, COUNT(*) AS groups,
    SUM(confirmed_count) AS number, SUM(confirmed_yen) AS gross, SUM(fee_yen) AS fee,
    SUM(credited_yen) AS credited
FROM remittance_group
WHERE municipality_code = :m AND remitted_on BETWEEN :first AND :last
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class FeeLine:
    """手数料の一行: the remittance groups of one agent with a 払込日 in one month."""

    agent: str
    month: str  # 2026-06
    groups: int
    count: int
    gross_yen: int  # 確報の合計
    fee_yen: int  # as advised or agreed
    deducted: bool  # 差引入金: the fee is kept back
    credited_yen: int
    invoiced_yen: int | None  # 請求の見込み: count × unit price; None where none is entered

    @property
    def net_yen(self) -> int:
        """差引入金額: what should have come."""
        return self.gross_yen - (self.fee_yen if self.deducted else 0)

    @property
    def difference_yen(self) -> int:
        """入金 less what should have come."""
        return self.credited_yen - self.net_yen

    @property
    def cost_yen(self) -> int | None:
        """費用: what the agent cost: deducted, or as invoiced; None where nobody has said."""
        return self.fee_yen if self.deducted else self.invoiced_yen


def fee_lines(
    connection: Connection, profile: Profile, first: date, last: date
) -> tuple[FeeLine, ...]:
    """手数料 of the groups with a 払込日 from ``first`` to ``last``."""
    values = {
        "m": profile.municipality_code,
        "first": first.isoformat(),
        "last": last.isoformat(),
    }
    prices = profile.costs.each_yen
    found = []
    for row in connection.execute(text(_GROUPS), values):
        terms = profile.agent(row.agent)
        deducted = terms is not None and terms.is_net
        price = prices.get(row.agent)
        invoiced = None if deducted or price is None else int(row.number) * price
        found.append(
            FeeLine(
                agent=str(row.agent),
                month=str(row.month),
                groups=int(row.groups),
                count=int(row.number),
                gross_yen=int(row.gross),
                fee_yen=int(row.fee),
                deducted=deducted,
                credited_yen=int(row.credited),
                invoiced_yen=invoiced,
            )
        )
    return tuple(found)


def by_agent(lines: Iterable[FeeLine]) -> dict[str, tuple[int, int | None]]:
    """払込元ごとの件数と費用: number and cost, None where a month has no known cost."""
    sums: dict[str, tuple[int, int | None]] = {}
    for line in lines:
        count, cost = sums.get(line.agent, (0, 0))
        known = None if cost is None or line.cost_yen is None else cost + line.cost_yen
        sums[line.agent] = (count + line.count, known)
    return sums
