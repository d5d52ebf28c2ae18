"""The minute grid of a simulation, and the wall clocks along it: at home, on trips, in the body."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from novamind import clock
from novamind.simulator.persona import Persona
from novamind.simulator.sleep import WallClock

EPOCH_S = 60


@dataclass(frozen=True)
class Grid:
    """Every minute from local midnight at home of the first day to that after the last.

    Attributes
    ----------
    utc_s : ndarray of int64, shape (n,)
        Start of each minute, UTC seconds.
    offset_s : ndarray of int64, shape (n,)
        Local minus UTC where the person is.
    day : ndarray of int64, shape (n,)
        Which simulated day (by the date at home), 0 for the first.
    zero_s : int
        UTC seconds of 00:00 UTC on the first day's date: the zero of :class:`~novamind.simulator.sleep.Nights`.
    """

    utc_s: NDArray[np.int64]
    offset_s: NDArray[np.int64]
    day: NDArray[np.int64]
    zero_s: int

    def __len__(self) -> int:
        return len(self.utc_s)


def grid_of(persona: Persona, start: date, days: int) -> Grid:
    """The grid of ``days`` local days at home; a day with a clock change has 23 or 25 hours."""
    home = clock.zone(persona.zone)
    first = int(clock.midnight(start, home).timestamp())
    end = int(clock.midnight(start + timedelta(days=days), home).timestamp())
    at_home = clock.local_times(first, EPOCH_S, (end - first) // EPOCH_S, home)
    offset_s = at_home.offset_s.copy()
    for trip in persona.trips:
        leave, back = (int(clock.noon(day, home).timestamp()) for day in (trip.first, trip.last))
        away = (at_home.utc_s >= leave) & (at_home.utc_s < back)
        there = clock.local_times(first, EPOCH_S, len(at_home), clock.zone(trip.zone))
        offset_s[away] = there.offset_s[away]
    day = at_home.day - (start - date(1970, 1, 1)).days
    zero_s = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    return Grid(at_home.utc_s, offset_s, day, zero_s)


def wall_clock(persona: Persona, start: date, days: int) -> WallClock:
    """The wall clock, where the person is, of the evening and the morning of each of ``days`` + 1 nights."""

    def offset_h(day: date, hour: int) -> float:
        zone = clock.zone(persona.zone)
        wall = datetime(day.year, day.month, day.day, hour)
        for trip in persona.trips:
            left = day > trip.first or (day == trip.first and hour >= 12)
            if left and (day < trip.last or (day == trip.last and hour < 12)):
                zone = clock.zone(trip.zone)
        there = clock.resolve_local(wall, zone).astimezone(zone).utcoffset()
        assert there is not None
        return there.total_seconds() / 3600.0

    evenings = [start + timedelta(days=k - 1) for k in range(days + 1)]
    return WallClock(
        np.array([offset_h(day, 20) for day in evenings]),
        np.array([offset_h(day + timedelta(days=1), 8) for day in evenings]),
    )
