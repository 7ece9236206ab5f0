"""資料の送付元: who sends files to a municipality, as its profile names them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payments.domain.profile import Profile

STATEMENT_FORMATS = {"03": "zengin_statement", "01": "zengin_credit"}
# What comes on every bank business day; the rest comes when there is something to say.
DAILY = frozenset({"konbini_dsk", "konbini_muf120", "konbini_mizuho120", "eltax"})


@dataclass(frozen=True, slots=True)
class Source:
    """送付元: one sender or account whose files are awaited."""

    code: str
    format_code: str
    agent: str  # of source_file, "" where the format alone says it
    name: str
    daily: bool

    def sent(self, format_code: str, agent: str) -> bool:
        """Whether a file of this format and agent is one of this source's."""
        return format_code == self.format_code and self.agent in {"", agent}


def sources(profile: Profile) -> tuple[Source, ...]:
    """The sources that a municipality's profile names, in the order of the report."""
    found = []
    for agent in profile.agents:
        if agent.code == "eltax":
            found += [
                Source("eltax", "eltax_payment", "", agent.payer_name, daily=True),
                Source("eltax_remittance", "eltax_remittance", "", agent.payer_name, daily=False),
            ]
        elif agent.code == "debit":
            found.append(Source("debit", "debit_result", "", agent.payer_name, daily=False))
        else:
            daily = agent.code in DAILY
            found.append(Source(agent.code, agent.code, "", agent.payer_name, daily=daily))
    for account in profile.accounts:
        form = STATEMENT_FORMATS[account.money_kind]
        name = f"{account.bank_name} {account.branch_name} {account.account_no}"
        found.append(Source(f"bank:{account.key}", form, account.key, name, daily=True))
    return tuple(found)


def as_date(value: object) -> date | None:
    """A date, whether the database gave one or its ISO text."""
    if value is None or isinstance(value, date):
        return value
    return date.fromisoformat(str(value))
