"""部分和: which of several amounts add up to a total. Exact, deterministic, bounded.

All subsets of one half of the amounts are held against all subsets of the other, so that 24
amounts cost 2 × 2**12 sums and not 2**24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AMOUNTS_MAX = 24


def subsets_with_sum(
    amounts: Sequence[int], total: int, *, most: int, smallest: int = 1
) -> list[tuple[int, ...]]:
    """部分和の探索: the places of the amounts of every subset whose sum is ``total``.

    ``amounts`` are positive yen, at most :data:`AMOUNTS_MAX` of them (:class:`ValueError` beyond);
    subsets of fewer than ``smallest`` amounts are passed over. The search ends after ``most``
    subsets; these come in order of size, then of places. What is found depends on the order of
    the amounts only where there is more than ``most``.
    """
    if len(amounts) > AMOUNTS_MAX:
        message = f"{len(amounts)} amounts, at most {AMOUNTS_MAX}"
        raise ValueError(message)
    middle = len(amounts) // 2
    left: dict[int, list[tuple[int, ...]]] = {}
    for places, yen in _sums(amounts[:middle], 0, total):
        left.setdefault(yen, []).append(places)
    found: list[tuple[int, ...]] = []
    for places, yen in _sums(amounts[middle:], middle, total):
        for before in left.get(total - yen, ()):
            if len(before) + len(places) >= smallest:
                found.append(before + places)
                if len(found) == most:
                    return sorted(found, key=_order)
    return sorted(found, key=_order)


def _order(places: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    return len(places), places


def _sums(amounts: Sequence[int], first: int, total: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Every subset of ``amounts`` with its sum, as long as that is no more than ``total``."""
    known: list[tuple[tuple[int, ...], int]] = [((), 0)]
    yield known[0]
    for place, yen in enumerate(amounts, start=first):
        further = [
            ((*places, place), before + yen) for places, before in known if before + yen <= total
        ]
        yield from further
        known += further
