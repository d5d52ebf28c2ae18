"""What can be drawn: the daily series of the twin, and the total of each questionnaire that has one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from insights.rules.series import FEATURES
from novamind.display import CLOCK
from patients.instruments import instruments
from patients.models import ConsentStream
from twins.features import SYMPTOMS

SCORE: Final = "score:"
#: What stands on the axis, and how many of the feature's own unit that is one of.
_UNITS: Final = {"share": ("%", 100.0)}
_COLORS: Final = {
    "sleep_duration": "var(--sleep)",
    "sleep_latency": "var(--sleep)",
    "wake_after_sleep_onset": "var(--sleep)",
    "sleep_efficiency": "var(--sleep)",
    "midsleep": "var(--sleep)",
    "activity": "var(--activity)",
    "steps": "var(--activity)",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series as it is drawn: its words, its unit, the stream whose consent it needs."""

    label: str
    unit: str
    stream: str
    color: str
    times: float = 1.0
    instrument: str = ""


@cache
def drawable() -> dict[str, Drawn]:
    """Name -> how it is drawn, in the order in which they are offered."""
    found = {}
    for name, feature in FEATURES.items():
        unit, times = _UNITS.get(feature.unit, (feature.unit, 1.0))
        label = feature.label
        if name in SYMPTOMS:
            label, unit = f"{feature.label} ({feature.unit})", "points"
        if name == "midsleep":
            unit = CLOCK
        said = "var(--symptom)" if name in SYMPTOMS else "var(--heart)"
        found[name] = Drawn(label, unit, feature.stream, _COLORS.get(name, said), times)
    for one in instruments().values():
        if one.total_range is not None:
            found[f"{SCORE}{one.id}"] = Drawn(
                f"{one.short}, total", "points", ConsentStream.QUESTIONNAIRES, "var(--symptom)", instrument=one.id
            )
    return found
