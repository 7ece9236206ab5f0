"""検算・明細: everything that one line led to, held together line by line.

A line has its outcomes; a booking one has its receipt, a credit its deposit and settlements; and
the postings about it net to just what those say. The expectations are outcomes.md 4 to 7 written
down once more, apart from the rules of the engine.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.verify.announced import seen, superseded, taken_up_again
from reconcile.verify.heads import Settings
from reconcile.verify.plain import PAYMENTS, TABLE, plain_groups, plain_received, set_aside
from reconcile.verify.walk import Difference, Stream, shown, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store


class Ending(NamedTuple):
    """結末: what outcomes.md says about the money of a line and about a case."""

    applied: str = ""  # of a booking line: "all", "some" or "none"; "" books nothing
    case: bool = True


ENDINGS = {
    "malformed": Ending("none"),
    "other_municipality": Ending("none"),
    "invalid_key": Ending("none"),
    "unknown_slip": Ending("none"),
    "cancelled_assessment": Ending("none"),
    "duplicate": Ending("none"),
    "alternative_paid": Ending("some"),
    "superseded_slip": Ending("some"),
    "amount_mismatch": Ending("none"),
    "short": Ending("all"),
    "over": Ending("some"),
    "expired_slip": Ending("all"),
    "matched": Ending("all", case=False),
    "repeat": Ending(case=False),
    "conflict": Ending(),
    "confirms": Ending(case=False),
    "withdraws": Ending(case=False),
    "withdrawn": Ending(case=False),
    "withdrawal_after_confirmation": Ending(),
    "withdrawal_unmatched": Ending(),
    "debit_failed": Ending(case=False),
    "outgoing": Ending(case=False),
    "settled": Ending(case=False),
    "settlement_difference": Ending(),
    "refund_returned": Ending(),
    "direct_transfer": Ending(),
    "unidentified_deposit": Ending(),
    "information": Ending(case=False),
    "advised": Ending(case=False),
    "advice_difference": Ending(),
    "unlinked": Ending("none"),
    # What two people placed where is looked at by itself (reconcile.verify.placements).
    "placed": Ending("some", case=False),
}
# The state of a credit by the outcome of its line (outcomes.md 7).
DEPOSIT_STATES = {
    "settled": "settled",
    "settlement_difference": "open",
    "refund_returned": "open",
    "direct_transfer": "open",
    "unidentified_deposit": "open",
    "unlinked": "open",
    "placed": "settled",
    "withdrawn": "withdrawn",
}
_CREDITS = frozenset(DEPOSIT_STATES) - {"withdrawn"}
_RECEIPT = (
    "stage", "amount_yen", "paid_on", "applied_yen", "suspense_yen", "slip_id", "seen",
    "superseded",
)  # fmt: skip
_OF_CREDIT = (4, False)  # report and money in one, and no slip
_DEPOSIT = ("account_key", "amount_yen", "booked_on", "state")


class Story(NamedTuple):
    """一明細の全記録: the rows about one line, in the order of :data:`_STREAMS`."""

    lines: list[Any]
    outcomes: list[Any]
    reports: list[Any]  # lines that spoke of this one's payment again
    receipts: list[Any]
    deposits: list[Any]
    settlements: list[Any]
    bank_lines: list[Any]
    advice_lines: list[Any]
    postings: list[Any]
    cases: list[Any]

    @property
    def outcome(self) -> str:
        """The outcome in force."""
        return str(self.outcomes[-1].outcome)


_STREAMS = (
    """SELECT l.file_id, l.line_no, f.status, f.channel, f.agent, f.format_code, l.stage, l.kind,
              l.identity, l.slip_key, l.amount_yen, CAST(l.paid_on AS TEXT) AS paid_on,
              l.remittance_ref
       FROM {table} k
       CROSS JOIN source_line l
       JOIN source_file f ON f.municipality_code = :m AND f.file_id = l.file_id
       WHERE l.municipality_code = :m AND l.file_id = k.file_id AND l.line_no = k.line_no
       ORDER BY k.file_id, k.line_no""",
    """SELECT t.file_id, t.line_no, t.revision, t.outcome, t.applied_yen, t.suspense_yen, t.slip_id
       FROM {table} k CROSS JOIN line_outcome t {here}
       ORDER BY k.file_id, k.line_no, t.revision""",
    """SELECT o.partner_file_id, o.partner_line_no, o.outcome, l.stage, l.kind
       FROM line_outcome o
       JOIN {table} k ON k.file_id = o.partner_file_id AND k.line_no = o.partner_line_no
       JOIN source_line l ON l.municipality_code = :m AND l.file_id = o.file_id
        AND l.line_no = o.line_no
       WHERE o.municipality_code = :m AND o.outcome IN ('confirms', 'repeat')
       ORDER BY o.partner_file_id, o.partner_line_no""",
    """SELECT t.file_id, t.line_no, t.stage, t.amount_yen, CAST(t.paid_on AS TEXT) AS paid_on,
              t.applied_yen, t.suspense_yen, t.slip_id, t.seen, t.superseded, t.group_id,
              EXISTS (SELECT 1 FROM slip s WHERE s.municipality_code = :m
                  AND s.slip_id = t.slip_id AND s.state = 'new' AND NOT EXISTS (
                      SELECT 1 FROM slip n WHERE n.municipality_code = :m
                        AND n.notice_id = s.notice_id AND n.term = s.term
                        AND n.version > s.version)) AS stands
       FROM {table} k CROSS JOIN receipt t {here} ORDER BY k.file_id, k.line_no""",
    """SELECT t.file_id, t.line_no, t.account_key, t.amount_yen,
              CAST(t.booked_on AS TEXT) AS booked_on, t.state
       FROM {table} k CROSS JOIN deposit t {here} ORDER BY k.file_id, k.line_no""",
    """SELECT t.file_id, t.line_no, t.group_id, t.amount_yen, t.fee_yen
       FROM {table} k CROSS JOIN settlement t {here}
       ORDER BY k.file_id, k.line_no, t.group_id""",
    """SELECT t.file_id, t.line_no, t.account_key, t.source, t.direction,
              CAST(t.booked_on AS TEXT) AS booked_on
       FROM {table} k CROSS JOIN bank_line t {here} ORDER BY k.file_id, k.line_no""",
    """SELECT t.file_id, t.line_no, t.remittance_no, t.fee_yen
       FROM {table} k CROSS JOIN advice_line t {here} ORDER BY k.file_id, k.line_no""",
    # Claims and surpluses belong to instalments, refunds to overpayments.
    """SELECT p.subject_file_id, p.subject_line_no, p.debit_account, p.credit_account, p.amount_yen
       FROM posting p
       JOIN {table} k ON k.file_id = p.subject_file_id AND k.line_no = p.subject_line_no
       WHERE p.municipality_code = :m
        AND p.reason NOT IN ('assessment', 'correction', 'cancellation', 'surplus',
            'written_off', 'write_off_reversal', 'refund_decided', 'refund_cancelled',
            'refund_paid', 'refund_returned')
       ORDER BY p.subject_file_id, p.subject_line_no""",
    """SELECT c.file_id, c.line_no, c.kind
       FROM review_case c JOIN {table} k ON k.file_id = c.file_id AND k.line_no = c.line_no
       WHERE c.municipality_code = :m ORDER BY c.file_id, c.line_no""",
)
# Transfers that came back and were put back to their refund (reconcile.verify.refunds).
_PUT_BACK = """
SELECT file_id, line_no FROM refund_event WHERE municipality_code = :m AND event = 'returned'"""
# When each file of a bank was decided: by the settings of then.
_BANK_FILES = """
SELECT f.file_id, CAST(MIN(j.made_at) AS VARCHAR(40)) AS made_at FROM source_file f
JOIN journal j ON j.municipality_code = :m AND j.file_id = f.file_id
WHERE f.municipality_code = :m AND f.channel = 'bank' GROUP BY f.file_id"""
_HERE = "WHERE t.municipality_code = :m AND t.file_id = k.file_id AND t.line_no = k.line_no"

GroupKey = tuple[str, str, str]  # agent, ref, part


class LineWalk:
    """明細の検算: walk the lines; what all lines add up to stays for the totals."""

    def __init__(self, store: Store) -> None:
        """Nothing is added up yet."""
        self.store = store
        self.settings = Settings(store)
        self.decided_at = {row.file_id: row.made_at for row in store.rows(_BANK_FILES)}
        self.groups: dict[GroupKey, list[int]] = defaultdict(lambda: [0, 0])  # count, yen
        self.received: dict[int, list[int]] = defaultdict(lambda: [0, 0])  # by receipts' group_id
        self.fees: dict[str, int] = defaultdict(int)  # by remittance number
        self.taken_up = taken_up_again(store)
        self.put_back = {tuple(row) for row in store.rows(_PUT_BACK)}
        self.bank_yen = 0  # money that came in, less what went out
        self.open_yen = 0  # money that found no group

    def differences(self) -> Iterator[Difference]:
        """Every line that is not what its records say."""
        set_aside(self.store)
        self._add_plain()
        statements = (statement.format(table=TABLE, here=_HERE) for statement in _STREAMS)
        streams = (Stream(self.store.rows(statement)) for statement in statements)
        for (file_id, line_no), found in together(*streams):
            yield from self._line(f"{file_id}:{line_no}", Story(*found))

    def _add_plain(self) -> None:
        """Lines that need no look are part of the totals all the same."""
        for row in plain_groups(self.store):
            self.groups[row.agent, row.ref, row.part or ""] = [row.number, int(row.yen)]
        for row in plain_received(self.store):
            self.received[row.group_id] = [row.number, int(row.yen)]

    def _line(self, subject: str, story: Story) -> Iterator[Difference]:
        """One line, or what stands in the books about a line that is not there."""
        if not story.lines:
            for name, rows in (
                ("receipt", story.receipts),
                ("deposit", story.deposits),
                ("posting", story.postings),
            ):
                if rows:
                    yield Difference(name, subject, "", f"{len(rows)} without line")
            return
        line = story.lines[0]
        if line.status != "accepted":
            yield Difference("file_status", subject, "no line", line.status)
        self._add_receipts(story)
        if not story.outcomes:
            yield Difference("outcome_missing", subject, "1", "0")
            return
        revisions = [outcome.revision for outcome in story.outcomes]
        if revisions != list(range(1, len(revisions) + 1)):
            yield Difference(
                "outcome_revision", subject, f"1…{len(revisions)}", str(revisions)[1:-1]
            )
        if story.outcome not in ENDINGS:
            yield Difference("outcome_unknown", subject, "", story.outcome)
            return
        yield from _outcome_money(subject, line, story.outcomes[-1])
        if ENDINGS[story.outcome].case and story.outcome not in {c.kind for c in story.cases}:
            yield Difference("case_missing", subject, story.outcome, "")
        if line.channel in PAYMENTS:
            marks = self.taken_up.get((line.file_id, line.line_no), 0)
            yield from _receipt(subject, line, story, marks)
            self._add_to_group(line, story)
        if line.channel == "bank":
            yield from self._deposit(subject, line, story)
            yield from _of_credit(subject, story)
        yield from self._postings(subject, line, story)
        if story.advice_lines and story.outcome in {"advised", "advice_difference"}:
            self.fees[story.advice_lines[0].remittance_no] += story.advice_lines[0].fee_yen

    def _add_receipts(self, story: Story) -> None:
        """The same money once more, by the groups that the receipts name."""
        for receipt in story.receipts:
            malformed = bool(story.outcomes) and story.outcomes[0].outcome == "malformed"
            if receipt.stage == "confirmed" and receipt.group_id is not None and not malformed:
                total = self.received[receipt.group_id]
                total[0] += 1
                total[1] += receipt.amount_yen

    def _add_to_group(self, line: Any, story: Story) -> None:
        """払込単位: every confirmed payment that names it, in suspense or not (outcomes.md 9)."""
        first = story.outcomes[0].outcome
        counts = first == "confirms" or (ENDINGS[first].applied and first != "malformed")
        if line.stage != "confirmed" or not counts or story.outcome == "withdrawn":
            return
        agent, part = line.format_code, ""
        if line.channel == "notification":
            agent = line.agent
        if line.channel == "eltax" or agent == "eltax":
            agent = "eltax"
            part = f"{line.identity.partition(':')[0]}/{(line.slip_key or '')[31:]}"
        elif line.channel == "debit":
            agent = "debit"
        total = self.groups[agent, line.remittance_ref or "", part]
        total[0] += 1
        total[1] += line.amount_yen or 0

    def _is_money(self, story: Story) -> bool:
        """Whether the profile of then names this kind of file as the money of its account."""
        if not story.bank_lines:
            return False
        bank = story.bank_lines[0]
        made_at = self.decided_at.get(bank.file_id)
        profile = self.settings.at(made_at) if made_at else self.store.profile
        account = profile.account(bank.account_key)
        return account is not None and account.money_kind == bank.source

    def _deposit(self, subject: str, line: Any, story: Story) -> Iterator[Difference]:
        """入金: a credit of the account that is the money is a deposit, in its line's state."""
        expected: list[tuple[Any, ...]] = []
        if any(outcome.outcome in _CREDITS for outcome in story.outcomes):
            state = DEPOSIT_STATES.get(story.outcome, "")
            if story.outcome == "refund_returned" and (line.file_id, line.line_no) in self.put_back:
                state = "settled"
            # Without its bank line, which is missed by itself, no deposit is right.
            account_key, booked_on = (
                (story.bank_lines[0].account_key, story.bank_lines[0].booked_on)
                if story.bank_lines
                else ("", None)
            )
            expected = [(account_key, line.amount_yen, booked_on, state)]
            self.bank_yen += line.amount_yen if state != "withdrawn" else 0
            self.open_yen += line.amount_yen if state == "open" else 0
        elif story.outcome == "outgoing" and self._is_money(story):
            self.bank_yen -= line.amount_yen
        found = [tuple(row[2:]) for row in story.deposits]
        if expected != found:
            yield _unlike("deposit", subject, _DEPOSIT, expected, found)
        settled = sum(row.amount_yen for row in story.settlements)
        due = line.amount_yen if story.outcome == "settled" else 0
        if settled != due:
            yield Difference("settlement", subject, str(due), str(settled))

    def _postings(self, subject: str, line: Any, story: Story) -> Iterator[Difference]:
        """仕訳: all postings about the line together say what its receipt and deposit say."""
        expected: dict[str, int] = defaultdict(int)
        for receipt in story.receipts:
            expected["receivable"] -= receipt.applied_yen
            expected["suspense"] -= receipt.suspense_yen
            if receipt.stage != "withdrawn":
                due = "confirmed_due" if receipt.stage == "confirmed" else "reported"
                expected[due] += receipt.amount_yen
        for deposit in story.deposits:
            if deposit.state != "withdrawn":
                expected["bank"] += deposit.amount_yen
            if deposit.state == "open" or story.outcome == "refund_returned":
                expected["unidentified"] -= deposit.amount_yen
            if story.outcome == "placed":  # report and money in one
                expected["confirmed_due"] -= deposit.amount_yen
        for part in story.settlements:
            expected["confirmed_due"] -= part.amount_yen + part.fee_yen
            expected["fee"] += part.fee_yen
        if story.outcome == "outgoing" and self._is_money(story):
            expected["outgoing"] += line.amount_yen
            expected["bank"] -= line.amount_yen
        found: dict[str, int] = defaultdict(int)
        for posting in story.postings:
            found[posting.debit_account] += posting.amount_yen
            found[posting.credit_account] -= posting.amount_yen
        for account in sorted(expected.keys() | found.keys()):
            if expected[account] != found[account]:
                yield Difference(
                    "posting", f"{subject} {account}", str(expected[account]), str(found[account])
                )


def _outcome_money(subject: str, line: Any, outcome: Any) -> Iterator[Difference]:
    """照合結果の金額: applied + suspense = amount for what books, 0 and 0 for the rest."""
    applied, suspense = outcome.applied_yen, outcome.suspense_yen
    share = ENDINGS[outcome.outcome].applied if line.channel in PAYMENTS else ""
    booked = line.amount_yen or 0
    if outcome.outcome == "malformed" and (
        line.stage == "withdrawal" or (line.channel == "debit" and line.kind != "0")
    ):
        share = ""  # brings no money (outcomes.md 9)
    if share == "all":
        good, expected = (applied, suspense) == (booked, 0), f"{booked} + 0"
    elif share == "none":
        good, expected = (applied, suspense) == (0, booked), f"0 + {booked}"
    elif share == "some":
        good = applied >= 0 and suspense >= 0 and applied + suspense == booked
        expected = f"… + … = {booked}"
    else:
        good, expected = (applied, suspense) == (0, 0), "0 + 0"
    if not good:
        yield Difference("outcome_money", subject, expected, f"{applied} + {suspense}")


def _receipt(subject: str, line: Any, story: Story, taken_up: int) -> Iterator[Difference]:
    """収納: one per payment that was booked, as far along as the reports about it."""
    first, current = story.outcomes[0], story.outcomes[-1]
    expected: list[tuple[Any, ...]] = []
    if first.applied_yen + first.suspense_yen > 0:
        stage = "provisional"
        if current.outcome == "withdrawn":
            stage = "withdrawn"
        elif line.stage == "confirmed" or "confirms" in {row.outcome for row in story.reports}:
            stage = "confirmed"
        expected = [
            (
                stage,
                line.amount_yen,
                line.paid_on,
                current.applied_yen,
                current.suspense_yen,
                current.slip_id,
                seen(line, story.reports, taken_up),
                story.receipts != [] and superseded(story.outcomes, story.receipts[0]),
            )
        ]
    found = [(*row[2:9], bool(row.superseded)) for row in story.receipts]
    if expected != found:
        yield _unlike("receipt", subject, _RECEIPT, expected, found)


def _of_credit(subject: str, story: Story) -> Iterator[Difference]:
    """直接振込の収納: report and money in one, by no slip; the rest stands with its deposit."""
    found = [(row.seen, bool(row.superseded)) for row in story.receipts]
    if found and found != [_OF_CREDIT]:
        yield _unlike("receipt", subject, _RECEIPT[-2:], [_OF_CREDIT], found)


def _unlike(
    name: str,
    subject: str,
    fields: tuple[str, ...],
    expected: list[tuple[Any, ...]],
    found: list[tuple[Any, ...]],
) -> Difference:
    """Both sides, reduced to the fields that differ where there is one of each."""
    if len(expected) == len(found) == 1:
        return Difference(
            name,
            subject,
            shown(fields, expected[0], found[0]),
            shown(fields, found[0], expected[0]),
        )
    return Difference(name, subject, f"{len(expected)} {name}", f"{len(found)} {name}")
