"""文言の収集: every Japanese sentence of templates and texts, and where it stands."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from codebase import ROOT, modules, name, tree
from jinja2 import Environment, nodes

from payments.domain.identifiers import ElNumber
from payments.domain.late_charge_levies import shipped_levies
from payments.domain.rates import shipped_rates
from payments.domain.refund_interest import RefundReason
from reconcile.explain.bank import ADVICE_RULES, STATEMENT_RULES
from reconcile.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATES = ROOT / "web" / "templates"
TEXTS = ROOT / "web" / "texts"
JAPANESE = re.compile(r"[、-〿぀-ヿ㐀-鿿！-￯]")
WORDS = re.compile(r"[々ぁ-ゖァ-ヺー㐀-鿿]")  # more than a bracket or a comma
SAID_BY = frozenset({"_", "translate", "translated"})
# Files that are made for paper or for a court, Japanese for everybody.
DOCUMENTS = frozenset({"printing/report.html"})
DOCUMENT_TEXTS = {"audit": None, "notices": "ERRORS"}  # what of them a page shows


def templates() -> list[Path]:
    """Every template of a page."""
    found = sorted(TEMPLATES.rglob("*.html"))
    return [path for path in found if path.relative_to(TEMPLATES).as_posix() not in DOCUMENTS]


def in_templates() -> dict[str, str]:
    """Sentence → place, of every ``_('…')`` of the templates."""
    found: dict[str, str] = {}
    for path in templates():
        found = said_in(path) | found
    return found


def said_in(path: Path) -> dict[str, str]:
    """Sentence → place, of every ``_('…')`` of one template."""
    found: dict[str, str] = {}
    for call in _parsed(path).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "_":
            first = call.args[0] if call.args else None
            if isinstance(first, nodes.Const) and JAPANESE.search(str(first.value)):
                found.setdefault(str(first.value), f"{name(path)}:{call.lineno}")
    return found


def in_python() -> dict[str, str]:
    """Sentence → place, of every ``_("…")`` of the pages' modules."""
    found: dict[str, str] = {}
    for path in modules("web"):
        found |= said_in_module(path)
    return found


def said_in_module(path: Path) -> dict[str, str]:
    """Sentence → place, of every ``_("…")`` of one module."""
    found: dict[str, str] = {}
    for node in ast.walk(tree(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id in SAID_BY and node.args:
            found |= dict(_constants(node.args[0], path))
    return found


def in_texts() -> dict[str, str]:
    """Sentence → place, of the tables of sentences."""
    found: dict[str, str] = {}
    for path in sorted(TEXTS.glob("*.py")):
        shown = DOCUMENT_TEXTS.get(path.stem, "")
        for node in tree(path).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and shown is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if node.value is not None and (not shown or ast.unparse(target) == shown):
                    found |= dict(_constants(node.value, path))
    return found


def in_rules() -> dict[str, str]:
    """Names that the inner layers give: rules, reasons, levies, parts of the eL number."""
    names = [rule.label_ja for rule in RULES] + [reason.label_ja for reason in RefundReason]
    names += [name for _code, _outcome, name, *_ in (*STATEMENT_RULES, *ADVICE_RULES)]
    names += [*shipped_levies().names.values(), *ElNumber.LABELS_JA.values()]
    names += [row.regime for row in shipped_rates().rows]
    return dict.fromkeys(names, "reconcile, payments")


def outside(path: Path) -> list[str]:
    """Japanese of a template that nothing translates, with its line."""
    parsed = _parsed(path)
    said = {
        id(const)
        for call in parsed.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "_"
        for const in call.find_all(nodes.Const)
    }
    units = {
        id(const)
        for found in parsed.find_all(nodes.Filter)
        if found.name == "count"
        for const in found.args
    }
    compared = {
        id(const) for each in parsed.find_all(nodes.Operand) for const in each.find_all(nodes.Const)
    }
    found = [
        f"{name(path)}:{text.lineno} {text.data.strip()[:40]}"
        for text in parsed.find_all(nodes.TemplateData)
        if WORDS.search(text.data)
    ]
    return found + [
        f"{name(path)}:{const.lineno} {const.value}"
        for const in parsed.find_all(nodes.Const)
        if isinstance(const.value, str)
        and WORDS.search(const.value)
        and id(const) not in said | units | compared
    ]


def _parsed(path: Path) -> nodes.Template:
    return Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))


def _constants(node: ast.expr, path: Path) -> Iterator[tuple[str, str]]:
    for each in ast.walk(node):
        said = each.value if isinstance(each, ast.Constant) else None
        if isinstance(said, str) and JAPANESE.search(said):
            yield said, f"{name(path)}:{node.lineno}"
