"""過誤納: money of a known person that nobody owed, and how far it is on its way back.

Two kinds: what a payment holds in suspense beside the claims (``line:FILE:LINE``), and what a
correction left over on an instalment (``claim:NOTICE/TERM``). What two people decided to pay back
no longer waits. Nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.errors import NotFoundError
from payments.domain.overpayment import OverpaymentReason, expires_on, likely_reason
from payments.versions import as_day
from reconcile.placement.placed import BY_HAND, PLACED
from reconcile.store.refund_tables import DECIDED_OF_RECEIPT, DECIDED_OF_SURPLUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

PAGE = 50
LONG_YEARS, SHORT_YEARS = 5, 2
NEW, OWED, PAYEE, READY, ASKED, SHORT = "new", "owed", "payee", "ready", "asked", "short"
STATES = (NEW, OWED, PAYEE, READY, ASKED, SHORT)


class Overpayment(NamedTuple):
    """過誤納: ``held_yen`` waits in 仮受金, of which ``decided_yen`` is decided to go back."""

    subject: str
    file_id: int  # 0 for what a correction left over
    line_no: int
    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    obligor_no: str
    stage: str
    outcome: str  # of the line, or ``surplus``
    paid_on: date | None
    arose_on: date
    held_yen: int
    decided_yen: int
    due_yen: int  # what the same person owes and is due
    overpayment_no: int | None
    reason: OverpaymentReason | None  # as somebody classed it
    interest_from_on: date | None
    noticed_on: date | None
    asked: int  # requests that wait for a second person
    account_no: int | None  # the payee's account that counts
    expires_on: date

    @property
    def waiting_yen(self) -> int:
        """残額: what is neither appropriated nor decided to go back."""
        return self.held_yen - self.decided_yen

    @property
    def likely(self) -> OverpaymentReason:
        """理由の見込み, for somebody to confirm."""
        return self.reason or likely_reason(self.outcome)

    @property
    def state(self) -> str:
        """段階: what is to be done next, one of :data:`STATES`."""
        if self.waiting_yen < 0:
            return SHORT
        if self.reason is None:
            return NEW
        if self.asked:
            return ASKED
        if self.due_yen > 0:
            return OWED
        return READY if self.account_no else PAYEE


_OUTCOME = """COALESCE((SELECT o.outcome FROM line_outcome o WHERE o.municipality_code = :m
    AND o.file_id = r.file_id AND o.line_no = r.line_no ORDER BY o.revision DESC LIMIT 1), '')"""
_OF_LINES = f"""
SELECT 'line:' || CAST(r.file_id AS VARCHAR(20)) || ':' || CAST(r.line_no AS VARCHAR(20))
    AS subject, r.file_id, r.line_no, n.notice_id, COALESCE(r.term, '') AS term, n.item_code,
    n.levy_year, n.notice_no, n.obligor_no, r.stage, {_OUTCOME} AS outcome,
    CAST(r.paid_on AS VARCHAR(10)) AS paid_on,
    CAST(COALESCE(r.paid_on, f.received_on) AS VARCHAR(10)) AS arose_on,
    CASE WHEN r.stage = 'withdrawn' THEN 0 ELSE r.suspense_yen END AS held_yen,
    {DECIDED_OF_RECEIPT} AS decided_yen
FROM {{lead}}receipt r CROSS JOIN notice n CROSS JOIN source_file f
WHERE r.municipality_code = :m AND n.municipality_code = :m AND n.notice_id = r.notice_id
  AND f.municipality_code = :m AND f.file_id = r.file_id AND {{of_line}}"""
# A payment of the claim's own slips, unless people have placed its money, here or elsewhere.
_OWN = f"""FROM receipt r WHERE r.municipality_code = :m AND r.notice_id = a.notice_id
    AND r.term IN (a.term, '00') AND r.applied_yen > 0 AND r.stage <> 'withdrawn'
    AND NOT {BY_HAND.format(receipt="r")}"""
_PLACED_HERE = f"{PLACED} AND t.notice_id = a.notice_id AND t.term = a.term"
# The money that a correction leaves over is that of the latest payments: from the day of the last
# of them it bears interest, also where people placed it there of one that named another claim.
_LATEST = f"""(SELECT CAST(MAX(q.paid_on) AS VARCHAR(10)) FROM (
    SELECT r.paid_on {_OWN} UNION ALL SELECT r.paid_on {_PLACED_HERE}) q)"""
# 速報 may be withdrawn: what it brought goes back only once all of it is confirmed.
_CLAIM_STAGE = f"""CASE WHEN EXISTS (SELECT 1 {_OWN} AND r.stage = 'provisional')
  OR EXISTS (SELECT 1 {_PLACED_HERE} AND r.stage = 'provisional')
  THEN 'provisional' ELSE 'confirmed' END"""
# Of the account ``a``: when the correction came.
CORRECTED_ON = """COALESCE((SELECT CAST(MAX(f.received_on) AS VARCHAR(10))
    FROM assessment_event e JOIN source_file f ON f.municipality_code = :m
        AND f.file_id = e.file_id
    WHERE e.municipality_code = :m AND e.notice_id = a.notice_id AND e.term = a.term
      AND e.outcome = 'applied'), '1970-01-01')"""
_OF_CLAIMS = f"""
SELECT 'claim:' || CAST(a.notice_id AS VARCHAR(20)) || '/' || a.term AS subject, 0 AS file_id,
    0 AS line_no, n.notice_id, a.term, n.item_code, n.levy_year, n.notice_no, n.obligor_no,
    {_CLAIM_STAGE} AS stage, 'surplus' AS outcome, {_LATEST} AS paid_on,
    {CORRECTED_ON} AS arose_on, a.surplus_yen AS held_yen, {DECIDED_OF_SURPLUS} AS decided_yen
FROM {{lead}}instalment_account a CROSS JOIN notice n
WHERE a.municipality_code = :m AND n.municipality_code = :m AND n.notice_id = a.notice_id
  AND {{of_claim}}"""
_WAITS = {
    "lead": "",
    "of_line": "r.suspense_yen > 0 AND r.stage <> 'withdrawn'",
    "of_claim": "a.surplus_yen > 0",
}
# Money that was paid back although what brought it has gone since; the few refunds lead the way.
_GONE = {
    "lead": "",
    "of_line": "(r.file_id, r.line_no) IN (SELECT z.file_id, z.line_no FROM refund z "
    "WHERE z.municipality_code = :m AND z.file_id > 0)",
    "of_claim": "(a.notice_id, a.term) IN (SELECT z.notice_id, z.term FROM refund z "
    "WHERE z.municipality_code = :m AND z.file_id = 0)",
}
_DUE = """(SELECT COALESCE(SUM(b.amount_yen - b.term_yen - b.whole_yen + b.surplus_yen), 0)
    FROM notice w CROSS JOIN instalment_account b CROSS JOIN instalment i
    WHERE w.municipality_code = :m AND w.obligor_no = f.obligor_no
      AND b.municipality_code = :m AND b.notice_id = w.notice_id
      AND b.amount_yen - b.term_yen - b.whole_yen + b.surplus_yen > 0
      AND i.municipality_code = :m AND i.notice_id = b.notice_id AND i.term = b.term
      AND i.due_on <= :as_of)"""
_ACCOUNT = """(SELECT MAX(p.account_no) FROM payee_account p
    WHERE p.municipality_code = :m AND p.obligor_no = f.obligor_no
      AND (SELECT e.event FROM payee_account_event e WHERE e.municipality_code = :m
           AND e.account_no = p.account_no ORDER BY e.event_no DESC LIMIT 1) = 'confirmed')"""
_ASKED = """(SELECT COUNT(*) FROM approval q WHERE q.municipality_code = :m
    AND q.decision IS NULL AND q.kind IN ('refund', 'appropriation') AND q.subject = f.subject)"""
_NOTICED = """(SELECT CAST(MAX(t.noticed_on) AS VARCHAR(10)) FROM refund_notice t
    WHERE t.municipality_code = :m AND t.subject = f.subject)"""
# What matters only once somebody has classed it, where thousands are counted.
_WHEN_CLASSED = "CASE WHEN c.reason IS NULL THEN NULL ELSE {value} END"
_FULL = f"""
SELECT f.*, COALESCE({{due}}, 0) AS due_yen, c.overpayment_no, c.reason,
    c.paid_on AS classed_paid_on, c.arose_on AS classed_arose_on, c.interest_from_on,
    {_NOTICED} AS noticed_on, {_ASKED} AS asked, {{account}} AS account_no
FROM ({{found}}) f
LEFT JOIN overpayment c ON c.municipality_code = :m AND c.subject = f.subject
    AND c.overpayment_no = (SELECT MAX(d.overpayment_no) FROM overpayment d
        WHERE d.municipality_code = :m AND d.subject = f.subject)
ORDER BY f.arose_on, f.subject"""


def overpayments(
    connection: Connection,
    profile: Profile,
    as_of: date,
    *,
    obligor_no: str = "",
    after: tuple[str, str] = ("", ""),
    limit: int = PAGE,
    brief: bool = False,
) -> list[Overpayment]:
    """過誤納の一覧, oldest first: those behind the key ``after`` (arose_on, subject).

    With ``obligor_no`` only those of one person. Everything that is wholly decided is left out.
    ``brief`` leaves out what the person owes and their account of those that nobody has classed.
    """
    both = " UNION ALL ".join((_OF_LINES.format(**_WAITS), _OF_CLAIMS.format(**_WAITS)))
    which = "WHERE u.held_yen <> u.decided_yen AND (u.arose_on, u.subject) > (:since, :subject)"
    if obligor_no:
        which += " AND u.obligor_no = :obligor_no"
    found = f"SELECT * FROM ({both}) u {which} ORDER BY u.arose_on, u.subject LIMIT {int(limit)}"
    values = {"since": after[0], "subject": after[1], "obligor_no": obligor_no}
    return _read(connection, profile, as_of, found, values, brief=brief)


def short(connection: Connection, profile: Profile, as_of: date) -> list[Overpayment]:
    """戻り超過: refunds whose money has gone since, by a 取消 or by a claim that rose again."""
    both = " UNION ALL ".join((_OF_LINES.format(**_GONE), _OF_CLAIMS.format(**_GONE)))
    found = f"SELECT * FROM ({both}) u WHERE u.held_yen < u.decided_yen"
    return _read(connection, profile, as_of, found, {})


def overpayment(connection: Connection, profile: Profile, subject: str, as_of: date) -> Overpayment:
    """過誤納 of this subject; :class:`NotFoundError` ``overpayment``."""
    which = {"lead": "", "of_line": "1 = 0", "of_claim": "1 = 0"}
    values: dict[str, Any] = {}
    kind, _, rest = subject.partition(":")
    left, _, right = rest.partition(":" if kind == "line" else "/")
    if kind in {"line", "claim"} and left.isascii() and left.isdigit() and right.isascii():
        values = {"one": int(left), "other": right}
    if values and kind == "line" and right.isdigit():
        values["other"] = int(right)
        which["of_line"] = "r.file_id = :one AND r.line_no = :other"
        found = _OF_LINES.format(**which)
    elif values and kind == "claim":
        which["of_claim"] = "a.notice_id = :one AND a.term = :other"
        found = _OF_CLAIMS.format(**which)
    else:
        raise NotFoundError("overpayment", subject=subject)
    rows = _read(connection, profile, as_of, found, values)
    if not rows or (not rows[0].held_yen and not rows[0].decided_yen):
        raise NotFoundError("overpayment", subject=subject)
    return rows[0]


# Keys lead the way: asked for as a list of pairs, SQLite goes through every payment.
_THOSE = {
    "of_line": "r.file_id = k.column1 AND r.line_no = k.column2",
    "of_claim": "a.notice_id = k.column1 AND a.term = k.column2",
}


def overpayments_of(
    connection: Connection,
    profile: Profile,
    as_of: date,
    keys: Sequence[tuple[str, str]],
    *,
    brief: bool = False,
) -> list[Overpayment]:
    """過誤納 of these keys (day, subject), in their order; ``brief`` as in :func:`overpayments`."""
    lines, claims = [], []
    for _day, subject in keys:
        kind, _, place = subject.partition(":")
        one, _, other = place.partition(":" if kind == "line" else "/")
        if kind == "line":
            lines.append(f"({int(one)}, {int(other)})")
        else:
            claims.append(f"({int(one)}, '{int(other):02}')")
    rows: dict[str, Overpayment] = {}
    for part, some in ((_OF_LINES, lines), (_OF_CLAIMS, claims)):
        if some:
            lead = f"(VALUES {', '.join(some)}) k CROSS JOIN "
            found = part.format(**_THOSE, lead=lead)
            read = _read(connection, profile, as_of, found, {}, brief=brief, once=True)
            rows |= {row.subject: row for row in read}
    return [rows[subject] for _day, subject in keys if subject in rows]


def years_of(profile: Profile, item_code: str) -> int:
    """時効の年数 of the right to a refund: five years, two for 保険料."""
    return SHORT_YEARS if item_code in profile.refunds.short_items else LONG_YEARS


def _read(
    connection: Connection,
    profile: Profile,
    as_of: date,
    found: str,
    values: dict[str, Any],
    *,
    brief: bool = False,
    once: bool = False,  # nobody asks in these words again, so they are not kept compiled
) -> list[Overpayment]:
    scope = {"m": profile.municipality_code, "as_of": as_of.isoformat(), **values}
    due, account = (
        (_WHEN_CLASSED.format(value=value) if brief else value) for value in (_DUE, _ACCOUNT)
    )
    statement = text(_FULL.format(found=found, due=due, account=account))
    options = {"compiled_cache": None} if once else {}
    rows: Iterable[Any] = connection.execute(statement, scope, execution_options=options)
    return [_overpayment(profile, row) for row in rows]


def _overpayment(profile: Profile, row: Any) -> Overpayment:
    # Taken apart at once: by name, column by column, thousands of rows take twice as long.
    (
        subject, file_id, line_no, notice_id, term, item_code, levy_year, notice_no, obligor_no,
        stage, outcome, paid_on, arose_on, held_yen, decided_yen, due_yen, overpayment_no, reason,
        classed_paid_on, classed_arose_on, interest_from_on, noticed_on, asked, account_no,
    ) = row  # fmt: skip
    arose = as_day(classed_arose_on or arose_on)
    paid = classed_paid_on or paid_on
    return Overpayment(
        subject, file_id, line_no, notice_id, term, item_code, levy_year, notice_no, obligor_no,
        stage, outcome, as_day(paid) if paid else None, arose, int(held_yen), int(decided_yen),
        int(due_yen), overpayment_no, OverpaymentReason(reason) if reason else None,
        as_day(interest_from_on) if interest_from_on else None,
        as_day(noticed_on) if noticed_on else None, int(asked), account_no,
        expires_on(arose, years_of(profile, item_code)),
    )  # fmt: skip
