"""直接振込の記帳: a credit that is itself the payment of bills becomes a receipt, and back.

Money that came straight to the bank was never reported by a channel: the credit is report and money
in one. Its money moves from 不明入金 into 確報未入金 and out again at once, to 収入未済 for the
instalments that two people named and to 仮受金 for the rest, so that all of it counts as received
(received = applied + suspense) and nothing stays due from anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile import post
from reconcile.settlement.books import Settlements
from reconcile.store.refund_tables import REFUND_STANDS
from reconcile.store.staging import clear_staging, runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.placement_model import Part
    from reconcile.settlement.open_credits import Deposit

# Legs of the credit's line: what is taken back stands before what is placed anew (reconcile.post).
_BACK_LEG, _PLACED_LEG = 103, post.LEGS_PER_TURN
_MOVED, _REST, _PARTS = 1, 2, 10

_ENTER = """
INSERT INTO receipt (municipality_code, file_id, line_no, stage, seen, amount_yen, paid_on, slip_id,
    notice_id, term, superseded, applied_yen, suspense_yen, group_id, journal_id, leg)
VALUES (:m, :file_id, :line_no, 'confirmed', 4, :amount_yen, :paid_on, NULL, :notice_id, :term,
    :no, :applied_yen, :suspense_yen, NULL, :journal_id, :leg)
ON CONFLICT (municipality_code, file_id, line_no) DO UPDATE SET stage = 'confirmed',
    notice_id = excluded.notice_id, term = excluded.term, applied_yen = excluded.applied_yen,
    suspense_yen = excluded.suspense_yen, journal_id = excluded.journal_id, leg = excluded.leg"""
_BALANCE = """
UPDATE instalment_account SET term_yen = term_yen + :yen
WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term"""
_SETTLES = """
INSERT INTO posting (municipality_code, journal_id, subject_file_id, subject_line_no, leg,
    debit_account, credit_account, amount_yen, reason, notice_id, term)
VALUES (:m, :journal_id, :file_id, :line_no, :leg, 'confirmed_due', 'receivable', :yen, 'placed',
    :notice_id, :term)"""
_STANDS = """
SELECT amount_yen FROM receipt WHERE municipality_code = :m AND file_id = :file_id
  AND line_no = :line_no AND stage <> 'withdrawn'"""
_WITHDRAW = """
UPDATE receipt SET stage = 'withdrawn', applied_yen = 0, suspense_yen = 0
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"""
_REVERSE = """
INSERT INTO reversal (municipality_code, file_id, line_no, by_line_no)
VALUES (:m, :file_id, :line_no, 0)"""

# Money of a credit that is no longer there: it was a refund that came back, and is owed again; or
# what it paid was paid back, of itself or of the claims that it settles.
_WENT_BACK = f"""
SELECT 1 FROM refund_event v WHERE v.municipality_code = :m AND v.event = 'returned'
  AND v.file_id = :file_id AND v.line_no = :line_no
UNION ALL
SELECT 1 FROM refund x WHERE x.municipality_code = :m AND x.file_id = :file_id
  AND x.line_no = :line_no AND {REFUND_STANDS}
UNION ALL
SELECT 1 FROM receipt r
JOIN posting q ON q.municipality_code = :m AND q.journal_id = r.journal_id
 AND q.subject_file_id = r.file_id AND q.subject_line_no = r.line_no
 AND q.leg > r.leg AND q.leg < r.leg + {post.LEGS_PER_TURN} AND q.reason = 'placed'
JOIN refund x ON x.municipality_code = :m AND x.notice_id = q.notice_id AND x.term = q.term
 AND x.file_id = 0
WHERE r.municipality_code = :m AND r.file_id = :file_id AND r.line_no = :line_no
  AND r.stage <> 'withdrawn' AND {REFUND_STANDS}"""


class CreditBooks(Settlements):
    """Credits as payments, within one journal."""

    reopened = False  # an instalment is open again: what waits for it may be decided again

    def place(self, deposit: Deposit, parts: Sequence[Part]) -> None:
        """直接振込の消込: the parts settle their instalments, the rest goes to suspense."""
        applied = sum(part.amount_yen for part in parts)
        rest = deposit.credit.amount_yen - applied
        only = parts[0] if len(parts) == 1 else None
        self.run(
            _ENTER,
            file_id=deposit.file_id,
            line_no=deposit.line_no,
            amount_yen=deposit.credit.amount_yen,
            paid_on=deposit.credit.booked_on.isoformat(),
            notice_id=only.notice_id if only else None,
            term=only.term if only else None,
            no=False,
            applied_yen=applied,
            suspense_yen=rest,
            leg=_PLACED_LEG,
        )
        line = (deposit.file_id, deposit.line_no)
        self.post(
            *line, _PLACED_LEG + _MOVED, "unidentified", "confirmed_due",
            deposit.credit.amount_yen, "settled",
        )  # fmt: skip
        if rest:
            self.post(*line, _PLACED_LEG + _REST, "confirmed_due", "suspense", rest, "suspense")
        for leg, part in enumerate(parts, start=_PLACED_LEG + _PARTS):
            values = {"notice_id": part.notice_id, "term": part.term, "yen": part.amount_yen}
            self.run(_SETTLES, file_id=line[0], line_no=line[1], leg=leg, **values)
            self.run(_BALANCE, **values)
        self.set_state(*line, "settled")

    def went_back(self, file_id: int, line_no: int) -> bool:
        """還付済か: whether money of this credit was paid back, or is owed again as a refund."""
        found = self.run(_WENT_BACK, file_id=file_id, line_no=line_no)
        return found.first() is not None

    def unplace(self, file_id: int, line_no: int) -> bool:
        """直接振込の消込の取消: reversing entries; the money is unidentified again.

        Returns whether the credit had been a payment at all.
        """
        key = {"file_id": file_id, "line_no": line_no}
        yen = self.run(_STANDS, **key).scalar_one_or_none()
        if yen is None:
            return False
        scope: dict[str, Any] = {**self.scope, **key, "leg": 0}
        run, code = runner(self.connection, scope), self.profile.municipality_code
        clear_staging(self.connection, code, ["reversal"])
        run(_REVERSE)
        run(post.REOPENED)
        post.take_back(self.connection, scope)
        clear_staging(self.connection, code, ["reversal"])
        self.post(file_id, line_no, _BACK_LEG, "confirmed_due", "unidentified", yen, "reversal")
        self.run(_WITHDRAW, **key)
        self.set_state(file_id, line_no, "open")
        self.reopened = True
        return True
