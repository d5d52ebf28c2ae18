"""One recording, from what its reader gave to everything the science says of it; no database, no patient.

The same road for an upload's job and for ``manage.py analyze``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actigraphy.channels import COUNTS
from actigraphy.numbers import RHYTHM
from actigraphy.readers import Raw, ReadRecording
from actigraphy.science.acceleration import PER_MINUTE
from actigraphy.science.calibration import Calibration
from actigraphy.science.devices import DEVICES, DeviceProfile
from actigraphy.science.pipeline import RestActivity, analyze_counts
from actigraphy.science.raw_sleep import raw_sleep
from actigraphy.science.thresholds import RHYTHM_VALID_DAYS
from novamind.clock import from_epoch, local_times, zone
from novamind.display import clock_time
from novamind.measures import Abstained
from novamind.registry.code import Code

#: What a file's format says of its device, and which of :data:`DEVICES` a person may state instead.
FAMILIES = {
    "actiwatch": ("actiwatch",),
    "actigraph": ("actigraph", "actigraph_hip", "actigraph_wrist"),
    "geneactiv": ("geneactiv",),
    "axivity": ("axivity",),
    "motionwatch": ("motionwatch",),
    "acttrust": ("acttrust",),
    "daqtometer": ("daqtometer",),
    "generic": ("generic_wrist", *(key for key in DEVICES if key != "generic_wrist")),
}

NOT_YET = Abstained("indeterminate", what="analyzed before this number was computed").as_json()
EPOCH_DAY = date(1970, 1, 1).toordinal()


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
        raw=read.raw and replace(read.raw, epochs=read.raw.epochs.cut(first, stop)),
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
        raw=None if read.raw is None else raw_sleep(read.raw.epochs, times),
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
    if read.raw is not None:
        for values in read.raw.epochs.all():
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()


#: Folders and files that stand behind what models say, beside those behind every number.
OF_PAT = ("minutes.py", "pat", "science/pat")
OF_HEADS = (*OF_PAT, "science/heads")


@cache
def code_version(also: tuple[str, ...] = ()) -> str:
    """The version of the code that computes: an old result is never taken for new.

    ``also`` names what more stands behind a number: :data:`OF_PAT`, :data:`OF_HEADS`.
    """
    here = Path(__file__).parent
    return Code(*(here / name for name in ("analysis.py", "science", "readers", *also))).version


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


def acceleration(raw: Raw, rest: RestActivity) -> dict[str, Any]:
    """What acceleration says beside its counts, as it is kept in JSON.

    ``enmo_mg`` and ``mad_mg`` are means over the worn minutes of valid days, in thousandths of g.
    """
    valid = [day.day.toordinal() - EPOCH_DAY for day in rest.days if day.valid]
    counted = rest.worn & np.isin(rest.times.day, valid)
    few = Abstained("too_few_days", needed=RHYTHM_VALID_DAYS, got=rest.valid_days)

    def level(values: NDArray[np.float64]) -> Any:
        if rest.valid_days < RHYTHM_VALID_DAYS:
            return few.as_json()
        return 1000 * float(values.reshape(-1, PER_MINUTE)[counted].mean())

    return {
        "enmo_mg": level(raw.epochs.enmo),
        "mad_mg": level(raw.epochs.mad),
        "calibration": _calibration(raw.calibration),
    }


def _calibration(fit: Calibration | Abstained) -> dict[str, Any]:
    if isinstance(fit, Abstained):
        return fit.as_json()
    return {
        "error_before_mg": 1000 * fit.error_before,
        "error_after_mg": 1000 * fit.error_after,
        "scale": fit.scale.tolist(),
        "offset_mg": (1000 * fit.offset).tolist(),
        "windows": fit.windows,
    }


def kept_rhythm(results: dict[str, Any]) -> dict[str, Any]:
    """The stored rhythm by every name; a number that was not computed yet when it was stored says so."""
    return {name: results["rhythm"].get(name, NOT_YET) for name in RHYTHM}


def plain_rhythm(kept: dict[str, Any], valid_days: int) -> dict[str, Any]:
    """Stored rhythm as the API and ``analyze`` give it: ``days``, onsets as HH:MM, null for an abstention."""
    plain: dict[str, Any] = {"days": valid_days}
    for name in RHYTHM:
        value = kept[name]
        plain[name] = None if isinstance(value, dict) else clock_time(value) if name.endswith("_onset") else value
    return plain


def results(analyzed: Analyzed) -> dict[str, Any]:
    """What an :class:`actigraphy.models.Analysis` keeps beside its nights."""
    rest, raw = analyzed.rest, analyzed.read.raw
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
            **({"acceleration": acceleration(raw, rest)} if raw else {}),
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
