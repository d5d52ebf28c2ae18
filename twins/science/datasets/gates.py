"""What no model learns from: days that cannot be true, do not fit together, or lie far from the person's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.streams import far_out
from novamind.measures import Abstained

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: In the order in which a day is asked; the first that it fails is the one it is counted under.
REASONS: Final = ("implausible", "inconsistent", "outlier")
#: Of a person's own days of a feature, below which none is called far from the others.
LEAST_JUDGED: Final = 30
_DAY_MIN: Final = 24 * 60
#: What rounding to whole minutes may add up to.
_ROUNDING_MIN: Final = 1.0


@dataclass(frozen=True)
class Gates:
    """What a day and a person must pass.

    Attributes
    ----------
    plausible : mapping of str to (float, float)
        Lowest and highest value that can be true, by feature.
    fenced : tuple of str
        Features whose days are held against the person's own. Not what is said: an extreme answer is an answer.
    least_days : int
        Days with a target, after the gates, below which a person is left out.
    most_failed : float
        Share of a person's days with anything known that may fail before the person is left out.
    """

    plausible: Mapping[str, tuple[float, float]]
    fenced: tuple[str, ...]
    least_days: int
    most_failed: float


def gated(values: Floats, names: tuple[str, ...], gates: Gates) -> tuple[Floats, dict[str, int]]:
    """A person's days without those that fail: all numbers of such a day become missing.

    Parameters
    ----------
    values : (days, features) float64
        NaN where missing; a copy is given back.
    names : tuple of str
        Of the features.

    Returns
    -------
    (days, features) float64, dict of str to int
        The days that are left, and how many failed by :data:`REASONS`.

    References
    ----------
    Tukey (1977) Exploratory Data Analysis, ch. 2, for the outer fences.
    """
    failed = {
        "implausible": _implausible(values, names, gates),
        "inconsistent": _inconsistent(values, names),
        "outlier": _outlying(values, names, gates),
    }
    kept, gone, counts = values.copy(), np.zeros(len(values), dtype=np.bool_), {}
    for reason in REASONS:
        counts[reason] = int(np.count_nonzero(failed[reason] & ~gone))
        gone |= failed[reason]
    kept[gone] = np.nan
    return kept, counts


def _implausible(values: Floats, names: tuple[str, ...], gates: Gates) -> Bools:
    low, high = np.array([gates.plausible[name] for name in names]).T
    return np.asarray(((values < low) | (values > high)).any(axis=1))


def _inconsistent(values: Floats, names: tuple[str, ...]) -> Bools:
    """Nights whose parts do not fit: asleep and awake after onset within what was scored, and that within a day."""
    night = ("sleep_duration", "wake_after_sleep_onset", "sleep_efficiency")
    if not set(night) <= set(names):
        return np.zeros(len(values), dtype=np.bool_)
    asleep, awake, efficiency = (values[:, names.index(name)] for name in night)
    with np.errstate(divide="ignore", invalid="ignore"):
        scored = asleep / efficiency  # efficiency is minutes asleep over minutes scored
    return (asleep + np.nan_to_num(awake) > scored + _ROUNDING_MIN) | (scored > _DAY_MIN + _ROUNDING_MIN)


def _outlying(values: Floats, names: tuple[str, ...], gates: Gates) -> Bools:
    found = np.zeros(len(values), dtype=np.bool_)
    for name in gates.fenced:
        series = values[:, names.index(name)]
        known = np.flatnonzero(np.isfinite(series))
        if len(known) < LEAST_JUDGED:
            continue
        try:
            found[known] |= far_out(series[known])
        except Abstained:
            continue  # half of the days are alike: there is no spread to be far by
    return found
