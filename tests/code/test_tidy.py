"""The style that no linter checks: sizes, docstrings, and what must not be in any file."""

from __future__ import annotations

import ast
import re

import pytest
from codebase import PACKAGES, ROOT, modules, name, tracked_files, tree

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 440  # "about 400"
# Modules that may be longer, each with its reason.
LONGER_MODULES: dict[str, str] = {}
# A migration is written once, never changed and read from top to bottom: no length is too long.
MIGRATIONS = ROOT / "web" / "migrations"
# Modules with a share or a waiting time, each with its reason.
FLOATS_ALLOWED = {"payments/domain/profile.py": "cases_share_max is a share of lines, no amount"}

# Written in pieces, so that this file does not contain what it forbids.
FORBIDDEN = {
    "a path of somebody's machine": re.compile(
        "|".join([r"(?<![\w.])/" + "work/", r"(?<![\w.])/" + "root/", "/" + "Users/"])
        + "|/" + r"home/(?!kokin\b)\w"
    ),
    "the host of a package registry": re.compile(
        "|".join([r"py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)"])
    ),
    "a file outside the project": re.compile(r"\.\./" + "shared|shared/" + "(?:data|reference)"),
}  # fmt: skip
BINARY = {".png", ".pdf", ".ico", ".woff2", ".gz", ".jpg", ".xlsx"}


def _written(*folders):
    return [path for path in modules(*folders) if not path.is_relative_to(MIGRATIONS)]


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, less the docstring: an explanation is no length."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_functions_fit_on_a_screen():
    long = [
        f"{name(path)}:{node.lineno} {node.name} ({_body_lines(node)} lines)"
        for path in _written(*PACKAGES, "tests", "benchmarks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _body_lines(node) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_modules_stay_readable():
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in _written()}
    assert {
        m: n for m, n in lengths.items() if n > MODULE_LINES_MAX and m not in LONGER_MODULES
    } == {}
    assert [m for m in LONGER_MODULES if lengths.get(m, 0) <= MODULE_LINES_MAX] == []


def test_every_module_says_what_it_is():
    checked = modules(*PACKAGES, "tests/support", "tests/code", "benchmarks")
    assert [name(path) for path in checked if not ast.get_docstring(tree(path))] == []


def test_no_float_touches_money():
    """R1: no float literal and no ``float()`` where amounts are handled."""
    floats = [
        f"{name(path)}:{node.lineno}"
        for path in modules("payments", "reconcile")
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float")
    ]
    assert [place for place in floats if place.split(":")[0] not in FLOATS_ALLOWED] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_contains(what):
    found = []
    for path in tracked_files():
        if path.suffix in BINARY:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [
            f"{name(path)}:{text.count(chr(10), 0, match.start()) + 1} {match.group()}"
            for match in FORBIDDEN[what].finditer(text)
        ]
    assert found == []
