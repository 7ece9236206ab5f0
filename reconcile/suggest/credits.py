"""入金の候補: what a credit may be for: names and numbers in its texts, amounts, names learned.

A credit of one of our agents may be sums of remittance groups; any other one may be bills of the
person who paid, of a name learned from an earlier link, or of the number that was written.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from payments.domain.kana import fold_name
from reconcile.settlement.open_credits import deposit_at, groups_of, open_deposits, waiting_of
from reconcile.settlement.owed import Owed, owed_by_notices, owed_by_obligors
from reconcile.settlement.search import CreditDecision, decide_payer
from reconcile.settlement.subset_sums import AMOUNTS_MAX, subsets_with_sum
from reconcile.suggest.aliases import aliases_of
from reconcile.suggest.keys import names_in, near_names, written_numbers
from reconcile.suggest.parts import (
    OWED_MAX,
    READINGS_MAX,
    WAITING_MAX,
    Waiting,
    blocked_places,
    part_of,
    shares_with_others,
)
from reconcile.suggest.rules import Fact, Reading, SuggestedGroup, Suggestion, suggestions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.settlement.open_credits import Deposit

NAMESAKES_MAX = 30
STRANGERS_MAX = 300  # open credits of strangers looked through for the same payer
YEARS_BACK = 10  # levy years in which a notice number written on a transfer is looked up
_LENGTH_OF_EL, _LENGTH_OF_AREA, _LENGTH_OF_BARCODE = 34, 21, 44
_NOTICE_DIGITS = 10

_NAMES = """
SELECT obligor_no, kana_folded FROM obligor
WHERE municipality_code = :m AND kana_folded IN :names ORDER BY obligor_no LIMIT :most"""
_STRANGERS = """
SELECT d.file_id, d.line_no, d.amount_yen, b.payer_name FROM deposit d
JOIN bank_line b ON b.municipality_code = :m AND b.file_id = d.file_id AND b.line_no = d.line_no
WHERE d.municipality_code = :m AND d.state = 'open' AND d.agent = ''
ORDER BY d.file_id DESC, d.line_no DESC LIMIT :most"""
_SLIPS = """
SELECT k.notice_id, k.term FROM pay_key k WHERE k.municipality_code = :m AND k.pay_key IN :keys
UNION SELECT s.notice_id, s.term FROM slip s
WHERE s.municipality_code = :m AND s.slip_no IN :numbers"""
_NOTICES = """
SELECT notice_id FROM notice WHERE municipality_code = :m AND item_code IN :items
  AND levy_year IN :years AND notice_no IN :numbers ORDER BY notice_id"""


def credit_suggestions(
    connection: Connection, profile: Profile, file_id: int, line_no: int
) -> list[Suggestion]:
    """候補 of an open credit, the surest first."""
    deposit = deposit_at(connection, profile, file_id, line_no)
    if deposit is None or deposit.state != "open":
        return []
    if deposit.agent:
        return _of_agent(connection, profile, deposit)
    return _Stranger(connection, profile, deposit).suggestions()


# ---- credits of our agents ----


def _of_agent(connection: Connection, profile: Profile, deposit: Deposit) -> list[Suggestion]:
    """払込の組合せ that fit, when more than one does; people choose."""
    agent, key = deposit.agent, deposit.key
    mine = [one for one in open_deposits(connection, profile) if one.agent == agent]
    waiting = waiting_of(connection, profile.municipality_code, mine)
    groups = groups_of(connection, profile, agent)
    decision = decide_payer(waiting, agent, groups).get(key, CreditDecision("", ""))
    by_ref = {group.ref: group for group in groups}
    yen_of = {one.key: one.credit.amount_yen for one in waiting}
    facts = frozenset({Fact.GROUPS_SUM})
    readings = [
        Reading(
            facts,
            groups=tuple(
                SuggestedGroup(g.group_id, g.ref, g.remitted_on, g.expected_yen)
                for g in (by_ref[ref] for ref in refs)
            ),
        )
        for refs in decision.candidates or ([g.ref for g in decision.groups],)
        if refs
    ]
    readings += [
        Reading(
            facts,
            groups=(
                SuggestedGroup(by_ref[ref].group_id, ref, by_ref[ref].remitted_on, yen_of[key]),
            ),
            beside=tuple(f"{file_id}:{line}" for file_id, line in keys if (file_id, line) != key),
        )
        for ref, keys in decision.splits
    ]
    return suggestions_of(readings, cut=decision.more)


# ---- credits of others ----


class _Stranger:
    """直接の振込: what is known about one credit of a payer that is none of our agents."""

    def __init__(self, connection: Connection, profile: Profile, deposit: Deposit) -> None:
        """Read the texts of the credit."""
        self.connection = connection
        self.profile = profile
        self.code = profile.municipality_code
        self.deposit = deposit
        credit = deposit.credit
        self.yen = credit.amount_yen
        self.booked_on = credit.booked_on
        named = [credit.payer_name] if credit.payer_name.strip() else [credit.remarks]
        self.payer = fold_name(named[0])
        self.names = sorted({fold_name(name) for name in names_in(named)} - {""})
        self.numbers = written_numbers((credit.payer_name, credit.remarks, credit.edi))
        self.cut = False
        self.of_many = False

    def suggestions(self) -> list[Suggestion]:
        """候補: each way in which the amount is what somebody owes."""
        who = self._who()
        owed = owed_by_obligors(self.connection, self.code, sorted(who), most=OWED_MAX)
        self.cut |= len(owed) == OWED_MAX
        readings = list(self._by_number())
        for obligor_no, of_one in groupby(owed, key=lambda one: one.obligor_no):
            readings += self._sums(list(of_one), who[obligor_no])
        if not readings:
            for obligor_no, of_one in groupby(owed, key=lambda one: one.obligor_no):
                readings += shares_with_others(
                    self.connection,
                    self.code,
                    list(of_one),
                    self.deposit.subject,
                    self.yen,
                    who[obligor_no],
                    self._same_payer(),
                )
        blocked = blocked_places(self.connection, self.code, *self.deposit.key)
        kept = [
            reading
            for reading in readings
            if not any((part.notice_id, part.term) in blocked for part in reading.parts)
        ]
        if not kept and self.of_many:
            kept = [Reading(frozenset({Fact.NAME_OF_MANY}))]
        return suggestions_of(kept, cut=self.cut or self.of_many)

    def _who(self) -> dict[str, frozenset[Fact]]:
        """納付義務者 that the names may mean, and why: equal, learned, or else one sign away."""
        found: dict[str, set[Fact]] = {}
        equal = self._named(self.names, Fact.NAME_EQUAL, found)
        learned = {
            alias.obligor_no
            for alias in aliases_of(self.connection, self.code, self.names, on=self.booked_on)
        }
        for obligor_no in learned:
            found.setdefault(obligor_no, set()).add(Fact.ALIAS)
        if not found and not self.of_many:
            near = [near for name in self.names for near in near_names(name)]
            self._named(near, Fact.NAME_NEAR, found)
        if max(equal, len(found)) > 1 or self.of_many:
            for facts in found.values():
                facts.add(Fact.NAME_SHARED)
        return {obligor_no: frozenset(facts) for obligor_no, facts in found.items()}

    def _named(self, names: Sequence[str], fact: Fact, found: dict[str, set[Fact]]) -> int:
        """Obligors of these folded names; more than a handful are too many to be shown."""
        if not names:
            return 0
        rows = self.connection.execute(
            text(_NAMES).bindparams(bindparam("names", expanding=True)),
            {"m": self.code, "names": list(names), "most": NAMESAKES_MAX + 1},
        ).all()
        if len(rows) > NAMESAKES_MAX:
            self.of_many = True
            return len(rows)
        for row in rows:
            found.setdefault(row.obligor_no, set()).add(fact)
        return len(rows)

    def _sums(self, owed: list[Owed], facts: frozenset[Fact]) -> Iterator[Reading]:
        """一件または数件の合計: sets of one obligor's bills that are this amount together."""
        small = [one for one in owed if one.open_yen <= self.yen]
        self.cut |= len(small) > AMOUNTS_MAX
        small = small[:AMOUNTS_MAX]
        found = subsets_with_sum([one.open_yen for one in small], self.yen, most=READINGS_MAX + 1)
        self.cut |= len(found) > READINGS_MAX
        for places in found[:READINGS_MAX]:
            amount = Fact.AMOUNT_ONE if len(places) == 1 else Fact.AMOUNT_SUM
            parts = tuple(part_of(small[place], small[place].open_yen) for place in places)
            yield Reading(facts | {amount}, parts)

    def _by_number(self) -> Iterator[Reading]:
        """書かれた番号: what the slips and notices of these numbers are still open for."""
        if not self.numbers:
            return
        keys = [f"E{n}" for n in self.numbers if len(n) == _LENGTH_OF_EL]
        keys += [f"K{n}" for n in self.numbers if len(n) == _LENGTH_OF_AREA]
        keys += [f"K{n[8:29]}" for n in self.numbers if len(n) == _LENGTH_OF_BARCODE]
        slips = self._run(_SLIPS, keys=keys or [""], numbers=self.numbers)
        places = {(row.notice_id, row.term) for row in slips}
        written = [n.zfill(_NOTICE_DIGITS) for n in self.numbers if n.isdigit()] + self.numbers
        years = range(self.booked_on.year - YEARS_BACK, self.booked_on.year + 1)
        items = [item.item_code for item in self.profile.items]
        notices = self._run(_NOTICES, items=items, years=list(years), numbers=written)
        named = {row.notice_id for row in notices}
        wanted = sorted({notice_id for notice_id, _term in places} | named)
        owed = owed_by_notices(self.connection, self.code, wanted, most=OWED_MAX)
        self.cut |= len(owed) == OWED_MAX
        for notice_id, of_one in groupby(owed, key=lambda one: one.notice_id):
            bills = list(of_one)
            terms = {term for notice, term in places if notice == notice_id}
            meant = [one for one in bills if one.term in terms or "00" in terms]
            if meant:
                yield from self._sums(meant, frozenset({Fact.NUMBER_WRITTEN}))
            if notice_id in named:
                yield from self._sums(bills, frozenset({Fact.NOTICE_WRITTEN}))

    def _same_payer(self) -> list[Waiting]:
        """同じ振込名義の入金 that wait, too."""
        rows = self._run_plain(_STRANGERS, most=STRANGERS_MAX)
        return [
            Waiting(f"{row.file_id}:{row.line_no}", row.amount_yen)
            for row in rows
            if self.payer and fold_name(row.payer_name) == self.payer
        ][:WAITING_MAX]

    def _run(self, statement: str, **values: Any) -> list[Any]:
        bound = text(statement).bindparams(*(bindparam(name, expanding=True) for name in values))
        return list(self.connection.execute(bound, {"m": self.code, **values}))

    def _run_plain(self, statement: str, **values: Any) -> list[Any]:
        return list(self.connection.execute(text(statement), {"m": self.code, **values}))
