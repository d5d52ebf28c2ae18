"""What the printed Brief shows, what is shared of it with the patient, and its numbers as rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings

from insights.models import Standing
from insights.pages.brief import ENGAGED_DAYS, answers_of, brief_of
from insights.rules.series import FEATURES, METHOD, WEEK_METHOD, difference_in_words
from insights.science.own_week import OWN_DAYS, WEEK, OwnWeek
from insights.services import standing_of
from novamind import clock
from novamind.audit.recording import aggregates
from novamind.measures import Abstained
from patients.models import Assessment, CheckIn, ConsentStream, Patient
from twins.departures import amount

HEAD: Final = [
    "series", "label", "unit", "last_week_median", "last_week_days", "usual_median", "usual_spread", "usual_days",
    "standard_errors", "changed", "abstained", "method", "changed_method", "window_start", "window_end",
    "standing", "input_hash", "code_version",
]  # fmt: skip
#: What a patient is told of, and in which words; none of it is a model's, a band's or a rule's.
PLAIN: Final = {
    "sleep_duration": "Sleep in a night",
    "wake_after_sleep_onset": "Awake in the night after falling asleep",
    "midsleep": "Middle of your sleep",
    "steps": "Steps in a day",
    "heart_rate": "Heart rate",
    "mood": "Your mood, as you rated it (10 is best)",
    "anxiety": "Your anxiety, as you rated it (10 is worst)",
    "sleep_quality": "Your sleep, as you rated it (10 is best)",
    "energy": "Your energy, as you rated it (10 is best)",
    "irritability": "Your irritability, as you rated it (10 is worst)",
}


def printed_brief(patient: Patient, user: Any) -> dict[str, Any]:
    """The context of the Brief on paper: that of the page, with the ratings, whose chart stays on the page."""
    standing, allowed = standing_of(patient)
    said = brief_of(patient, user)
    weeks = [(name, found) for name, found in _weeks(standing, allowed) if not isinstance(found, Abstained)]
    return said | {"rows": [_line(name, found, name in _left(standing)) for name, found in weeks], "standing": standing}


def shared_brief(patient: Patient) -> dict[str, Any]:
    """What is shared with the patient: their own numbers in plain words, and how much was answered."""
    standing, allowed = standing_of(patient)
    weeks = dict(_weeks(standing, allowed))
    found = {name: weeks[name] for name in PLAIN if name in weeks}
    known = {name: one for name, one in found.items() if not isinstance(one, Abstained)}
    may_ask = ConsentStream.QUESTIONNAIRES in allowed
    return {
        "standing": standing,
        "rows": [
            {"label": PLAIN[name], "value": amount(name, one.value), "usual": amount(name, one.usual)}
            for name, one in known.items()
        ],
        "not_known": [PLAIN[name] for name in found if name not in known],
        "answers": answers_of(patient) | _sent(patient) if may_ask else None,
        "engaged_days": ENGAGED_DAYS,
        "week": WEEK,
        "own_weeks": OWN_DAYS // 7,
        "crisis_text": settings.CRISIS_TEXT_ON_PAPER,
    }


def _sent(patient: Patient) -> dict[str, int]:
    """What the patient sent in the same days, whether it was asked for or not; not what a clinician typed in."""
    since = clock.now() - timedelta(days=ENGAGED_DAYS)
    with aggregates():
        return {
            "check_ins": CheckIn.objects.current().filter(patient=patient, by_patient=True, at__gt=since).count(),
            "questionnaires": Assessment.objects.filter(patient=patient, by_patient=True, at__gt=since).count(),
        }


def brief_rows(patient: Patient) -> list[list[Any]]:
    """Every series that may be shown in full precision, or why it is not said, with where it comes from."""
    standing, allowed = standing_of(patient)
    if standing is None:
        return []
    ends = [WEEK_METHOD, METHOD, standing.window_start.isoformat(), standing.window_end.isoformat(), standing.pk,
            standing.input_hash, standing.code_version]  # fmt: skip
    rows, left = [], _left(standing)
    for name, found in _weeks(standing, allowed):
        feature = FEATURES[name]
        numbers: list[Any] = [None] * 7
        if not isinstance(found, Abstained):
            numbers = [found.value, found.n, found.usual, found.spread, found.own_n, found.z, name in left]
        why = found.reason if isinstance(found, Abstained) else ""
        rows.append([name, feature.label, feature.unit, *numbers, why, *ends])
    return rows


def _weeks(standing: Standing | None, allowed: set[str]) -> list[tuple[str, OwnWeek | Abstained]]:
    if standing is None:
        return []
    series = standing.found["series"]
    return [
        (name, Abstained.from_json(series[name]) if "abstained" in series[name] else OwnWeek(**series[name]))
        for name, feature in FEATURES.items()
        if feature.stream in allowed and name in series
    ]


def _left(standing: Standing | None) -> set[str]:
    """Series that have left their own baseline; one of an earlier release does not say."""
    return set(standing.found.get("left", ())) if standing else set()


def _line(name: str, one: OwnWeek, changed: bool) -> dict[str, Any]:
    return {
        "label": FEATURES[name].label,
        "value": amount(name, one.value),
        "usual": amount(name, one.usual),
        "by": difference_in_words(name, one.value - one.usual) if one.value != one.usual else "the same",
        "changed": changed,
        "n": one.n,
    }
