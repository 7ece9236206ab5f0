"""還付と銀行: what the statement says about our transfers (law.md I14).

The 出金 of a batch is found by its account, its whole amount and the days after its transfer; a
transfer that came back (組戻し) by its amount and the name of the payee on the line. Both only
where there is exactly one of each: whatever else could be meant is left for a person, who says
which it is (:func:`pay`, :func:`take_back`).

Both stand in 入出金取引明細 (03) alone: 振込入金通知 (01) knows no 出金 (files.md 1.2), and what it
notifies the bank may still cancel (取消区分 1), when the money has gone back to its refund already.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.calendars import add_business_days
from payments.domain.errors import RefusedError
from payments.versions import as_day
from reconcile.formats.zengin_common import zengin_text
from reconcile.journal import open_journal
from reconcile.refunds import payees
from reconcile.refunds.batch_events import PAID, write_batch_event
from reconcile.refunds.batches import (
    GONE,
    STATEMENT,
    Batch,
    account_of,
    batch,
    batches,
    lines,
    require_statement,
)
from reconcile.refunds.decide import post
from reconcile.refunds.events import PAID as REFUND_PAID
from reconcile.refunds.events import RETURNED, Refund, refund, refunds, write_event

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

JOURNAL = "refund_bank"
NOTICE = "01"  # 振込入金通知, the other source of a bank line


class BankLine(NamedTuple):
    """明細の一行 of a statement."""

    file_id: int
    line_no: int
    account_key: str
    booked_on: date
    amount_yen: int
    words: str  # payer, remarks and EDI


class Matched(NamedTuple):
    """結果: batches that the bank has paid, and refunds that came back, by number."""

    paid: tuple[int, ...]
    returned: tuple[int, ...]


class _Who(NamedTuple):
    """担当: by whom, when, and on which 会計日."""

    by: str
    at: datetime
    on: date


_LATEST = """(SELECT o.outcome FROM line_outcome o WHERE o.municipality_code = :m
    AND o.file_id = b.file_id AND o.line_no = b.line_no ORDER BY o.revision DESC LIMIT 1)"""
_LINE = """
SELECT b.file_id, b.line_no, b.account_key, b.booked_on, l.amount_yen, COALESCE(b.payer_name, ''),
    COALESCE(b.remarks, ''), COALESCE(b.edi, '')
FROM bank_line b
JOIN source_line l ON l.municipality_code = :m AND l.file_id = b.file_id
 AND l.line_no = b.line_no"""
# Money that left the account and belongs to no batch yet; the posting says that it was our money.
_OUTGOING = f"""{_LINE}
WHERE b.municipality_code = :m AND b.direction = 'debit' AND b.account_key = :account_key
  AND b.booked_on BETWEEN :first AND :last AND l.amount_yen = :yen AND {_LATEST} = 'outgoing'
  AND EXISTS (SELECT 1 FROM posting p JOIN journal j ON j.municipality_code = :m
      AND j.journal_id = p.journal_id
    WHERE p.municipality_code = :m AND j.file_id = b.file_id AND p.subject_file_id = b.file_id
      AND p.subject_line_no = b.line_no AND p.reason = 'outgoing')
  AND NOT EXISTS (SELECT 1 FROM refund_batch_event e WHERE e.municipality_code = :m
      AND e.event = 'paid' AND e.file_id = b.file_id AND e.line_no = b.line_no)
ORDER BY b.file_id, b.line_no"""
_RETURNED = f"""{_LINE}
JOIN deposit d ON d.municipality_code = :m AND d.file_id = b.file_id AND d.line_no = b.line_no
 AND d.state = 'open'
WHERE b.municipality_code = :m AND b.source = :source AND {_LATEST} = 'refund_returned'
ORDER BY b.file_id, b.line_no"""
_SETTLE = """
UPDATE deposit SET state = 'settled'
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"""


def match_statement(
    connection: Connection, profile: Profile, *, on: date, by: str, at: datetime
) -> Matched:
    """振込と組戻しの照合: everything that is plain; running it again changes nothing."""
    who = _Who(by, at, on)
    code = profile.municipality_code
    waits = [each for each in batches(connection, code) if each.state in GONE]
    found = {each.batch_no: payments_of(connection, profile, each) for each in waits}
    claimed = [(line.file_id, line.line_no) for some in found.values() for line in some]
    paid = []
    for each in reversed(waits):
        some = found[each.batch_no]
        if len(some) == 1 and claimed.count((some[0].file_id, some[0].line_no)) == 1:
            _pay(connection, code, each, some[0], who)
            paid.append(each.batch_no)
    returned = []
    for line in returns(connection, code):
        fits = fitting(connection, code, line)
        if len(fits) == 1:
            _take_back(connection, code, fits[0], line, who)
            returned.append(fits[0].refund_no)
    return Matched(tuple(paid), tuple(returned))


# ---- 出金 ----


def payments_of(connection: Connection, profile: Profile, found: Batch) -> list[BankLine]:
    """振込データの出金の候補: lines of its account and amount in the days after its transfer."""
    last = add_business_days(found.transfer_on, profile.refunds.match_days)
    return _lines(
        connection,
        _OUTGOING,
        m=profile.municipality_code,
        account_key=found.account_key,
        first=found.transfer_on.isoformat(),
        last=last.isoformat(),
        yen=found.total_yen,
    )


def pay(
    connection: Connection,
    profile: Profile,
    batch_no: int,
    line: tuple[int, int],
    *,
    on: date,
    by: str,
    at: datetime,
) -> None:
    """出金の指定 by a person, where several lines could be that of the batch.

    Raises :class:`NotFoundError` ``batch_no``; :class:`RefusedError` ``batch_state`` or
    ``paid_line`` when the line is none of the candidates.
    """
    code = profile.municipality_code
    found = batch(connection, code, batch_no)
    if found.state not in GONE:
        raise RefusedError("batch_state", batch_no=batch_no, state=found.state)
    some = payments_of(connection, profile, found)
    mine = [each for each in some if (each.file_id, each.line_no) == line]
    if not mine:
        raise RefusedError("paid_line", line_no=line[1])
    _pay(connection, code, found, mine[0], _Who(by, at, on))


def _pay(connection: Connection, code: str, found: Batch, line: BankLine, who: _Who) -> None:
    """The bank has paid the batch: every refund of it is no longer owed."""
    journal_id = open_journal(connection, code, JOURNAL, who.on, who.by)
    place = {"file_id": line.file_id, "line_no": line.line_no}
    for each in lines(connection, code, found.batch_no):
        about = refund(connection, code, each.refund_no)
        post(connection, code, journal_id, about, 1, ("refund_due", "outgoing"), "refund_paid")
        write_event(
            connection, code, each.refund_no, REFUND_PAID, on=line.booked_on, by=who.by, at=who.at,
            batch_no=found.batch_no, journal_id=journal_id, **place,
        )  # fmt: skip
    write_batch_event(connection, code, found.batch_no, PAID, by=who.by, at=who.at, **place)


# ---- 組戻し ----


def returns(connection: Connection, municipality_code: str) -> list[BankLine]:
    """戻ってきた還付: credits of a statement that say so and belong to no refund yet."""
    return _lines(connection, _RETURNED, m=municipality_code, source=STATEMENT)


def fitting(connection: Connection, municipality_code: str, line: BankLine) -> list[Refund]:
    """組戻しの候補: refunds the bank has paid, of just this amount, whose payee the line names."""
    return [
        each
        for each in refunds(connection, municipality_code, states=(REFUND_PAID,))
        if each.total_yen == line.amount_yen
        and each.since_on <= line.booked_on
        and _names(connection, municipality_code, each, line)
    ]


def _names(connection: Connection, code: str, each: Refund, line: BankLine) -> bool:
    """Whether the line names the payee, letter for letter but for spaces."""
    holder = payees.payee(connection, code, each.account_no).holder.replace(" ", "")
    return holder in zengin_text(line.words).replace(" ", "")


def take_back(
    connection: Connection,
    profile: Profile,
    refund_no: int,
    line: tuple[int, int],
    *,
    on: date,
    by: str,
    at: datetime,
) -> None:
    """組戻しの指定 by a person, where the line does not say plainly whose it was.

    Raises :class:`NotFoundError` ``refund_no``; :class:`RefusedError` ``refund_state``,
    ``return_line``, ``return_notice`` (the line is a notice, which the bank may cancel) or
    ``return_amount``.
    """
    code = profile.municipality_code
    found = refund(connection, code, refund_no)
    if found.state != REFUND_PAID:
        raise RefusedError("refund_state", refund_no=refund_no, state=found.state)
    mine = [each for each in returns(connection, code) if (each.file_id, each.line_no) == line]
    if not mine:
        notified = _lines(connection, _RETURNED, m=code, source=NOTICE)
        by_notice = any((each.file_id, each.line_no) == line for each in notified)
        raise RefusedError("return_notice" if by_notice else "return_line", line_no=line[1])
    if mine[0].amount_yen != found.total_yen:
        raise RefusedError(
            "return_amount",
            refund_no=refund_no,
            found=mine[0].amount_yen,
            expected=found.total_yen,
        )
    _take_back(connection, code, found, mine[0], _Who(by, at, on))


def _take_back(connection: Connection, code: str, found: Refund, line: BankLine, who: _Who) -> None:
    """It is owed again; the case of the line stays until the person has given another account."""
    journal_id = open_journal(connection, code, JOURNAL, who.on, who.by)
    accounts = ("unidentified", "refund_due")
    post(connection, code, journal_id, found, 2, accounts, "refund_returned")
    if found.interest_yen:
        post(
            connection, code, journal_id, found, 3, ("unidentified", "outgoing"),
            "refund_returned", found.interest_yen,
        )  # fmt: skip
    write_event(
        connection, code, found.refund_no, RETURNED, on=line.booked_on, by=who.by, at=who.at,
        batch_no=found.batch_no, journal_id=journal_id, file_id=line.file_id, line_no=line.line_no,
    )  # fmt: skip
    connection.execute(text(_SETTLE), {"m": code, "file_id": line.file_id, "line_no": line.line_no})


# ---- 団体設定 ----


def require_seen(
    connection: Connection, municipality_code: str, before: Profile, after: Profile
) -> None:
    """口座の資料の変更: no account from which refunds go stops to say what leaves it.

    Neither the one that ``after`` names, nor one whose batches the bank must still pay. What was
    so before is refused when a batch is built. Raises :class:`RefusedError`
    ``refund_account_notice``.
    """
    known = batches(connection, municipality_code)
    sends = {each.account_key for each in known if each.state in GONE}
    with suppress(RefusedError):  # nobody transfers
        sends.add(account_of(after).key)
    with suppress(RefusedError):
        named = account_of(before)
        sends -= set() if named.money_kind == STATEMENT else {named.key}
    for account in after.accounts:
        if account.key in sends:
            require_statement(account)


def _lines(connection: Connection, statement: str, **values: object) -> list[BankLine]:
    rows: Any = connection.execute(text(statement), values)
    return [
        BankLine(row[0], row[1], row[2], as_day(row[3]), int(row[4]), " ".join(row[5:]))
        for row in rows
    ]
