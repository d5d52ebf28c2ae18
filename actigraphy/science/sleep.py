"""Sleep or wake, epoch by epoch, from activity counts.

One convention for every scorer here: counts come as floats with NaN where missing; a score comes back as a float
array of the same shape with 1 for sleep, 0 for wake and NaN where it cannot be told. An epoch cannot be told when it
is missing or when its scoring window holds a missing epoch. Before the first and after the last epoch of a recording
zero counts are assumed, as ActiLife and Actiware do.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.runs import segments_of
from novamind.measures import Abstained

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CountScale:
    """How a device's counts become the unit that Cole and Kripke's weights were fitted in.

    The published unit belongs to a device of 1992; every program chose its own conversion, and results differ by a
    third of all minutes between them. So the scale always travels with the algorithm's name.
    """

    name: str
    divisor: float = 1.0
    cap: float = np.inf

    def apply(self, counts: Floats) -> Floats:
        return np.minimum(counts / self.divisor, self.cap)


ACTILIFE: Final = CountScale("ActiLife: axis 1 / 100, cap 300", 100.0, 300.0)
PYACTIGRAPHY: Final = CountScale("counts / 30", 30.0)
GGIR: Final = CountScale("counts / 6", 6.0)
RAW: Final = CountScale("raw counts")

#: setting -> (P, weights of the epochs t-4 … t+2). Cole et al. (1992), p. 466; "10s_overlapping" as commonly coded.
COLE_KRIPKE: Final = MappingProxyType(
    {
        "mean": (1e-3, (106.0, 54.0, 58.0, 76.0, 230.0, 74.0, 67.0)),
        "10s": (1e-5, (550.0, 378.0, 413.0, 699.0, 1736.0, 287.0, 309.0)),
        "30s": (1e-4, (50.0, 30.0, 14.0, 28.0, 121.0, 8.0, 50.0)),
        "10s_overlapping": (1e-5, (404.0, 598.0, 326.0, 441.0, 1408.0, 508.0, 350.0)),
    }
)

#: epoch in seconds -> weights, centred on the scored epoch (Oakley 1997; Actiware's manual).
OAKLEY: Final = MappingProxyType(
    {
        15: (0.04,) * 4 + (0.2,) * 4 + (4.0,) + (0.2,) * 4 + (0.04,) * 4,
        30: (0.04, 0.04, 0.2, 0.2, 2.0, 0.2, 0.2, 0.04, 0.04),
        60: (0.04, 0.2, 1.0, 0.2, 0.04),
        120: (0.12, 0.5, 0.12),
    }
)
#: Actiware's sensitivities.
OAKLEY_HIGH: Final = 20.0
OAKLEY_MEDIUM: Final = 40.0
OAKLEY_LOW: Final = 80.0

_TIE = 1e-9
_SADEH_CAP = 300.0
SADEH_ACTILIFE: Final = -4.0
SADEH_PAPER: Final = 0.0

#: Webster's rules a-c: (wake of at least, minutes of following sleep turned to wake), the longest first.
_WEBSTER_AFTER_WAKE: Final = ((15, 4), (10, 3), (4, 1))
#: Rules d and e: (sleep of at most, between wake of at least) becomes wake.
_WEBSTER_BETWEEN_WAKE: Final = ((6, 10), (10, 20))


def _weigh(counts: Floats, weights: tuple[float, ...], before: int) -> Floats:
    """Sum of weighted neighbours, the first weight lying ``before`` epochs back; NaN spreads over its window."""
    after = len(weights) - 1 - before
    padded = np.concatenate((np.zeros(before), counts, np.zeros(after)))
    return np.correlate(padded, np.asarray(weights), mode="valid")


def _score(is_sleep: NDArray[np.bool_], known: NDArray[np.bool_]) -> Floats:
    return np.where(known, is_sleep.astype(np.float64), np.nan)


def _as_counts(counts: Floats) -> Floats:
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 1:
        raise ValueError("counts are one-dimensional")
    return counts


def cole_kripke(counts: Floats, *, scale: CountScale, setting: str = "mean") -> Floats:
    """Sleep or wake per minute after Cole and Kripke.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per minute, in the device's unit; what ``setting`` names: the minute's sum or mean ("mean") or the largest of
        its 10-s or 30-s sub-epochs. NaN where missing.
    scale : CountScale
        How the device's counts become the paper's. There is no default: without it the name means nothing.
    setting : str
        A key of :data:`COLE_KRIPKE`.

    Returns
    -------
    ndarray, shape (n,)
        1 sleep (D < 1), 0 wake, NaN unknown. Not rescored: see :func:`webster`.

    References
    ----------
    Cole et al. (1992) Sleep 15:461-469. With ``ACTILIFE`` equal to ActiLife 6.13 minute for minute.
    """
    counts = _as_counts(counts)
    if not len(counts):
        return counts
    factor, weights = COLE_KRIPKE[setting]
    index = factor * _weigh(scale.apply(counts), weights, before=4)
    return _score(index < 1.0, np.isfinite(index))


def webster(sleep: Floats) -> Floats:
    """Webster's five rules: short sleep beside long wake becomes wake.

    Parameters
    ----------
    sleep : ndarray, shape (n,)
        1 sleep, 0 wake, NaN unknown, per minute.

    Returns
    -------
    ndarray, shape (n,)
        Same codes. Rules a-c look at the labels given, never at already rescored ones, and turn
        min(n, length of the sleep run) minutes to wake; d and e look at the labels after a-c, neither at the other's.
        Unknown minutes stay so and end a run.

    References
    ----------
    Webster et al. (1982) Sleep 5:389-399; as used by Cole et al. (1992).
    """
    scored = np.array(sleep, dtype=np.float64)
    if not len(scored):
        return scored
    label = np.where(np.isnan(scored), -1, scored).astype(np.int64)
    starts, ends = segments_of(label)
    kind, length = label[starts], ends - starts
    turned = np.zeros(len(starts), dtype=np.int64)
    for at_least, minutes in _WEBSTER_AFTER_WAKE:
        after = np.flatnonzero((kind[:-1] == 0) & (length[:-1] >= at_least) & (kind[1:] == 1)) + 1
        turned[after] = np.maximum(turned[after], np.minimum(minutes, length[after]))
    for run in np.flatnonzero(turned):
        label[starts[run] : starts[run] + turned[run]] = 0
    starts, ends = segments_of(label)
    kind, length = label[starts], ends - starts
    for at_most, between in _WEBSTER_BETWEEN_WAKE:
        long_wake = (kind == 0) & (length >= between)
        inner = np.flatnonzero((kind[1:-1] == 1) & (length[1:-1] <= at_most) & long_wake[:-2] & long_wake[2:]) + 1
        for run in inner:
            label[starts[run] : ends[run]] = 0
    return np.where(label < 0, np.nan, label)


def sadeh(counts: Floats, *, threshold: float = SADEH_ACTILIFE) -> Floats:
    """Sleep or wake per minute after Sadeh.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per minute (ActiGraph axis 1); NaN where missing. Capped at 300.
    threshold : float
        Sleep where the index is above it: ``SADEH_ACTILIFE`` (-4, strictly above) or ``SADEH_PAPER`` (0, at or above).

    Returns
    -------
    ndarray, shape (n,)
        1 sleep, 0 wake, NaN unknown (any of the 11 minutes around missing).

    References
    ----------
    Sadeh, Sharkey and Carskadon (1994) Sleep 17:201-207. At -4 equal to ActiLife 6.13 minute for minute.
    """
    counts = _as_counts(counts)
    if not len(counts):
        return counts
    capped = np.minimum(counts, _SADEH_CAP)
    padded = np.concatenate((np.zeros(5), capped, np.zeros(5)))
    around = np.lib.stride_tricks.sliding_window_view(padded, 11)
    lately = around[:, :6]
    moderate = ((around >= 50.0) & (around < 100.0)).sum(axis=1)
    index = (
        7.601
        - 0.065 * around.mean(axis=1)
        - 1.08 * moderate
        - 0.056 * lately.std(axis=1, ddof=1)
        - 0.703 * np.log(capped + 1.0)
    )
    asleep = index >= threshold if threshold == SADEH_PAPER else index > threshold
    return _score(asleep, np.isfinite(index))


def oakley_threshold(counts: Floats, *, epoch_s: int) -> float:
    """Actiware's automatic wake threshold: 0.88888 times the mean activity of a mobile minute.

    An epoch is mobile when its counts reach epoch / 15 s.

    Raises
    ------
    Abstained
        no_variation: nothing moved.
    """
    counts = _as_counts(counts)
    mobile = counts >= epoch_s / 15.0
    if not mobile.any():
        raise Abstained("no_variation")
    return float(0.88888 * np.nansum(counts) / (mobile.sum() * epoch_s / 60.0))


def oakley(counts: Floats, *, epoch_s: int, threshold: float | None = OAKLEY_MEDIUM) -> Floats:
    """Sleep or wake per epoch after Oakley, as Actiware scores Actiwatch counts.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch; NaN where missing.
    epoch_s : int
        15, 30, 60 or 120.
    threshold : float or None
        Wake where the weighted sum is above it: ``OAKLEY_HIGH`` 20, ``OAKLEY_MEDIUM`` 40, ``OAKLEY_LOW`` 80 (names of
        the sensitivity to wake), or None for Actiware's automatic threshold.

    Returns
    -------
    ndarray, shape (n,)
        1 sleep, 0 wake, NaN unknown.

    Raises
    ------
    Abstained
        unsupported_device for another epoch length; no_variation for the automatic threshold of a still recording.

    References
    ----------
    Oakley (1997) Validation with polysomnography of the Sleepwatch sleep/wake scoring algorithm, Mini Mitter.
    """
    counts = _as_counts(counts)
    if epoch_s not in OAKLEY:
        raise Abstained("unsupported_device", what=f"epochs of {epoch_s} s")
    if not len(counts):
        return counts
    limit = oakley_threshold(counts, epoch_s=epoch_s) if threshold is None else threshold
    # Weighted sums of whole counts often tie with the threshold; a tie is sleep, whatever the rounding of the sum.
    limit += _TIE
    weights = OAKLEY[epoch_s]
    total = _weigh(counts, weights, before=len(weights) // 2)
    return _score(total <= limit, np.isfinite(total))
