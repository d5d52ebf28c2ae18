"""One recording, from what its reader gave to everything the science says of it; no database, no patient.

The same road for an upload's job and for ``manage.py analyze``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from actigraphy.numbers import COUNTS, RHYTHM
from actigraphy.readers import ReadRecording
from actigraphy.science.devices import DEVICES, DeviceProfile
from actigraphy.science.pipeline import RestActivity, analyze_counts
from novamind.clock import from_epoch, local_times, zone
from novamind.display import clock_time
from novamind.measures import Abstained

#: What a file's format says of its device, and which of :data:`DEVICES` a person may state instead.
FAMILIES = {
    "actiwatch": ("actiwatch",),
    "actigraph": ("actigraph", "actigraph_hip", "actigraph_wrist"),
    "motionwatch": ("motionwatch",),
    "acttrust": ("acttrust",),
    "daqtometer": ("daqtometer",),
    "generic": ("generic_wrist", *(key for key in DEVICES if key != "generic_wrist")),
}


class WrongDevice(ValueError):
    """The stated device cannot have written this file."""


class EmptyWindow(ValueError):
    """The stated window holds nothing of the recording."""


@dataclass(frozen=True)
class Analyzed:
    """A recording and what was computed from it."""

    read: ReadRecording
    device: DeviceProfile
    rest: RestActivity
    input_hash: str

    @property
    def start(self) -> datetime:
        """Start of the first epoch."""
        return from_epoch(self.read.start_s)

    @property
    def end(self) -> datetime:
        """End of the last epoch."""
        return from_epoch(self.read.start_s + len(self.read) * self.read.epoch_s)


def device_for(read: ReadRecording, stated: str | None) -> DeviceProfile:
    """The profile to analyze with: as stated, if the file can come from it, else the format's own."""
    fitting = FAMILIES[read.device_family]
    if stated and stated not in fitting:
        raise WrongDevice(f"This file does not come from {DEVICES[stated].label if stated in DEVICES else stated}.")
    return DEVICES[stated or fitting[0]]


def cut(read: ReadRecording, start: datetime | None, end: datetime | None) -> ReadRecording:
    """Only the epochs that begin in [start, end); ``EmptyWindow`` when there are fewer than two."""
    first = 0 if start is None else max(0, -(-int(start.timestamp() - read.start_s) // read.epoch_s))
    stop = len(read) if end is None else min(len(read), -(-int(end.timestamp() - read.start_s) // read.epoch_s))
    if stop - first < 2:
        raise EmptyWindow("The stated start and end leave nothing of the recording.")
    if (first, stop) == (0, len(read)):
        return read
    return replace(
        read,
        start_s=read.start_s + first * read.epoch_s,
        activity=read.activity[first:stop],
        channels={name: values[first:stop] for name, values in read.channels.items()},
    )


def analyze(read: ReadRecording, *, device_type: str | None = None, assume_worn: bool = False) -> Analyzed:
    """Wear, rest, sleep and rhythm of one recording.

    ``assume_worn`` masks and trims nothing and lowers no threshold's reason: numbers are those of the whole file.
    """
    device = device_for(read, device_type)
    times = local_times(read.start_s, read.epoch_s, len(read), zone(read.zone))
    lenient: dict[str, Any] = {"assume_worn": True, "min_days": 0, "min_night_worn_h": 0.0} if assume_worn else {}
    rest = analyze_counts(
        np.asarray(read.activity, dtype=np.float64),
        epoch_s=read.epoch_s,
        times=times,
        device=device,
        nonwear=_off_wrist(read),
        **lenient,
    )
    return Analyzed(read, device, rest, _hash(read, device, assume_worn))


def _off_wrist(read: ReadRecording) -> NDArray[np.bool_] | None:
    """What the watch itself said of not being worn, where it feels the skin."""
    felt = read.channels.get("off_wrist")
    return None if felt is None else felt == 1


def _hash(read: ReadRecording, device: DeviceProfile, assume_worn: bool) -> str:
    """SHA-256 of everything the numbers depend on beside the code."""
    facts = {
        "start_s": read.start_s,
        "epoch_s": read.epoch_s,
        "zone": read.zone,
        "device": device.key,
        "assume_worn": assume_worn,
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(read.activity, dtype="<f4").tobytes())
    off_wrist = _off_wrist(read)
    if off_wrist is not None:
        digest.update(np.packbits(off_wrist).tobytes())
    return digest.hexdigest()


#: Folders and files that stand behind what models say, beside those behind every number.
OF_PAT = ("minutes.py", "pat", "science/pat")
OF_HEADS = (*OF_PAT, "science/heads")


@cache
def code_version(also: tuple[str, ...] = ()) -> str:
    """The version of this program and of the very code that computes: ``0.1.0+`` and 12 digits of its SHA-256.

    A changed formula is a new version without anybody remembering to say so; an old result is never taken for new.
    ``also`` names what more stands behind a number: :data:`OF_PAT`, :data:`OF_HEADS`.
    """
    here = Path(__file__).parent
    places = [here / name for name in ("analysis.py", "science", "readers", *also)]
    files = [file for place in places for file in (place.glob("*.py") if place.is_dir() else [place])]
    digest = hashlib.sha256()
    for name, file in sorted((file.relative_to(here).as_posix(), file) for file in files):
        digest.update(name.encode() + file.read_bytes())
    return f"{settings.VERSION}+{digest.hexdigest()[:12]}"


def stored(value: float | Abstained) -> Any:
    """A number or an abstention as it is kept in JSON."""
    return value.as_json() if isinstance(value, Abstained) else float(value)


def rhythm(rest: RestActivity) -> dict[str, float | Abstained]:
    """The rest-activity numbers by their names in the API; levels per minute, whatever the recording's epoch."""
    per_minute = 60 / rest.epoch_s
    found: dict[str, float | Abstained] = {}
    for name, number in RHYTHM.items():
        value = rest.rhythm[number.key]
        found[name] = value * per_minute if number.unit == COUNTS and not isinstance(value, Abstained) else value
    return found


def plain_rhythm(kept: dict[str, Any], valid_days: int) -> dict[str, Any]:
    """Stored rhythm as the API and ``analyze`` give it: ``days``, onsets as HH:MM, null for an abstention."""
    plain: dict[str, Any] = {"days": valid_days}
    for name in RHYTHM:
        value = kept[name]
        plain[name] = None if isinstance(value, dict) else clock_time(value) if name.endswith("_onset") else value
    return plain


def results(analyzed: Analyzed) -> dict[str, Any]:
    """What an :class:`actigraphy.models.Analysis` keeps beside its nights."""
    rest = analyzed.rest
    utc = rest.times.utc_s
    return {
        "rhythm": {name: stored(value) for name, value in rhythm(rest).items()},
        "quality": {
            "minutes": len(rest.counts) * rest.epoch_s // 60,
            "worn_minutes": int(np.count_nonzero(rest.worn)) * rest.epoch_s // 60,
            "valid_days": rest.valid_days,
            "overlapping_days": rest.overlapping_days,
            "days": [{"date": day.day.isoformat(), "worn_min": day.worn_min, "valid": day.valid} for day in rest.days],
            "gaps": [
                {
                    "start": from_epoch(gap.start).isoformat(),
                    "end": from_epoch(gap.end).isoformat(),
                    "reason": gap.reason,
                }
                for gap in rest.gaps
            ],
        },
        "rest": [
            {
                "start": from_epoch(int(utc[period.start])).isoformat(),
                "end": from_epoch(int(utc[period.end - 1]) + rest.epoch_s).isoformat(),
                "kind": "main" if period.main else "nap",
            }
            for period in rest.rest
        ],
        "epoch_s": rest.epoch_s,
    }
