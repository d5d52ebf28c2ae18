"""What an export says, gathered in little memory: samples as packed arrays, steps by minute, stages as sessions.

What is not kept is counted with its reason, and never quoted.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import numpy as np

from actigraphy.catalogue import LONGEST_H, TYPES, Key
from actigraphy.streams.sent import Batch, Point, Sender, Session
from novamind.clock import DAY_S, from_epoch
from novamind.limits import LIMITS

#: Sleep that pauses for longer is two sessions.
APART_S: Final = 3600
#: Steps told of a longer time at once say too little of its minutes to be kept by the minute.
LONGEST_COUNT_S: Final = 3600
MINUTE_S: Final = 60
#: How many counted minutes of all devices wait at least before those of the same minute are added up.
_WAITING: Final = 1 << 20
#: Where a device says two things of one second, the later one here is painted over the earlier one.
_PAINTED: Final = ("in_bed", "asleep", "light", "rem", "deep", "awake")
_STEPS: Final = TYPES["steps"].keys[0]


class TooMuch(Exception):
    """More than is gathered at once."""


class Collected:
    """Events of one export.

    Parameters
    ----------
    earliest_s, latest_s : int
        UTC seconds; what lies outside is left out.

    Attributes
    ----------
    left_out : Counter of (data type or "other", reason)
        How many entries were not kept, and why.
    """

    def __init__(self, earliest_s: int, latest_s: int) -> None:
        self._earliest_s, self._latest_s = earliest_s, latest_s
        self.left_out: Counter[tuple[str, str]] = Counter()
        self._samples: dict[tuple[Sender, str], tuple[array[int], array[float]]] = {}
        self._steps: dict[Sender, tuple[array[int], array[float]]] = {}
        self._stages: dict[Sender, tuple[array[int], array[int], array[int]]] = {}
        self._points: dict[tuple[Sender, str, int], dict[str, float]] = {}
        self._n_samples = self._n_rows = self._n_minutes = 0
        self._add_up_at = _WAITING

    def skip(self, what: str, reason: str) -> None:
        """Count an entry that is not kept."""
        self.left_out[what, reason] += 1

    def sample(self, sender: Sender, data_type: str, key: Key, at_s: int, value: float) -> None:
        """One value of a channel at a UTC second."""
        if self._sensible(data_type, at_s) and self._plausible(data_type, key, value):
            seconds, values = self._samples.setdefault((sender, key.channel), (array("q"), array("f")))
            seconds.append(at_s)
            values.append(round(value, key.decimals))
            self._count_sample()

    def steps(self, sender: Sender, start_s: int, end_s: int, counted: float) -> None:
        """Steps between two UTC seconds, spread evenly over its minutes; their sum stays the same."""
        if not (self._sensible("steps", start_s) and self._sensible("steps", end_s)):
            return
        if not 0 <= end_s - start_s <= LONGEST_COUNT_S:
            return self.skip("steps", "too_coarse" if end_s > start_s else "wrong_time")
        if not 0 <= counted <= _STEPS.high * LONGEST_COUNT_S:  # nor is NaN
            return self.skip("steps", "implausible_value")
        count = round(counted)
        minutes, counts = self._steps.setdefault(sender, (array("q"), array("f")))
        length, told = max(1, end_s - start_s), 0
        for minute in range(start_s // MINUTE_S, (start_s + length - 1) // MINUTE_S + 1):
            until = count * (min((minute + 1) * MINUTE_S, start_s + length) - start_s) // length
            minutes.append(minute)
            counts.append(until - told)
            told = until
            self._n_minutes += 1
        if self._n_minutes >= self._add_up_at:
            self.add_up()

    def add_up(self) -> None:
        """Keep each minute of a device once, with all its steps; too many that differ are refused.

        Done again when twice as many wait, so that the work stays in proportion to what was told.
        """
        self._steps = {sender: _added_up(*told) for sender, told in self._steps.items()}
        self._n_minutes = sum(len(minutes) for minutes, _ in self._steps.values())
        if self._n_minutes > LIMITS["export_samples"].value:
            raise TooMuch
        self._add_up_at = max(_WAITING, 2 * self._n_minutes)

    def point(self, sender: Sender, data_type: str, at_s: int, **values: float) -> None:
        """Values of a point reading, all at once or one after another; the first of each counts."""
        keys = TYPES[data_type].by_name
        if self._sensible(data_type, at_s) and all(
            self._plausible(data_type, keys[name], value) for name, value in values.items()
        ):
            if (where := (sender, data_type, at_s)) not in self._points:
                self._points[where] = {}
                self._count_row()
            for name, value in values.items():
                self._points[where].setdefault(name, round(value, keys[name].decimals))

    def stage(self, sender: Sender, start_s: int, end_s: int, stage: str) -> None:
        """A stretch of sleep of one stage."""
        if not (self._sensible("sleep", start_s) and self._sensible("sleep", end_s)):
            return
        if not 0 < end_s - start_s <= LONGEST_H["sleep"] * 3600:
            return self.skip("sleep", "wrong_time" if end_s <= start_s else "too_long")
        starts, ends, painted = self._stages.setdefault(sender, (array("q"), array("q"), array("b")))
        starts.append(start_s)
        ends.append(end_s)
        painted.append(_PAINTED.index(stage) + 1)
        self._count_row()

    def batch(self) -> Batch:
        """Everything as one batch, without the limits of what a device sends at once."""
        found = Batch()
        for (sender, channel), (seconds, values) in self._samples.items():
            found.columns[sender, channel] = [(np.frombuffer(seconds, np.int64), np.frombuffer(values, np.float32))]
        for sender in self._steps:
            at_s, counts = self._minutes(sender)
            if len(at_s):
                found.columns[sender, _STEPS.channel] = [(at_s, counts)]
        for (sender, data_type, at), values in self._points.items():
            if len(values) == len(TYPES[data_type].keys):
                found.points.append(Point(sender, data_type, from_epoch(at), values))
            else:
                self.skip(data_type, "half_a_pair")
        for sender in self._stages:
            found.sessions += self._sessions(sender)
        return found

    def _sensible(self, what: str, at_s: int) -> bool:
        if at_s < self._earliest_s:
            self.skip(what, "before_birth")
            return False
        if at_s > self._latest_s:
            self.skip(what, "in_the_future")
            return False
        return True

    def _plausible(self, what: str, key: Key, value: float) -> bool:
        if not key.low <= value <= key.high:  # nor is NaN
            self.skip(what, "implausible_value")
            return False
        return True

    def _count_sample(self) -> None:
        self._n_samples += 1
        if self._n_samples > LIMITS["export_samples"].value:
            raise TooMuch

    def _count_row(self) -> None:
        self._n_rows += 1
        if self._n_rows > LIMITS["export_rows"].value:
            raise TooMuch

    def _minutes(self, sender: Sender) -> tuple[Any, Any]:
        """UTC seconds of minutes and their steps; more than anybody walks is left out."""
        minutes, counts = (np.array(one) for one in _added_up(*self._steps[sender]))
        possible = counts <= _STEPS.high
        if n := int(np.count_nonzero(~possible)):
            self.left_out["steps", "implausible_value"] += n
        return minutes[possible] * MINUTE_S, counts[possible].astype(np.float32)

    def _sessions(self, sender: Sender) -> Iterator[Session]:
        starts, ends, painted = (np.array(one) for one in self._stages[sender])
        order = np.lexsort((ends, starts))
        starts, ends, painted = starts[order], ends[order], painted[order]
        reach = np.maximum.accumulate(ends)
        cuts = np.flatnonzero(starts[1:] - reach[:-1] > APART_S) + 1
        for part in np.split(np.arange(len(starts)), cuts):
            start_s, end_s = int(starts[part[0]]), int(ends[part].max())
            if end_s - start_s > LONGEST_H["sleep"] * 3600:
                self.skip("sleep", "too_long")
                continue
            stages = _stages(starts[part] - start_s, ends[part] - start_s, painted[part])
            yield Session(sender, "sleep", from_epoch(start_s), from_epoch(end_s), stages)


def _added_up(minutes: array[int], counts: array[float]) -> tuple[array[int], array[float]]:
    """Each minute once, with the sum of what was told of it."""
    found, place = np.unique(np.frombuffer(minutes, np.int64), return_inverse=True)
    sums = np.bincount(place, weights=np.frombuffer(counts, np.float32), minlength=len(found)).astype(np.float32)
    return array("q", found.tobytes()), array("f", sums.tobytes())


def _stages(starts: Any, ends: Any, painted: Any) -> list[list[Any]]:
    """``[stage, from, to]`` without overlap, in seconds after the session's start, which is that of the first."""
    line = np.zeros(int(ends.max()), dtype=np.int8)
    for k in np.argsort(painted, kind="stable").tolist():
        line[starts[k] : ends[k]] = painted[k]
    edges = [0, *(np.flatnonzero(np.diff(line)) + 1).tolist(), len(line)]
    return [[_PAINTED[line[first] - 1], first, last] for first, last in pairwise(edges) if line[first]]


def pieces(batch: Batch, days: int) -> Iterator[Batch]:
    """A batch cut by time, each piece of at most so many UTC days, the oldest first."""
    length = days * DAY_S
    numbers: set[int] = {int(one.at.timestamp()) // length for one in batch.points}
    numbers |= {int(one.start.timestamp()) // length for one in batch.sessions}
    columns = [(where, at_s, values) for where, parts in batch.columns.items() for at_s, values in parts]
    for _, at_s, _ in columns:
        numbers |= set(np.unique(at_s // length).tolist())
    for number in sorted(numbers):
        piece = Batch()
        for where, at_s, values in columns:
            if (inside := at_s // length == number).any():
                piece.columns[where] = [(at_s[inside], values[inside])]
        piece.points = [one for one in batch.points if int(one.at.timestamp()) // length == number]
        piece.sessions = [one for one in batch.sessions if int(one.start.timestamp()) // length == number]
        yield piece
