"""Activity counts by minute: a correlated Gaussian course on the square-root scale, cut off at zero.

Why the square root: the non-zero counts of the Depresjon controls (quartiles 93, 267, 585, 95th percentile 1,278) are
close to a squared normal (16.3, SD 11.7), whose part below zero is also their share of zeros while awake (.08).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.persona import Persona

Floats = NDArray[np.float64]

ASLEEP, AWAKE_IN_BED, UP = range(3)

# Square root of counts. Level by state, and weights of the slow, middle and fast parts (variances sum to 1).
_LEVEL = np.array([-19.2, -1.0, 16.6])
_SD = np.array([16.3, 11.0, 11.2])
_WEIGHTS = np.sqrt(np.array([[0.12, 0.33, 0.55], [0.15, 0.40, 0.45], [0.50, 0.31, 0.19]]))
_SLOW_MIN, _MIDDLE_MIN = 32.0, 4.0
_PERSON_SD = 2.9
_RESTLESS_SD = 2.4
_PER_UNIT, _PER_UNIT_IN_BED = 1.9, 0.5  # lower level per unit of latent low mood
_CIRCADIAN, _PEAK_AFTER_MIDSLEEP_H = 1.8, 10.0
_INERTIA, _INERTIA_MIN = 5.0, 40.0  # slow start of the day
_NOISY_WATCHES, _NOISE_SHARE, _NOISE_MEAN = 0.15, (0.15, 1.0), 3.5
_BLOCK = 256


def autoregressive(rng: np.random.Generator, n: int, time_constant: float) -> Floats:
    """A stationary first-order autoregression with mean 0 and SD 1.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Samples.
    time_constant : float
        Samples over which the correlation falls to 1/e; at least 1 (below, the block sums overflow).

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    keep = np.exp(-1.0 / time_constant)
    blocks = -(-n // _BLOCK)
    start = rng.standard_normal()
    shocks = rng.standard_normal((blocks, _BLOCK)) * np.sqrt(1 - keep * keep)
    decay = keep ** np.arange(1, _BLOCK + 1)
    own = np.cumsum(shocks / decay, axis=1) * decay
    carried = np.empty(blocks)
    for block, end in enumerate(own[:, -1]):
        carried[block] = start
        start = start * decay[-1] + end
    course: Floats = (own + carried[:, None] * decay).ravel()[:n]
    return course


def minute_counts(
    persona: Persona,
    state: NDArray[np.int64],
    low_mood: Floats,
    clock_h: Floats,
    minutes_up: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Counts that a watch worn all the time would show.

    Levels, spreads and time constants were fitted by hand to the controls of Depresjon (32 people, Actiwatch AW4,
    1-min epochs, the first ``days`` of each file): mean, zero share, median and 95th percentile of the non-zero
    counts, lag-1 correlation of log(1 + x), IS, IV, RA; the effect of low mood to the 23 depressed of the same data.
    Movement asleep was fitted within the nights that :mod:`actigraphy` finds in those files, onset to offset: share of
    zeros, share above 40, length of the runs of movement (``actigraphy/tests/test_science_agreement.py``).
    Not reached: zero share (.34 for .31) and IV of controls (.81 for .89), RA by a hair (.87 for .84); in the depressed
    IS (.35 for .43) and IV (.90 for .81).

    Parameters
    ----------
    persona : Persona
    state : ndarray of int64, shape (n,)
        0 asleep, 1 awake in bed, 2 up; one per minute.
    low_mood : ndarray of float64, shape (n,)
        Latent low mood of the minute's day; zeros for no effect.
    clock_h : ndarray of float64, shape (n,)
        Local hour of day where the person is.
    minutes_up : ndarray of float64, shape (n,)
        Since the last getting up.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n,)
        Whole counts per minute, never NaN.
    """
    n = len(state)
    slow, middle, fast, sensor = rng.spawn(4)
    parts = (
        autoregressive(slow, n, _SLOW_MIN),
        autoregressive(middle, n, _MIDDLE_MIN),
        fast.standard_normal(n),
    )
    peak = persona.chronotype_h + _PEAK_AFTER_MIDSLEEP_H
    up = _PERSON_SD * persona.activity - _PER_UNIT * low_mood
    up += _CIRCADIAN * np.cos(2 * np.pi / 24.0 * (clock_h - peak))
    up -= _INERTIA * np.exp(-minutes_up / _INERTIA_MIN)
    in_bed = _RESTLESS_SD * persona.restlessness - _PER_UNIT_IN_BED * low_mood
    root = _LEVEL[state] + np.where(state == UP, up, in_bed)
    weights = (_SD[:, None] * _WEIGHTS).T
    for weight, part in zip(weights, parts, strict=True):
        root += weight[state] * part
    np.maximum(root, 0.0, out=root)
    return np.maximum(np.floor(root * root), _background(n, sensor))


def _background(n: int, rng: np.random.Generator) -> Floats:
    """Small counts that some watches report while nothing moves, shape (n,); zeros for most watches.

    In 6 of 32 controls and 2 of 23 depressed of Depresjon .13 to .90 of the minutes asleep hold 1 to 20 counts, the
    first quartile of the non-zero ones being 2 to 4; in the others at most .11, quartile above 7.
    """
    of_watch, of_minutes, of_size = rng.spawn(3)
    noisy, share = of_watch.random() < _NOISY_WATCHES, of_watch.uniform(*_NOISE_SHARE)
    background = np.zeros(n)
    if noisy:
        reads = of_minutes.random(n) < share
        background[reads] = 1.0 + of_size.poisson(_NOISE_MEAN - 1.0, n)[reads]
    return background
