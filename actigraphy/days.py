"""A day of samples that came at any second: packed on the coarsest grid that holds them, and opened again.

Events fall on a grid of one second, and most devices sample every minute or every five. A day is therefore kept on the
grid of the greatest common divisor of its samples' distances, and on a finer one as soon as a sample needs it; nothing
is moved or lost by that. See :class:`actigraphy.models.Signal` for the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from actigraphy.models import Signal, Source
from actigraphy.signals import pack, unpack
from novamind.clock import DAY_S, from_epoch

Seconds = NDArray[np.int64]
Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one channel in the order of time.

    Attributes
    ----------
    at_s : ndarray of int64, shape (n,)
        UTC seconds, strictly increasing.
    values : ndarray of float32, shape (n,)
        In the channel's unit; never NaN.
    """

    at_s: Seconds
    values: Values

    def __len__(self) -> int:
        return len(self.at_s)

    def cut(self, start_s: int, end_s: int) -> Samples:
        """Those in [start, end)."""
        first, stop = np.searchsorted(self.at_s, [start_s, end_s])
        return Samples(self.at_s[first:stop], self.values[first:stop])


EMPTY = Samples(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


def opened(row: Signal) -> Samples:
    """The samples of a day, also of an uploaded recording's."""
    if not row.valid:
        return EMPTY
    block = unpack(row.samples)
    slots = np.flatnonzero(~np.isnan(block))
    return Samples(int(row.start.timestamp()) + slots * row.epoch_s, block[slots])


def put(row: Signal, samples: Samples, day_s: int) -> None:
    """Write the samples of a UTC day (which begins at ``day_s``) into its row, unsaved."""
    offsets = samples.at_s - day_s
    grid = int(np.gcd.reduce(np.diff(offsets))) if len(offsets) > 1 else DAY_S
    phase = int(offsets[0]) % grid
    block = np.full(-(-(DAY_S - phase) // grid), np.nan, dtype=np.float32)
    block[(offsets - phase) // grid] = samples.values
    row.start, row.epoch_s = from_epoch(day_s + phase), grid
    row.samples, row.valid = pack(block), len(samples)


def joined(held: Samples, new: Samples) -> tuple[Samples, int, int]:
    """Both together; a second keeps its first value.

    Parameters
    ----------
    new : Samples
        In any order, and a second may come twice.

    Returns
    -------
    (samples, added, conflicts)
        How many seconds are new, and how many of the others came with another value than is kept.
    """
    at_s, values = np.concatenate([held.at_s, new.at_s]), np.concatenate([held.values, new.values])
    found, first, place = np.unique(at_s, return_index=True, return_inverse=True)
    kept = Samples(found, values[first])
    return kept, len(found) - len(held), int(np.count_nonzero(kept.values[place] != values))


def read_samples(source: Source, channel: str, *, start: datetime, end: datetime) -> Samples:
    """What one source measured in [start, end). One query; a stretch's are kept with its stream."""
    rows = Signal.objects.filter(
        source=source.stream_id or source.pk, channel=channel, day__gte=start.date(), day__lte=_last_day(end)
    )
    return together(list(rows.order_by("day"))).cut(int(start.timestamp()), int(np.ceil(end.timestamp())))


def together(rows: list[Signal]) -> Samples:
    """The samples of several days of one source, which come in order."""
    days = [opened(row) for row in rows]
    if not days:
        return EMPTY
    return Samples(np.concatenate([day.at_s for day in days]), np.concatenate([day.values for day in days]))


def _last_day(end: datetime) -> date:
    return (end - timedelta(microseconds=1)).date()
