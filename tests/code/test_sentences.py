"""Every stable code that a person may meet has its Japanese sentence in ``web.messages``.

The codes are gathered from the source itself, so a new one cannot be forgotten.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from declared_codes import error_classes, error_codes, faults, finding_codes

from reconcile.rules import CASE_OUTCOMES, PLACEMENT_OUTCOMES, RULES, SETTLEMENT_OUTCOMES
from web import messages
from web.texts.errors import ERRORS
from web.texts.faults import FAULTS
from web.texts.findings import FINDINGS
from web.texts.outcomes import CASE_LABELS, CASE_NEXT, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

CODE = re.compile(r"[a-z][a-z0-9_]*")
FINDING_CALLS = {"Finding", "fatal", "refuse", "warn", "_refusal", "_finding", "LineFault"}
# Cases that no report's own outcome opens (outcomes.md 5, 7 and 9; files.md 3.5).
PASSING_CASES = {
    "before_differs",
    "change_conflict",
    "closed_year",
    "confirmation_overdue",
    "confirmed_after_withdrawal",
    "correction_without_initial",
    "debit_acknowledgement_differs",
    "difference_below_zero",
    "difference_twice",
    "initial_twice",
    "late_confirmation",
    "overpaid_by_correction",
    "remittance_overdue",
    "wrong_instalment_suspected",
}


def _missing(codes: dict[str, str], *tables: Mapping[str, object]) -> str:
    """The codes without a sentence, one per line, each with a place where it is used."""
    known = {code for table in tables for code in table}
    return "\n".join(sorted(f"{c} ({place})" for c, place in codes.items() if c not in known))


def test_every_error_code_has_a_sentence():
    codes = error_codes()
    assert len(codes) > len(error_classes())
    assert _missing(codes, ERRORS) == ""


def test_every_finding_has_a_sentence():
    codes = finding_codes()
    assert "total_mismatch" in codes
    assert _missing(codes, FINDINGS, FAULTS) == ""


def test_every_reason_of_a_malformed_line_has_a_sentence():
    codes = faults()
    assert {"amount_zero", "result_code"} <= codes.keys()
    assert _missing(codes, FAULTS, FINDINGS) == ""


def test_every_outcome_has_a_label_and_a_sentence():
    outcomes = {rule.outcome for rule in RULES} | SETTLEMENT_OUTCOMES.keys() | PLACEMENT_OUTCOMES
    assert sorted(outcomes - OUTCOMES.keys()) == []


def test_every_case_has_a_label_and_a_next_step():
    kinds = CASE_OUTCOMES | PASSING_CASES
    assert [
        kind for kind in sorted(kinds) if messages.case(kind).next == messages.UNKNOWN_NEXT
    ] == []
    labelled = CASE_LABELS.keys() | OUTCOMES.keys()
    assert sorted(kinds - labelled) == []


@pytest.mark.parametrize("table", [ERRORS, FINDINGS, FAULTS, CASE_NEXT])
def test_sentences_are_sentences(table):
    assert table
    assert [code for code, said in table.items() if not re.search(r"[。）}]$", said)] == []
