"""Samples that come at any second from several devices: whose counts, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained

Seconds = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MINUTE_S = 60
MIN_SAMPLES = 100
MIN_PAIRS = 30
#: Tukey's outer fences, in interquartile ranges beyond the quartiles.
FENCE = 3.0


def chosen(times: Sequence[Seconds]) -> list[Bools]:
    """Which samples count where several sources measured: in each minute those of the first source that has any.

    Parameters
    ----------
    times : sequence of ndarray of int64, shape (n_i,)
        UTC seconds of each source's samples, the preferred source first.

    Returns
    -------
    list of ndarray of bool, shape (n_i,)
        True where the sample counts.
    """
    taken: Seconds = np.empty(0, dtype=np.int64)
    found = []
    for at_s in times:
        minutes = at_s // MINUTE_S
        counts = ~np.isin(minutes, taken)
        found.append(counts)
        taken = np.union1d(taken, minutes[counts])
    return found


def outlier_share(values: Floats, *, counted: bool) -> float:
    """Share of samples beyond Tukey's outer fences: three interquartile ranges beyond the quartiles.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Samples in their unit, no NaN.
    counted : bool
        Counts: the fences are those of the logarithms of what is above zero, and zero is never an outlier.

    Returns
    -------
    float
        0 to 1, of all samples.

    Raises
    ------
    Abstained
        too_few_inputs (needs 100 samples), or no_variation where the quartiles are equal.

    References
    ----------
    Tukey (1977) Exploratory Data Analysis, ch. 2: "far out".
    """
    if len(values) < MIN_SAMPLES:
        raise Abstained("too_few_inputs", needed=MIN_SAMPLES, got=len(values))
    judged = np.log(values[values > 0]) if counted else values
    if len(judged) < MIN_SAMPLES:
        raise Abstained("too_few_inputs", needed=MIN_SAMPLES, got=len(judged))
    return float(np.count_nonzero(far_out(judged)) / len(values))


def far_out(values: Floats) -> Bools:
    """Which of the values (n,), no NaN, lie beyond Tukey's outer fences.

    Raises
    ------
    Abstained
        no_variation where the quartiles are equal.
    """
    low, high = np.quantile(values, [0.25, 0.75])
    if low == high:
        raise Abstained("no_variation")
    reach = FENCE * (high - low)
    return np.asarray((values < low - reach) | (values > high + reach))


def completeness(at_s: Seconds, *, start_s: int, end_s: int, expected_s: int) -> float:
    """Share of the expected intervals that hold at least one sample.

    Parameters
    ----------
    at_s : ndarray of int64, shape (n,)
        UTC seconds; those outside [start_s, end_s) do not count.
    expected_s : int
        The longest interval without a sample that is no gap; a last piece shorter than it is not expected.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    Abstained
        too_few_inputs where the window is shorter than one interval.
    """
    expected = (end_s - start_s) // expected_s
    if expected < 1:
        raise Abstained("too_few_inputs", needed=1, got=0)
    slots = (at_s - start_s) // expected_s
    return len(np.unique(slots[(slots >= 0) & (slots < expected)])) / expected


@dataclass(frozen=True)
class Agreement:
    """How many pairs of values were compared, and how many agreed."""

    pairs: int
    agreeing: int

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(self.pairs + other.pairs, self.agreeing + other.agreeing)

    @property
    def share(self) -> float:
        """0 to 1; ``Abstained`` too_few_pairs below 30 pairs."""
        if self.pairs < MIN_PAIRS:
            raise Abstained("too_few_pairs", needed=MIN_PAIRS, got=self.pairs)
        return self.agreeing / self.pairs


def simultaneous(sources: Sequence[tuple[Seconds, Floats]], *, agrees: float) -> Agreement:
    """Every two sources in every minute that both measured: their means of that minute differ by at most ``agrees``.

    ``sources`` are ``(UTC seconds, values)``, each of shape (n_i,).
    """
    by_minute = [_minute_means(at_s, values) for at_s, values in sources]
    found = Agreement(0, 0)
    for place, (minutes, means) in enumerate(by_minute):
        for others, theirs in by_minute[place + 1 :]:
            _, mine, other = np.intersect1d(minutes, others, assume_unique=True, return_indices=True)
            close = np.abs(means[mine] - theirs[other]) <= agrees
            found += Agreement(len(close), int(np.count_nonzero(close)))
    return found


def neighbouring(at_s: Seconds, values: Floats, *, step: float, expected_s: int) -> Agreement:
    """Successive samples of one source at most ``expected_s`` apart: they differ by at most ``step``.

    Shapes (n,) and (n,), in the order of time.
    """
    near = np.diff(at_s) <= expected_s
    close = np.abs(np.diff(values)) <= step
    return Agreement(int(np.count_nonzero(near)), int(np.count_nonzero(near & close)))


def _minute_means(at_s: Seconds, values: Floats) -> tuple[Seconds, Floats]:
    minutes, place = np.unique(at_s // MINUTE_S, return_inverse=True)
    return minutes, np.bincount(place, weights=values, minlength=len(minutes)) / np.bincount(place)


def by_bounds(at_s: Seconds, bounds: Sequence[int]) -> list[slice]:
    """The samples between each two bounds (UTC seconds, rising), as slices; times in order."""
    places = np.searchsorted(at_s, bounds)
    return [slice(int(first), int(stop)) for first, stop in pairwise(places)]
