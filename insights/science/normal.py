"""What the tests of change share: the normal law, a robust spread, and what day-to-day memory costs."""

from __future__ import annotations

from math import erf, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

#: Makes the median absolute deviation of normal values their standard deviation.
MAD_TO_SD: Final = 1.4826
#: Standard errors from which a week or a trend is said. Where nothing changes, 16 series looked at each day
#: give a patient less than one statement a month at it: the ``insights`` benchmark has the figures.
CHANGED: Final = 3.5
#: A day that is further out than so many spreads counts as being there when memory is estimated.
FAR: Final = 3.0
#: No series of weeks tells a stronger memory from a slow drift.
MOST_MEMORY: Final = 0.9


def two_sided(z: float) -> float:
    """Chance of a standard normal value at least so far from zero, 0 to 1."""
    return 1.0 - erf(abs(z) / sqrt(2.0))


def spread(values: Floats, step: float = 0.0) -> float:
    """Median absolute deviation of values without NaN, as a standard deviation of normal ones.

    At least half of ``step``, the distance of two answers of a rating: somebody who answers 7 on most days is known no
    better than the scale can tell. Without a step 0 where half of the values are equal.

    References
    ----------
    Leys et al. (2013) J Exp Soc Psychol 49:764-766.
    """
    return max(MAD_TO_SD * float(np.median(np.abs(values - np.median(values)))), step / 2)


def memory(values: Floats, step: float = 0.0) -> float:
    """Correlation of a day with the next, 0 to 0.9, of a series of days with NaN for missing; 0 where it is negative.

    Days further from the median than three spreads are drawn in, for one broken night is no memory. The estimate of
    few days is too low by (1 + 3 r) / n, which is put back.

    References
    ----------
    Kendall (1954) Biometrika 41:403-404 (bias).
    """
    known = values[~np.isnan(values)]
    away = np.clip(values - np.median(known), -FAR * spread(known, step), FAR * spread(known, step))
    both = ~np.isnan(away[:-1]) & ~np.isnan(away[1:])
    before, after = away[:-1][both], away[1:][both]
    size = float(np.nanmean(away**2)) * before.size
    if size == 0:
        return 0.0
    found = float(before @ after) / size
    return float(np.clip(found + (1 + 3 * found) / before.size, 0.0, MOST_MEMORY))


def inflation(memory: float, n: int) -> float:
    """By how much day-to-day memory widens the variance of a mean of ``n`` days in a row; 1 without it.

    References
    ----------
    Bayley & Hammersley (1946) Suppl J R Stat Soc 8:184-197, eq. 1, of a first-order autoregression.
    """
    lags = np.arange(1, n)
    return 1.0 + 2.0 * float(np.sum((1 - lags / n) * memory**lags))
