"""The period of the rhythm in elapsed time, by two published ways: 24 h for most, longer or drifting for a few."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained

Floats = NDArray[np.float64]

BIN_S: Final = 600
SHORTEST_H, LONGEST_H = 18, 30
STEP_H: Final = 0.05
#: Share of a bin that must be known.
_SHARE: Final = 0.5


def ten_minute_means(counts: Floats, *, epoch_s: int) -> Floats:
    """Means of 10 min in elapsed time.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where not worn.
    epoch_s : int
        Must divide 600.

    Returns
    -------
    ndarray, shape (n // (600 / epoch_s),)
        NaN where less than half was worn.

    Raises
    ------
    Abstained
        unsupported_device: epochs that do not divide 10 min.
    """
    if BIN_S % epoch_s:
        raise Abstained("unsupported_device", what=f"epochs of {epoch_s} s")
    width = BIN_S // epoch_s
    whole = np.asarray(counts, np.float64)[: len(counts) // width * width].reshape(-1, width)
    held = np.isfinite(whole).sum(axis=1)
    total = np.where(np.isfinite(whole), whole, 0.0).sum(axis=1)
    return np.where(held >= _SHARE * width, total / np.maximum(held, 1), np.nan)


def chi_square_period(means: Floats) -> tuple[float, float]:
    """The period at which the rows of a day are most alike, and its Qp.

    Parameters
    ----------
    means : ndarray, shape (n,)
        From :func:`ten_minute_means`.

    Returns
    -------
    period_h : float
        18 to 30, in steps of 10 min: the one with the smallest chance, chi-square of P - 1 degrees of freedom.
    q : float
        Its statistic.

    Raises
    ------
    Abstained
        no_variation; indeterminate, where the best is at the edge of what was searched.

    References
    ----------
    Sokolove and Bushell (1978) J Theor Biol 72:131-160, eq. 2; bins that are missing are left out of their means.
    """
    from scipy.stats import chi2

    periods = np.arange(SHORTEST_H * 6, LONGEST_H * 6 + 1)
    found = np.array([_q(means, int(period)) for period in periods])
    best = int(np.argmin(chi2.logsf(found, periods - 1)))
    if best in {0, len(periods) - 1}:
        raise Abstained("indeterminate", what="no period between 18 and 30 h stands out")
    return float(periods[best]) / 6, float(found[best])


def _q(means: Floats, period: int) -> float:
    values = means[: len(means) // period * period]
    known = np.isfinite(values)
    place = np.arange(len(values))[known] % period
    values = values[known]
    if not len(values) or values.min() == values.max():
        raise Abstained("no_variation")
    held = np.bincount(place, minlength=period)
    row = np.bincount(place, weights=values, minlength=period) / np.maximum(held, 1)
    mean = values.mean()
    between = float((held * (row - mean) ** 2).sum())
    return len(values) * between / float(((values - mean) ** 2).sum())


def lomb_scargle_period(means: Floats) -> float:
    """The period of the sine that fits best.

    Parameters
    ----------
    means : ndarray, shape (n,)
        From :func:`ten_minute_means`; NaN is left out.

    Returns
    -------
    float
        Hours, 18 to 30 in steps of 0.05.

    Raises
    ------
    Abstained
        no_variation; indeterminate, where the best is at the edge of what was searched.

    References
    ----------
    Lomb (1976) Astrophys Space Sci 39:447-462; Scargle (1982) Astrophys J 263:835-853.
    """
    known = np.isfinite(means)
    values = means[known]
    if not len(values) or values.min() == values.max():
        raise Abstained("no_variation")
    values = values - values.mean()
    hours = np.flatnonzero(known) * (BIN_S / 3600)
    periods = np.arange(SHORTEST_H, LONGEST_H + STEP_H / 2, STEP_H)
    angle = 2 * np.pi * hours / periods[:, None]
    double = 2 * angle
    shift = np.arctan2(np.sin(double).sum(axis=1), np.cos(double).sum(axis=1)) / 2
    cos, sin = np.cos(angle - shift[:, None]), np.sin(angle - shift[:, None])
    power = (cos @ values) ** 2 / (cos**2).sum(axis=1) + (sin @ values) ** 2 / (sin**2).sum(axis=1)
    best = int(np.argmax(power))
    if best in {0, len(periods) - 1}:
        raise Abstained("indeterminate", what="no period between 18 and 30 h stands out")
    return float(periods[best])
