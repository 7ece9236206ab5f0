"""検算・合計: the ledger account by account, the remittance groups, and the chain of statements."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from payments.domain.ledger import Account
from reconcile.report.cash import read_statements
from reconcile.store.evidence import evidence_in_order
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from payments.domain.profile import Profile
    from reconcile.report.cash import Statement
    from reconcile.verify.lines import LineWalk
    from reconcile.verify.walk import Store

# What each account stands for, summed from the records it is about (T3, T5, T6, T7, T11).
_CLAIMED = "SELECT SUM(amount_yen) FROM instalment_account WHERE municipality_code = :m"
_OPEN = (
    "SELECT SUM(amount_yen - term_yen - whole_yen + surplus_yen) FROM instalment_account "
    "WHERE municipality_code = :m"
)
_GIVEN_UP = "SELECT SUM(written_off_yen) FROM instalment_account WHERE municipality_code = :m"
_SURPLUS = "SELECT SUM(surplus_yen) FROM instalment_account WHERE municipality_code = :m"
# Files are numbered from 1: asked so, SQLite walks the receipts as they lie, not by their 領収日.
_WAITING = (
    "SELECT SUM(suspense_yen) FROM receipt WHERE municipality_code = :m AND file_id > 0 "
    "AND stage <> 'withdrawn'"
)
# Decided to go back, so that it no longer waits, and of that what the bank has not paid.
_DECIDED = """
SELECT SUM(x.amount_yen) FROM refund x WHERE x.municipality_code = :m AND NOT EXISTS (
    SELECT 1 FROM refund_event v WHERE v.municipality_code = :m AND v.refund_no = x.refund_no
      AND v.event = 'cancelled')"""
_REFUND_DUE = """
SELECT SUM(x.amount_yen) FROM refund x WHERE x.municipality_code = :m AND (
    SELECT v.event FROM refund_event v WHERE v.municipality_code = :m
      AND v.refund_no = x.refund_no ORDER BY v.event_no DESC LIMIT 1)
    NOT IN ('paid', 'cancelled')"""
_REPORTED = (
    "SELECT SUM(amount_yen) FROM receipt WHERE municipality_code = :m AND file_id > 0 "
    "AND stage = 'provisional'"
)
_CONFIRMED = (
    "SELECT SUM(amount_yen) FROM receipt WHERE municipality_code = :m AND file_id > 0 "
    "AND stage = 'confirmed'"
)
_SETTLED = "SELECT SUM(amount_yen + fee_yen) FROM settlement WHERE municipality_code = :m"
# A credit that people placed is report and money in one (reconcile.settlement.credit_books).
_DIRECT = (
    "SELECT SUM(r.amount_yen) FROM deposit d JOIN receipt r ON r.municipality_code = :m "
    "AND r.file_id = d.file_id AND r.line_no = d.line_no AND r.stage = 'confirmed' "
    "WHERE d.municipality_code = :m AND d.state = 'settled'"
)
_FEES = "SELECT SUM(fee_yen) FROM settlement WHERE municipality_code = :m"


def ledger(store: Store, walk: LineWalk) -> Iterator[Difference]:
    """残高: every account of the books against the records behind it; ``walk`` is complete."""
    balances: dict[str, int] = defaultdict(int)
    for row in store.rows(
        "SELECT debit_account, credit_account, SUM(amount_yen) AS yen FROM posting "
        "WHERE municipality_code = :m GROUP BY debit_account, credit_account"
    ):
        balances[row.debit_account] += int(row.yen)
        balances[row.credit_account] -= int(row.yen)
    expected = {
        "receivable": store.number(_OPEN),
        "assessed": -store.number(_CLAIMED),
        "written_off": store.number(_GIVEN_UP),
        "suspense": (store.number(_DECIDED) - store.number(_WAITING) - store.number(_SURPLUS)),
        "refund_due": -store.number(_REFUND_DUE),
        "reported": store.number(_REPORTED),
        "confirmed_due": store.number(_CONFIRMED) - store.number(_SETTLED) - store.number(_DIRECT),
        "fee": store.number(_FEES),
        "bank": walk.bank_yen,
        "unidentified": -walk.open_yen,
    }
    for account, yen in expected.items():
        if balances[account] != yen:
            yield Difference(f"{account}_balance", account, str(yen), str(balances[account]))
    total = sum(balances[account] for account in Account)
    if total or balances.keys() - set(Account):
        strange = ", ".join(sorted(balances.keys() - set(Account)))
        yield Difference("trial_balance", strange or "all", "0", str(total))


def journals(store: Store) -> Iterator[Difference]:
    """仕訳帳: every posting belongs to an occasion that is on record and moves real money."""
    for row in store.rows(
        """SELECT p.journal_id, p.subject_file_id, p.subject_line_no, p.leg, p.amount_yen,
                  j.journal_id AS known
           FROM posting p
           LEFT JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
           WHERE p.municipality_code = :m
             AND (j.journal_id IS NULL OR p.amount_yen <= 0
                  OR p.debit_account = p.credit_account)
           ORDER BY p.journal_id, p.subject_file_id, p.subject_line_no, p.leg"""
    ):
        subject = f"{row.subject_file_id}:{row.subject_line_no}"
        yield Difference(
            "journal", f"{subject} {row.journal_id}/{row.leg}", "", str(row.amount_yen)
        )


# The postings of the decision in force are those that a withdrawal would reverse; they are about
# the instalment that the receipt names.
_DECISIONS = """
SELECT r.file_id, r.line_no, r.amount_yen, SUM(p.amount_yen) AS found
FROM receipt r
LEFT JOIN posting p ON p.municipality_code = :m AND p.journal_id = r.journal_id
     AND p.subject_file_id = r.file_id AND p.subject_line_no = r.line_no
     AND p.leg > r.leg AND p.leg < r.leg + 120 AND p.reason IN ('applied', 'placed', 'suspense')
     AND (p.reason = 'placed' OR (p.reason = 'suspense' AND p.notice_id IS NULL)
          OR (COALESCE(p.notice_id, 0) = COALESCE(r.notice_id, 0)
          AND (r.term = '00' OR COALESCE(p.term, '') = COALESCE(r.term, ''))))
WHERE r.municipality_code = :m
GROUP BY r.file_id, r.line_no, r.amount_yen
HAVING COALESCE(SUM(p.amount_yen), 0) <> r.amount_yen
ORDER BY r.file_id, r.line_no"""


def decisions(store: Store) -> Iterator[Difference]:
    """収納の仕訳: the receipt names the postings that decided it."""
    for row in store.rows(_DECISIONS):
        yield Difference(
            "receipt_decision",
            f"{row.file_id}:{row.line_no}",
            str(row.amount_yen),
            str(row.found or 0),
        )


# ---- remittance groups ----

_ADVISED_DAYS = """
SELECT DISTINCT remittance_no, CAST(remitted_on AS VARCHAR(10)) AS day FROM advice_line
WHERE municipality_code = :m"""
_SAID_DAY = """
SELECT COUNT(*) FROM source_line
WHERE municipality_code = :m AND remittance_ref = :ref
  AND CAST(remitted_on AS VARCHAR(10)) = :day"""


def groups(store: Store, walk: LineWalk) -> Iterator[Difference]:
    """払込単位: confirmed from lines, fee from advice or agreement, credited from settlements.

    Its day is what its name says; a remittance number has the day of its advice.
    """
    advised = {(row.remittance_no, row.day) for row in store.rows(_ADVISED_DAYS)}
    numbered = {number for number, _ in advised}
    each = {agent.code: agent.fee_each_yen for agent in store.profile.agents}
    parts: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for (agent, ref, part), (count, yen) in walk.groups.items():
        parts[agent, ref][part] = (count, yen)
    for row in store.rows(
        """SELECT g.group_id, g.agent, g.ref, g.confirmed_count, g.confirmed_yen, g.fee_yen,
                  g.credited_yen, COALESCE(s.yen, 0) AS settled_yen,
                  CAST(g.remitted_on AS VARCHAR(10)) AS day
           FROM remittance_group g
           LEFT JOIN (SELECT group_id, SUM(amount_yen) AS yen FROM settlement
                      WHERE municipality_code = :m GROUP BY group_id) s ON s.group_id = g.group_id
           WHERE g.municipality_code = :m ORDER BY g.group_id"""
    ):
        subject = f"group:{row.group_id}"
        mine = parts.pop((row.agent, row.ref), {})
        count, yen = (sum(column) for column in zip((0, 0), *mine.values(), strict=True))
        fee = walk.fees.get(row.ref, 0) if row.agent == "eltax" else count * each.get(row.agent, 0)
        if fee != row.fee_yen and row.agent != "eltax" and row.settled_yen:
            # What was paid at an earlier fee keeps it.
            fees = {count * yen for yen in _fees_ever(walk.settings.ever(), row.agent)}
            fee = row.fee_yen if row.fee_yen in fees else fee
        received = walk.received.get(row.group_id, [0, 0])
        for name, expected, found in (
            ("group_sum", f"{count} {yen}", f"{row.confirmed_count} {row.confirmed_yen}"),
            ("group_receipts", f"{count} {yen}", f"{received[0]} {received[1]}"),
            ("group_fee", str(fee), str(row.fee_yen)),
            ("group_credited", str(row.settled_yen), str(row.credited_yen)),
        ):
            if expected != found:
                yield Difference(name, subject, expected, found)
        wrong = row.agent != "eltax" and row.day != row.ref[:10]
        wrong = wrong or (row.ref in numbered and (row.ref, row.day) not in advised)
        # Reports may have said another day than the advice; few do, so all lines are read for them.
        if wrong and not store.number(_SAID_DAY, ref=row.ref, day=row.day):
            yield Difference("group_day", subject, row.ref, str(row.day))
        yield from _group_parts(store, row.group_id, mine)
    for (agent, ref), missing in sorted(parts.items()):
        yield Difference("group_sum", f"group:{agent}/{ref}", str(missing), "")


def _fees_ever(profiles: Iterable[Profile], agent: str) -> set[int]:
    """手数料 of one payment that were agreed with an agent at some time."""
    terms = (profile.agent(agent) for profile in profiles)
    return {each.fee_each_yen for each in terms if each is not None}


def _group_parts(
    store: Store, group_id: int, expected: dict[str, tuple[int, int]]
) -> Iterator[Difference]:
    """The breakdown by advice line."""
    rows = store.rows(
        "SELECT part, confirmed_count, confirmed_yen FROM remittance_part "
        "WHERE municipality_code = :m AND group_id = :group_id",
        group_id=group_id,
    )
    found = {row.part: (row.confirmed_count, row.confirmed_yen) for row in rows}
    for part in sorted(expected.keys() | found.keys()):
        should, is_ = expected.get(part, (0, 0)), found.get(part, (0, 0))
        if should != is_:
            yield Difference(
                "group_part", f"group:{group_id} {part}", f"{should[0]} {should[1]}",
                f"{is_[0]} {is_[1]}",
            )  # fmt: skip


# ---- statements ----


def statement_chain(store: Store) -> Iterator[Difference]:
    """残高の連続: each statement of an account opens with what an earlier one closed with (T10)."""
    files = store.rows(
        """SELECT sha256, size_bytes, CAST(received_on AS TEXT) AS received_on FROM source_file
           WHERE municipality_code = :m AND format_code = 'zengin_statement'
             AND status = 'accepted' ORDER BY file_id"""
    )
    by_account: dict[str, list[Statement]] = defaultdict(list)
    code = store.profile.municipality_code
    for file, bytes_of in evidence_in_order(store.connection, code, files):
        for statement in read_statements(bytes_of(), date.fromisoformat(file.received_on)):
            by_account[statement.account_key].append(statement)
    for account, statements in sorted(by_account.items()):
        yield from _gaps(account, statements)


def _gaps(account: str, statements: list[Statement]) -> Iterator[Difference]:
    """Statements whose opening balance nothing before them explains."""
    for statement in statements:
        before = [other for other in statements if other.to_on < statement.from_on]
        if not before:
            continue
        last = max(other.to_on for other in before)
        # A statement of the same days that came in parts continues its own first part.
        closings = {other.closing_yen for other in before if other.to_on == last}
        closings |= {
            other.closing_yen
            for other in statements
            if other is not statement and other.from_on == statement.from_on
        }
        if statement.opening_yen not in closings:
            yield Difference(
                "statement_gap",
                f"{account} {statement.from_on}",
                ", ".join(str(yen) for yen in sorted(closings)),
                str(statement.opening_yen),
            )
