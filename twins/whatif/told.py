"""A what-if as page and API tell it: the question in words, the answer with its interval, and what it is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from novamind import display
from novamind.measures import Abstained
from patients.vocabularies import drugs
from twins.models import WhatIf
from twins.track_record import first_day
from twins.whatif.asking import Answered
from twins.whatif.overlap import ENOUGH
from twins.wording import signed

LABEL: Final = (
    "A simulation of a model of this patient's own past days. It is no advice, and no proof of what a change would do."
)
#: Bounds of a question: changes people can make, and as far ahead as the fitted swings are worth.
SLEEP_MIN: Final = 180
SHIFT_MIN: Final = 180
ACTIVITY_PERCENT: Final = (-80, 100)
DAYS: Final = (7, 28)
DAYS_UNLESS_ASKED: Final = 14


def problem(asked: dict[str, Any]) -> str:
    """Why this is no question, or nothing."""
    changed = any(asked.get(name) for name in ("sleep_min", "shift_min", "activity_percent"))
    if asked.get("drug") and changed:
        return "Ask about a medicine by itself."
    return "" if changed or asked.get("drug") else "Say what is to change."


def question(asked: WhatIf) -> str:
    """What was asked, in words."""
    parts = []
    if asked.drug:
        parts.append(f"{drugs()[asked.drug].name} begun")
    if asked.sleep_min:
        parts.append(f"{display.duration(abs(asked.sleep_min))} {'more' if asked.sleep_min > 0 else 'less'} sleep")
    if asked.shift_min:
        parts.append(f"sleep {display.duration(abs(asked.shift_min))} {'later' if asked.shift_min > 0 else 'earlier'}")
    if asked.activity_percent:
        way = "more" if asked.activity_percent > 0 else "less"
        parts.append(f"{abs(asked.activity_percent)} % {way} movement")
    return f"{', '.join(parts)}, each of the next {asked.days} days"


def sentence(found: dict[str, Any]) -> str:
    """The answer in words: which way, how far, how sure; or that the days cannot say."""
    interval = f"80 % interval {signed(found['low'])} to {signed(found['high'])}"
    if not found["told"]:
        return f"The patient's days cannot say which way mood would go ({interval} points of 10)."
    way = "higher" if found["median"] > 0 else "lower"
    return f"In the simulation mood is {abs(found['median']):.2f} points of 10 {way} on average ({interval})."


def overlap(answered: Answered) -> str | None:
    """``poor`` or ``enough`` similar patients; ``None`` where they were not counted."""
    if not isinstance(answered.similar, int):
        return None
    return "enough" if answered.similar >= ENOUGH else "poor"


def points(answered: Answered) -> list[dict[str, Any]]:
    """Each coming day with both courses; empty without an answer."""
    record = answered.asked.record
    if not answered.found or record is None:
        return []
    first = first_day(record, answered.asked.patient.tz)
    course = answered.found["course"]
    return [
        {"date": first + timedelta(days=at)}
        | {f"{name}_{end}": course[name][end][at] for name in ("without", "with") for end in ("median", "low", "high")}
        for at in range(answered.found["days"])
    ]


def as_told(answered: Answered, status_url: str) -> dict[str, Any]:
    """The API's form."""
    asked, found = answered.asked, answered.found
    silent = {} if answered.why is None else {"result": answered.why.as_json()}
    if isinstance(answered.similar, Abstained):
        silent["similar_patients"] = answered.similar.as_json()
    state = "answered" if found else "waiting" if answered.is_waiting else "abstained"
    names = ("low", "median", "high", "told", "own_days", "fitted_days", "courses", "usual")
    return {
        "id": asked.pk, "patient_id": asked.patient_id, "state": state, "status_url": status_url, "label": LABEL,
        "sleep_change_min": asked.sleep_min, "sleep_shift_min": asked.shift_min,
        "activity_change_percent": asked.activity_percent, "drug": asked.drug, "days": asked.days,
        "asked_at": asked.asked_at, "answered_at": asked.answered_at if found else None,
        "result": {name: found[name] for name in names} | {"message": sentence(found)} if found else None,
        "points": points(answered),
        "similar_patients": answered.similar if isinstance(answered.similar, int) else None,
        "overlap": overlap(answered), "abstentions": silent,
        "model_version": asked.record.model_version.version if asked.record and found else "",
        "record_id": asked.record_id if found else None,
    }  # fmt: skip
