"""What has changed, as the page tells it: which series, since when, by how much, and which were not watched."""

from __future__ import annotations

from datetime import date
from typing import Any

from novamind import display
from novamind.measures import Abstained
from twins.changes import FEATURES
from twins.features import BIOMETRICS, SYMPTOMS, Feature
from twins.wording import signed

WORDS = BIOMETRICS | SYMPTOMS


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """The series of an answer, those that changed first in words, then those that did not, then those not watched."""
    found = {name: one for name in FEATURES if "abstained" not in (one := answer["features"][name])}
    changed = {name: one for name, one in found.items() if one["changed"]}
    return {
        "changed": [
            {"name": name, "label": WORDS[name].label, "words": sentence(name, one)} for name, one in changed.items()
        ],
        "same": [WORDS[name].label for name in found if name not in changed],
        "silent": [
            {"label": WORDS[name].label, "why": Abstained.from_json(answer["features"][name])}
            for name in FEATURES
            if name not in found
        ],
        "load": answer["load"],
    }


def sentence(name: str, one: dict[str, Any]) -> str:
    """A series that changed: which way, since when, from what to what, and how far that is."""
    higher, lower = ("later", "earlier") if name == "midsleep" else ("higher", "lower")
    way = higher if one["changed"] > 0 else lower
    since = display.day(date.fromisoformat(one["since"]))
    now, before = amount(name, one["now"]), amount(name, one["median"])
    return f"{WORDS[name].label} has been {way} since about {since}: {now}, before {before} (medians), {_size(one)}."


def _size(one: dict[str, Any]) -> str:
    if one["by"] is None:
        return "when at least half of the days were the same"
    times = round(abs(one["by"]), 1 if abs(one["by"]) < 10 else 0)
    return f"{times:g} times the usual day-to-day spread"


def exact_size(one: dict[str, Any]) -> str:
    """The same for whoever checks it."""
    if one["by"] is None:
        return "no median absolute deviation to count it in: at least half of the days before were the same"
    return f"here by {signed(one['by'])} median absolute deviations of the days before"


def amount(name: str, value: float) -> str:
    """A value of a series with its unit."""
    feature: Feature = WORDS[name]
    if name == "midsleep":
        return display.clock_time(value)
    if feature.unit == "share":
        return display.in_words(100 * value, "%")
    if name in SYMPTOMS:
        return f"{round(value, 1):g} of 10"
    return display.in_words(value, feature.unit)
