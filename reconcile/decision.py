"""判定: the ordered rules as one statement over facts that stand one row per line."""

from __future__ import annotations

from reconcile.rules import applied_case, booked_case, rule_case

LINE_SPACE = 1_000_000_000  # file_id × this + line_no names a line in one number

_DECIDE = """
INSERT INTO decision (municipality_code, line, file_id, line_no, revision, rule, outcome, stage,
    seen, booked_yen, applied_yen, paid_on, slip_id, notice_id, term, superseded, group_id, partner,
    revived)
SELECT CAST(:m AS VARCHAR(5)), file_id * {line_space} + line_no, file_id, line_no, {revision},
    e.rule, e.outcome, stage,
    CASE WHEN stage = 'confirmed' THEN 4 WHEN kind = '81' THEN 2 ELSE 1 END,
    {booked}, {applied}, paid_on, slip_id, notice_id, term, superseded, {group_id}, partner,
    revived
FROM (SELECT facts.*, {rule} AS rule FROM ({facts}) facts) decided
CROSS JOIN rule_effect e
WHERE e.municipality_code = :m AND e.rule = decided.rule
"""
_NEXT_REVISION = """(SELECT MAX(o.revision) + 1 FROM line_outcome o
    WHERE o.municipality_code = :m AND o.file_id = decided.file_id
      AND o.line_no = decided.line_no)"""
_GROUP = """CASE WHEN stage = 'confirmed' THEN (
    SELECT g.group_id FROM remittance_group g
    WHERE g.municipality_code = :m AND g.agent = :agent AND g.ref = decided.ref) END"""
_GROUP_AGAIN = """(SELECT r.group_id FROM receipt r
    WHERE r.municipality_code = :m AND r.file_id = decided.file_id
      AND r.line_no = decided.line_no)"""


def decision_from(facts: str, *, again: bool = False) -> str:
    """判定: the statement that applies the rules to ``facts``, a query of one row per line.

    ``again`` writes further revisions of lines that were decided before.
    """
    return _DECIDE.format(
        facts=facts,
        line_space=LINE_SPACE,
        rule=rule_case(),
        booked=booked_case("e.rule", "e.books"),
        applied=applied_case("e.applies"),
        revision=_NEXT_REVISION if again else "1",
        group_id=_GROUP_AGAIN if again else _GROUP,
    )
