"""Daily self-ratings on 0-100 sliders, made from the latent states, with days left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import Effects
from novamind.simulator.latent import WITHIN_PERSON_CORRELATION, DailyStates
from novamind.simulator.persona import People

# Points on the slider before clipping: usual level and its spread between people (low mood and anxiety: median and
# log SD, as most people are near the floor; energy: mean and SD), points per latent unit, daily noise.
_LEVEL = np.array([12.5, 5.5, 47.5])
_SPREAD = np.array([0.88, 1.32, 14.0])
_GAIN = np.array([15.0, 15.0, 14.0])
_NOISE = np.array([17.5, 14.5, 16.0])
_SPREAD_OF_SIZE = np.array([0.09, 0.32, 0.0])  # who is usually worse also swings more: log size per unit of the trait
_USUAL_SLEEP_H = 7.2  # of the simulated nights: who sleeps as long is rated as without the effect of sleep
_MORE_MISSING_PER_UNIT = 0.25  # log odds per unit of latent low mood


@dataclass(frozen=True)
class DailyRatings:
    """Self-ratings as entered, arrays of shape (n, days), whole numbers 0-100, NaN where left out.

    Attributes
    ----------
    low_mood : ndarray of float64
        How down: 0 not at all, 100 extremely. **High is bad**, as in the item it is fitted to.
    anxiety : ndarray of float64
        How anxious: 0 not at all, 100 extremely.
    energy : ndarray of float64
        How energetic: 0 not at all, 100 extremely.
    """

    low_mood: NDArray[np.float64]
    anxiety: NDArray[np.float64]
    energy: NDArray[np.float64]


def daily_ratings(
    people: People, states: DailyStates, slept_h: NDArray[np.float64], effects: Effects, rng: np.random.Generator
) -> DailyRatings:
    """Ratings of n people.

    Level, spread, gain and noise were fitted by hand to the items "down", "anxi" and "ener" of MIRORR (51 people, 88
    days): 10/50/90 % over people of the mean, the within-person SD and the lag-1 autocorrelation; the share of
    missing days to the same study. All three ratings of a day are entered, or none.

    Parameters
    ----------
    people, states, effects
        Of the same n people; ``missing``, ``mood_on_missing`` and ``sleep_on_mood`` are heeded.
    slept_h : ndarray of float64, shape (n, days)
        Sleep of the night that ends on each day, hours.
    rng : numpy.random.Generator
        Consumed alike whichever effects are on.

    Returns
    -------
    DailyRatings
        Arrays of shape (n, days).
    """
    n, days = states.low_mood.shape
    root = np.linalg.cholesky(WITHIN_PERSON_CORRELATION)
    of_noise, of_gaps = rng.spawn(2)
    noise = np.einsum("ij,djn->ind", root, of_noise.standard_normal((days, 3, n)))
    traits = np.stack([people.low_mood, people.anxiety, people.energy])
    size = np.exp(_SPREAD_OF_SIZE[:, None] * traits)
    levels = np.stack(
        [
            _LEVEL[0] * np.exp(_SPREAD[0] * traits[0]),
            _LEVEL[1] * np.exp(_SPREAD[1] * traits[1]),
            _LEVEL[2] + _SPREAD[2] * traits[2],
        ]
    )
    latent = np.stack([states.low_mood, states.anxiety, states.energy])
    points = (
        levels[:, :, None]
        + (_GAIN[:, None] * size)[:, :, None] * latent
        + (_NOISE[:, None] * size * people.scatter)[:, :, None] * noise
    )
    points[0] -= effects.sleep_on_mood * people.relief_per_hour[:, None] * (slept_h - _USUAL_SLEEP_H)
    entered = np.round(np.clip(points, 0.0, 100.0))
    odds = (people.forgets / (1 - people.forgets))[:, None]
    odds = odds * np.exp(effects.mood_on_missing * _MORE_MISSING_PER_UNIT * states.low_mood)
    left_out = effects.missing * odds / (1 + odds) > of_gaps.random((days, n)).T
    low_mood, anxiety, energy = np.where(left_out, np.nan, entered)
    return DailyRatings(low_mood, anxiety, energy)
