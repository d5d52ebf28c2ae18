"""The weeks of an analyzed recording as an encoder reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from actigraphy.minutes import Minutes
from actigraphy.science.pat.reference import ReferenceCohort
from actigraphy.science.pat.weeks import cut_weeks, week_starts
from novamind.clock import from_epoch, local_times, zone
from novamind.measures import Abstained, Window


@dataclass(frozen=True, eq=False)
class Week:
    """One week, normalised: (10080,) float32 in standard deviations, NaN where not measured or not worn."""

    window: Window
    minutes: NDArray[np.float32]


def weeks_of(minutes: Minutes, zone_name: str, epoch_s: int, cohort: ReferenceCohort) -> list[Week]:
    """Every week of seven valid days, sliding by a day.

    Raises
    ------
    Abstained
        unsupported_device for epochs longer than a minute; too_few_days; indeterminate.
    """
    if epoch_s > 60:
        raise Abstained("unsupported_device", what=f"epochs of {epoch_s} s")
    times = local_times(minutes.start_s, 60, len(minutes.activity), zone(zone_name))
    starts = week_starts(minutes.worn, times)
    normalized = cohort.normalize(cut_weeks(minutes.activity, minutes.worn, starts))
    return [Week(_window(int(times.utc_s[start])), week) for start, week in zip(starts, normalized, strict=True)]


def _window(start_s: int) -> Window:
    start = from_epoch(start_s)
    return Window(start, start + timedelta(days=7))
