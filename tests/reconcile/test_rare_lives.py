"""稀な一生: two or three rare deeds in a row, by all who may do anything; no yen is lost or made.

After every deed the sums agree (:meth:`rare_life.RareLife.conserve`); at the end the checks of the
day report hold, and verify finds nothing.
"""

from __future__ import annotations

import shutil
from random import Random
from typing import TYPE_CHECKING

import pytest
from emptied import emptied
from rare_life import STEPS, RareLife

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from pathlib import Path

# Deeds that others need, and those that lead to what is rare, are done more often.
OFTEN = {
    "pay": 4, "twice": 6, "refund": 8, "correct": 4, "place": 3, "agree": 3, "credit": 3,
    "build": 3, "release": 3, "hand_out": 2, "paid_out": 3, "came_back": 3, "cancel": 3,
    "appropriate": 3, "confirm": 2, "payee": 2, "close_day": 2, "close_year": 2, "reopen_year": 2,
}  # fmt: skip
DEEDS = [deed for deed in STEPS for _ in range(OFTEN.get(deed, 1))]
FIRST = ("pay", "pay", "twice", "twice", "refund")


def live(url: str, seed: int, deeds: int, *, look_every: int = 0) -> Counter[str]:
    """One life by plain chance, so that a seed says all of it; how often what was done."""
    chance = Random(seed)
    life = RareLife(url)
    try:
        for number in range(deeds):
            deed = FIRST[number] if number < len(FIRST) else chance.choice(DEEDS)
            life.step(deed, chance.randrange(1_000_000))
            life.conserve()
            if look_every and number % look_every == look_every - 1:
                life.report()
                life.check()
        life.report()
        life.check()
    except BaseException as error:
        error.add_note(f"seed {seed}: " + " / ".join(life.log))
        raise
    finally:
        life.close()
    return life.done


def test_a_life_of_rare_deeds_on_sqlite(sqlite_url: str) -> None:
    live(sqlite_url, seed=2, deeds=18)


@pytest.mark.postgres
def test_a_life_of_rare_deeds_on_postgresql(postgres_url: str) -> None:
    live(postgres_url, seed=3, deeds=8)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_many_lives_of_rare_deeds(
    sqlite_template: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Other lives every time; each deed succeeds in some of them."""
    first, done = Random().randrange(1_000_000), set[str]()
    for seed in range(first, first + 150):
        path = tmp_path / f"{seed}.sqlite"
        shutil.copyfile(sqlite_template, path)
        done |= live(f"sqlite:///{path}", seed, deeds=60, look_every=15).keys()
        for each in tmp_path.glob(f"{seed}.sqlite*"):
            each.unlink()
    record_property("first_seed", first)
    assert set(STEPS) - done == set()


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.postgres
def test_many_lives_of_rare_deeds_on_postgresql(
    postgres_url: str, record_property: Callable[[str, object], None]
) -> None:
    first = Random().randrange(1_000_000)
    for seed in range(first, first + 30):
        live(emptied(postgres_url), seed, deeds=40)
    record_property("first_seed", first)
