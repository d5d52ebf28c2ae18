"""What readers of exports keep of one field, or count as left out with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from actigraphy.catalogue import TYPES, Key
from actigraphy.exports.collecting import Collected
from actigraphy.exports.reading import UnreadableExport
from actigraphy.exports.values import one_line
from actigraphy.streams.sent import Sender
from novamind.limits import LIMITS

NAMES: Final = LIMITS["export_names"].value


class Measure(NamedTuple):
    """A key of a type of signal."""

    data_type: str
    key: Key

    @classmethod
    def of(cls, data_type: str, key: str) -> Measure:
        """By their names in the catalogue."""
        return cls(data_type, TYPES[data_type].by_name[key])


HEART_RATE: Final = Measure.of("heart_rate", "bpm")
RMSSD: Final = Measure.of("hrv", "rmssd_ms")
SPO2: Final = Measure.of("spo2", "percent")
RESPIRATION: Final = Measure.of("respiratory_rate", "per_min")


def keep(taken: Collected, sender: Sender, measure: Measure, at_s: int | None, value: float | None) -> None:
    """One value at a UTC second."""
    if at_s is None:
        taken.skip(measure.data_type, "wrong_time")
    elif value is None:
        taken.skip(measure.data_type, "not_a_number")
    else:
        taken.sample(sender, measure.data_type, measure.key, at_s, value)


def keep_steps(taken: Collected, sender: Sender, at_s: int | None, length_s: int, count: float | None) -> None:
    """Steps counted for so many seconds from a UTC second on."""
    if at_s is None:
        taken.skip("steps", "wrong_time")
    elif count is None:
        taken.skip("steps", "not_a_number")
    else:
        taken.steps(sender, at_s, at_s + length_s, count)


def keep_point(
    taken: Collected, sender: Sender, data_type: str, at_s: int | None, values: Mapping[str, float | None]
) -> None:
    """A point reading with all its values at a UTC second."""
    there = {name: value for name, value in values.items() if value is not None}
    if at_s is None:
        taken.skip(data_type, "wrong_time")
    elif len(there) < len(values):
        taken.skip(data_type, "not_a_number" if not there else "half_a_pair")
    else:
        taken.point(sender, data_type, at_s, **there)


def keep_stage(taken: Collected, sender: Sender, start_s: int | None, end_s: int | None, stage: str | None) -> None:
    """A stretch of sleep between two UTC seconds."""
    if start_s is None or end_s is None:
        taken.skip("sleep", "wrong_time")
    elif stage is None:
        taken.skip("sleep", "unknown_stage")
    else:
        taken.stage(sender, start_s, end_s, stage)


class Senders:
    """The devices of a file by their names, of which it may have only so many."""

    def __init__(self, source: str = "") -> None:
        self._source = source
        self._known: dict[tuple[str, str], Sender] = {}

    def of(self, name: str, source: str | None = None) -> Sender:
        """The device of that name."""
        kind = self._source if source is None else source
        if (known := self._known.get((kind, name))) is None:
            if len(self._known) >= NAMES:
                raise UnreadableExport("too_many_names")
            known = self._known[kind, name] = Sender(kind, one_line(name))
        return known
