"""入金・払込明細の説明: why a credit settled or did not, why an advice line agreed or differed.

What the remittance groups were worth at the decision is restored (:mod:`reconcile.explain.groups`);
then :func:`reconcile.settlement.search.decide_credit` decides once more.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.municipalities import load_profile
from reconcile.explain.evidence import flag, journals_of, plain
from reconcile.explain.groups import (
    SINCE,
    blocked_then,
    change,
    groups_then,
    rivals_then,
    split_then,
)
from reconcile.explain.model import Decision, Facts, RuleTest
from reconcile.placement.placed import decided_by_people
from reconcile.post import LEGS_PER_TURN
from reconcile.settlement.line_books import as_date
from reconcile.settlement.search import (
    DIFFERENCE,
    SPLIT,
    Credit,
    candidates_of,
    decide_credit,
    is_returned_refund,
    payer_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

# 入出金明細の規則 in their order (outcomes.md 7): code, outcome, name, condition, facts looked at.
STATEMENT_RULES = (
    ("I1", "repeat", "再受領", "fixed = 'repeat'", ("fixed",)),
    ("I2", "conflict", "内容相違", "fixed = 'conflict'", ("fixed",)),
    ("P01", "malformed", "形式不正", "fault IS NOT NULL", ("fault",)),
    ("B8", "withdraws", "入金通知の取消", "direction = 'cancel'", ("direction",)),
    ("B1", "outgoing", "出金", "direction = 'debit'", ("direction",)),
    ("B9", "information", "参考", "is_money = 0", ("is_money", "account_key", "source")),
    ("B2", "settled", "払込と一致", "single = 1 AND disputed = 0",
     ("agent", "amount", "single", "disputed")),
    (
        "B3", "settled", "払込の合計と一致", "single = 0 AND combinations = 1 AND disputed = 0",
        ("agent", "amount", "single", "combinations", "disputed"),
    ),
    (
        "B3S", "settled", "分割入金",
        "single = 0 AND combinations = 0 AND split > 1", ("agent", "amount", "split", "split_yen"),
    ),
    ("B4", "settlement_difference", "入金差額", "agent <> ''", ("agent", "single", "combinations")),
    ("B5", "refund_returned", "組戻し", "is_returned = 1", ("is_returned", "remarks")),
    ("B6", "direct_transfer", "直接振込", "suggested <> ''", ("payer_name", "amount", "suggested")),
    ("B7", "unidentified_deposit", "不明入金", "1 = 1", ()),
)  # fmt: skip
ADVICE_RULES = (
    ("I1", "repeat", "再受領", "fixed = 'repeat'", ("fixed",)),
    ("I2", "conflict", "内容相違", "fixed = 'conflict'", ("fixed",)),
    ("P01", "malformed", "形式不正", "fault IS NOT NULL", ("fault",)),
    (
        "V1", "advised", "払込明細一致", "confirmed_count = count AND confirmed_yen = gross_yen",
        ("count", "confirmed_count", "gross_yen", "confirmed_yen"),
    ),
    (
        "V2", "advice_difference", "払込明細相違", "1 = 1",
        ("count", "confirmed_count", "gross_yen", "confirmed_yen"),
    ),
)  # fmt: skip
BY_HAND = frozenset({"M1", "M2", "M3"})  # rules that only people apply
_OUTCOMES = """
SELECT * FROM line_outcome
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no ORDER BY revision"""
_BANK = """
SELECT * FROM bank_line
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"""
_ADVICE = _BANK.replace("bank_line", "advice_line")


def bank_decisions(
    connection: Connection, municipality_code: str, line: Any
) -> tuple[Decision, ...]:
    """判定 of a statement or notice line, oldest first."""
    scope = {"m": municipality_code, "file_id": line.file_id, "line_no": line.line_no}
    profile = load_profile(connection, municipality_code)
    bank = connection.execute(text(_BANK), scope).one_or_none()
    outcomes = connection.execute(text(_OUTCOMES), scope).all()
    journals = journals_of(connection, municipality_code, (o.journal_id for o in outcomes))
    decisions = []
    for outcome in outcomes:
        facts = _fixed(outcome, line)
        candidates: tuple[Facts, ...] = ()
        tests: tuple[RuleTest, ...] = ()
        unknown: list[str] = []
        if outcome.rule in BY_HAND:
            facts |= decided_by_people(
                connection, municipality_code, line.file_id, line.line_no, outcome.journal_id
            )
        elif outcome.outcome != "withdrawn":
            if bank is not None and not facts["fixed"]:
                more, candidates, unknown = _credit_facts(connection, profile, line, bank, outcome)
                facts |= more
            tests = _statement_tests(facts)
        decisions.append(
            Decision(
                outcome.revision, outcome.outcome, outcome.rule, outcome.applied_yen,
                outcome.suspense_yen, journals[outcome.journal_id], facts, tests,
                _agrees(tests, outcome), (), candidates, tuple(unknown),
            )
        )  # fmt: skip
    return tuple(decisions)


def _agrees(tests: Sequence[RuleTest], outcome: Any) -> bool | None:
    """Whether the rule recorded is the one that the restored facts give."""
    return tests[-1].code == outcome.rule if tests else None


def _fixed(outcome: Any, line: Any) -> Facts:
    return {
        "fixed": {"I1": "repeat", "I2": "conflict"}.get(outcome.rule),
        "fault": line.fault,
        "amount": line.amount_yen,
    }


def _tests(rules: Sequence[Any], facts: Facts, answers: dict[str, bool]) -> tuple[RuleTest, ...]:
    """The rules up to the first that holds."""
    tests = []
    for code, outcome, label_ja, condition, names in rules:
        holds = answers[code]
        looked_at = {name: facts.get(name) for name in names}
        tests.append(RuleTest(code, outcome, label_ja, condition, looked_at, holds))
        if holds:
            break
    return tuple(tests)


def _statement_tests(facts: Facts) -> tuple[RuleTest, ...]:
    answers = {
        "I1": facts["fixed"] == "repeat",
        "I2": facts["fixed"] == "conflict",
        "P01": facts["fault"] is not None,
        "B8": facts.get("direction") == "cancel",
        "B1": facts.get("direction") == "debit",
        "B9": not facts.get("is_money"),
        "B2": facts.get("single") == 1 and not facts.get("disputed"),
        "B3": not facts.get("single")
        and facts.get("combinations") == 1
        and not facts.get("disputed"),
        "B3S": bool(facts.get("split")),
        "B4": bool(facts.get("agent")),
        "B5": bool(facts.get("is_returned")),
        "B6": bool(facts.get("suggested")),
        "B7": True,
    }
    return _tests(STATEMENT_RULES, facts, answers)


def _credit_facts(
    connection: Connection, profile: Profile, line: Any, bank: Any, outcome: Any
) -> tuple[Facts, tuple[Facts, ...], list[str]]:
    """What a statement line was compared with, the groups considered, what is not known."""
    account = profile.account(bank.account_key)
    facts: Facts = {
        "direction": bank.direction,
        "source": bank.source,
        "account_key": bank.account_key,
        "is_money": flag(account is not None and account.money_kind == bank.source),
        "booked_on": plain(bank.booked_on),
        "payer_code": bank.payer_code,
        "payer_name": bank.payer_name,
        "remarks": bank.remarks,
        "edi": bank.edi.strip(),
    }
    if bank.direction != "credit" or not facts["is_money"]:
        return facts, (), ["profile_today"]
    credit = Credit(
        line.amount_yen, as_date(bank.booked_on), bank.payer_code, bank.payer_name, bank.remarks,
        bank.edi.strip(),
    )  # fmt: skip
    facts["agent"] = payer_of(credit, profile) or _deposit_agent(connection, profile, line, credit)
    facts["is_returned"] = flag(is_returned_refund(credit, profile))
    unknown = ["profile_today"]
    if not facts["agent"]:
        facts["suggested"] = _suggested(connection, profile.municipality_code, line)
        return facts, (), [*unknown, "obligors_today"]
    groups, same_journal = groups_then(connection, profile, str(facts["agent"]), line, outcome)
    if same_journal:
        unknown.append("order_within_journal")
    blocked = blocked_then(connection, profile.municipality_code, line, outcome)
    considered = candidates_of(credit, str(facts["agent"]), groups, blocked)
    decided = decide_credit(credit, str(facts["agent"]), groups, blocked)
    facts["single"] = sum(group.expected_yen == credit.amount_yen for group in considered)
    facts |= {"combinations": 0, "disputed": 0}
    if not facts["single"]:  # several are as good as two here
        facts["combinations"] = 1 if decided.rule == "B3" else 2 * (len(decided.candidates) > 1)
    if decided.groups and outcome.rule == DIFFERENCE:
        rivals = rivals_then(connection, profile.municipality_code, line, str(facts["agent"]))
        facts["disputed"] = flag(rivals > 0)
    chosen: set[Any] = {group.group_id for group in decided.groups}
    if outcome.rule == SPLIT:
        split = split_then(connection, profile.municipality_code, line, outcome)
        facts |= split
        chosen = {split["group_id"]} if split else set()
    candidates: tuple[Facts, ...] = tuple(
        {
            "group_id": group.group_id,
            "ref": group.ref,
            "remitted_on": str(group.remitted_on),
            "expected_yen": group.expected_yen,
            "chosen": group.group_id in chosen,
        }
        for group in considered
    )
    return facts, candidates, unknown


def _deposit_agent(connection: Connection, profile: Profile, line: Any, credit: Credit) -> str:
    """The payer that the deposit names; a remittance number of ours names eLTAX by itself."""
    scope = {"m": profile.municipality_code, "file_id": line.file_id, "line_no": line.line_no}
    agent = connection.execute(
        text(
            "SELECT agent FROM deposit "
            "WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"
        ),
        scope,
    ).scalar_one_or_none()
    if agent or not credit.edi:
        return str(agent or "")
    named = connection.execute(
        text(
            "SELECT 1 FROM remittance_group WHERE municipality_code = :m AND agent = 'eltax' "
            "AND ref = :ref"
        ),
        {**scope, "ref": credit.edi},
    ).first()
    return "eltax" if named else ""


def _suggested(connection: Connection, municipality_code: str, line: Any) -> str:
    """The instalments that were suggested, as the case recorded them."""
    details = connection.execute(
        text(
            "SELECT details FROM review_case WHERE municipality_code = :m "
            "AND kind = 'direct_transfer' AND subject = :subject"
        ),
        {"m": municipality_code, "subject": f"{line.file_id}:{line.line_no}"},
    ).scalar_one_or_none()
    found = json.loads(details) if details else {}
    return "、".join(found.get("instalments", ()))


def advice_decisions(
    connection: Connection, municipality_code: str, line: Any
) -> tuple[Decision, ...]:
    """判定 of an advice line, oldest first."""
    scope = {"m": municipality_code, "file_id": line.file_id, "line_no": line.line_no}
    advice = connection.execute(text(_ADVICE), scope).one_or_none()
    outcomes = connection.execute(text(_OUTCOMES), scope).all()
    journals = journals_of(connection, municipality_code, (o.journal_id for o in outcomes))
    decisions = []
    for outcome in outcomes:
        facts = _fixed(outcome, line)
        if advice is not None and not facts["fixed"]:
            facts |= _advice_facts(connection, municipality_code, advice, outcome.journal_id)
        agree = facts.get("count") == facts.get("confirmed_count")
        answers = {
            "I1": facts["fixed"] == "repeat",
            "I2": facts["fixed"] == "conflict",
            "P01": facts["fault"] is not None or advice is None,
            "V1": agree and facts.get("gross_yen") == facts.get("confirmed_yen"),
            "V2": True,
        }
        tests = _tests(ADVICE_RULES, facts, answers)
        # A line is entered as different, and compared in the same occasion.
        entered = outcome.revision == 1 and outcome.rule == "V2" and len(outcomes) > 1
        entered = entered and outcomes[1].journal_id == outcome.journal_id
        decisions.append(
            Decision(
                outcome.revision, outcome.outcome, outcome.rule, outcome.applied_yen,
                outcome.suspense_yen, journals[outcome.journal_id], facts,
                () if entered else tests, None if entered else _agrees(tests, outcome),
                unknown=("entered_first",) if entered else (),
            )
        )  # fmt: skip
    return tuple(decisions)


_PART = """
SELECT g.group_id, COALESCE(p.confirmed_count, 0) AS confirmed_count,
    COALESCE(p.confirmed_yen, 0) AS confirmed_yen
FROM remittance_group g
LEFT JOIN remittance_part p ON p.municipality_code = :m AND p.group_id = g.group_id
 AND p.part = :part
WHERE g.municipality_code = :m AND g.agent = 'eltax' AND g.ref = :ref"""


def _advice_facts(
    connection: Connection, municipality_code: str, advice: Any, journal_id: int
) -> Facts:
    """Both sides of the comparison: the advice, and the confirmed payments as they were then."""
    part = f"{advice.channel}/{advice.item_code}"
    scope = {"m": municipality_code, "part": part, "ref": advice.remittance_no}
    group = connection.execute(text(_PART), scope).one_or_none()
    count, yen = (group.confirmed_count, group.confirmed_yen) if group is not None else (0, 0)
    payments: dict[tuple[int, int, int, int], int] = {}
    if group is not None:
        since = connection.execute(
            text(
                f"{SINCE} AND p.journal_id > :journal_id AND p.group_id = :group_id "
                "AND EXISTS (SELECT 1 FROM source_line l WHERE l.municipality_code = :m "
                "AND l.file_id = p.subject_file_id AND l.line_no = p.subject_line_no "
                "AND l.identity LIKE :channel AND SUBSTR(l.slip_key, 32) = :item)"
            ),
            {
                **scope,
                "agent": "eltax",
                "journal_id": journal_id,
                "group_id": group.group_id,
                "channel": f"{advice.channel}:%",
                "item": advice.item_code,
            },
        )
        for posting in since:
            confirmed, _credited = change(posting)
            yen -= confirmed
            payment = (
                posting.journal_id, posting.file_id, posting.line_no,
                posting.leg // LEGS_PER_TURN,
            )  # fmt: skip
            payments[payment] = payments.get(payment, 0) + confirmed
        # What was taken back and booked again in one turn is still one payment.
        count -= sum((yen_then > 0) - (yen_then < 0) for yen_then in payments.values())
    return {
        "remittance_no": advice.remittance_no,
        "remitted_on": plain(advice.remitted_on),
        "part": part,
        "count": advice.count,
        "confirmed_count": count,
        "gross_yen": advice.gross_yen,
        "confirmed_yen": yen,
        "fee_yen": advice.fee_yen,
        "net_yen": advice.net_yen,
    }
