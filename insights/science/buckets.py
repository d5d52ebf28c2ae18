"""Days gathered into equal stretches: how many are known, their mean, median and standard deviation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights.science.normal import Floats


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of days.

    Attributes
    ----------
    first, last : int
        Places of its first and last day in the series, both included.
    n : int
        Days known.
    mean, median : float or None
        Of the days known; ``None`` without one.
    sd : float or None
        Standard deviation with n - 1; ``None`` below two days.
    coverage : float
        Share of its days that is known, 0 to 1.
    """

    first: int
    last: int
    n: int
    mean: float | None
    median: float | None
    sd: float | None
    coverage: float


def in_buckets(values: Floats, size: int) -> list[Bucket]:
    """The series in stretches of ``size`` days, counted back from the newest, so that the last one is whole.

    Parameters
    ----------
    values : ndarray, shape (n_days,)
        One number a day, the newest last; NaN where not known.
    size : int
        Days of a stretch, at least 1; the first stretch may be shorter.
    """
    ends = range(values.size, 0, -size)
    return [_bucket(values, max(0, end - size), end) for end in reversed(ends)]


def _bucket(values: Floats, start: int, end: int) -> Bucket:
    known = values[start:end][~np.isnan(values[start:end])]
    n = int(known.size)
    return Bucket(
        first=start,
        last=end - 1,
        n=n,
        mean=float(np.mean(known)) if n else None,
        median=float(np.median(known)) if n else None,
        sd=float(np.std(known, ddof=1)) if n > 1 else None,
        coverage=n / (end - start),
    )
