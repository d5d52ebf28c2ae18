"""What is known of a patient day by day, as numbers with gaps: the one road from charts to models.

A day is a local date where the patient is. What a device measured at night belongs to the day on which the patient
wakes, so that lag 0 is "the night before this day's check-in". Days that were not measured long enough, or on which
the device was not worn so long, are missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.channels import CHANNELS
from actigraphy.models import Night
from actigraphy.streams.reading import Day, days_of, read_series
from novamind import clock
from novamind.measures import Window
from patients.consent import allows
from patients.models import CheckIn, ConsentPurpose, ConsentStream, Medication, Patient

Floats = NDArray[np.float64]

#: Share of a day's expected samples from which its mean or total stands for the day.
WHOLE_DAY: Final = 2 / 3  # 16 of 24 h, as a valid day of actigraphy
A_NIGHT: Final = 1 / 4  # 6 of 24 h: what rings and watches measure in sleep alone
#: What a patient must allow of a stream before a model may use it.
MODELS_MAY: Final = (ConsentPurpose.TREATMENT, ConsentPurpose.MODELS)


@dataclass(frozen=True, slots=True)
class Feature:
    """One number a day: its words, its unit, whose consent it needs, and from which coverage a day counts."""

    label: str
    unit: str
    stream: str
    channel: str = ""
    night: str = ""
    coverage: float = WHOLE_DAY


_ACTIGRAPHY, _HEART, _BODY = ConsentStream.ACTIGRAPHY, ConsentStream.HEART, ConsentStream.BODY

#: In the order of the rows of a model's input; an input of another order has another hash.
BIOMETRICS: Final = MappingProxyType(
    {
        "sleep_duration": Feature("Sleep duration", "min", _ACTIGRAPHY, night="tst_min"),
        "sleep_latency": Feature("Time to fall asleep", "min", _ACTIGRAPHY, night="sol_min"),
        "wake_after_sleep_onset": Feature("Awake after falling asleep", "min", _ACTIGRAPHY, night="waso_min"),
        "sleep_efficiency": Feature("Sleep efficiency", "share", _ACTIGRAPHY, night="efficiency"),
        "midsleep": Feature("Middle of sleep", "h", _ACTIGRAPHY, night="midsleep"),
        "activity": Feature("Movement", CHANNELS["activity"].unit, _ACTIGRAPHY, channel="activity"),
        "steps": Feature("Steps", "steps/day", _ACTIGRAPHY, channel="steps"),
        "heart_rate": Feature("Heart rate", "bpm", _HEART, channel="heart_rate"),
        "hrv_rmssd": Feature("Heart rate variability (RMSSD)", "ms", _HEART, channel="hrv_rmssd", coverage=A_NIGHT),
        "respiratory_rate": Feature(
            "Breathing rate", "breaths/min", _BODY, channel="respiratory_rate", coverage=A_NIGHT
        ),
        "skin_temperature": Feature("Skin temperature", "°C", _BODY, channel="skin_temperature", coverage=A_NIGHT),
    }
)
#: What is said daily of that day. Questionnaires look back over weeks and overlap what they would be compared with.
SYMPTOMS: Final = MappingProxyType(
    {
        "mood": Feature("Mood", "0 to 10, 10 is best", ConsentStream.QUESTIONNAIRES),
        "anxiety": Feature("Anxiety", "0 to 10, 10 is worst", ConsentStream.QUESTIONNAIRES),
        "sleep_quality": Feature("Sleep quality", "0 to 10, 10 is best", ConsentStream.QUESTIONNAIRES),
        "energy": Feature("Energy", "0 to 10, 10 is best", ConsentStream.QUESTIONNAIRES),
        "irritability": Feature("Irritability", "0 to 10, 10 is worst", ConsentStream.QUESTIONNAIRES),
    }
)
assert tuple(SYMPTOMS) == CheckIn.SCALES


@dataclass(frozen=True)
class Daily:
    """A patient's days.

    Attributes
    ----------
    first, last : date
        Local dates, both included.
    zone : str
        Where the days are.
    values : (len(BIOMETRICS) + len(SYMPTOMS), days) float64
        NaN where missing, or where the patient does not allow models to use the stream.
    medication : (k, days) float64
        1 on the days of each course of a medicine that began or ended within the window, else 0.
    """

    first: date
    last: date
    zone: str
    values: Floats
    medication: Floats

    @property
    def window(self) -> Window:
        """From midnight before the first day to midnight after the last."""
        tz = clock.zone(self.zone)
        return Window(clock.midnight(self.first, tz), clock.midnight(self.last + timedelta(days=1), tz))


def allowed_streams(patient: Patient, purposes: tuple[str, ...] = MODELS_MAY) -> set[str]:
    """The streams whose data the patient lets models use, and be treated with, now; or be used for other purposes."""
    streams = {feature.stream for feature in (*BIOMETRICS.values(), *SYMPTOMS.values())} | {ConsentStream.MEDICATION}
    return {stream for stream in streams if _allowed(patient, stream, purposes)}


def _allowed(patient: Patient, stream: str, purposes: tuple[str, ...] = MODELS_MAY) -> bool:
    return all(allows(patient, purpose, stream) for purpose in purposes)


def daily_of(
    patient: Patient, *, days: int, allowed: set[str] | None = None, only: Collection[str] | None = None
) -> Daily:
    """The last ``days`` local days that are over, of the streams that are ``allowed``: by default those that models may
    use; ``only`` leaves out, unread, what devices have measured of other features."""
    last = clock.now().astimezone(patient.tz).date() - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    allowed = allowed_streams(patient) if allowed is None else allowed
    values = np.full((len(BIOMETRICS) + len(SYMPTOMS), days), np.nan)
    nights = _nights(patient, first, days) if _ACTIGRAPHY in allowed else {}
    for row, (name, feature) in enumerate(BIOMETRICS.items()):
        if feature.stream not in allowed or (only is not None and name not in only):
            continue
        if feature.night:
            values[row] = nights[feature.night]
        else:
            values[row] = _channel(patient, feature, first, last)
    if ConsentStream.QUESTIONNAIRES in allowed:
        values[len(BIOMETRICS) :] = _check_ins(patient, first, days)
    medication = _courses(patient, first, days) if ConsentStream.MEDICATION in allowed else np.empty((0, days))
    return Daily(first, last, patient.zone, values, medication)


def _courses(patient: Patient, first: date, days: int) -> Floats:
    """A row for each course whose beginning or end, known to the day, falls within the window.

    What is labelled under 42 CFR Part 2 takes no part: a count would tell whoever sees the twin that it is there.
    None for one that was stopped within the window on a day that is not known: it may have been taken or not.
    """
    window = [first + timedelta(days=day) for day in range(days)]
    rows = []
    for course in Medication.objects.filter(patient=patient, entered_in_error=False, part2=False).order_by(
        "started_on", "pk"
    ):
        begins = course.started_on if course.started_precision == "day" else None
        ends = course.ended_on if course.ended_precision == "day" else None
        if any(moment is not None and first < moment <= window[-1] for moment in (begins, ends)):
            states = [course.state_on(day) for day in window]
            if "stopped" not in states:
                rows.append([float(state == "current") for state in states])
    return np.array(rows).reshape(-1, days)


def check_ins_of(patient: Patient, *, days: int) -> tuple[Window, Floats]:
    """What was said on the last local days that are over, (len(SYMPTOMS), days): NaN where nothing was, or where models
    may not use it."""
    last = clock.now().astimezone(patient.tz).date() - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    window = Window(clock.midnight(first, patient.tz), clock.midnight(last + timedelta(days=1), patient.tz))
    if not _allowed(patient, ConsentStream.QUESTIONNAIRES):  # of the others nothing is read: two queries, not ten
        return window, np.full((len(SYMPTOMS), days), np.nan)
    return window, _check_ins(patient, first, days)


def _nights(patient: Patient, first: date, days: int) -> dict[str, Floats]:
    """Each night number under the date of the morning; of several recordings of a night, the one worn longest."""
    evening = first - timedelta(days=1)
    rows = Night.objects.filter(patient=patient, date__gte=evening, date__lt=evening + timedelta(days=days))
    newest: dict[tuple[Any, date], Night] = {}
    for night in rows.select_related("analysis").order_by("analysis__created_at"):
        newest[night.analysis.source_id, night.date] = night
    best: dict[date, Night] = {}
    for night in newest.values():
        held = best.get(night.date)
        if held is None or night.worn_h > held.worn_h:
            best[night.date] = night
    names = [feature.night for feature in BIOMETRICS.values() if feature.night]
    found = {name: np.full(days, np.nan) for name in names}
    for on, night in best.items():
        for name in names:
            value = getattr(night, name)
            found[name][(on - evening).days] = np.nan if value is None else value
    # Clock times go round: an hour before midnight is -1, not 23.
    found["midsleep"] = np.where(found["midsleep"] > 12, found["midsleep"] - 24, found["midsleep"])
    return found


def _channel(patient: Patient, feature: Feature, first: date, last: date) -> Floats:
    tz = patient.tz
    start, end = clock.midnight(first, tz), clock.midnight(last + timedelta(days=1), tz)
    days = days_of(read_series(patient, feature.channel, start=start, end=end), patient.zone, first, last)
    if CHANNELS[feature.channel].counted and feature.channel != "steps":
        return _of_one_source(days, feature.coverage)
    return np.array([day.value if _counts(day, feature.coverage) else np.nan for day in days], dtype=float)


def _counts(day: Day, coverage: float) -> bool:
    return day.worn >= coverage and isinstance(day.value, float)


def _of_one_source(days: list[Day], coverage: float) -> Floats:
    """Counts of different devices have no common unit: the days of the device that has most of them."""
    kept: dict[Any, int] = defaultdict(int)
    for day in days:
        for share in day.shares:
            kept[share.label] += share.kept
    label = max(kept, key=lambda name: kept[name], default=None)
    return np.array(
        [
            day.value
            if _counts(day, coverage) and {share.label for share in day.shares if share.kept} == {label}
            else np.nan
            for day in days
        ],
        dtype=float,
    )


def _check_ins(patient: Patient, first: date, days: int) -> Floats:
    """(scales, days): the last check-in of each day."""
    said = np.full((len(SYMPTOMS), days), np.nan)
    rows = CheckIn.objects.current().filter(patient=patient, day__gte=first, day__lt=first + timedelta(days=days))
    for one in rows.order_by("at"):
        for row, name in enumerate(SYMPTOMS):
            value = getattr(one, name)
            if value is not None:
                said[row, (one.day - first).days] = value
    return said
