"""目盛: round steps for an axis, and how its figures are written (円・千円・百万円)."""

from __future__ import annotations

from dataclasses import dataclass

STEPS_MAX = 7
_ROUND = (1, 2, 5)
# Large before small: the first that divides every step is the one that people read.
_YEN_UNITS = ((1_000_000, "百万円"), (1_000, "千円"), (1, "円"))


@dataclass(frozen=True, slots=True)
class Axis:
    """目盛: its ticks in whole units of what is measured, and what one written unit stands for."""

    ticks: tuple[int, ...]
    divisor: int
    unit: str

    @property
    def least(self) -> int:
        """The lower end."""
        return self.ticks[0]

    @property
    def most(self) -> int:
        """The upper end."""
        return self.ticks[-1]

    def text(self, tick: int) -> str:
        """目盛の数字: with a real minus sign."""
        sign = "−" if tick < 0 else ""
        return f"{sign}{abs(tick) // self.divisor:,}"

    def short(self, value: int) -> str:
        """略した数字 in the written unit, to a tenth where the unit is a larger one."""
        if self.divisor == 1:
            return f"{'−' if value < 0 else ''}{abs(value):,}"
        tenths = (abs(value) * 10 + self.divisor // 2) // self.divisor
        sign = "−" if value < 0 and tenths else ""
        return f"{sign}{tenths // 10:,}.{tenths % 10}"

    def place(self, value: int, length: int) -> int:
        """How far ``value`` lies from the lower end on an axis of ``length`` units."""
        return (value - self.least) * length // (self.most - self.least)


def axis(least: int, most: int, unit: str = "円") -> Axis:
    """目盛 from at most 0 to at least 1 around all values; ``unit`` is 円, or one that is not cut.

    At most :data:`STEPS_MAX` steps on the longer side of zero.
    """
    low, high = min(least, 0), max(most, 0)
    if low == high:
        high = 1
    step = _step(max(high, -low))
    first, last = low // step, -(-high // step)
    ticks = tuple(number * step for number in range(first, last + 1))
    if unit != "円":
        return Axis(ticks, 1, unit)
    divisor, name = next(known for known in _YEN_UNITS if step % known[0] == 0)
    return Axis(ticks, divisor, name)


def _step(reach: int) -> int:
    """The smallest of 1, 2, 5, 10, … that spans ``reach`` in few steps."""
    power = 1
    while True:
        for each in _ROUND:
            if each * power * STEPS_MAX >= reach:
                return each * power
        power *= 10
