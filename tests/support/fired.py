"""発火の記録: which codes our own code has produced while the tests ran.

A code counts as fired when the packages themselves make it: an error that a test builds, or a
finding that it expects, is none. Every process of a run writes down what it has seen; the one that
started them compares it with what the source can name (:mod:`declared_codes`).
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import declared_codes
from codebase import PACKAGES, ROOT

from payments.domain.errors import KokinError
from reconcile.flag import Case
from reconcile.formats import FORMATS
from reconcile.formats.notification import Notification
from reconcile.formats.own_format import OwnFormat
from reconcile.model import Finding
from reconcile.report.checks import Check
from reconcile.verify.walk import Difference
from web.texts.faults import FAULTS
from web.texts.findings import FINDINGS
from web.texts.labels import LABELS
from web.texts.outcomes import CASE_NEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconcile.model import Reading, ReportLine

# Their data do not come into this service, so they say 対象なし (reconcile.report.checks.absent).
UNCOMPARED = {"T4"}
# A sentence for something that never happens would be as wrong as something without a sentence.
_SENTENCES = dict.fromkeys([*FINDINGS, *FAULTS], "web/texts")
OURS = tuple(f"{ROOT / package}{os.sep}" for package in PACKAGES)
PREFIX = "fired-"
DECLARED: dict[str, Callable[[], dict[str, str]]] = {
    "error": declared_codes.error_codes,
    "finding": lambda: _SENTENCES | declared_codes.finding_codes() | declared_codes.faults(),
    "difference": declared_codes.difference_names,
    "case": lambda: dict.fromkeys(CASE_NEXT, "web/texts"),
    "check": lambda: dict.fromkeys(LABELS["check"].keys() - UNCOMPARED, "web/texts"),
}

_seen: defaultdict[str, set[str]] = defaultdict(set)


def watch() -> None:
    """Begin to write down what is fired in this process."""
    _replace(Finding, "__init__", _after(Finding.__init__, "finding", "code"))
    _replace(KokinError, "__init__", _after(KokinError.__init__, "error", "error_code"))
    _replace(Check, "__init__", _after(Check.__init__, "check", "code", _differs))
    for made, kind in ((Difference, "difference"), (Case, "case")):
        _replace(made, "__new__", _making(made.__new__, kind))
    readers: set[Any] = {type(entry) for entry in FORMATS} | {OwnFormat, Notification}
    for reader in readers:
        _replace(reader, "read", _reading(reader.read))


def _replace(owner: type[Any], name: str, function: Callable[..., Any]) -> None:
    """Put a function that notes in the place of one that does not."""
    setattr(owner, name, function)


def write_down(run_dir: Path) -> None:
    """What this process has seen, for the one that compares."""
    seen = {kind: sorted(codes) for kind, codes in _seen.items()}
    (run_dir / f"{PREFIX}{os.getpid()}.json").write_text(json.dumps(seen), "utf-8")


def never_fired(run_dir: Path) -> list[str]:
    """Codes that the source can name and that no test of the whole run has fired."""
    fired: defaultdict[str, set[str]] = defaultdict(set)
    for path in run_dir.glob(f"{PREFIX}*.json"):
        for kind, codes in json.loads(path.read_text("utf-8")).items():
            fired[kind] |= set(codes)
    return [
        f"{kind} {code} ({place})"
        for kind, declared in DECLARED.items()
        for code, place in sorted(declared().items())
        if code not in fired[kind]
    ]


def _note(kind: str, code: str) -> None:
    """Write down a code, if our own code is at the other end of the call."""
    frame = sys._getframe(2)  # who called is the question here
    while frame.f_back and frame.f_code.co_name in {"__init__", "__new__"}:
        frame = frame.f_back
    if frame.f_code.co_filename.startswith(OURS):
        _seen[kind].add(code)


def _always(_made: Any) -> bool:
    return True


def _differs(check: Check) -> bool:
    """A check is fired when it finds something."""
    return not check.ok


def _after(
    init: Callable[..., None], kind: str, field: str, fires: Callable[[Any], bool] = _always
) -> Callable[..., None]:
    """A dataclass's or an error's ``__init__`` that notes its code."""

    @functools.wraps(init)
    def noting(self: Any, *given: Any, **named: Any) -> None:
        init(self, *given, **named)
        if fires(self):
            _note(kind, getattr(self, field))

    return noting


def _making(new: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """A named tuple's ``__new__`` that notes its first value."""

    def noting(cls: type[Any], name: str, *rest: Any, **named: Any) -> Any:
        _note(kind, name)
        return new(cls, name, *rest, **named)

    return noting


def _reading(read: Callable[..., Reading]) -> Callable[..., Reading]:
    """A format's ``read`` that notes why lines are malformed."""

    @functools.wraps(read)
    def noting(self: Any, *given: Any, **named: Any) -> Reading:
        reading = read(self, *given, **named)
        reading.lines = _watched(reading.lines)
        return reading

    return noting


def _watched(lines: Iterator[ReportLine]) -> Iterator[ReportLine]:
    for line in lines:
        if line.fault is not None:
            _seen["finding"].add(line.fault)
        yield line
