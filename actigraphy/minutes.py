"""The recording by the minute, as charts need it."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from actigraphy import days, signals
from actigraphy.models import Analysis

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MINUTE_S = 60


class Minutes:
    """The recording by the minute: activity per minute and whether it was worn, on a UTC grid."""

    def __init__(self, start_s: int, activity: Floats, worn: Bools) -> None:
        self.start_s, self.activity, self.worn = start_s, activity, worn

    @classmethod
    def of(cls, analysis: Analysis) -> Minutes:
        """From the stored signals; empty when they are gone."""
        found = _activity(analysis)
        if found is None:
            return cls(int(analysis.window_start.timestamp()), np.empty(0), np.empty(0, dtype=bool))
        start_s, epoch_s, values = found
        activity = per_minute(values.astype(np.float64), epoch_s)
        worn = np.isfinite(activity)
        for gap in analysis.results["quality"]["gaps"]:
            first, last = (int(datetime.fromisoformat(gap[name]).timestamp()) for name in ("start", "end"))
            worn[max(0, (first - start_s) // MINUTE_S) : max(0, -(-(last - start_s) // MINUTE_S))] = False
        return cls(start_s, activity, worn)

    def cut(self, start_s: int, n: int) -> tuple[Floats, Bools]:
        """``n`` minutes from a UTC second on; NaN and not worn where there is nothing."""
        activity, worn = np.full(n, np.nan), np.zeros(n, dtype=bool)
        offset = (self.start_s - start_s) // MINUTE_S
        first, last = max(0, offset), min(n, offset + len(self.activity))
        if last > first:
            activity[first:last] = self.activity[first - offset : last - offset]
            worn[first:last] = self.worn[first - offset : last - offset]
        return activity, worn


def _activity(analysis: Analysis) -> tuple[int, int, NDArray[np.float32]] | None:
    """``(UTC second of the first slot, epoch in seconds, counts)``; of a stretch out of its stream."""
    source, start, end = analysis.source, analysis.window_start, analysis.window_end
    if source.stream_id is None:
        return signals.read(source, "activity", start=start, end=end)
    samples = days.read_samples(source, "activity", start=start, end=end)
    start_s = int(start.timestamp())
    counts = np.full((int(end.timestamp()) - start_s) // MINUTE_S, np.nan, dtype=np.float32)
    counts[(samples.at_s - start_s) // MINUTE_S] = samples.values
    return start_s, MINUTE_S, counts


def per_minute(values: Floats, epoch_s: int) -> Floats:
    """Counts per epoch as counts per minute; a minute with a missing part is missing."""
    if epoch_s >= MINUTE_S:
        return np.repeat(values * MINUTE_S / epoch_s, epoch_s // MINUTE_S)
    parts = MINUTE_S // epoch_s
    whole = len(values) // parts
    return values[: whole * parts].reshape(whole, parts).sum(axis=1)
