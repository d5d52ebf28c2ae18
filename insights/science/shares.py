"""Whether a share has changed between two stretches of time."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

from novamind.measures import Abstained

#: Half the width of a 95 % interval, in standard errors.
WIDE: Final = 1.959964
LEVEL: Final = 0.95
LEAST: Final = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """One share less another, -1 to 1, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def found(self) -> bool:
        """Whether the interval leaves out "no difference"."""
        return self.low > 0 or self.high < 0


def wilson(k: int, n: int) -> tuple[float, float]:
    """95 % interval of ``k`` of ``n``, 0 to 1.

    References
    ----------
    Wilson (1927) J Am Stat Assoc 22:209-212.
    """
    share, square = k / n, WIDE**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = WIDE * sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(k: int, n: int, before_k: int, before_n: int) -> Difference:
    """Share ``k / n`` less share ``before_k / before_n``.

    Raises
    ------
    Abstained
        too_few_inputs (needs 5 on either side).

    References
    ----------
    Newcombe (1998) Stat Med 17:873-890, method 10.
    """
    if min(n, before_n) < LEAST:
        raise Abstained("too_few_inputs", needed=LEAST, got=min(n, before_n))
    now, then = k / n, before_k / before_n
    (low, high), (then_low, then_high) = wilson(k, n), wilson(before_k, before_n)
    down = sqrt((now - low) ** 2 + (then_high - then) ** 2)
    up = sqrt((high - now) ** 2 + (then - then_low) ** 2)
    return Difference(now - then, now - then - down, now - then + up)
