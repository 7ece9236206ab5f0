"""災いの計画: a round of faults, drawn from a seed, each followed by what must hold.

After every fault all that was told is in the books once, and verify finds nothing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from fault_kinds import KINDS
from fault_table import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fault_kinds import Kind
    from fault_town import Town

NAMED_BY_VERIFY = {"corrupted_evidence"}


def kinds_for(database: str) -> list[Kind]:
    """The kinds that can happen to this kind of database."""
    return [kind for kind in KINDS if kind.only in {"", database}]


def plan(database: str, number: int, chance: Random) -> list[Kind]:
    """So many faults in an order by chance, each kind as often as any other."""
    kinds = kinds_for(database)
    found = kinds * (number // len(kinds)) + chance.sample(kinds, number % len(kinds))
    chance.shuffle(found)
    return found


def live_through(town: Town, faults: Sequence[Kind], say: Callable[[str], None]) -> dict[str, Seen]:
    """One fault after the other, and what must hold behind each."""
    seen: dict[str, Seen] = defaultdict(Seen)
    town.open()
    for number, kind in enumerate(faults, start=1):
        mine, began = seen[kind.name], time.monotonic()
        mine.injected += 1
        try:
            kind.do(town)
            done = time.monotonic() - began
            settled = town.settle()
            differences = town.verify()
            assert differences == [], differences[:20]
        except BaseException:
            say(f"{number}: {kind.name} was not survived\n{town.words()}")
            raise
        seconds = time.monotonic() - began
        mine.recovered += 1
        mine.named += kind.name in NAMED_BY_VERIFY
        mine.seconds += seconds
        mine.longest = max(mine.longest, seconds)
        mine.minutes = max(mine.minutes, settled.minutes)
        say(
            f"{number}: {kind.name} {seconds:.1f} s (the fault {done:.1f}, until it was settled "
            f"{settled.seconds:.1f}), {settled.minutes} minutes"
        )
    assert town.ran_twice() == []
    return dict(seen)
