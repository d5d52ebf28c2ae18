"""Runs: stretches of equal values, which non-wear, rescoring and rest periods are all made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def runs_of(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a mask is true.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)

    Returns
    -------
    starts, ends : ndarray of int64, shape (n_runs,)
        Index of the first epoch of each run of ``True`` and of the first epoch after it.
    """
    steps = np.diff(np.concatenate(([0], np.asarray(mask, dtype=np.int8), [0])))
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def mask_of(starts: NDArray[np.int64], ends: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """The inverse of :func:`runs_of`: a mask of ``n`` epochs that is true inside the (disjoint) runs."""
    steps = np.zeros(n + 1, dtype=np.int64)
    np.add.at(steps, starts, 1)
    np.add.at(steps, ends, -1)
    return np.cumsum(steps[:-1]) > 0


def segments_of(values: NDArray[np.int64] | NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends of the runs of equal values, covering the whole array; NaN equals nothing."""
    if not len(values):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    inner = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.concatenate(([0], inner)), np.concatenate((inner, [len(values)]))
