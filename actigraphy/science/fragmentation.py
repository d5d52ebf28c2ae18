"""How activity breaks off and fluctuates: transitions between rest and activity, and detrended fluctuation analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.runs import runs_of
from novamind.measures import Abstained

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Windows of the fluctuation analysis, epochs: 20 from 4 to 1440, evenly spaced in their logarithm.
WINDOWS: Final = tuple(int(width) for width in np.geomspace(4, 1440 + 1e-9, 20))
SHORT_MIN: Final = 90
LONG_MIN: Final = (120, 600)


def transition_probabilities(counts: Floats, *, active_from: float) -> tuple[float, float]:
    """The chance, per epoch, of passing from rest to activity and back.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where not worn: an epoch beside one is not at risk.
    active_from : float
        The least count that is activity.

    Returns
    -------
    rest_to_active, active_to_rest : float
        Transitions over epochs at risk, 0 to 1.

    Raises
    ------
    Abstained
        no_variation: never active, or never at rest.

    References
    ----------
    Lim et al. (2011) Sleep 34:1569-1581; the plain estimate, without their smoothing over the length of bouts.
    """
    now, then = counts[:-1], counts[1:]
    known = np.isfinite(now) & np.isfinite(then)
    active, later = now[known] >= active_from, then[known] >= active_from
    resting = int((~active).sum())
    if not resting or resting == len(active):
        raise Abstained("no_variation")
    return float((later & ~active).sum()) / resting, float((~later & active).sum()) / (len(active) - resting)


@dataclass(frozen=True, slots=True)
class Fluctuation:
    """Scaling exponents of activity: over all windows, to 90 min, and from 2 to 10 h."""

    alpha: float
    alpha_short: float
    alpha_long: float


def unbroken(counts: Floats) -> Floats:
    """The longest stretch without a missing value."""
    starts, ends = runs_of(np.isfinite(counts))
    if not len(starts):
        return counts[:0]
    longest = int(np.argmax(ends - starts))
    return counts[starts[longest] : ends[longest]]


def fluctuations(values: Floats, *, order: int = 1) -> Floats:
    """Root mean square of what is left of the summed series about a polynomial in each window.

    Parameters
    ----------
    values : ndarray, shape (n,)
        At least 1440 epochs, without NaN.
    order : int
        Of the polynomial.

    Returns
    -------
    ndarray, shape (20,)
        For :data:`WINDOWS`; windows laid from the start and from the end.
    """
    profile = np.cumsum(values - values.mean())
    found = np.empty(len(WINDOWS))
    for index, width in enumerate(WINDOWS):
        count = len(profile) // width
        used = count * width
        rows = np.concatenate(
            [profile[:used].reshape(count, width), profile[len(profile) - used :].reshape(count, width)]
        )
        basis, _ = np.linalg.qr(np.vander(np.arange(width) - (width - 1) / 2, order + 1))
        rows = rows - rows.mean(axis=1, keepdims=True)  # the profile is large: squares would cancel
        left = rows - (rows @ basis) @ basis.T
        found[index] = np.sqrt((left**2).mean())
    return found


def fluctuation_analysis(values: Floats, *, order: int = 1) -> Fluctuation:
    """Slopes of log fluctuation against log window.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Counts per minute, without a gap; at least a day.
    order : int

    Raises
    ------
    Abstained
        no_variation.

    References
    ----------
    Peng et al. (1994) Phys Rev E 49:1685-1689; Hu et al. (2009) Neuroscience 164:1395-1405 (ranges of windows).
    """
    if not len(values) or values.min() == values.max():
        raise Abstained("no_variation")
    found = fluctuations(values, order=order)
    if (found <= 0).any():
        raise Abstained("no_variation")
    windows = np.array(WINDOWS, dtype=np.float64)
    every = np.ones(len(windows), dtype=bool)
    long = (windows >= LONG_MIN[0]) & (windows <= LONG_MIN[1])
    alpha, short, slow = (
        float(np.polyfit(np.log(windows[part]), np.log(found[part]), 1)[0])
        for part in (every, windows <= SHORT_MIN, long)
    )
    return Fluctuation(alpha, short, slow)
