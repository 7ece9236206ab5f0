"""docs/tour.md: whoever follows it finds everything that it names."""

from __future__ import annotations

import ast
import re

import pytest
from codebase import ROOT, tree

PAGE = (ROOT / "docs" / "tour.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/]+/[a-z_./]+)(?::(\w+))?`", PAGE)))


def test_the_tour_names_places():
    assert len(NAMED) > 25


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[":".join(pair) for pair in NAMED])
def test_what_the_tour_names_is_there(path, name):
    assert (ROOT / path).exists()
    if name:
        kinds = (ast.FunctionDef, ast.ClassDef)
        found = [node.name for node in tree(ROOT / path).body if isinstance(node, kinds)]
        assert name in found
