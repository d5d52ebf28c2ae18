"""What is measured: unit, UCUM code, plausible range and daily aggregate of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of signal.

    ``low`` and ``high`` bound what can be true, in the unit; ``daily`` is how a day is summarized.
    """

    unit: str
    ucum: str
    low: float
    high: float
    daily: str


CHANNELS: Final = MappingProxyType(
    {
        "activity": Channel("counts/epoch", "{count}", 0, 1e6, "mean"),
        "axis1": Channel("counts/epoch", "{count}", 0, 1e6, "mean"),
        "axis2": Channel("counts/epoch", "{count}", 0, 1e6, "mean"),
        "axis3": Channel("counts/epoch", "{count}", 0, 1e6, "mean"),
        "steps": Channel("steps/epoch", "{steps}", 0, 600, "sum"),
        "light": Channel("lx", "lx", 0, 200_000, "mean"),
    }
)
