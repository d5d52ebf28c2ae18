"""What the Symptoms page shows: rows to words, tables, figures."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from novamind import clock
from novamind.measures import Abstained, Measure
from patients import charts
from patients.instruments import Instrument, SafetyState, as_given, instrument, instruments
from patients.models import Alert, Assessment, CheckIn, Patient, SymptomReport
from patients.reports.safety import WORDS
from patients.telling import Told, told

DAYS: Final = 28
SHOWN: Final = 30  # of each list; the API has them all
SCALES: Final = {
    "mood": "Mood (10 is best)",
    "anxiety": "Anxiety (10 is worst)",
    "sleep_quality": "Sleep (10 is best)",
    "energy": "Energy (10 is best)",
    "irritability": "Irritability (10 is worst)",
}


def reports_of(patient: Patient) -> dict[str, Any]:
    """The context of the page. Four queries, whatever the number of reports."""
    since = clock.now() - timedelta(days=DAYS)
    assessments = list(Assessment.objects.filter(patient=patient).select_related("recorded_by"))
    check_ins = list(CheckIn.objects.current().filter(patient=patient, at__gte=since))
    symptoms = list(SymptomReport.objects.current().filter(patient=patient)[:SHOWN])
    known = [one for one in assessments if one.instrument in instruments()]
    waiting = list(Alert.objects.unresolved().filter(patient=patient).select_related("owner"))
    return {
        "alerts": waiting,
        "groups": _groups(known, patient),
        "not_in_library": len(assessments) - len(known),
        "check_ins": check_ins[:SHOWN],
        "check_in_chart": _check_in_chart(check_ins),
        "days": DAYS,
        "symptoms": symptoms,
    }


def answered(assessment: Assessment) -> dict[str, Any]:
    """The context of one filled-in questionnaire: every item as it was printed, the answer, its points.

    ``wording_kept`` is false where its version is not in the library: then the items answered and the places chosen.
    """
    given = as_given(assessment.instrument, assessment.instrument_version)
    found = given or instrument(assessment.instrument)
    alert = Alert.objects.filter(patient=assessment.patient_id, about_id=assessment.pk).select_related("owner").first()
    line = _line(assessment, found)
    return {
        "assessment": assessment,
        "instrument": found,
        "safety": line["safety"],
        "wording_kept": given is not None,
        "line": line,
        "rows": said_to(assessment, given),
        "alert": alert,
        "told": _who_was_told(alert) if alert else "",
    }


@dataclass(frozen=True)
class Said:
    """One item and its answer in the words they were printed in; ``points`` is ``None`` where none count."""

    item: str
    answer: str = ""
    points: int | None = None
    is_safety: bool = False


def said_to(assessment: Assessment, given: Instrument | None) -> list[Said]:
    """Every item of the wording that was answered; of one that is not kept, the places of the answers alone."""
    endorsed, answers = set(assessment.result["safety"]["endorsed"]), assessment.answers
    if given is None:
        return [
            Said(f"Item {item}", f"printed answer {place + 1}", is_safety=item in endorsed)
            for item, place in answers.items()
        ]
    rows = []
    for item in given.items:
        place = answers.get(item.id)
        if place is None:
            rows.append(Said(item.text))
        else:
            points = item.choices[place].score if item.scored else None
            rows.append(Said(item.text, item.choices[place].text, points, item.id in endorsed))
    return rows


def _who_was_told(alert: Alert) -> str:
    """By the messages that have left, or will."""
    words = {
        Told.CLINICIANS: f"{alert.owner} was sent a message"
        if alert.owner
        else "nobody was on call; all were sent one",
        Told.ADMINISTRATORS: "no clinician may answer it; the administrators were sent a message",
        Told.NOBODY: "no message has reached anybody",
    }
    return words[told(alert)]


def _groups(assessments: list[Assessment], patient: Patient) -> list[dict[str, Any]]:
    """One for each instrument that was ever filled in, in the order of the library; newest first within."""
    by_instrument: dict[str, list[Assessment]] = defaultdict(list)
    for one in assessments:
        by_instrument[one.instrument].append(one)
    return [
        {"instrument": instrument(name), "lines": _lines(rows, instrument(name), patient)[:SHOWN],
         "chart": _score_chart(rows, instrument(name), patient)}
        for name, rows in sorted(by_instrument.items())
    ]  # fmt: skip


def _scored(rows: list[Assessment]) -> list[Assessment]:
    """Those with a total, oldest first."""
    return [one for one in reversed(rows) if one.score is not None]


def _lines(rows: list[Assessment], found: Instrument, patient: Patient) -> list[dict[str, Any]]:
    scored = _scored(rows)
    changes = charts.changes(found, [one.score or 0 for one in scored])
    change_of = {one.pk: change for one, change in zip(scored, changes, strict=True)}
    return [_line(one, found) | {"change": change_of.get(one.pk, "")} for one in rows]


def _line(one: Assessment, found: Instrument) -> dict[str, Any]:
    result = one.result
    state = SafetyState(result["safety"]["state"])
    return {
        "assessment": one,
        "score": score_of(one, found),
        "band": result["band"],
        "level": result["level"],
        "says": result["says"],
        "prorated": result["prorated"],
        "missing": result["missing"],
        "safety": WORDS[state],
        "flagged": state == SafetyState.FLAGGED,
        "by": told_by(one),
    }


def score_of(one: Assessment, found: Instrument) -> Measure | Abstained:
    """The score as every page shows it."""
    if one.score is None:
        return Abstained.from_json(one.result["total"])
    method = f"{found.short}, version {one.instrument_version} ({found.citation})"
    return Measure(one.score, "points", f"{method}, prorated" if one.result["prorated"] else method, record_id=one.pk)


def told_by(one: Assessment) -> str:
    """Who answered, or entered the answers."""
    return "the patient" if one.by_patient else str(one.recorded_by or "Novamind")


def _score_chart(rows: list[Assessment], found: Instrument, patient: Patient) -> Any:
    scored = _scored(rows)
    if found.total_range is None:
        return Abstained("no_total")
    changes = charts.changes(found, [one.score or 0 for one in scored])
    points = [
        charts.Point(clock.local(one.at, patient.tz).date(), one.score or 0, told_by(one), change, one.result["band"])
        for one, change in zip(scored, changes, strict=True)
    ]
    return charts.scores(found, points)


def _check_in_chart(rows: list[CheckIn]) -> Any:
    last: dict[date, CheckIn] = {}
    for one in reversed(rows):
        last[one.day] = one  # the later of one day
    if not last:
        return Abstained("too_few_inputs", needed=charts.NEEDS, got=0)
    first, final = min(last), max(last)
    days = [first + timedelta(days=n) for n in range((final - first).days + 1)]
    return charts.check_ins(days, {words: _series(days, last, name) for name, words in SCALES.items()})


def _series(days: list[date], last: dict[date, CheckIn], name: str) -> Any:
    values = [getattr(last[on], name) if on in last else None for on in days]
    return np.array([np.nan if value is None else value for value in values], dtype=float)
