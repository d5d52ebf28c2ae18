"""Page's cumulative sums of ranks, and the limit that gives a set number of false alerts.

Ranks make the false alerts those of theory whatever the values are distributed like; what they ask for is days that do
not remember each other, which :mod:`twins.science.change.departure` sees to.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from scipy import optimize, special, stats

from twins.science.correlation.whitening import Floats

#: Half the change, in standard deviations of a day's news, that is found soonest: Page's usual choice.
REFERENCE: Final = 0.5
#: The alert load is counted over three months.
QUARTER_DAYS: Final = 90
_NODES: Final = 48  # of the quadrature; the published run lengths are met to all their digits
_LOWEST, _HIGHEST = 0.5, 25.0


def average_run_length(limit: float, reference: float = REFERENCE) -> float:
    """Mean days until a one-sided sum of standard normal scores reaches the limit, were nothing to change.

    Parameters
    ----------
    limit, reference : float
        In standard deviations of a score; the sum adds ``score - reference`` and never falls below 0.

    Returns
    -------
    float
        Days, from a sum of 0.

    References
    ----------
    Page ES (1954) Biometrika 41:100-115; Goel AL, Wu SM (1971) Technometrics 13:221-230: the integral equation, solved
    here at Gauss-Legendre nodes.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    at, weights = (nodes + 1) * limit / 2, weights * limit / 2
    start = np.concatenate([[0.0], at])
    step = np.empty((_NODES + 1, _NODES + 1))
    step[:, 0] = stats.norm.cdf(reference - start)
    step[:, 1:] = stats.norm.pdf(at[None, :] + reference - start[:, None]) * weights
    return float(np.linalg.solve(np.eye(_NODES + 1) - step, np.ones(_NODES + 1))[0])


@lru_cache(maxsize=64)
def limit_for(load: float, series: int) -> float:
    """The limit at which ``series`` series, watched up and down, give at most ``load`` false alerts in three months.

    The expected alerts of all the sums add up whether or not they go together; series that change on the same day make
    one alert, so that the load is an upper bound.

    Parameters
    ----------
    load : float
        Expected false alerts of one person in ``QUARTER_DAYS`` days, above 0.
    series : int
        How many are watched, at least 1.

    Returns
    -------
    float
        In standard deviations of a score; within 0.5 to 25.

    Raises
    ------
    ValueError
        No load, or no series.
    """
    if load <= 0 or series < 1:
        raise ValueError(f"needs a load above 0 and a series, got {load} and {series}")
    wanted = np.log(2 * series * QUARTER_DAYS / load)

    def beyond(limit: float) -> float:
        return float(np.log(average_run_length(limit)) - wanted)

    if beyond(_LOWEST) >= 0:
        return _LOWEST
    return float(optimize.brentq(beyond, _LOWEST, _HIGHEST, xtol=1e-6))


def normal_scores(values: Floats) -> Floats:
    """Each day's rank among the days up to it, as a standard normal score.

    Parameters
    ----------
    values : (days,) float64
        NaN where missing: such a day has no score and counts in no rank. Equal values share the middle rank.

    Returns
    -------
    (days,) float64
        Independent and near standard normal where the values are exchangeable, whatever their distribution; NaN where
        missing.

    References
    ----------
    Conover WJ, Tercero-Gómez VG, Cordero-Franco AE (2017) The sequential normal scores transformation. Sequential
    Analysis 36:397-414.
    """
    known = ~np.isnan(values)
    seen = values[known]
    earlier = np.tril(np.ones((len(seen), len(seen)), dtype=bool), -1)
    below = (earlier & (seen[None, :] < seen[:, None])).sum(axis=1)
    same = (earlier & (seen[None, :] == seen[:, None])).sum(axis=1)
    share = (below + same / 2 + 0.5) / np.arange(1, len(seen) + 1)
    scores = np.full(len(values), np.nan)
    scores[known] = special.ndtri(share)
    return scores


def sums(scores: Floats, reference: float = REFERENCE) -> tuple[Floats, Floats]:
    """The sums for a rise and for a fall after each day, (days,) each and never below 0; a missing day adds nothing."""
    rising, falling = np.zeros(len(scores)), np.zeros(len(scores))
    up = down = 0.0
    for day, score in enumerate(scores):
        if not np.isnan(score):
            up, down = max(0.0, up + score - reference), max(0.0, down - score - reference)
        rising[day], falling[day] = up, down
    return rising, falling
