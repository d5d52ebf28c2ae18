"""Reference cohorts: whom a week is compared with before PAT may read it.

PAT was trained on weeks standardised per minute of the week across the people of one cohort, and neither the 10,080
means nor the standard deviations were published. Scaling one person by their own numbers is another input: it removes
the level of activity (correlation with the cohort's scale 0.77 in 23 NHANES weeks). So without a cohort recorded with
the same device, placement and unit there is no embedding.

A cohort is a file of its own, known by its checksum like weights are: JSON, so that a person can read who is in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from novamind.registry.science import is_reference, reference_of

from .architecture import WEEK_MIN

Floats = NDArray[np.float32]

FEWEST_PEOPLE: Final = 10
#: From here on every minute of the week stands for itself, as in the paper. With fewer people it would be noise: of 23
#: people 728 minutes have no spread at all.
UNSMOOTHED_PEOPLE: Final = 500
SMOOTHING_MIN: Final = 61
SUMMARY: Final = ("mean of the week", "spread within the week", "share of the week measured")
_DAY_MIN: Final = 1440
_LARGEST_FILE = 2**20
_FORMAT = "novamind reference cohort 1"


class CohortError(Exception):
    """A cohort that cannot be built or a file that cannot be used, and why; the text holds no path and no person."""


@dataclass(frozen=True, eq=False)
class ReferenceCohort:
    """Mean and spread per minute of the week, across the people of one cohort.

    Attributes
    ----------
    device : str
        Key of the DeviceProfile: placement and unit.
    label : str
        Who, with which device, where worn, in which unit; fit for a page.
    people : int
        How many, one week each.
    mean, sd : ndarray of float32, shape (10080,)
        In the device's unit; population standard deviation, above zero.
    smoothed : bool
        Whether the seven days were folded and smoothed over time of day.
    synthetic : bool
        Whether the people were simulated.
    expected : tuple of dict
        How :func:`summarize` is distributed over the cohort's own weeks, to tell when inputs drift from them; as
        :func:`novamind.registry.science.reference_of` gives it.
    sha256 : str
        Of the file it was read from; empty before it was written.
    """

    device: str
    label: str
    people: int
    mean: Floats
    sd: Floats
    smoothed: bool
    synthetic: bool
    expected: tuple[dict[str, Any], ...] = ()
    sha256: str = field(default="", compare=False)

    def normalize(self, weeks: Floats) -> Floats:
        """Weeks (b, 10080) in the device's unit, in standard deviations from the cohort's mean; NaN stays NaN."""
        normalized: Floats = (weeks - self.mean) / self.sd
        return normalized


def build_cohort(weeks: Floats, *, device: str, label: str, synthetic: bool = False) -> ReferenceCohort:
    """The cohort of one week per person.

    Parameters
    ----------
    weeks : ndarray of float32, shape (people, 10080)
        From :func:`cut_weeks`, not normalised; NaN where missing or not worn. With fewer than 500 people the days of
        the week are taken together (weeks begin on any weekday), mean and variance smoothed over an hour.
    device, label, synthetic
        As in :class:`ReferenceCohort`.

    Raises
    ------
    CohortError
        Fewer than 10 people, or a minute in which nobody was measured or nobody differs.

    References
    ----------
    Ruan et al. (2024) arXiv:2411.15240 sec. 4.3: mean and population SD of each minute across participants.
    """
    if weeks.ndim != 2 or weeks.shape[1] != WEEK_MIN:
        raise ValueError(f"weeks of shape (people, {WEEK_MIN}) are needed; got {weeks.shape}")
    people = len(weeks)
    if people < FEWEST_PEOPLE:
        raise CohortError(f"{people} people; {FEWEST_PEOPLE} are needed")
    smoothed = people < UNSMOOTHED_PEOPLE
    samples = weeks.astype(np.float64)
    if smoothed:
        samples = samples.reshape(-1, _DAY_MIN)
    if np.isnan(samples).all(axis=0).any():
        raise CohortError("nobody was measured in some minutes")
    mean, variance = np.nanmean(samples, axis=0), np.nanvar(samples, axis=0)
    if smoothed:
        # Around the clock: midnight has an hour on both sides.
        mean, variance = (np.tile(_smooth(of_day), WEEK_MIN // _DAY_MIN) for of_day in (mean, variance))
    if not (variance > 0).all():
        raise CohortError(f"nobody differs in {int((variance <= 0).sum())} minutes")
    mean, sd = mean.astype(np.float32), np.sqrt(variance).astype(np.float32)
    summaries = np.array([summarize(week) for week in (weeks - mean) / sd])
    expected = tuple(reference_of(name, summaries[:, at]) for at, name in enumerate(SUMMARY))
    return ReferenceCohort(device, label, people, mean, sd, smoothed, synthetic, expected)


def summarize(week: Floats) -> list[float]:
    """A normalised week (10080,) in the numbers that :data:`SUMMARY` names: mean, spread, share measured."""
    return [float(np.nanmean(week)), float(np.nanstd(week)), float(np.isfinite(week).mean())]


def _smooth(of_day: NDArray[np.float64]) -> NDArray[np.float64]:
    side = SMOOTHING_MIN // 2
    around = np.concatenate([of_day[-side:], of_day, of_day[:side]])
    return np.convolve(around, np.full(SMOOTHING_MIN, 1 / SMOOTHING_MIN), mode="valid")


def cohort_bytes(cohort: ReferenceCohort) -> bytes:
    """The cohort as a file: the same cohort gives the same bytes."""
    names = ("device", "label", "people", "smoothed", "synthetic", "expected")
    said = {name: getattr(cohort, name) for name in names}
    arrays = {name: base64.b64encode(getattr(cohort, name).astype("<f4").tobytes()).decode() for name in ("mean", "sd")}
    return (json.dumps({"format": _FORMAT} | said | arrays, indent=1, ensure_ascii=False) + "\n").encode()


def load_cohort(source: str | PathLike[str] | bytes, *, sha256: str | None = None) -> ReferenceCohort:
    """Read and check a cohort's file.

    Raises
    ------
    CohortError
        It is missing, too large, not the registered one, or not a cohort.
    """
    content = source if isinstance(source, bytes) else _read(Path(source))
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise CohortError(f"SHA-256 is {found}, registered is {sha256}")
    try:
        return _parsed(json.loads(content), found)
    except CohortError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CohortError(f"not a reference cohort ({type(error).__name__})") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise CohortError(f"cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_FILE:
        raise CohortError("larger than any cohort")
    return content


def _parsed(said: dict[str, Any], sha256: str) -> ReferenceCohort:
    if said["format"] != _FORMAT:
        raise CohortError("of another format")
    mean, sd = (_minutes(said[name]) for name in ("mean", "sd"))
    if not (sd > 0).all():
        raise CohortError("a standard deviation is not above zero")
    texts, truths = (said["device"], said["label"]), (said["smoothed"], said["synthetic"])
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(truth, bool) for truth in truths):
        raise CohortError("a field is of the wrong type")
    expected = tuple(said.get("expected", ()))  # a cohort built before distributions were kept declares none
    if not all(is_reference(entry) for entry in expected):
        raise CohortError("a distribution is none")
    return ReferenceCohort(*texts, int(said["people"]), mean, sd, *truths, expected, sha256)


def _minutes(encoded: str) -> Floats:
    minutes: Floats = np.frombuffer(base64.b64decode(encoded, validate=True), "<f4")
    if minutes.shape != (WEEK_MIN,) or not np.isfinite(minutes).all():
        raise CohortError(f"needs {WEEK_MIN} finite minutes")
    return minutes
