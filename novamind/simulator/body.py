"""Heart rate and steps by minute, driven by movement, sleep and time of day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.activity import ASLEEP, UP, autoregressive
from novamind.simulator.persona import Persona

Floats = NDArray[np.float64]

_AWAKE_BPM, _CIRCADIAN_BPM, _NOISE_BPM = 7.0, 2.5, 3.0
_BPM_PER_ROOT_COUNT, _MEMORY_MIN = 0.9, 4
_WALKING_COUNTS, _COUNTS_PER_STEP, _MOST_STEPS = 450.0, 11.0, 190.0


def heart_rate(
    persona: Persona, counts: Floats, state: NDArray[np.int64], clock_h: Floats, rng: np.random.Generator
) -> Floats:
    """Heart rate, beats/min, shape (n,): resting level + movement of the last minutes + awake + hour of day.

    The sizes are illustrative. Arguments as in :func:`~novamind.simulator.activity.minute_counts`.
    """
    n = len(counts)
    effort = np.cumsum(np.concatenate([np.zeros(_MEMORY_MIN), np.sqrt(counts)]))
    recent = (effort[_MEMORY_MIN:] - effort[:-_MEMORY_MIN]) / _MEMORY_MIN
    bpm = persona.resting_bpm - 4.0 + _AWAKE_BPM * (state != ASLEEP) + _BPM_PER_ROOT_COUNT * recent
    bpm += _CIRCADIAN_BPM * np.cos(2 * np.pi / 24.0 * (clock_h - 17.0))
    bpm += _NOISE_BPM * autoregressive(rng, n, 20.0)
    rounded: Floats = np.round(np.clip(bpm, 35.0, 200.0))
    return rounded


def steps(counts: Floats, state: NDArray[np.int64]) -> Floats:
    """Steps per minute, shape (n,): none below a walking level of counts. The sizes are illustrative."""
    walked = np.clip((counts - _WALKING_COUNTS) / _COUNTS_PER_STEP, 0.0, _MOST_STEPS)
    whole: Floats = np.floor(walked * (state == UP))
    return whole
