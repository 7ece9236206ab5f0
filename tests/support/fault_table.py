"""災いの一覧: what was seen of faults, added up over the rounds of a run and shown by kind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEED = "KOKIN_SOAK_SEED"
PROPERTY = "faults"  # under which a test reports what it has seen


@dataclass
class Seen:
    """見たこと of one kind of fault."""

    injected: int = 0
    recovered: int = 0
    named: int = 0  # by verify, before it was put right
    seconds: float = 0.0  # from the fault until everything was in the books
    longest: float = 0.0
    minutes: int = 0  # of the town's clock that had to pass, in the worst case


def as_data(seed: str, seen: Mapping[str, Seen]) -> dict[str, Any]:
    """What a round has seen, as it travels from one process of the tests to another."""
    return {"seed": seed, "kinds": {name: asdict(each) for name, each in seen.items()}}


def summary(rounds: Iterable[Mapping[str, Any]]) -> list[str]:
    """要約: a line for each seed, for who reads no more than the end of a run."""
    found: dict[str, list[Mapping[str, int]]] = defaultdict(list)
    for each in rounds:
        found[each["seed"]] += each["kinds"].values()
    return [
        f"faults: {_sum(kinds, 'injected'):,} injected, {_sum(kinds, 'recovered'):,} recovered, "
        f"{_sum(kinds, 'named'):,} named by verify (seed {seed})"
        for seed, kinds in sorted(found.items())
    ]


def _sum(kinds: Iterable[Mapping[str, int]], name: str) -> int:
    return sum(each[name] for each in kinds)


def table(rounds: Iterable[Mapping[str, Any]]) -> list[str]:
    """一覧: all rounds of a run added up by kind, as lines for people."""
    total: dict[str, Seen] = defaultdict(Seen)
    for each in rounds:
        for name, found in each["kinds"].items():
            mine, one = total[name], Seen(**found)
            mine.injected += one.injected
            mine.recovered += one.recovered
            mine.named += one.named
            mine.seconds += one.seconds
            mine.longest = max(mine.longest, one.longest)
            mine.minutes = max(mine.minutes, one.minutes)
    head = f"{'fault':<24}{'injected':>9}{'recovered':>10}{'named':>7}{'mean s':>8}{'max s':>8}{'max min':>8}"
    lines = [head]
    for name, mine in sorted(total.items()):
        mean = mine.seconds / max(mine.recovered, 1)
        lines.append(
            f"{name:<24}{mine.injected:>9,}{mine.recovered:>10,}{mine.named:>7,}"
            f"{mean:>8.1f}{mine.longest:>8.1f}{mine.minutes:>8}"
        )
    sums = [
        sum(getattr(mine, name) for mine in total.values())
        for name in ("injected", "recovered", "named")
    ]
    lines.append(f"{'all':<24}{sums[0]:>9,}{sums[1]:>10,}{sums[2]:>7,}")
    return lines
