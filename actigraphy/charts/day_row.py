"""One row of the actogram: a local day by the minute, and its rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

DAY_MIN = 1440
#: Strengths in which a model's layer is drawn behind the activity, from 1 on.
TINTS = 3


class RestBar(NamedTuple):
    """A rest interval or nap, in elapsed minutes since the noon its row begins with.

    One that crosses noon stands in both rows with its true ends, before the first minute or after the last.
    """

    start_min: float
    end_min: float
    kind: Literal["sleep", "nap"] = "sleep"


@dataclass(frozen=True, slots=True, eq=False)
class DayRow:
    """One local day from noon to noon, by the minute.

    Parameters
    ----------
    evening : date
        The date the noon it begins with has.
    activity : ndarray of float, shape (m,)
        Counts per minute; NaN where nothing was recorded. ``m`` is 1440; 1380 or 1500 where the clock was changed.
    worn : ndarray of bool, shape (m,)
        False where the device was off the wrist or silent.
    rest : sequence of RestBar
        Plain tuples ``(start_min, end_min, kind)`` will do.
    change_min : int, optional
        Elapsed minute at which the clock was changed; needed where ``m`` is not 1440.
    recorded : ndarray of bool, shape (m,), optional
        True from the recording's start to its end, gaps within included; outside nothing is drawn, not even that
        nobody wore the device. None: all of the day.
    tint : ndarray of uint8, shape (m,), optional
        What a model says of each minute, in :data:`TINTS` steps: 0 leaves it as it is.
    """

    evening: date
    activity: Floats
    worn: Bools
    rest: Sequence[RestBar | tuple[float, float, str]] = ()
    change_min: int | None = None
    recorded: Bools | None = None
    tint: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        if {len(self.activity), len(self.worn), len(self.within)} != {len(self.activity)}:
            raise ValueError("activity, worn and recorded have the same minutes")
        if len(self.activity) != DAY_MIN and self.change_min is None:
            raise ValueError("a day that is not 24 hours long says where its clock was changed")

    @property
    def within(self) -> Bools:
        """Which minutes lie between the recording's start and its end."""
        return np.ones(len(self.worn), dtype=bool) if self.recorded is None else self.recorded

    @property
    def double_hour(self) -> slice | None:
        """Elapsed minutes of the second pass of the hour that the clocks showed twice."""
        if self.change_min is None or self.skipped_min >= 0:
            return None
        return slice(self.change_min, self.change_min - self.skipped_min)

    @property
    def skipped_min(self) -> int:
        """Minutes the clock jumped ahead: 60 in spring, -60 in autumn, 0 else."""
        return DAY_MIN - len(self.activity)

    def wall(self, elapsed_min: Floats) -> Floats:
        """Elapsed minutes since noon as wall-clock minutes since noon: where a reader of the axis expects them."""
        if self.change_min is None:
            return elapsed_min
        return np.where(elapsed_min >= self.change_min, elapsed_min + self.skipped_min, elapsed_min)
