"""申告された符号: every stable code that the packages can name, gathered from the source itself.

A new code cannot be forgotten: nothing here is a list that somebody keeps.
"""

from __future__ import annotations

import ast
import importlib
import re
from typing import TYPE_CHECKING

from codebase import PACKAGES, modules, name, tree

from payments.domain import errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CODE = re.compile(r"[a-z][a-z0-9_]*")
FINDING_CALLS = {"Finding", "LineFault", "fatal", "refuse", "warn", "_refusal", "_finding", "_stop"}
SOUND = {
    "applied",
    "changed",
    "repeat",
    "state",
}  # what becomes of a register line in which nothing is wrong


def error_codes() -> dict[str, str]:
    """Error code → the place that names it; the code of a class, if it is raised without one."""
    # A class with its own way of being made says its codes itself (SymbolError).
    classes = {
        kind.__name__: kind.code
        for kind in error_classes()
        if kind is errors.KokinError or "__init__" not in vars(kind)
    }
    bare = {
        classes[_called(call)]: f"{name(path)}:{call.lineno}"
        for path in modules()
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and not call.args and _called(call) in classes
    }
    return bare | first_arguments(classes.__contains__)


def finding_codes() -> dict[str, str]:
    """指摘: code → place."""
    return first_arguments(FINDING_CALLS.__contains__) | _register_codes()


def difference_names() -> dict[str, str]:
    """検算の不一致: name → place."""
    return first_arguments({"Difference", "unlike", "_unlike"}.__contains__)


def faults() -> dict[str, str]:
    """形式不正の理由: code → place."""
    return _assigned_faults() | _column_faults()


def error_classes() -> list[type[errors.KokinError]]:
    """Every error class of the packages, whichever other tests have run before."""
    for path in modules():
        if "migrations" not in path.parts and path.name != "__main__.py":
            importlib.import_module(_dotted(path))
    return [
        kind for kind in _subclasses(errors.KokinError) if kind.__module__.split(".")[0] in PACKAGES
    ]


def first_arguments(wanted: Callable[[str], bool]) -> dict[str, str]:
    """Code → place, over all calls whose function the predicate accepts."""
    return {
        code: f"{name(path)}:{call.lineno}"
        for path in modules()
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and call.args and wanted(_called(call))
        for code in _literals(call.args[0])
    }


def _register_codes() -> dict[str, str]:
    """What registers say of a line as a plain value, which the intake turns into a finding."""
    found: dict[str, str] = {}
    for path in (path for path in modules("payments") if path.parent.name == "payments"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(func=ast.Attribute(attr="_error"), args=[_, code, *_]):
                    codes = _literals(code)
                case ast.Call(
                    func=ast.Attribute(attr="append", value=errors_), args=[ast.Tuple(elts)]
                ):
                    named = getattr(errors_, "attr", getattr(errors_, "id", "")) == "errors"
                    codes = [code for part in elts[1:2] for code in _literals(part) if named]
                case ast.Assign(targets=[ast.Name(id="outcome" | "code")], value=value):
                    codes = [code for code in _literals(value) if code not in SOUND]
                case _:
                    continue
            found |= dict.fromkeys(codes, f"{name(path)}:{node.lineno}")
    return found


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _literals(node: ast.expr) -> list[str]:
    """The codes an argument may be: a literal, or either side of a conditional one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if CODE.fullmatch(node.value) else []
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    return []


def _subclasses(base: type[errors.KokinError]) -> list[type[errors.KokinError]]:
    return [base, *(found for kind in base.__subclasses__() for found in _subclasses(kind))]


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
