"""A second source that overlaps the watch: another scale, a drifting clock, one batch twice, one in a wrong zone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import Effects
from novamind.simulator.grid import Grid


@dataclass(frozen=True)
class Batch:
    """What a device sent at once: one local day of minutes.

    Attributes
    ----------
    stamp_s : ndarray of int64, shape (n,)
        UTC seconds as the device claims.
    counts : ndarray of float32, shape (n,)
        Counts per minute in the device's own scale.
    drift_s : float
        Truth: how far its clock is ahead at the end of the batch, seconds.
    zone_error_s : int
        Truth: what was wrongly added to the stamps, seconds.
    repeats : int or None
        Truth: the index of the earlier batch that this one is a copy of.
    """

    stamp_s: NDArray[np.int64]
    counts: NDArray[np.float32]
    drift_s: float = 0.0
    zone_error_s: int = 0
    repeats: int | None = None


@dataclass(frozen=True)
class SecondSource:
    """A phone or second band worn at the same time.

    Attributes
    ----------
    name : str
        Labelled synthetic.
    gain : float
        Truth: its counts over those of the watch.
    drift_s_per_day : float
        Truth: seconds its clock gains in a day.
    batches : tuple of Batch
        In the order sent.
    """

    name: str
    gain: float
    drift_s_per_day: float
    batches: tuple[Batch, ...]


def second_source(
    grid: Grid,
    counts: NDArray[np.float64],
    available: NDArray[np.bool_],
    effects: Effects,
    rng: np.random.Generator,
) -> SecondSource:
    """The second source of a patient.

    Parameters
    ----------
    grid : Grid
        n minutes.
    counts : ndarray of float64, shape (n,)
        True movement in the watch's scale.
    available : ndarray of bool, shape (n,)
        Minutes this source sends.
    effects : Effects
        ``device_faults`` is heeded; without, gain is 1, the clock exact, every batch sent once.
    rng : numpy.random.Generator
        Consumed alike whichever effects are on.
    """
    gain, drift = float(rng.lognormal(np.log(0.8), 0.15)), float(rng.normal(0.0, 2.5))
    jitter = rng.standard_normal(len(grid))
    days = int(grid.day[-1]) + 1
    wrong, twice = rng.permutation(days)[:2] if days > 1 else (0, 0)
    if not effects.device_faults:
        gain, drift, wrong, twice = 1.0, 0.0, -1, -1
        jitter = np.zeros(len(grid))
    own = np.floor(gain * counts * np.exp(0.1 * jitter))
    batches: list[Batch] = []
    for day in range(days):
        index = np.flatnonzero((grid.day == day) & available)
        if not len(index):
            continue
        ahead = drift * (grid.utc_s[index] - grid.utc_s[0]) / 86_400.0
        # An app that stamps wall-clock time as if it were UTC; where the two agree, one hour off.
        error = (int(grid.offset_s[index[0]]) or 3600) if day == wrong else 0
        stamps = grid.utc_s[index] + np.round(ahead).astype(np.int64) + error
        batches.append(Batch(stamps, own[index].astype(np.float32), float(ahead[-1]), error))
        if day == twice:
            batches.append(Batch(stamps, batches[-1].counts, float(ahead[-1]), error, repeats=len(batches) - 1))
    return SecondSource("SYNTHETIC second band", gain, drift, tuple(batches))
