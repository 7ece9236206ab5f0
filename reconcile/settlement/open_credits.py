"""未照合の入金: the credits that wait, the groups that are open, and what people took apart.

Reads only; :mod:`reconcile.settlement.search` decides about what is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from reconcile.settlement.line_books import as_date
from reconcile.settlement.search import Credit, Group, OpenCredit, payer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.settlement.search import CreditKey

_DEPOSITS = """
SELECT d.file_id, d.line_no, d.account_key, d.agent, d.state, d.amount_yen, d.booked_on,
    b.payer_code, b.payer_name, b.remarks, b.edi
FROM deposit d
JOIN bank_line b ON b.municipality_code = :m AND b.file_id = d.file_id AND b.line_no = d.line_no
WHERE d.municipality_code = :m AND {which} ORDER BY d.booked_on, d.file_id, d.line_no"""
_GROUPS = """
SELECT group_id, ref, remitted_on, confirmed_yen - {fee} - credited_yen AS expected
FROM remittance_group
WHERE municipality_code = :m AND agent = :agent AND confirmed_yen - {fee} <> credited_yen
  AND remitted_on IS NOT NULL"""
_BOOKED_FEE = """CASE WHEN confirmed_yen = credited_yen THEN 0 ELSE COALESCE((
    SELECT SUM(s.fee_yen) FROM settlement s WHERE s.municipality_code = :m
      AND s.group_id = remittance_group.group_id), 0) END"""
_BLOCKED = """
SELECT file_id, line_no, group_id FROM link_block
WHERE municipality_code = :m AND group_id IS NOT NULL"""
_NAMED = """
SELECT 1 FROM remittance_group
WHERE municipality_code = :m AND agent = 'eltax' AND ref = :ref"""


class Deposit(NamedTuple):
    """A credit line in hand; ``state`` is open, settled (it has its place) or withdrawn."""

    file_id: int
    line_no: int
    account_key: str
    agent: str
    credit: Credit
    state: str = "open"

    @property
    def key(self) -> CreditKey:
        """Its file and line."""
        return self.file_id, self.line_no

    @property
    def subject(self) -> str:
        """確認事項の対象: ``file:line``."""
        return f"{self.file_id}:{self.line_no}"


def credit_of(row: Any) -> Credit:
    """The credit that a row of ``bank_line`` (with its amount) describes."""
    return Credit(
        amount_yen=row.amount_yen,
        booked_on=as_date(row.booked_on),
        payer_code=row.payer_code,
        payer_name=row.payer_name,
        remarks=row.remarks,
        edi=row.edi.strip(),
    )


def agent_of(connection: Connection, profile: Profile, credit: Credit) -> str:
    """The payer among our agents; a remittance number of ours names eLTAX by itself."""
    agent = payer_of(credit, profile)
    if agent or not credit.edi:
        return agent
    values = {"m": profile.municipality_code, "ref": credit.edi}
    return "eltax" if connection.execute(text(_NAMED), values).first() else ""


def open_deposits(connection: Connection, profile: Profile) -> list[Deposit]:
    """未照合の入金, by 勘定日, then intake."""
    return _deposits(connection, profile, "d.state = 'open'", {})


def deposit_at(
    connection: Connection, profile: Profile, file_id: int, line_no: int
) -> Deposit | None:
    """入金 of this line, whatever became of it; None when the line is none."""
    which = "d.file_id = :file_id AND d.line_no = :line_no"
    found = _deposits(connection, profile, which, {"file_id": file_id, "line_no": line_no})
    return found[0] if found else None


def _deposits(
    connection: Connection, profile: Profile, which: str, values: dict[str, Any]
) -> list[Deposit]:
    rows = connection.execute(
        text(_DEPOSITS.format(which=which)), {"m": profile.municipality_code, **values}
    ).all()
    found = []
    for row in rows:
        credit = credit_of(row)
        agent = row.agent or agent_of(connection, profile, credit)
        found.append(Deposit(row.file_id, row.line_no, row.account_key, agent, credit, row.state))
    return found


def is_net(profile: Profile, agent: str) -> bool:
    """差引入金か: whether the agent keeps its fee back (profile)."""
    terms = profile.agent(agent)
    return terms is not None and terms.is_net


def groups_of(connection: Connection, profile: Profile, agent: str) -> list[Group]:
    """払込 of the agent with what is still expected of each, net where the profile says so.

    Of an agent that no longer keeps its fee back, what was booked as one stays one.
    """
    fee = "fee_yen" if is_net(profile, agent) else _BOOKED_FEE
    rows = connection.execute(
        text(_GROUPS.format(fee=fee)), {"m": profile.municipality_code, "agent": agent}
    )
    return [Group(r.group_id, r.ref, as_date(r.remitted_on), r.expected) for r in rows]


def waiting_of(
    connection: Connection, municipality_code: str, deposits: Sequence[Deposit]
) -> list[OpenCredit]:
    """The credits as they are decided about, each with the groups that people took from it."""
    blocked: dict[CreditKey, set[int]] = {}
    for row in connection.execute(text(_BLOCKED), {"m": municipality_code}):
        blocked.setdefault((row.file_id, row.line_no), set()).add(row.group_id)
    return [
        OpenCredit(deposit.key, deposit.credit, frozenset(blocked.get(deposit.key, ())))
        for deposit in deposits
    ]
