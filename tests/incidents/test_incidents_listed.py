"""docs/incidents.md: every incident has a row, and every row's tests exist."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from codebase import ROOT

HERE = ROOT / "tests" / "incidents"
REPLAYED = [*(f"I{number}" for number in range(1, 20)), "I11b", "I14b", "I20b"]
OTHERS = [f"I{number}" for number in range(21, 29)]
WORDS = ("prevented", "shown the same day", "not covered")
_ROW = re.compile(r"\| \[(I\d+b?)\] \|(.*)\|")
_TEST = re.compile(r"`(?:(test_\w+\.py)::)?(test_\w+)`")


def _rows() -> dict[str, list[str]]:
    """Incident → its cells."""
    page = (ROOT / "docs" / "incidents.md").read_text("utf-8")
    found = [_ROW.fullmatch(line) for line in page.splitlines()]
    rows = [(row[1], [cell.strip() for cell in row[2].split(" | ")]) for row in found if row]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def _tests_here() -> list[str]:
    """The tests of this folder that replay an incident."""
    texts = [path.read_text("utf-8") for path in HERE.glob("test_*.py")]
    return [
        name for text in texts for name in re.findall(r"^def (test_i\d+b?_\w+)", text, re.MULTILINE)
    ]


def test_every_incident_has_a_row_with_a_result() -> None:
    rows = _rows()
    assert sorted(rows) == sorted([*REPLAYED, *OTHERS])
    for cells in rows.values():
        assert len(cells) == 5
        assert any(word in cells[-1] for word in WORDS)


@pytest.mark.parametrize("incident", [*REPLAYED, *OTHERS])
def test_every_test_that_a_row_names_exists(incident: str) -> None:
    named = _TEST.findall(_rows()[incident][3])
    assert named or _rows()[incident][-1] == "not covered"
    for file_name, test in named:
        if not file_name:
            assert test.startswith(f"test_{incident.lower()}_")
        files = (ROOT / "tests").rglob(file_name) if file_name else HERE.glob("test_*.py")
        assert any(f"def {test}(" in path.read_text("utf-8") for path in files), test
    if incident in REPLAYED:
        assert not any(file_name for file_name, _ in named)


def test_every_replay_stands_in_one_row() -> None:
    named = Counter(test for cells in _rows().values() for _, test in _TEST.findall(cells[3]))
    assert {name: named[name] for name in _tests_here()} == dict.fromkeys(_tests_here(), 1)
