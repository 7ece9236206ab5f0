"""Every stable code that a person may meet has its Japanese sentence in ``web.messages``.

The codes are gathered from the source itself, so a new one cannot be forgotten.
"""

from __future__ import annotations

import ast
import importlib
import re
from typing import TYPE_CHECKING

import pytest
from codebase import PACKAGES, modules, name, tree

from payments.domain import errors
from reconcile.rules import CASE_OUTCOMES, PLACEMENT_OUTCOMES, RULES, SETTLEMENT_OUTCOMES
from web import messages
from web.texts.errors import ERRORS
from web.texts.faults import FAULTS
from web.texts.findings import FINDINGS
from web.texts.outcomes import CASE_LABELS, CASE_NEXT, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CODE = re.compile(r"[a-z][a-z0-9_]*")
FINDING_CALLS = {"Finding", "fatal", "refuse", "warn", "_refusal", "_finding", "LineFault"}
# outcomes.md 5, 7 and 9: cases that no line's own outcome opens.
PASSING_CASES = {
    "closed_year",
    "confirmation_overdue",
    "confirmed_after_withdrawal",
    "late_confirmation",
    "overpaid_by_correction",
    "remittance_overdue",
    "wrong_instalment_suspected",
}


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _literals(node: ast.expr) -> list[str]:
    """The codes an argument may be: a literal, or either side of a conditional one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if CODE.fullmatch(node.value) else []
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    return []


def _first_arguments(wanted) -> dict[str, str]:
    """Code → place, over all calls whose function the predicate accepts."""
    return {
        code: f"{name(path)}:{call.lineno}"
        for path in modules()
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and call.args and wanted(_called(call))
        for code in _literals(call.args[0])
    }


def _subclasses(base: type[errors.KokinError]) -> list[type[errors.KokinError]]:
    return [base, *(found for kind in base.__subclasses__() for found in _subclasses(kind))]


def _error_classes() -> list[type[errors.KokinError]]:
    """Every error class of the packages, whichever other tests have run before."""
    for path in modules():
        if "migrations" not in path.parts and path.name != "__main__.py":
            importlib.import_module(_dotted(path))
    return [
        kind for kind in _subclasses(errors.KokinError) if kind.__module__.split(".")[0] in PACKAGES
    ]


def _dotted(path: Path) -> str:
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _assigned_faults() -> dict[str, str]:
    """``fault = "…"`` and ``fault="…"`` anywhere in the formats."""
    found: dict[str, str] = {}
    for path in modules("reconcile"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Assign(targets=[ast.Name(id="fault")], value=value):
                    codes = _literals(value)
                case ast.keyword(arg="fault", value=value):
                    codes = _literals(value)
                case _:
                    continue
            found |= dict.fromkeys(codes, f"{name(path)}:{value.lineno}")
    return found


def _column_faults() -> dict[str, str]:
    """The faults that the columns of the delimited layouts name."""
    found: dict[str, str] = {}
    for path in modules("reconcile/formats"):
        module = importlib.import_module(_dotted(path))
        for column in getattr(getattr(module, "LAYOUT", None), "columns", ()):
            found[column.fault] = f"{name(path)} {column.name}"
    return found


def _missing(codes: dict[str, str], *tables: Mapping[str, object]) -> str:
    """The codes without a sentence, one per line, each with a place where it is used."""
    known = {code for table in tables for code in table}
    return "\n".join(sorted(f"{c} ({place})" for c, place in codes.items() if c not in known))


def test_every_error_code_has_a_sentence():
    classes = {kind.__name__: kind.code for kind in _error_classes()}
    codes = _first_arguments(classes.__contains__) | {c: kind for kind, c in classes.items()}
    assert len(codes) > len(classes)
    assert _missing(codes, ERRORS) == ""


def test_every_finding_has_a_sentence():
    codes = _first_arguments(FINDING_CALLS.__contains__)
    assert "total_mismatch" in codes
    assert _missing(codes, FINDINGS, FAULTS) == ""


def test_every_reason_of_a_malformed_line_has_a_sentence():
    codes = _assigned_faults() | _column_faults()
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
