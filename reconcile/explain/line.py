"""判定の説明: the decisions about one payment report, each with the facts of its moment.

The facts of outcomes.md 1 are restored as the deciding journal found them: what the line said and
which slip it named never change; what the instalments stood at is added up from the ledger
(:mod:`reconcile.explain.history`); what was known of the same payment follows from the outcomes of
the other reports, in their order. Then the rules are applied once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconcile.explain.evidence import flag, journals_of, plain
from reconcile.explain.history import APPLIES, REVERSALS, Moment, history_of
from reconcile.explain.model import Decision
from reconcile.explain.rules import try_rules
from reconcile.placement.placed import decided_by_people
from reconcile.rules import PLACEMENT_OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reconcile.explain.history import Entry, History, Standing
    from reconcile.explain.model import Facts

_ORDER = {"provisional": 1, "": 1, "withdrawal": 2, "confirmed": 3}  # outcomes.md 2
_OUTCOMES = """
SELECT o.*, s.slip_no, s.amount_yen AS slip_yen, s.valid_until, s.version,
    s.notice_id AS slip_notice, s.term AS slip_term,
    (SELECT COUNT(*) FROM slip_event e
     WHERE e.municipality_code = :m AND e.slip_id = o.slip_id) AS slip_events
FROM line_outcome o
LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = o.slip_id
WHERE o.municipality_code = :m AND o.file_id = :file_id AND o.line_no = :line_no
ORDER BY o.revision"""
_RECEIPT = """
SELECT * FROM receipt
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"""


class Judged:
    """一明細の判定: one line with its outcomes, its receipt and the history of its notice."""

    def __init__(
        self,
        connection: Connection,
        municipality_code: str,
        line: Any,
        beside: Sequence[Any],
        entries: Sequence[Entry],
    ) -> None:
        """``beside`` are all reports of one identity, ``entries`` the postings about the line."""
        self.connection = connection
        self.code = municipality_code
        self.line = line
        self.beside = beside
        self.entries = entries
        scope = {"m": self.code, "file_id": line.file_id, "line_no": line.line_no}
        self.outcomes = connection.execute(text(_OUTCOMES), scope).all()
        self.receipt = connection.execute(text(_RECEIPT), scope).one_or_none()
        self.history: History | None = None
        if self.notice_id is not None:
            self.history = history_of(connection, self.code, self.notice_id)

    @property
    def notice_id(self) -> int | None:
        """The notice that the line's number named, None when it named none."""
        found = self.receipt.notice_id if self.receipt is not None else None
        if found is None and self.outcomes:
            found = self.outcomes[0].slip_notice
        return found

    @property
    def term(self) -> str:
        """The 期別 it named (00: 全期)."""
        found = self.receipt.term if self.receipt is not None else None
        return str(found or (self.outcomes[0].slip_term if self.outcomes else "") or "")

    def decisions(self) -> tuple[Decision, ...]:
        """判定: every revision of the outcome, oldest first."""
        journals = journals_of(self.connection, self.code, (o.journal_id for o in self.outcomes))
        moments = self._moments()
        found = []
        for outcome in self.outcomes:
            facts: Facts = {}
            tests: tuple[Any, ...] = ()
            agrees = None
            if outcome.outcome in PLACEMENT_OUTCOMES:
                facts = decided_by_people(
                    self.connection, self.code, self.line.file_id, self.line.line_no,
                    outcome.journal_id,
                )  # fmt: skip
            elif outcome.outcome != "withdrawn":  # decided by the line that withdrew it
                facts = self._facts(outcome, moments.get(outcome.revision))
                tests = try_rules(self.connection, facts)
                agrees = tests[-1].code == outcome.rule
                facts |= self._named(outcome, facts)
            found.append(
                Decision(
                    outcome.revision, outcome.outcome, outcome.rule, outcome.applied_yen,
                    outcome.suspense_yen, journals[outcome.journal_id], facts, tests, agrees,
                    unknown=self._unknown(outcome, facts),
                )
            )  # fmt: skip
        return tuple(found)

    def _moments(self) -> dict[int, Moment]:
        """Revision → when it was decided, by the block of legs that it booked."""
        found: dict[int, Moment] = {}
        for journal_id in {outcome.journal_id for outcome in self.outcomes}:
            turns = sorted(
                {
                    entry.turn
                    for entry in self.entries
                    if entry.journal_id == journal_id and entry.reason in {*APPLIES, "suspense"}
                }
            )
            booked = [
                outcome.revision
                for outcome in self.outcomes
                if outcome.journal_id == journal_id
                and outcome.applied_yen + outcome.suspense_yen > 0
            ]
            found |= {
                revision: Moment(journal_id, turn)
                for revision, turn in zip(booked, turns, strict=False)
            }
        return found

    def _facts(self, outcome: Any, moment: Moment | None) -> Facts:
        """The facts of outcomes.md 1 as the rules name them, at the moment of the decision."""
        line = self.line
        again = outcome.revision > 1
        known = line.fault is None and self.notice_id is not None
        is_el = flag(line.key_kind == "el")
        facts: Facts = {
            "fixed": {"I1": "repeat", "I2": "conflict"}.get(outcome.rule),
            "fault": line.fault,
            "is_debit": flag(line.channel == "debit"),
            "kind": line.kind,
            "stage": line.stage,
            "partner": None if again else _place(outcome),
            "confirmed_before": 0 if again else self._confirmed_before(outcome),
            "is_ours": flag(line.is_ours),
            "known": flag(known),
            "key_valid": flag(line.key_valid),
            "is_el": is_el,
            "amount": line.amount_yen,
            "superseded": flag(self.receipt is not None and self.receipt.superseded),
            "late": flag(
                outcome.valid_until is not None
                and line.paid_on is not None
                and str(line.paid_on) > str(outcome.valid_until)
            ),
        }
        if known and moment is not None and self.history is not None:
            facts |= self._money(outcome, self.history.covered(self.term, moment))
        return facts

    def _money(self, outcome: Any, covered: dict[str, Standing]) -> Facts:
        """What the covered instalments stood at."""
        outstanding = sum(standing.outstanding_yen for standing in covered.values())
        alternative = sum(
            standing.term_yen if standing.amount_yen > 0 else 0 for standing in covered.values()
        )
        if self.term != "00":
            alternative = sum(standing.whole_yen for standing in covered.values())
        slip_yen = outcome.slip_yen
        if slip_yen is None:  # a debit asks for the current amount of its instalment
            slip_yen = sum(standing.amount_yen for standing in covered.values())
        return {
            "live": flag(any(standing.amount_yen > 0 for standing in covered.values())),
            "outstanding": outstanding,
            "alternative_yen": alternative,
            "slip_yen": slip_yen,
            "due": min(slip_yen, outstanding),
        }

    def _named(self, outcome: Any, facts: Facts) -> Facts:
        """What the line named, beside what the rules look at."""
        named: Facts = {
            "slip_no": outcome.slip_no,
            "slip_version": outcome.version,
            "term": self.term or None,
            "valid_until": plain(outcome.valid_until),
            "paid_on": plain(self.line.paid_on),
        }
        if "live" in facts and self.history is not None:
            moment = self._moments()[outcome.revision]
            standings = self.history.covered(self.term, moment).values()
            named["instalment_yen"] = sum(standing.amount_yen for standing in standings)
            named["applied_before_yen"] = sum(
                s.term_yen + s.whole_yen - s.surplus_yen for s in standings
            )
            paid_by = self._paid_by(moment)
            if paid_by:
                named["paid_by"] = "、".join(paid_by)
        return {name: value for name, value in named.items() if value is not None}

    def _paid_by(self, moment: Moment) -> list[str]:
        """Which lines had settled what the slip covers, as file:line, oldest first."""
        if self.history is None:
            return []
        covered = self.history.covered(self.term)
        held: dict[tuple[int, int], int] = {}
        for entry in self.history.entries:
            if not entry.is_before(moment) or entry.term not in covered:
                continue
            key = (entry.file_id, entry.line_no)
            if entry.reason in APPLIES:
                held[key] = held.get(key, 0) + entry.amount_yen
            elif entry.reason in REVERSALS and entry.debit_account == "receivable":
                held[key] = held.get(key, 0) - entry.amount_yen
        return [f"{file_id}:{line_no}" for (file_id, line_no), yen in held.items() if yen > 0]

    def _confirmed_before(self, outcome: Any) -> int:
        """Whether a receipt of the same payment was confirmed when this line was decided.

        Told from the outcomes of the other reports: within a file they follow one another by
        stage, then by line (outcomes.md 2).
        """
        now = (outcome.journal_id, _ORDER.get(self.line.stage, 1), self.line.line_no)
        stages: dict[tuple[int, int], str] = {}
        by_line = {(row.file_id, row.line_no): row for row in self.beside}
        for row in sorted(self.beside, key=lambda found: (_when(found, by_line), found.revision)):
            if _when(row, by_line) >= now:
                break
            mine = (row.file_id, row.line_no)
            if row.outcome == "withdrawn":
                stages[mine] = "withdrawn"
            elif row.outcome == "confirms":
                stages[row.partner_file_id, row.partner_line_no] = "confirmed"
            elif row.booked_yen > 0 and mine not in stages:
                stages[mine] = "confirmed" if row.stage == "confirmed" else "provisional"
        return flag(
            any(
                stage == "confirmed" and by_line[place].payment_key == self.line.payment_key
                for place, stage in stages.items()
                if place in by_line
            )
        )

    def _unknown(self, outcome: Any, facts: Facts) -> tuple[str, ...]:
        """What the records do not tell: a register changes the state of a slip without a date."""
        undated = facts.get("superseded") and not outcome.slip_events
        return ("slip_state_undated",) if undated else ()


def _place(outcome: Any) -> int | None:
    """The partner as one number, as the rules know it (only whether there is one matters)."""
    return None if outcome.partner_file_id is None else int(outcome.partner_file_id)


def _when(row: Any, by_line: dict[tuple[int, int], Any]) -> tuple[int, int, int]:
    """When an outcome came about: its journal and, within it, the line that brought it."""
    cause = row
    if row.outcome == "withdrawn":
        cause = by_line.get((row.partner_file_id, row.partner_line_no), row)
    return (row.journal_id, _ORDER.get(cause.stage, 1), cause.line_no)
