"""Weeks of simulated people, through the same wear detection as everybody's; synthetic, and labelled so."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.devices import DEVICES
from actigraphy.science.pipeline import analyze_counts
from novamind.clock import local_times, zone
from novamind.measures import Abstained
from novamind.simulator import ALL, Effects, Persona, simulate

from .architecture import WEEK_MIN
from .weeks import WEEK_DAYS, cut_weeks, week_starts, weeks_apart

#: The simulator's counts are fitted to this device.
DEVICE: Final = "actiwatch"
LABEL: Final = "SYNTHETIC people, Actiwatch counts/min, wrist"
_FIRST_DAY: Final = date(2024, 1, 1)


def first_day(seed: int) -> date:
    """When a person's recording begins: any weekday, any season."""
    return _FIRST_DAY + timedelta(days=11 * seed % 366)


def simulated_weeks(
    persona: Persona, *, weeks: int, start: date | None = None, effects: Effects = ALL
) -> NDArray[np.float32]:
    """Weeks of a simulated person that do not overlap.

    Parameters
    ----------
    persona : Persona
    weeks : int
        How many weeks are recorded.
    start : date, optional
        First day; by default from the persona's seed.
    effects : Effects

    Returns
    -------
    ndarray of float32, shape (w, 10080)
        Counts/min, NaN where missing or not worn; w may be 0, since days off make weeks unreadable.
    """
    counts, worn, starts = _recorded(persona, weeks, start, effects)
    return cut_weeks(counts, worn, weeks_apart(starts))


def calendar_weeks(
    persona: Persona, *, weeks: int, start: date | None = None, effects: Effects = ALL
) -> NDArray[np.float32]:
    """As :func:`simulated_weeks`, the k-th always the k-th seven days: shape (weeks, 10080), NaN where unreadable.

    Two simulations of one seed can so be compared week by week. Weeks after a clock change are unreadable: they do not
    begin on a multiple of seven days' minutes.
    """
    counts, worn, starts = _recorded(persona, weeks, start, effects)
    found = np.full((weeks, WEEK_MIN), np.nan, np.float32)
    starts = starts[starts % WEEK_MIN == 0]
    found[starts // WEEK_MIN] = cut_weeks(counts, worn, starts)
    return found


def _recorded(
    persona: Persona, weeks: int, start: date | None, effects: Effects
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    lived = simulate(persona, start=start or first_day(persona.seed), days=WEEK_DAYS * weeks, effects=effects)
    times = local_times(int(lived.utc_s[0]), 60, len(lived.utc_s), zone(persona.zone))
    rest = analyze_counts(lived.counts.astype(np.float64), epoch_s=60, times=times, device=DEVICES[DEVICE])
    try:
        starts = week_starts(rest.worn, rest.times)
    except Abstained:
        starts = np.array([], dtype=np.int64)
    return rest.counts, rest.worn, starts
