"""照合規則: the ordered list that decides every payment report, as a treasurer can read it.

The first rule whose condition holds decides the line. The list is the decision table of
outcomes.md 3 to 6; :func:`rule_case` turns it into one SQL expression, so that the database
decides all lines of a file at once. Conditions speak of these facts only, never of names and never
of similarity (R6):

========================  ==================================================================
``fixed``                 'repeat' or 'conflict', when the record itself has come before
``fault``                 why the line alone is malformed
``is_debit``, ``kind``    the file is a debit result; its 振替結果コード
``stage``, ``partner``    速報/確報/取消; the receipt of the same payment, if it is there
``confirmed_before``      a receipt of the same payment is confirmed already
``is_ours``               body code or client code belongs to this municipality
``known``, ``key_valid``  the key names a slip or instalment; the barcode's check digit holds
``live``                  at least one covered instalment is not cancelled
``outstanding``           what is still open on everything the slip covers
``alternative_yen``       money that came through the other way (全期 instead of 期別, or back)
``is_el``                 the key is an eL number
``amount``, ``slip_yen``  what was paid; what was printed
``due``                   min(slip amount, outstanding)
``superseded``            a newer version stands, or the slip was revoked
``late``                  paid after the slip's 支払期限
========================  ==================================================================
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """規則: when it holds, the outcome, and how much of the money it applies."""

    code: str
    outcome: str
    label_ja: str
    condition: str  # over the facts above
    applied: str = ""  # a key of APPLIED; the rest of a booked line is suspense
    books: bool = False  # True: the line becomes a receipt
    opens_case: bool = True


# What was already known about the record or the payment, before any money is looked at.
RECORD_RULES = (
    Rule("I1", "repeat", "再受領", "fixed = 'repeat'", opens_case=False),
    Rule("I2", "conflict", "内容相違", "fixed = 'conflict'"),
    Rule("P01", "malformed", "形式不正", "fault IS NOT NULL", books=True),
    Rule(
        "D1",
        "debit_failed",
        "振替不能",
        "is_debit = 1 AND kind IN ('1', '2', '3', '4', '8', '9')",
        opens_case=False,
    ),
    Rule(
        "S2",
        "withdraws",
        "速報取消",
        "stage = 'withdrawal' AND partner IS NOT NULL",
        opens_case=False,
    ),
    Rule(
        "S3",
        "withdrawal_after_confirmation",
        "確報後の取消",
        "stage = 'withdrawal' AND confirmed_before = 1",
    ),
    Rule("S4", "withdrawal_unmatched", "取消対象なし", "stage = 'withdrawal'"),
    Rule(
        "S1",
        "confirms",
        "確報",
        "stage = 'confirmed' AND partner IS NOT NULL",
        opens_case=False,
    ),
    Rule(
        "S5",
        "repeat",
        "同一納付の速報",
        "stage = 'provisional' AND partner IS NOT NULL",
        opens_case=False,
    ),
)

# Which slip, which instalment, how much: outcomes.md 4 with the finer points of 9. Row 9 stands
# before rows 7 and 8: an eL amount that differs from that very version's own amount is never
# allocated (the printed amount is final, symbols.md 1.10).
PAYMENT_RULES = (
    Rule("P02", "other_municipality", "他団体", "is_ours = 0", books=True),
    Rule("P03", "invalid_key", "検査数字不一致", "known = 0 AND key_valid = 0", books=True),
    Rule("P04", "unknown_slip", "納付書不明", "known = 0", books=True),
    Rule("P05", "cancelled_assessment", "調定取消", "live = 0", books=True),
    Rule(
        "P06",
        "duplicate",
        "二重納付",
        "outstanding = 0 AND alternative_yen = 0",
        books=True,
    ),
    Rule("P09", "amount_mismatch", "金額相違", "is_el = 1 AND amount <> slip_yen", books=True),
    Rule(
        "P07",
        "alternative_paid",
        "全期・期別重複",
        "alternative_yen > 0",
        "open",
        books=True,
    ),
    Rule(
        "P08",
        "superseded_slip",
        "旧納付書",
        "superseded = 1",
        "open",
        books=True,
    ),
    Rule("P10", "short", "不足", "amount < due", "amount", books=True),
    Rule("P11", "over", "過納", "amount > due", "due", books=True),
    Rule("P12", "expired_slip", "期限後納付", "late = 1", "amount", books=True),
    Rule("P13", "matched", "消込", "1 = 1", "amount", books=True, opens_case=False),
)

RULES = RECORD_RULES + PAYMENT_RULES

# Outcomes that are not decided line by line but by settlement (reconcile.settlement.search) or in
# passing.
SETTLEMENT_OUTCOMES = {
    "outgoing": False,
    "settled": False,
    "settlement_difference": True,
    "refund_returned": True,
    "direct_transfer": True,
    "unidentified_deposit": True,
    "withdraws": False,
    "withdrawal_unmatched": True,
    "information": False,
    "advised": False,
    "advice_difference": True,
    "withdrawn": False,
}

# What only two people decide (reconcile.placement.placing): a case stays open while money waits.
PLACEMENT_RULES = (
    Rule("M1", "unlinked", "消込取消", ""),
    Rule("M2", "placed", "手作業消込", ""),
)
PLACEMENT_OUTCOMES = frozenset(rule.outcome for rule in PLACEMENT_RULES)

CASE_OUTCOMES = frozenset(
    {rule.outcome for rule in RULES if rule.opens_case}
    | {outcome for outcome, opens in SETTLEMENT_OUTCOMES.items() if opens}
    | PLACEMENT_OUTCOMES
)


def rule_case() -> str:
    """The rule that decides, as SQL over the facts."""
    arms = " ".join(f"WHEN {rule.condition} THEN '{rule.code}'" for rule in RULES)
    return f"CASE {arms} END"


# How much of the money settles instalments, as SQL over the facts. No rule applies more than is
# outstanding (outcomes.md 4).
APPLIED = {
    "": "0",
    "amount": "amount",
    "due": "due",
    "open": "CASE WHEN amount < outstanding THEN amount ELSE outstanding END",
}


def effects() -> list[tuple[str, str, int, str]]:
    """What each rule does: its code, outcome, whether the line books, and what it applies.

    The database joins them to the rule it found, so that a line's rule is worked out once.
    """
    return [(rule.code, rule.outcome, int(rule.books), rule.applied) for rule in RULES]


def applied_case(column: str) -> str:
    """The yen that settle instalments, as SQL over the facts and the effect in ``column``."""
    arms = " ".join(f"WHEN '{key}' THEN {yen}" for key, yen in APPLIED.items())
    return f"CASE {column} {arms} END"


def booked_case(rule: str, books: str) -> str:
    """The yen that a decided rule books, as SQL: all of the line, or nothing.

    A malformed 取消 brings no money, nor does a debit line whose result is not 0
    (outcomes.md 9).
    """
    return (
        f"CASE WHEN {books} = 0 THEN 0 WHEN {rule} <> 'P01' THEN amount "
        "WHEN stage <> 'withdrawal' AND (is_debit = 0 OR kind = '0') "
        "THEN COALESCE(amount, 0) ELSE 0 END"
    )
