"""The fitted model run on with drivers changed and, with the same chance, unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from novamind.measures import Abstained
from twins.science.whatif.fitting import ENDS, Fitted, Floats

#: Of the person's own days, at or beyond what is asked about: with fewer it is nothing the model has seen.
LEAST_LIKE: Final = 5
#: Of the draws: the ends of the middle 80 %, and the median between them.
QUANTILES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True, eq=False, slots=True)
class Difference:
    """Mean mood of the coming days with the change less that without it.

    Attributes
    ----------
    median, low, high : float
        Points of the check-in; the middle 80 % of the draws lies between ``low`` and ``high``.
    days : int
        How many coming days.
    own_days : int
        Days of the person's own at or beyond all that is asked about.
    same, changed : (3, days) float64
        Mood of each coming day without and with the change: low, median and high, 0 to 10.
    """

    median: float
    low: float
    high: float
    days: int
    own_days: int
    same: Floats
    changed: Floats

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves out 0: else the days cannot say which way it goes."""
        return self.low > 0 or self.high < 0


def difference(fitted: Fitted, changes: Mapping[str, float], *, days: int, rng: np.random.Generator) -> Difference:
    """What the model says of a change from tomorrow on.

    An association of the person's past, run forward: it is the effect of the change only where nothing else moves both
    the drivers and the mood.

    Parameters
    ----------
    fitted : Fitted
    changes : mapping of str to float
        Of the drivers fitted: added to each coming day's, in its unit, not 0.
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
        indeterminate where fewer than ``LEAST_LIKE`` of the person's own days reach all that is asked about.
    KeyError
        A driver that was not fitted.
    """
    reached = [_reached(fitted.drivers[name], change) for name, change in changes.items()]
    own_days = int(np.sum(np.all(reached, axis=0)))
    if own_days < LEAST_LIKE:
        raise Abstained("indeterminate", what=f"{own_days} of the patient's own days were like this; poor overlap")
    same = _coming(fitted, days, rng)
    moved = np.sum([fitted.of(name) * change for name, change in changes.items()], axis=0)
    without, with_it = np.clip(same, *ENDS), np.clip(same + moved[:, None], *ENDS)
    low, median, high = np.quantile(with_it.mean(axis=1) - without.mean(axis=1), QUANTILES)
    bands = (np.quantile(course, QUANTILES, axis=0) for course in (without, with_it))
    return Difference(float(median), float(low), float(high), days, own_days, *bands)


def _reached(seen: Floats, change: float) -> Floats:
    """Which days were at or beyond the usual and the change; a day that is not known was not."""
    return np.asarray((seen - (np.nanmean(seen) + change)) * np.sign(change) >= 0)


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
