"""The extended cosinor: a daily curve that may be square, and longer up than down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.rhythm import average_profile, cosinor
from novamind.clock import LocalTimes
from novamind.measures import Abstained

Floats = NDArray[np.float64]

HOURS: Final = 24.0
#: Bounds of minimum, amplitude, alpha, beta and acrophase (h); ActCR's.
LEAST: Final = (0.0, 0.0, -1.0, 0.0, -3.0)
MOST: Final = (np.inf, np.inf, 1.0, np.inf, 27.0)
_AT_BOUND: Final = 1e-6


@dataclass(frozen=True, slots=True)
class ExtendedCosinor:
    """A sigmoid of a cosine fitted to log(counts + 1).

    ``minimum`` and ``amplitude`` in log counts, ``alpha`` the width of the trough (-1 to 1), ``beta`` the steepness,
    ``acrophase_h``, ``up_mesor_h`` and ``down_mesor_h`` local clock hours (0 to 24): the middle of the active part, its
    beginning and its end at half height. ``pseudo_f`` compares it with the 24-h cosine.
    """

    minimum: float
    amplitude: float
    alpha: float
    beta: float
    acrophase_h: float
    up_mesor_h: float
    down_mesor_h: float
    pseudo_f: float


def extended_cosinor(counts: Floats, times: LocalTimes, *, epoch_s: int) -> ExtendedCosinor:
    """Fit the anti-logistic transformed cosine by least squares.

    The sum of squares about a curve of the clock is that about the mean day and a constant, so the mean day is fitted,
    each of its epochs weighing what it holds: the same answer as from every sample.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where not worn.
    times : LocalTimes
    epoch_s : int
        Must divide a day.

    Raises
    ------
    Abstained
        no_variation; indeterminate, where the fit ends at a bound or explains no more than the cosine.

    References
    ----------
    Marler et al. (2006) Stat Med 25:3893-3904. Start and bounds: ActCR.
    """
    from scipy.optimize import least_squares

    logged = np.log1p(np.asarray(counts, np.float64))
    start = cosinor(logged, times, epoch_s=epoch_s, min_days=0)
    slot = times.second_of_day // epoch_s
    profile = average_profile(logged, times, epoch_s=epoch_s)
    held = np.bincount(slot[np.isfinite(logged)], minlength=len(profile)).astype(np.float64)
    seen = held > 0
    profile, weight = profile[seen], np.sqrt(held[seen])
    angle = 2 * np.pi * np.flatnonzero(seen) / len(held)

    def residual(p: Floats) -> Floats:
        return np.asarray(weight * (p[0] + p[1] * _shape(p, angle) - profile))

    def slopes(p: Floats) -> Floats:
        risen, cos = _shape(p, angle), np.cos(angle - 2 * np.pi * p[4] / HOURS)
        steep = p[1] * risen * (1 - risen)
        turn = 2 * np.pi / HOURS * np.sin(angle - 2 * np.pi * p[4] / HOURS)
        columns = [np.ones_like(cos), risen, -steep * p[3], steep * (cos - p[2]), steep * p[3] * turn]
        return np.stack(columns, axis=1) * weight[:, None]

    first = [max(start.mesor - start.amplitude, 1e-3), 2 * start.amplitude, 0.0, 2.0, start.acrophase_h]
    fit = least_squares(residual, first, jac=slopes, bounds=(LEAST, MOST), xtol=1e-12, ftol=1e-14, gtol=1e-12)
    known = logged[np.isfinite(logged)]
    within = float(((known - known.mean()) ** 2).sum()) - float((weight**2 * (profile - known.mean()) ** 2).sum())
    return _result(fit.x, within + 2 * float(fit.cost), known, start.r2)


def _shape(p: Floats, angle: Floats) -> Floats:
    """The sigmoid between 0 and 1, without overflow however steep."""
    from scipy.special import expit

    return np.asarray(expit(p[3] * (np.cos(angle - 2 * np.pi * p[4] / HOURS) - p[2])))


def _result(p: Floats, rss: float, known: Floats, cosine_r2: float) -> ExtendedCosinor:
    minimum, amplitude, alpha, beta, phase = (float(value) for value in p)
    at_bound = abs(abs(alpha) - 1) < _AT_BOUND or not LEAST[4] + _AT_BOUND < phase < MOST[4] - _AT_BOUND
    rss_cosine = (1 - cosine_r2) * float(((known - known.mean()) ** 2).sum())
    pseudo_f = (rss_cosine - rss) / 2 / (rss / (len(known) - 5))
    if at_bound or amplitude < _AT_BOUND or pseudo_f <= 0:
        raise Abstained("indeterminate", what="the extended cosinor fits no better than a cosine")
    half = float(np.arccos(alpha)) * HOURS / (2 * np.pi)
    return ExtendedCosinor(
        minimum, amplitude, alpha, beta, phase % HOURS, (phase - half) % HOURS, (phase + half) % HOURS, pseudo_f
    )  # fmt: skip
