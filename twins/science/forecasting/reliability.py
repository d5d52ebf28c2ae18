"""How much a forecast rests on: by the number of reported days."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal

from novamind.measures import Abstained

Reliability = Literal["high", "medium", "low"]

#: Reported days from which on a forecast is so reliable.
FROM_POINTS: Final = MappingProxyType({"high": 30, "medium": 14, "low": 7})
LEAST_POINTS: Final = FROM_POINTS["low"]


def reliability(points: int) -> Reliability:
    """The word for a forecast that rests on so many reported days.

    Raises
    ------
    Abstained
        too_few_days: fewer than seven.
    """
    for word, needed in FROM_POINTS.items():
        if points >= needed:
            return word  # type: ignore[return-value]
    raise Abstained("too_few_days", needed=LEAST_POINTS, got=points)
