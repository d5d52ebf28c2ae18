"""Rows of a table on the wall clock of a zone, in their order, as UTC seconds."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from actigraphy.exports.collecting import Collected
from actigraphy.exports.reading import Asked
from novamind import clock
from novamind.clock import DAY_S

#: So many rows at least are turned into UTC together.
_TOGETHER: Final = 1 << 16


def in_utc(
    told: Iterable[tuple[int | None, float | None]], what: str, asked: Asked, taken: Collected
) -> Iterator[tuple[int, float]]:
    """(UTC second, value) of each (wall second, value); a double hour is told by the step back of the clock.

    ``None``, and what lies outside what was asked for, is left out by name as of the type ``what``.
    """
    walls, values = array("q"), array("d")
    for wall_s, value in told:
        if wall_s is None or value is None:
            taken.skip(what, "wrong_time" if wall_s is None else "not_a_number")
        elif not asked.earliest_s - DAY_S <= wall_s <= asked.latest_s + DAY_S:
            taken.skip(what, "before_birth" if wall_s < asked.earliest_s else "in_the_future")
        else:
            walls.append(wall_s)
            values.append(value)
            if len(walls) >= _TOGETHER and wall_s % DAY_S >= DAY_S // 2:  # no clock is changed in the afternoon
                yield from _localized(walls, values, asked)
                walls, values = array("q"), array("d")
    yield from _localized(walls, values, asked)


def _localized(walls: array[int], values: array[float], asked: Asked) -> Iterator[tuple[int, float]]:
    if walls:
        at_s = clock.localize(np.frombuffer(walls, np.int64), asked.tz)
        yield from zip(at_s.tolist(), values, strict=True)
