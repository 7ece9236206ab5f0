"""規則の当否: the ordered list applied once more to the facts of one line, rule by rule.

The database evaluates the very conditions of :mod:`reconcile.rules`, so that an explanation cannot
say something else than the engine does. Every rule names the facts that it looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import text

from reconcile.explain.model import RuleTest
from reconcile.rules import RULES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconcile.explain.model import Facts

# The facts of outcomes.md 1 as the conditions name them, with their kind for the database.
FACTS = {
    "fixed": "VARCHAR(10)",
    "fault": "VARCHAR(30)",
    "is_debit": "INTEGER",
    "kind": "VARCHAR(6)",
    "stage": "VARCHAR(11)",
    "partner": "BIGINT",
    "confirmed_before": "INTEGER",
    "is_ours": "INTEGER",
    "known": "INTEGER",
    "key_valid": "INTEGER",
    "live": "INTEGER",
    "outstanding": "BIGINT",
    "alternative_yen": "BIGINT",
    "is_el": "INTEGER",
    "amount": "BIGINT",
    "slip_yen": "BIGINT",
    "due": "BIGINT",
    "superseded": "INTEGER",
    "late": "INTEGER",
}
_WORD = re.compile(r"'[^']*'|[a-z_]+")

_TESTED = "SELECT {tests} FROM (SELECT {facts}) facts".format(
    tests=", ".join(
        f"CASE WHEN {rule.condition} THEN 1 ELSE 0 END AS {rule.code.lower()}" for rule in RULES
    ),
    facts=", ".join(f"CAST(:{name} AS {kind}) AS {name}" for name, kind in FACTS.items()),
)


def facts_of(condition: str) -> tuple[str, ...]:
    """The facts that a condition looks at, in its order."""
    words = dict.fromkeys(_WORD.findall(condition))
    return tuple(word for word in words if word in FACTS)


def try_rules(connection: Connection, facts: Facts) -> tuple[RuleTest, ...]:
    """Every rule up to the first that holds, which decides; ``facts`` has all of :data:`FACTS`."""
    answers = connection.execute(text(_TESTED), {name: facts.get(name) for name in FACTS}).one()
    tests = []
    for rule, answer in zip(RULES, answers, strict=True):
        looked_at = {name: facts.get(name) for name in facts_of(rule.condition)}
        tests.append(
            RuleTest(
                rule.code, rule.outcome, rule.label_ja, rule.condition, looked_at, bool(answer)
            )
        )
        if answer:
            break
    return tuple(tests)
