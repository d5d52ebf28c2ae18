"""What a model says of each minute, as strengths in which the actogram draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.minutes import MINUTE_S

#: The share of the measured minutes of the shown weeks in each strength or a stronger one, faintest first.
SHARES: Final = (0.5, 0.25, 0.1)


@dataclass(frozen=True, eq=False)
class Layer:
    """Strengths (0 to 3) of stretches of minutes: ``starts`` are UTC seconds, ``levels`` one array of minutes each."""

    starts: tuple[int, ...]
    levels: tuple[NDArray[np.uint8], ...]

    @classmethod
    def of(cls, starts: Sequence[int], values: Sequence[NDArray[np.floating[Any]]]) -> Layer:
        """From how much each minute counts, NaN where not known: the strongest tenth, quarter and half of all."""
        every = np.concatenate(values)
        limits = np.nanquantile(every, [1 - share for share in SHARES]) if np.isfinite(every).any() else []
        levels = tuple(
            np.sum([np.nan_to_num(one, nan=-np.inf) >= limit for limit in limits], axis=0).astype(np.uint8)
            for one in values
        )
        return cls(tuple(starts), levels)

    def cut(self, start_s: int, n: int) -> NDArray[np.uint8]:
        """``n`` minutes from a UTC second on; 0 where there is nothing."""
        found = np.zeros(n, np.uint8)
        for begins, levels in zip(self.starts, self.levels, strict=True):
            offset = (begins - start_s) // MINUTE_S
            first, last = max(0, offset), min(n, offset + len(levels))
            if last > first:
                found[first:last] = levels[first - offset : last - offset]
        return found
