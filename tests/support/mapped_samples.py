"""What the tests of described registers share: the shipped examples and a profile with them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from delimited_samples import CONTEXT, PROFILE, ROOT

from reconcile.formats.mapped import MappedRegister, mappings_of

if TYPE_CHECKING:
    from payments.domain.profile import Profile
    from reconcile.model import ReadContext

REGISTERS = ROOT / "docs" / "layouts" / "registers"
EXAMPLES = ("sample_obligors", "sample_assessments")
# Several instalments to a line, and lines that name differences.
SHAPES = ("sample_wide", "sample_changes")


def example(name: str) -> bytes:
    """The sample file of an example."""
    return (REGISTERS / f"{name}.csv").read_bytes()


def description(name: str) -> dict[str, Any]:
    """One of the examples as parsed TOML."""
    return tomllib.loads((REGISTERS / f"{name}.toml").read_text("utf-8"))


def with_registers(*descriptions: dict[str, Any], base: Profile = PROFILE) -> Profile:
    """The sample municipality with these registers."""
    texts = tuple(json.dumps(each, ensure_ascii=False) for each in descriptions)
    return replace(base, registers=texts)


def mapped(shape: dict[str, Any]) -> MappedRegister:
    """The register that a description becomes."""
    return mappings_of(with_registers(shape))[0]


def mapped_context(*shapes: dict[str, Any]) -> ReadContext:
    """How a file of it is read."""
    return replace(CONTEXT, profile=with_registers(*shapes))
