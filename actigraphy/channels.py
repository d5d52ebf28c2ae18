"""What is measured: unit, UCUM code, plausible range and daily aggregate of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

COUNTS: Final = "counts/min"


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of signal.

    Attributes
    ----------
    low, high : float
        Bounds of what can be true, in ``unit``.
    daily : str
        How a day is summarized: ``mean`` or ``sum``.
    decimals : int
        Digits after the point that are kept; with ``high`` they fit the 24 bits of a float32, so that what is kept
        comes back to the last digit.
    expected_s : int
        The longest interval between samples at which the channel counts as recorded without a gap.
    agrees : float or None
        Two sources in the same minute agree if they differ by no more, in ``unit``; ``None``: counts of different
        devices are not compared.
    step : float or None
        Neighbouring samples of one source agree if they differ by no more; ``None``: any change may be true.
    counted : bool
        Counts, which are zero most of the time: outliers are looked for among the logarithms of those above zero.
    wearers : bool
        A device that is not worn goes on measuring: a day is summarized from the moments at which it was.
    """

    unit: str
    ucum: str
    low: float
    high: float
    daily: str
    decimals: int = 1
    expected_s: int = 60
    agrees: float | None = None
    step: float | None = None
    counted: bool = False
    wearers: bool = False


CHANNELS: Final = MappingProxyType(
    {
        "activity": Channel(COUNTS, "{count}/min", 0, 1e6, "mean", counted=True, wearers=True),
        "axis1": Channel(COUNTS, "{count}/min", 0, 1e6, "mean", counted=True, wearers=True),
        "axis2": Channel(COUNTS, "{count}/min", 0, 1e6, "mean", counted=True, wearers=True),
        "axis3": Channel(COUNTS, "{count}/min", 0, 1e6, "mean", counted=True, wearers=True),
        "steps": Channel("steps/epoch", "{steps}", 0, 600, "sum", decimals=0, agrees=20, counted=True, wearers=True),
        "light": Channel("lx", "lx", 0, 200_000, "mean", counted=True, wearers=True),
        "heart_rate": Channel("bpm", "/min", 20, 300, "mean", decimals=2, expected_s=600, agrees=10, step=60),
        "hrv_rmssd": Channel("ms", "ms", 0, 1000, "mean", decimals=2, expected_s=3600, agrees=20, step=150),
        "hrv_sdnn": Channel("ms", "ms", 0, 1000, "mean", decimals=2, expected_s=3600, agrees=20, step=150),
        "spo2": Channel("%", "%", 50, 100, "mean", decimals=2, expected_s=3600, agrees=3, step=10),
        "respiratory_rate": Channel(
            "breaths/min", "/min", 3, 80, "mean", decimals=2, expected_s=3600, agrees=3, step=15
        ),
        "skin_temperature": Channel("°C", "Cel", 10, 45, "mean", decimals=3, expected_s=600, agrees=1, step=3),
    }
)
