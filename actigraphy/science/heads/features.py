"""What a head reads of one recording: circadian and sleep features, and the weeks PAT embeds.

The circadian features were fixed before any outcome was looked at. Clock times are points on a circle, so each is a
sine and a cosine; levels are skewed, so they are logarithms. NaN is what the recording does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.devices import DEVICES
from actigraphy.science.nights import Night
from actigraphy.science.pat import EMBEDDING, WEEK_MIN, Encoder, ReferenceCohort, cut_weeks, week_starts
from actigraphy.science.pipeline import RestActivity
from actigraphy.science.rest import main_rest_mask
from actigraphy.science.thresholds import (
    HEAD_MISSING_SHARE,
    HEAD_NIGHTS,
    PARTIAL_WEEK_WORN_MIN,
    PAT_WEEK_DAYS,
    RHYTHM_VALID_DAYS,
)
from novamind.clock import DAY_S
from novamind.measures import Abstained

Floats = NDArray[np.float64]
FeatureSet = Literal["circadian", "pat", "both"]

FEATURE_SETS: Final[tuple[FeatureSet, ...]] = get_args(FeatureSet)
_DAY_MIN = DAY_S // 60

_RHYTHM = (
    *("IS", "IV", "RA", "SRI", "cosinor_r2", "L5_log", "M10_log", "mesor_log", "amplitude_log"),
    *("L5_onset_sin", "L5_onset_cos", "M10_onset_sin", "M10_onset_cos", "acrophase_sin", "acrophase_cos"),
)
_SLEEP = (
    *("tst_h", "tst_sd_h", "efficiency", "efficiency_sd", "waso_log", "sol_log", "awakenings_per_h", "nap_h_per_day"),
    *("onset_sin", "onset_cos", "onset_sd_h", "midsleep_sin", "midsleep_cos", "midsleep_sd_h"),
)
_ACTIVITY = ("day_level_cv", "awake_still_share", "awake_log_mean", "awake_log_sd")
#: The circadian features, in the order of their vector.
CIRCADIAN: Final = (*_RHYTHM, *_SLEEP, *_ACTIVITY)
PAT: Final = tuple(f"pat_{at:02d}" for at in range(EMBEDDING))
NAMES: Final[dict[FeatureSet, tuple[str, ...]]] = {"circadian": CIRCADIAN, "pat": PAT, "both": (*CIRCADIAN, *PAT)}


@dataclass(frozen=True, eq=False)
class Features:
    """What a head reads of one recording, and what it was computed with.

    Attributes
    ----------
    values : ndarray, shape (len(NAMES[kind]),)
        NaN where the recording does not tell.
    kind : str
        One of :data:`FEATURE_SETS`.
    device : str
        Key of the DeviceProfile.
    encoder_sha256, cohort_sha256 : str
        Empty where PAT has no part.
    """

    values: Floats
    kind: FeatureSet
    device: str
    encoder_sha256: str = ""
    cohort_sha256: str = ""


@dataclass(frozen=True, eq=False)
class Material:
    """What every head needs of a recording, before an encoder and a cohort are known.

    Attributes
    ----------
    device : str
        Key of the DeviceProfile.
    circadian : ndarray, shape (len(CIRCADIAN),)
        From :func:`circadian_features`.
    weeks : ndarray of float32, shape (w, 10080)
        From :func:`head_weeks`.
    """

    device: str
    circadian: Floats
    weeks: NDArray[np.float32]


def material_of(rest: RestActivity) -> Material:
    """The material of one recording, whatever the head: heads that are compared see the same people.

    Raises
    ------
    Abstained
        As :func:`circadian_features` and :func:`head_weeks`.
    """
    weeks = head_weeks(rest)  # first: it knows why the rest would be missing
    return Material(rest.device, circadian_features(rest), weeks)


def features_of(
    material: Material, kind: FeatureSet, encoder: Encoder | None = None, cohort: ReferenceCohort | None = None
) -> Features:
    """The features of one recording.

    Raises
    ------
    Abstained
        no_weights or no_reference_cohort, where PAT is asked for without them.
    """
    if kind == "circadian":
        return Features(material.circadian, kind, material.device)
    if encoder is None:
        raise Abstained("no_weights")
    if cohort is None or cohort.device != material.device:
        raise Abstained("no_reference_cohort", what=DEVICES[material.device].label)
    embedding = embed_person(encoder, cohort, material.weeks)
    values = embedding if kind == "pat" else np.concatenate((material.circadian, embedding))
    return Features(values, kind, material.device, encoder.weights_sha256, cohort.sha256)


def embed_person(encoder: Encoder, cohort: ReferenceCohort, weeks: NDArray[np.float32]) -> Floats:
    """The mean embedding of a person's weeks (w, 10080), shape (96,)."""
    return encoder.embed(cohort.normalize(weeks)).astype(np.float64).mean(axis=0)


def head_weeks(rest: RestActivity) -> NDArray[np.float32]:
    """The weeks of a recording that a head reads.

    Returns
    -------
    ndarray of float32, shape (w, 10080)
        Counts, NaN where missing or not worn: every whole PAT week. Where a recording of seven days holds none, since
        it began in the middle of a day or a day was not worn, the one week from midnight of which most was worn: the
        encoder leaves its missing patches out.

    Raises
    ------
    Abstained
        too_few_days (under seven days recorded), too_little_wear (that week is worn under ``PARTIAL_WEEK_WORN_MIN``),
        unsupported_device (longer epochs than a minute).
    """
    if rest.epoch_s != 60:
        raise Abstained("unsupported_device", what=f"epochs of {rest.epoch_s} s")
    if len(rest.counts) < WEEK_MIN:
        raise Abstained("too_few_days", needed=PAT_WEEK_DAYS, got=len(rest.counts) // _DAY_MIN)
    try:
        return cut_weeks(rest.counts, rest.worn, week_starts(rest.worn, rest.times))
    except Abstained:
        return _partial_week(rest)


def _partial_week(rest: RestActivity) -> NDArray[np.float32]:
    minutes = np.where(rest.worn, rest.counts, np.nan).astype(np.float32)
    lead = int(rest.times.second_of_day[0]) // 60
    padded = np.concatenate((np.full(lead, np.nan, np.float32), minutes, np.full(_DAY_MIN, np.nan, np.float32)))
    weeks = np.stack([padded[at : at + WEEK_MIN] for at in range(0, len(padded) - WEEK_MIN + 1, _DAY_MIN)])
    worn = np.isfinite(weeks).sum(axis=1)
    if worn.max() < PARTIAL_WEEK_WORN_MIN:
        raise Abstained("too_little_wear", needed=PARTIAL_WEEK_WORN_MIN / 60, got=round(float(worn.max()) / 60, 1))
    return weeks[[int(worn.argmax())]]


def circadian_features(rest: RestActivity) -> Floats:
    """Rhythm, sleep and activity of one recording of minutes.

    Returns
    -------
    ndarray, shape (len(CIRCADIAN),)
        Onsets and acrophase as sine and cosine of the local clock; durations in hours; levels as log(1 + counts/min);
        standard deviations over nights (of clock times, around the circle) and valid days.

    Raises
    ------
    Abstained
        More than ``HEAD_MISSING_SHARE`` of the features are missing: too_few_days where there are too few for a rhythm,
        else indeterminate.
    """
    found = _rhythm(rest) | _sleep(rest) | _activity(rest)
    values = np.array([found[name] for name in CIRCADIAN])
    missing = int(np.isnan(values).sum())
    if missing <= HEAD_MISSING_SHARE * len(values):
        return values
    if rest.valid_days < RHYTHM_VALID_DAYS:
        raise Abstained("too_few_days", needed=RHYTHM_VALID_DAYS, got=rest.valid_days)
    raise Abstained("indeterminate", what=f"{missing} of {len(values)} features are missing")


def _rhythm(rest: RestActivity) -> dict[str, float]:
    known = {name: np.nan if isinstance(value, Abstained) else value for name, value in rest.rhythm.items()}
    found = {name: known[name] for name in ("IS", "IV", "RA", "SRI", "cosinor_r2")}
    found |= {f"{name}_log": float(np.log1p(known[name])) for name in ("L5", "M10", "mesor", "amplitude")}
    for name in ("L5_onset", "M10_onset", "acrophase"):
        found |= _on_circle(name, np.array([known[f"{name}_h"]]))
    return found


def _on_circle(name: str, hours: Floats) -> dict[str, float]:
    angle = hours * 2 * np.pi / 24
    mean = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())
    return {f"{name}_sin": float(np.sin(mean)), f"{name}_cos": float(np.cos(mean))}


def _spread_h(hours: Floats) -> float:
    """Circular standard deviation, hours (Mardia)."""
    length = min(1.0, abs(np.exp(2j * np.pi * hours / 24).mean()))
    return float(np.sqrt(-2 * np.log(length)) * 24 / (2 * np.pi)) if length > 0 else np.nan


def _sleep(rest: RestActivity) -> dict[str, float]:
    nights = [night for night in rest.nights if night.valid]
    if len(nights) < HEAD_NIGHTS:
        return dict.fromkeys(_SLEEP, np.nan)
    wanted = ("tst_min", "waso_min", "sol_min", "efficiency", "awakenings", "midsleep_h")
    tst, waso, sol, efficiency, awakenings, midsleep = (_column(nights, name) for name in wanted)
    at = ((_column(nights, "onset") - rest.times.utc_s[0]) // 60).astype(np.int64)
    onset = rest.times.second_of_day[at] / 3600
    naps = sum(period.end - period.start for period in rest.rest if not period.main) / 60
    return {
        "tst_h": tst.mean() / 60,
        "tst_sd_h": tst.std() / 60,
        "efficiency": efficiency.mean(),
        "efficiency_sd": efficiency.std(),
        "waso_log": float(np.log1p(waso.mean())),
        "sol_log": float(np.log1p(sol.mean())),
        "awakenings_per_h": float(awakenings.sum() / tst.sum() * 60),
        "nap_h_per_day": naps / max(1.0, rest.worn.sum() / _DAY_MIN),
        "onset_sd_h": _spread_h(onset),
        "midsleep_sd_h": _spread_h(midsleep),
        **_on_circle("onset", onset),
        **_on_circle("midsleep", midsleep),
    }


def _column(nights: list[Night], name: str) -> Floats:
    return np.array([float(getattr(night, name)) for night in nights])


def _activity(rest: RestActivity) -> dict[str, float]:
    """Of the hours outside the main rest; how the valid days differ in level."""
    awake = rest.worn & ~main_rest_mask(rest.rest, len(rest.counts))
    counts = rest.counts[awake]
    logs = np.log1p(counts)
    first = int(rest.times.day[0])
    valid = [first + at for at, day in enumerate(rest.days) if day.valid]
    level = np.array([rest.counts[rest.worn & (rest.times.day == day)].mean() for day in valid])
    return {
        "day_level_cv": float(level.std() / level.mean()) if len(level) > 1 and level.mean() > 0 else np.nan,
        "awake_still_share": float((counts == 0).mean()) if len(counts) else np.nan,
        "awake_log_mean": float(logs.mean()) if len(counts) else np.nan,
        "awake_log_sd": float(logs.std()) if len(counts) else np.nan,
    }
