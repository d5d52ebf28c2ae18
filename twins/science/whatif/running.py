"""The fitted model run on with a driver changed and, with the same chance, unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from novamind.measures import Abstained
from twins.science.whatif.fitting import ENDS, Fitted, Floats

#: Of the person's own days, at or beyond the value asked about: with fewer it is nothing the model has seen.
LEAST_LIKE: Final = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean mood of the coming days with the change less that without it.

    Attributes
    ----------
    median, low, high : float
        Points of the check-in; the middle 80 % of the draws lies between ``low`` and ``high``.
    days : int
        How many coming days.
    own_days : int
        Days of the person's own at or beyond the value asked about.
    """

    median: float
    low: float
    high: float
    days: int
    own_days: int

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves out 0: else the days cannot say which way it goes."""
        return self.low > 0 or self.high < 0


def difference(fitted: Fitted, driver: str, change: float, *, days: int, rng: np.random.Generator) -> Difference:
    """What the model says of a change from tomorrow on.

    An association of the person's past, run forward: it is the effect of the change only where nothing else moves both
    the driver and the mood.

    Parameters
    ----------
    fitted : Fitted
    driver : str
        Of those fitted.
    change : float
        Added to each coming day's driver, in its unit, not 0.
    days : int
        How many coming days.
    rng : numpy.random.Generator
        Swing and noise of the coming days, the same with and without the change.

    Returns
    -------
    Difference

    Raises
    ------
    Abstained
        indeterminate where fewer than ``LEAST_LIKE`` of the person's own days reach the value asked about.
    KeyError
        A driver that was not fitted.
    """
    seen = fitted.drivers[driver]
    own_days = int(np.sum((seen - (np.nanmean(seen) + change)) * np.sign(change) >= 0))
    if own_days < LEAST_LIKE:
        raise Abstained("indeterminate", what=f"{own_days} of the patient's own days were like this; poor overlap")
    same = _coming(fitted, days, rng)
    changed = same + (fitted.of(driver) * change)[:, None]
    found = np.clip(changed, *ENDS).mean(axis=1) - np.clip(same, *ENDS).mean(axis=1)
    low, median, high = np.quantile(found, [0.1, 0.5, 0.9])
    return Difference(float(median), float(low), float(high), days, own_days)


def _coming(fitted: Fitted, days: int, rng: np.random.Generator) -> Floats:
    """(draws, days): a course of mood for each draw, drivers at their usual, the trend held where it has come to."""
    draws, length = len(fitted.draws), len(next(iter(fitted.drivers.values())))
    angle = 2 * np.pi * np.arange(length, length + days) / 7
    course = np.outer(fitted.of("week_cos"), np.cos(angle)) + np.outer(fitted.of("week_sin"), np.sin(angle))
    course += (fitted.of("level") + fitted.of("trend") * length / 180)[:, None]
    keep = np.exp(-1 / fitted.of("swing_days"))
    swing = rng.standard_normal(draws)
    for day in range(days):
        course[:, day] += fitted.of("swing") * swing
        swing = keep * swing + np.sqrt(1 - keep**2) * rng.standard_normal(draws)
    return np.asarray(course + fitted.of("noise")[:, None] * rng.standard_normal((draws, days)))
