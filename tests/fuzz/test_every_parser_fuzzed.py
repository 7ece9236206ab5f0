"""乱数試験: no parser crashes, hangs or keeps memory, whatever is thrown at it.

A short, fixed run here; ``make fuzz`` throws a million inputs at every parser. A failure that was
mended stays as a file in findings/ under the name of its parser.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuzz_parsers import parsers
from fuzzing import Parser, mutated, throw

from reconcile.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

PARSERS = {parser.name: parser for parser in parsers()}
FINDINGS = sorted((Path(__file__).parent / "findings").glob("*/*"))
A_FEW = 100
SEED = int(os.environ.get("KOKIN_FUZZ_SEED", "20261122"))
MANY = int(os.environ.get("KOKIN_FUZZ_INPUTS", "20000"))


def test_every_format_is_thrown_at():
    assert {form.code for form in FORMATS} <= PARSERS.keys()


def test_real_inputs_are_read():
    """What the accidents begin with is good: a fuzzer that starts with nonsense finds nothing."""
    for parser in PARSERS.values():
        parser.read(parser.seeds[0])


@pytest.mark.parametrize("name", PARSERS)
def test_a_hundred_accidents(name):
    run = throw(PARSERS[name], A_FEW, 1)
    assert run.failures == {}


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_what_was_found_once_stays_mended(path):
    run = throw(Parser(path.name, (path.read_bytes(),), PARSERS[path.parent.name].read), 1, 1)
    assert run.failures == {}


def test_the_same_seed_makes_the_same_input():
    seeds = PARSERS["konbini_dsk"].seeds
    assert [mutated(seeds, 7, n) for n in range(50)] == [mutated(seeds, 7, n) for n in range(50)]
    assert len({mutated(seeds, 7, n) for n in range(50)}) > 40


def test_failures_are_seen():
    """The fuzzer itself: what crashes or never ends is reported, with the input that did it."""

    def crash(data: bytes) -> None:
        if b"1" in data:
            raise IndexError(data)

    def endless(_: bytes) -> None:
        while True:
            pass

    (failure,) = throw(Parser("x", (b"1",), crash), 20, 1).failures
    assert failure.startswith("IndexError at ")
    (failure,) = throw(Parser("x", (b"1",), endless), 1, 1, seconds=0.05).failures
    assert failure.startswith("too long: TooLongError at ")


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_many_accidents(name: str, record_property: Callable[[str, object], None]) -> None:
    """``KOKIN_FUZZ_INPUTS`` of them (``make fuzz``: a million), with ``KOKIN_FUZZ_SEED``."""
    run = throw(PARSERS[name], MANY, SEED, watch=True)
    for key, value in (("seed", run.seed), ("inputs", run.inputs), ("refused", run.refused),
                       ("blocks", run.blocks), ("rss", run.rss)):  # fmt: skip
        record_property(key, value)
    assert run.failures == {}
