"""Days of sleep, activity, rhythm, body and mood against the person's own: changed weeks and trends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insights.science.normal import CHANGED
from insights.science.own_week import OWN_DAYS, WEEK, OwnWeek, against_own_weeks
from insights.science.trend import DAYS, Trend, trend
from insights.statements import Evidence, InsightType, Statement, Tier
from novamind import clock, display
from novamind.measures import Abstained
from patients.models import ConsentPurpose
from twins.features import BIOMETRICS, SYMPTOMS, Daily

Floats = NDArray[np.float64]
SPAN: Final = OWN_DAYS + WEEK
#: For so long after its last day a week is still "the last week".
HOLDS: Final = timedelta(days=3)
METHOD: Final = (
    f"Median of the last {WEEK} days against the median of the {OWN_DAYS} before, in standard errors of robust medians "
    f"(MAD, of ratings at least half a point; Leys et al. 2013) widened by day-to-day memory; called changed "
    f"from {CHANGED:g} on, of ratings if it is by more than one point"
)
TREND_METHOD: Final = (
    f"Theil-Sen slope of the last {DAYS} days with its 99.95 % rank interval (Sen 1968), widened by day-to-day memory "
    "(Yue & Wang 2004)"
)
CONFIDENCE_IS: Final = "1 minus the chance of a change at least as large if nothing had changed"


@dataclass(frozen=True, slots=True)
class Meaning:
    """How a series is told: its type, and which way is worse (``lower``, ``higher``, or empty where neither is)."""

    type: InsightType
    worse: str = ""


_S, _A, _R, _P, _M = (
    InsightType.SLEEP,
    InsightType.ACTIVITY,
    InsightType.RHYTHM,
    InsightType.PHYSIOLOGY,
    InsightType.SYMPTOM,
)
MEANINGS: Final = MappingProxyType(
    {
        "sleep_duration": Meaning(_S),
        "sleep_latency": Meaning(_S, "higher"),
        "wake_after_sleep_onset": Meaning(_S, "higher"),
        "sleep_efficiency": Meaning(_S, "lower"),
        "midsleep": Meaning(_R),
        "activity": Meaning(_A),
        "steps": Meaning(_A),
        "heart_rate": Meaning(_P),
        "hrv_rmssd": Meaning(_P),
        "respiratory_rate": Meaning(_P),
        "skin_temperature": Meaning(_P),
        "mood": Meaning(_M, "lower"),
        "anxiety": Meaning(_M, "higher"),
        "sleep_quality": Meaning(_M, "lower"),
        "energy": Meaning(_M, "lower"),
        "irritability": Meaning(_M, "higher"),
    }
)
FEATURES: Final = MappingProxyType({**BIOMETRICS, **SYMPTOMS})
assert set(MEANINGS) == set(FEATURES)


def step_of(name: str) -> float:
    """Distance of two answers of a rating; 0 of what is measured."""
    return 1.0 if name in SYMPTOMS else 0.0


def own_weeks(daily: Daily) -> dict[str, OwnWeek | Abstained]:
    """Each series' last week against its own; why not, where it cannot be said."""
    found: dict[str, OwnWeek | Abstained] = {}
    for name, values in zip(FEATURES, daily.values, strict=True):
        try:
            found[name] = against_own_weeks(values, step_of(name))
        except Abstained as why:
            found[name] = why
    return found


def statements(daily: Daily, weeks: dict[str, OwnWeek | Abstained]) -> Iterator[Statement]:
    """What has changed, by series."""
    for name, values in zip(FEATURES, daily.values, strict=True):
        week = weeks[name]
        if isinstance(week, OwnWeek) and week.changed:
            yield _of_week(name, daily, values, week)
        try:
            found = trend(values, step_of(name))
        except Abstained:
            continue
        if found.found:
            yield _of_trend(name, daily, values, found)


def _of_week(name: str, daily: Daily, values: Floats, week: OwnWeek) -> Statement:
    way = "higher" if week.z > 0 else "lower"
    label = FEATURES[name].label
    description = (
        f"{label}: {in_words(name, week.value)} over the last {WEEK} days (median of {week.n}), "
        f"{difference_in_words(name, week.value - week.usual)} than the usual {in_words(name, week.usual)} of the "
        f"{OWN_DAYS} days before."
    )
    return _statement(
        name, way, daily, description, METHOD, abs(week.z), week.confidence, _days(name, daily, values, week, WEEK)
    )


def _of_trend(name: str, daily: Daily, values: Floats, found: Trend) -> Statement:
    way = "higher" if found.slope > 0 else "lower"
    rising, falling = ("moving later", "moving earlier") if name == "midsleep" else ("rising", "falling")
    verb = rising if found.slope > 0 else falling
    a_week = [difference_in_words(name, WEEK * slope) for slope in (found.slope, found.low, found.high)]
    description = (
        f"{FEATURES[name].label}: {verb} over the last {DAYS} days, {a_week[0]} each week "
        f"(99.95 % interval: {a_week[1]} to {a_week[2]}; {found.n} days known)."
    )
    last = _days(name, daily, values, None, DAYS)
    return _statement(name, way, daily, description, TREND_METHOD, abs(found.z), found.confidence, last)


def _statement(
    name: str,
    way: str,
    daily: Daily,
    description: str,
    method: str,
    strength: float,
    confidence: float,
    evidence: tuple[Evidence, ...],
) -> Statement:
    meaning = MEANINGS[name]
    window = daily.window
    return Statement(
        key=f"{name}:{way}",
        type=meaning.type,
        description=description,
        method=method,
        needs=((ConsentPurpose.TREATMENT, FEATURES[name].stream),),
        tier=_tier(meaning, way),
        strength=strength,
        confidence=confidence,
        confidence_is=CONFIDENCE_IS,
        window=window,
        expires_at=window.end + HOLDS,
        evidence=evidence,
    )


def _tier(meaning: Meaning, way: str) -> Tier:
    """A rating beyond the person's own range is never good news alone: mood and energy rise in mania too."""
    if meaning.type is InsightType.SYMPTOM:
        return Tier.ACT if way == meaning.worse else Tier.LOOK
    return Tier.KNOW if meaning.worse and way != meaning.worse else Tier.LOOK


def _days(name: str, daily: Daily, values: Floats, week: OwnWeek | None, days: int) -> tuple[Evidence, ...]:
    """The days looked at; beside a usual, how far each is from it."""
    tz = clock.zone(daily.zone)
    found = []
    for back in range(days, 0, -1):
        value = float(values[-back])
        if np.isnan(value):
            continue
        at = clock.midnight(daily.last - timedelta(days=back - 1), tz)
        found.append(_day(name, at, value, week))
    return tuple(found)


def _day(name: str, at: Any, value: float, week: OwnWeek | None) -> Evidence:
    unit = FEATURES[name].unit
    if week is None:
        return Evidence(name, at, round(value, 4), unit)
    low, high = week.usual - 2 * week.spread, week.usual + 2 * week.spread
    away = (value - week.usual) / week.spread
    return Evidence(name, at, round(value, 4), unit, round(low, 4), round(high, 4), round(away, 2))


def in_words(name: str, value: float) -> str:
    """A value of a series with its unit."""
    unit = FEATURES[name].unit
    if name == "midsleep":
        return display.clock_time(value)
    if unit == "share":
        return display.in_words(100 * value, "%")
    if name in SYMPTOMS:
        return f"{round(value, 1):g} of 10"
    return display.in_words(value, unit)


def difference_in_words(name: str, by: float) -> str:
    """A difference with its direction."""
    unit = FEATURES[name].unit
    if name == "midsleep":
        return f"{display.duration(abs(by) * 60)} {'later' if by > 0 else 'earlier'}"
    more = "more" if by > 0 else "less"
    if unit == "share":
        return f"{display.significant(abs(100 * by))} percentage points {more}"
    if name in SYMPTOMS:
        return f"{abs(by):.2g} points {'higher' if by > 0 else 'lower'}"
    return f"{display.in_words(abs(by), unit)} {more}"
