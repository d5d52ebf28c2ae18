"""Days of sleep, activity, rhythm, body and mood against the person's own: what has left its baseline, and trends.

What has left its baseline is said by the test of the digital twin (``twins.changes``), on the days that may be used for
treatment, whether or not there is a twin: one test, one load of false statements, whoever quotes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insights.science.normal import MAD_TO_SD
from insights.science.own_week import OWN_DAYS, WEEK, OwnWeek, against_own_weeks
from insights.science.trend import DAYS, Trend, trend
from insights.statements import Evidence, InsightType, Statement, Tier
from novamind import clock, display
from novamind.measures import Abstained
from patients.models import ConsentPurpose
from twins import changes
from twins.departures import amount, exact_size, sentence
from twins.features import BIOMETRICS, SYMPTOMS, Daily

Floats = NDArray[np.float64]
#: Days that the rules read: those of the twin's test, which hold the nine weeks beside each other and the trend.
SPAN: Final = changes.WINDOW_DAYS
#: For so long after its last day what it says of "now" still holds.
HOLDS: Final = timedelta(days=3)
METHOD: Final = (
    f"Sums of sequential normal scores of {changes.LATELY_DAYS} days against the {changes.BASELINE_DAYS} before (Page "
    "1954, Conover et al. 2017), week and day-to-day memory taken out, as in the twin's Own baseline left"
)
WEEK_METHOD: Final = (
    f"Median of the last {WEEK} days against the median of the {OWN_DAYS} before, in standard errors of robust medians "
    "(MAD, of ratings at least half a point; Leys et al. 2013) widened by day-to-day memory"
)
TREND_METHOD: Final = (
    f"Theil-Sen slope of the last {DAYS} days with its 99.95 % rank interval (Sen 1968), widened by day-to-day memory "
    "(Yue & Wang 2004)"
)
STEADY: Final = (
    f"A rating that was the same on every day of {changes.BASELINE_DAYS}; median of the last {WEEK} days by more than "
    "one point from it"
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


def departures(daily: Daily) -> dict[str, dict[str, Any]]:
    """Each series against its own baseline, as the twin keeps it; those not watched hold their abstention."""
    found: dict[str, dict[str, Any]] = changes.run(changes.input_of(daily))["features"]
    return found


def statements(
    daily: Daily, left: dict[str, dict[str, Any]], weeks: dict[str, OwnWeek | Abstained]
) -> Iterator[Statement]:
    """What has changed, by series; of days, their :func:`departures` and their :func:`own_weeks`."""
    for name, values in zip(FEATURES, daily.values, strict=True):
        week = weeks[name]
        if left[name].get("changed"):
            yield _of_departure(name, daily, values, left[name])
        elif left[name].get("abstained") == "no_variation" and isinstance(week, OwnWeek) and _breaks(name, week):
            yield _of_steady(name, daily, values, week)
        try:
            found = trend(values, step_of(name))
        except Abstained:
            continue
        if found.found:
            yield _of_trend(name, daily, values, found)


def _breaks(name: str, week: OwnWeek) -> bool:
    """Whether a rating that was always the same is not: one point may be rounding."""
    return name in SYMPTOMS and abs(week.value - week.usual) > step_of(name)


def turned_within(
    name: str, daily: Daily, left: dict[str, dict[str, Any]], weeks: dict[str, OwnWeek | Abstained], days: int
) -> bool:
    """Whether it is said to have changed since a day of the last ``days``."""
    one, week = left[name], weeks[name]
    if one.get("changed"):
        return date.fromisoformat(one["since"]) > daily.last - timedelta(days=days)
    return one.get("abstained") == "no_variation" and isinstance(week, OwnWeek) and _breaks(name, week)


def _of_steady(name: str, daily: Daily, values: Floats, week: OwnWeek) -> Statement:
    """Who always says 7 gives a test of chance nothing to go by, and a crash all the same."""
    way = "higher" if week.value > week.usual else "lower"
    description = (
        f"{FEATURES[name].label}: {amount(name, week.value)} over the last {WEEK} days (median of {week.n}), where it "
        f"was always the same before: {amount(name, week.usual)}."
    )
    evidence = _days(name, daily, values, WEEK, (week.usual, week.spread))
    away = abs(week.value - week.usual) / week.spread
    return _statement(name, way, daily, description, STEADY, away, Abstained("not_an_estimate"), "", evidence)


def _of_departure(name: str, daily: Daily, values: Floats, one: dict[str, Any]) -> Statement:
    """Its false statements are set for all series together, so that no confidence of its own is given.

    How far it is from the usual orders it, in spreads: the sums grow from day to day while nothing new happens.
    """
    way = "higher" if one["changed"] > 0 else "lower"
    wide = max(MAD_TO_SD * one["mad"], step_of(name) / 2)
    away = abs(one["now"] - one["median"]) / wide if wide else 0.0  # half of the weeks before are one value
    days = (daily.last - date.fromisoformat(one["since"])).days + 1
    evidence = _days(name, daily, values, days, (one["median"], wide))
    return _statement(
        name,
        way,
        daily,
        sentence(name, one),
        f"{METHOD}; {exact_size(one)}",
        away,
        Abstained("set_for_all"),
        "",
        evidence,
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
    last = _days(name, daily, values, DAYS)
    return _statement(name, way, daily, description, TREND_METHOD, abs(found.z), found.confidence, CONFIDENCE_IS, last)


def _statement(
    name: str,
    way: str,
    daily: Daily,
    description: str,
    method: str,
    strength: float,
    confidence: float | Abstained,
    confidence_is: str,
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
        confidence_is=confidence_is,
        window=window,
        expires_at=window.end + HOLDS,
        evidence=evidence,
    )


def _tier(meaning: Meaning, way: str) -> Tier:
    """A rating beyond the person's own range is never good news alone: mood and energy rise in mania too."""
    if meaning.type is InsightType.SYMPTOM:
        return Tier.ACT if way == meaning.worse else Tier.LOOK
    return Tier.KNOW if meaning.worse and way != meaning.worse else Tier.LOOK


def _days(
    name: str, daily: Daily, values: Floats, days: int, usual: tuple[float, float] | None = None
) -> tuple[Evidence, ...]:
    """The days looked at; beside a usual and its spread, how far each is from it."""
    tz = clock.zone(daily.zone)
    found = []
    for back in range(days, 0, -1):
        value = float(values[-back])
        if np.isnan(value):
            continue
        at = clock.midnight(daily.last - timedelta(days=back - 1), tz)
        found.append(_day(name, at, value, usual))
    return tuple(found)


def _day(name: str, at: Any, value: float, usual: tuple[float, float] | None) -> Evidence:
    unit = FEATURES[name].unit
    if usual is None or usual[1] == 0:
        return Evidence(name, at, round(value, 4), unit)
    low, high = usual[0] - 2 * usual[1], usual[0] + 2 * usual[1]
    away = (value - usual[0]) / usual[1]
    return Evidence(name, at, round(value, 4), unit, round(low, 4), round(high, 4), round(away, 2))


def difference_in_words(name: str, by: float) -> str:
    """A difference with its direction."""
    unit = FEATURES[name].unit
    if name == "midsleep":
        return f"{display.duration(abs(by) * 60)} {'later' if by > 0 else 'earlier'}"
    more = "more" if by > 0 else "less"
    if unit == "share":
        return f"{_points(abs(100 * by))} percentage points {more}"
    if name in SYMPTOMS:
        return f"{abs(by):.2g} points {'higher' if by > 0 else 'lower'}"
    return f"{display.in_words(abs(by), unit)} {more}"


def _points(value: float) -> str:
    """As exact as the shares beside it, which are whole per cents."""
    return f"{value:.0f}" if value >= 1 else f"{value:.1g}"
