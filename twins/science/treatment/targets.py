"""What is told of a course: three targets, each defined to the day. None of them is about suicide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from twins.science.treatment.charts import Chart, Course

#: Days before the start within which the last total is the baseline; the day of the start is one of them.
BASELINE_DAYS: Final = 28
#: Days after the start within which the last total is the later one: 6 to 12 weeks.
LATER_DAYS: Final = (42, 84)
#: Points below which a baseline leaves no room for a response: the lower edge of "mild" (PHQ-8 and GAD-7).
LEAST_BASELINE: Final = 5.0
_RESPONSE: Final = 0.5
#: Reasons to stop that count as failure. Any other that is known does not.
FAILED: Final = frozenset({"side_effects", "no_effect"})
_NOT_KNOWN: Final = frozenset({"", "unknown"})
INSTRUMENTS: Final = MappingProxyType({"phq9": "PHQ-8 (PHQ-9 without item 9), 0 to 24", "gad7": "GAD-7, 0 to 21"})


@dataclass(frozen=True, slots=True)
class Target:
    """What is told: its words, its unit, and whether it is a probability."""

    name: str
    label: str
    definition: str
    unit: str
    is_probability: bool


TARGETS: Final = MappingProxyType(
    {
        one.name: one
        for one in (
            Target(
                "response", "Response",
                "last total 6 to 12 weeks after the start is at most half of the last total within 4 weeks before it "
                f"(which is at least {LEAST_BASELINE:.0f} points)", "probability", True,
            ),
            Target(
                "outcome", "Later total",
                "last total of the questionnaire 6 to 12 weeks after the start", "points", False,
            ),
            Target(
                "risk", "Stopped early",
                "the course ends within 12 weeks, with side effects or too little effect as the coded reason",
                "probability", True,
            ),
        )
    }
)  # fmt: skip


def baseline_of(chart: Chart, start: date) -> float | None:
    """The last total of the 4 weeks up to and with the day of the start, in points."""
    return _last(chart, start - timedelta(days=BASELINE_DAYS), start)


def target_of(name: str, chart: Chart, course: Course) -> float | None:
    """What came of a course: 0 or 1, or points; ``None`` where it is not known, or not defined."""
    return _stopped_early(chart, course) if name == "risk" else _later(name, chart, course)


def _later(name: str, chart: Chart, course: Course) -> float | None:
    begin, end = (course.started + timedelta(days=days) for days in LATER_DAYS)
    baseline, later = baseline_of(chart, course.started), _last(chart, begin, end)
    if baseline is None or later is None:
        return None
    if name == "outcome":
        return later
    return float(later <= _RESPONSE * baseline) if baseline >= LEAST_BASELINE else None


def _stopped_early(chart: Chart, course: Course) -> float | None:
    end = course.started + timedelta(days=LATER_DAYS[1])
    if course.stopped:
        if course.ended is None:
            return None
        if course.ended <= end:
            return None if course.stop_reason in _NOT_KNOWN else float(course.stop_reason in FAILED)
    return 0.0 if chart.seen_until >= end else None


def _last(chart: Chart, begin: date, end: date) -> float | None:
    """Of a day with several the one that stands last."""
    within = sorted((one for one in chart.totals if begin <= one.on <= end), key=lambda one: one.on)
    return within[-1].points if within else None
