"""What a rule says: JSON of one schema, checked at the door, with its words and what a patient must allow for it.

``{"kind": "threshold", "series": "sleep_duration", "way": "below", "value": 300, "days": 3}`` and the like, or two to
four of them under ``{"kind": "all" | "any", "of": […]}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from actigraphy.channels import CHANNELS
from insights.rules.series import FEATURES, step_of
from insights.science import conditions
from insights.science.normal import Floats
from insights.science.own_week import OWN_DAYS
from patients.instruments.catalogue import instruments
from patients.models import ConsentPurpose, ConsentStream
from twins.departures import amount
from twins.features import SYMPTOMS

SCORE, FORECAST = "score:", "forecast:mood"
MOST_PARTS: Final = 4
MOST_DAYS: Final = MappingProxyType({"threshold": 28, "trend": 56, "deviation": 14, "missing": 28})
WAYS: Final = MappingProxyType(
    {
        "threshold": ("below", "above"),
        "trend": ("falling", "rising"),
        "deviation": ("below", "above"),
        "missing": (),
    }
)
#: As far as a rating of eleven steps can go, whose spread is at least half a step.
MOST_SPREADS: Final = 20
_TREATMENT: Final = ConsentPurpose.TREATMENT
_DAY_MIN: Final = 24 * 60
_RATED: Final = (0.0, 10.0)
#: What can be true of a day, in the unit of the series: of channels that of a sample, of totals of a day ours.
_RANGES: Final = MappingProxyType(
    {
        "sleep_duration": (0.0, _DAY_MIN),
        "sleep_latency": (0.0, _DAY_MIN),
        "wake_after_sleep_onset": (0.0, _DAY_MIN),
        "sleep_efficiency": (0.0, 1.0),
        "midsleep": (-12.0, 24.0),
        "steps": (0.0, 100_000.0),
    }
)


class Wrong(ValueError):
    """A definition that says nothing, or something that no rule can say; the text says what."""


@dataclass(frozen=True, slots=True)
class Series:
    """What a condition may be about: its words, what a patient must allow, and what its values can be.

    ``bounds`` is ``None`` where there is no number (a C-SSRS has no total): no new rule may ask for it, and one that
    was kept is still told in words.
    """

    label: str
    needs: tuple[tuple[str, str], ...]
    bounds: tuple[float, float] | None
    daily: bool = True


@cache
def series() -> Mapping[str, Series]:
    """Everything a rule may ask about: days of devices and check-ins, totals of questionnaires, the mood forecast."""
    questions = ConsentStream.QUESTIONNAIRES
    days = {name: Series(one.label, ((_TREATMENT, one.stream),), _bounds(name)) for name, one in FEATURES.items()}
    scores = {
        f"{SCORE}{name}": Series(f"{one.short} total", ((_TREATMENT, questions),), one.total_range, daily=False)
        for name, one in instruments().items()
    }
    forecast = Series(
        "Mood forecast for 14 days ahead",
        ((_TREATMENT, questions), (ConsentPurpose.MODELS, questions)),
        _RATED,
        daily=False,
    )
    return days | scores | {FORECAST: forecast}


def _bounds(name: str) -> tuple[float, float]:
    if name in SYMPTOMS:
        return _RATED
    if name in _RANGES:
        return _RANGES[name]
    channel = CHANNELS[FEATURES[name].channel]
    return channel.low, channel.high


def offered() -> dict[str, Series]:
    """What a new rule may ask about: whatever has a number."""
    return {name: one for name, one in series().items() if one.bounds is not None}


def checked(said: Any) -> dict[str, Any]:
    """The definition, with its own keys alone.

    Raises
    ------
    Wrong
        It is none.
    """
    if not isinstance(said, dict):
        raise Wrong("a rule is an object")
    if said.get("kind") not in ("all", "any"):
        return _part(said)
    parts = said.get("of")
    if set(said) != {"kind", "of"} or not isinstance(parts, list) or not 2 <= len(parts) <= MOST_PARTS:
        raise Wrong(f"put 2 to {MOST_PARTS} conditions together")
    return {"kind": said["kind"], "of": [_part(one) for one in parts]}


def _part(said: Any) -> dict[str, Any]:
    kind = said.get("kind") if isinstance(said, dict) else None
    if kind not in WAYS:
        raise Wrong("a condition is a threshold, a trend, a deviation from the usual, or missing data")
    wanted = {"kind", "series", "days"} | ({"way", "value"} if WAYS[kind] else set())
    if set(said) != wanted:
        raise Wrong(f"a condition of that kind has {', '.join(sorted(wanted))}")
    about = offered().get(said["series"]) if isinstance(said["series"], str) else None
    if about is None:
        raise Wrong("there is no such signal, score or model")
    _check_days(kind, said["days"], about)
    if WAYS[kind]:
        _check_way(kind, said)
        _check_value(kind, said, about)
    return dict(said)


def _check_days(kind: str, days: Any, about: Series) -> None:
    least = {"trend": 7, "threshold": 1}.get(kind, 2)
    if isinstance(days, bool) or not isinstance(days, int) or not least <= days <= MOST_DAYS[kind]:
        raise Wrong(f"days are {least} to {MOST_DAYS[kind]} for that kind of condition")
    if not about.daily and (kind != "threshold" or days != 1):
        raise Wrong(f"{about.label} is not there every day: choose “is beyond a value” and 1 day")


def _check_way(kind: str, said: dict[str, Any]) -> None:
    value = said["value"]
    if said["way"] not in WAYS[kind]:
        raise Wrong(f"the way is {' or '.join(WAYS[kind])}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise Wrong("the value is a number")
    if kind != "threshold" and value <= 0:
        raise Wrong("a slope or a multiple of the day-to-day spread is above 0; the way says which")


def _check_value(kind: str, said: dict[str, Any], about: Series) -> None:
    """A condition that no day can meet would watch over nobody while it looks as if it did."""
    assert about.bounds is not None
    (low, high), value, name = about.bounds, said["value"], said["series"]
    if kind == "deviation":
        if value > MOST_SPREADS:
            raise Wrong(f"a deviation is at most {MOST_SPREADS} times the day-to-day spread")
    elif kind == "trend":
        if value > high - low:
            raise Wrong(f"{about.label} can change by {in_form(name, high - low):g} {unit_of(name)} at most")
    elif not (low < value <= high if said["way"] == "below" else low <= value < high):
        ends = f"{in_form(name, low):g} to {in_form(name, high):g}"
        raise Wrong(f"{about.label} can be {ends} ({unit_of(name)}): nothing is {said['way']} {in_form(name, value):g}")


def parts_of(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """Its conditions."""
    return definition["of"] if definition["kind"] in ("all", "any") else [definition]


def series_of(definition: dict[str, Any]) -> set[str]:
    """Names of what it asks about."""
    return {one["series"] for one in parts_of(definition)}


def needs_of(definition: dict[str, Any]) -> set[tuple[str, str]]:
    """(purpose, stream) that a patient must allow, all of them."""
    known = series()
    return {pair for name in series_of(definition) for pair in known[name].needs}


def span_of(definition: dict[str, Any]) -> int:
    """Days that it reads to judge one."""
    more = {"deviation": OWN_DAYS, "missing": conditions.USED_DAYS}
    return max(one["days"] + more.get(one["kind"], 0) for one in parts_of(definition))


def holds(definition: dict[str, Any], days: Mapping[str, Floats]) -> Floats:
    """Whether it held, day by day: 1, 0, or NaN where it cannot be said; of series of equal length."""
    found = [_holds(one, days[one["series"]]) for one in parts_of(definition)]
    if definition["kind"] == "any":
        return conditions.any_of(found)
    return conditions.all_of(found)


def _holds(one: dict[str, Any], values: Floats) -> Floats:
    days = one["days"]
    if one["kind"] == "threshold":
        return conditions.beyond(values, below=one["way"] == "below", limit=one["value"], days=days)
    if one["kind"] == "trend":
        return conditions.rises(values, falling=one["way"] == "falling", a_week=one["value"], days=days)
    if one["kind"] == "missing":  # the newest day is not over
        return np.append(conditions.is_missing(values[:-1], days=days), np.nan)
    step = step_of(one["series"])
    return conditions.leaves_usual(values, below=one["way"] == "below", spreads=one["value"], days=days, step=step)


def words(definition: dict[str, Any]) -> str:
    """The rule as a sentence."""
    said = [_words(one) for one in parts_of(definition)]
    text = (" or " if definition["kind"] == "any" else " and ").join(said)
    return f"{text[0].upper()}{text[1:]}"


def _words(one: dict[str, Any]) -> str:
    about, kind = series()[one["series"]], one["kind"]
    days = "" if one["days"] == 1 else f" on each of {one['days']} days in a row"
    if kind == "missing":
        return f"{about.label}: nothing known for {one['days']} days"
    if kind == "deviation":
        times = f"{one['value']:g} times the usual day-to-day spread"
        return f"{about.label}: median of {one['days']} days {one['way']} that of the {OWN_DAYS} before by {times}"
    if kind == "trend":
        a_week = f"{in_form(one['series'], one['value']):g} {_step_unit(one['series'])} a week"
        return f"{about.label}: {one['way']} by {a_week} over {one['days']} days"
    value = amount(one["series"], one["value"]) if one["series"] in FEATURES else f"{one['value']:g}"
    return f"{about.label} {one['way']} {value}{days}"


def unit_of(name: str) -> str:
    """In what a value of this series is written and read; shares as on every page, in per cent."""
    unit = FEATURES[name].unit if name in FEATURES else "points"
    return "%" if unit == "share" else unit


def _step_unit(name: str) -> str:
    """In what a difference is told."""
    return "percentage points" if unit_of(name) == "%" else "points" if name in SYMPTOMS else unit_of(name)


def in_form(name: str, value: float) -> float:
    """A value or a slope as a form has it, in :func:`unit_of`."""
    return round(100 * value, 6) if unit_of(name) == "%" else value


def from_form(name: str, value: float) -> float:
    """The inverse of :func:`in_form`."""
    return value / 100 if unit_of(name) == "%" else value
