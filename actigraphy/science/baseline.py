"""A person's own usual range: what later nights are held against before any norm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.thresholds import BASELINE_NIGHTS
from novamind.measures import Abstained

#: Makes the median absolute deviation of normal data equal to its standard deviation.
_CONSISTENT = 1.4826


def own_baseline(values: NDArray[np.float64], *, nights: int = BASELINE_NIGHTS) -> tuple[float, float]:
    """The usual range of a nightly value: median ± scaled MAD of the first measured nights.

    Parameters
    ----------
    values : ndarray, shape (n,)
        One value a night in order, any unit; NaN where it was not measured.
    nights : int
        How many measured nights make the baseline.

    Returns
    -------
    (low, high)
        In the unit of the values.

    Raises
    ------
    Abstained
        too_few_nights: as many measured nights again must follow, else the band would only describe itself.

    References
    ----------
    Leys et al. (2013) J Exp Soc Psychol 49:764-766, for the scaled median absolute deviation.
    """
    measured = values[np.isfinite(values)]
    if len(measured) < 2 * nights:
        raise Abstained("too_few_nights", needed=2 * nights, got=len(measured))
    first = measured[:nights]
    middle = float(np.median(first))
    spread = _CONSISTENT * float(np.median(np.abs(first - middle)))
    return middle - spread, middle + spread
