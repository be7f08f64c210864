"""An axis: where values lie on it, and round numbers to label it with."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

_LEAST = 1e-6  # an axis shows this much at least, in parts of its values


@dataclass(frozen=True)
class Axis:
    """From low to high; `Axis.around(values)` spans them with some room on both sides."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float], room: float = 0.06) -> 'Axis':
        """Spans what is finite of values; the room is in parts of their range. Without any: from 0 to 1."""
        known = [value for value in values if math.isfinite(value)]
        if not known:
            return cls(0.0, 1.0)
        low, high = min(known), max(known)
        if high - low <= _LEAST * max(abs(low), abs(high)):
            half = 0.05 * abs(low) or 0.5
            return cls(low - half, high + half)
        space = room * (high - low)
        return cls(low - space, high + space)

    def part(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high end."""
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6) -> list[float]:
        """At most so many round numbers in even steps of 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(number * step, 12) for number in range(first, last + 1)][:most]


def tick_labels(ticks: list[float], *, signed: bool = False) -> list[str]:
    """With as many digits as their step needs, and no more; signed: +0.01, 0, −0.01."""  # noqa: RUF002
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=abs(ticks[0]) if ticks else 1)
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    if not signed:
        return [f'{tick:,.{digits}f}'.replace('-', '−') for tick in ticks]  # noqa: RUF001
    return ['0' if tick == 0 else f'{tick:+,.{digits}f}'.replace('-', '−') for tick in ticks]  # noqa: RUF001
