"""What the Twin page shows: components as rows, correlations as a table and in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from novamind.measures import Abstained
from novamind.registry.inference import input_of
from patients.models import Patient
from twins import charts, departures
from twins.changes import FEATURES, HEAD_ROWS
from twins.features import BIOMETRICS, SYMPTOMS, check_ins_of
from twins.forecasts import FORECAST, HORIZON, LEVELS
from twins.models import Component, Twin
from twins.services import changes_shown, correlations_shown, current, is_refreshing, shown
from twins.told import correlations_as_told, forecast_as_told, share_held
from twins.track_record import LEAST_PAIRS, TrackRecord, track_record
from twins.whatif.pages import what_if_context
from twins.wording import finding, signed

#: Days of check-ins drawn before the forecast.
SHOWN_DAYS: Final = 28
DRAWN: Final = 4  # lag plots; the table has everything
#: From this strength on a cell is darker.
STRENGTHS: Final = (0.2, 0.35, 0.5)


def twin_context(patient: Patient) -> dict[str, Any]:
    """The context of the page."""
    twin = Twin.objects.filter(patient=patient).first()
    if twin is None:
        return {"twin": None}
    about = {
        "twin": twin,
        "refreshing": is_refreshing(patient.pk),
        "components": [_component(one) for one in current(twin).values()],
    }
    parts = {"changes": _changes(twin), "forecast": _forecast(twin), "what_if": what_if_context(patient)}
    return about | parts | _correlations(twin)


def _changes(twin: Twin) -> dict[str, Any]:
    """Which of the patient's own days have changed, with a chart of each."""
    found = shown(twin, Component.Kind.CHANGE)
    if found.component is None or found.why is not None:
        return {"why": found.why}
    answer = changes_shown(twin, found)
    told = departures.told(answer)
    try:
        array = input_of(found.component.record)
    except Abstained as why:  # emptied since; an answer without its days cannot be drawn
        return {"why": why}
    first = found.component.record.window_start.astimezone(twin.patient.tz).date()
    for one in told["changed"]:
        values = array[HEAD_ROWS + FEATURES.index(one["name"])].astype(float)
        one["chart"] = charts.departure(one["name"], first, values, answer["features"][one["name"]])
    return told | {"component": found.component}


def _forecast(twin: Twin) -> dict[str, Any]:
    """What is likely next, what was said of late, and how earlier forecasts fared."""
    found = shown(twin, Component.Kind.FORECAST)
    record = track_record(twin, "mood") if found.component else TrackRecord([])
    told = forecast_as_told(twin, "mood", HORIZON, found.component, found.why, record)
    why = told["abstentions"].get("forecast_points")
    if why:
        return {"why": Abstained.from_json(why)}
    window, days = check_ins_of(twin.patient, days=SHOWN_DAYS)
    first = window.start.astimezone(twin.patient.tz).date()
    said = dict(zip((first + timedelta(days=day) for day in range(SHOWN_DAYS)), days[list(SYMPTOMS).index("mood")],
                    strict=True))  # fmt: skip
    return {
        "told": told,
        "component": found.component,
        "chart": charts.forecast("mood", said, told["forecast_points"], record.pairs),
        "record": record,
        "held": {level: share_held(record, level) for level in LEVELS},
        "error": record.mean_error() if record.n >= LEAST_PAIRS else None,
        "others": [feature.label.lower() for name, feature in SYMPTOMS.items() if name not in FORECAST],
    }


def _correlations(twin: Twin) -> dict[str, Any]:
    part = shown(twin, Component.Kind.CORRELATION)
    answer = correlations_shown(twin, part)
    told = correlations_as_told(twin.patient_id, part.component, answer, part.why, 0.0)
    found = [row for row in told["correlations"] if row["found"]]
    return {
        "why_no_correlations": part.why,
        "component": part.component,
        "told": told,
        "head": [feature.label for feature in SYMPTOMS.values()],
        "rows": [_row(key, answer) for key in BIOMETRICS] if answer else [],
        "findings": [_finding(row, answer) for row in found[:DRAWN]],
        "more_findings": max(len(found) - DRAWN, 0),
        "tested": len(told["correlations"]),
    }


def _component(component: Component) -> dict[str, Any]:
    answer = component.answer
    return {"row": component, "why": answer if isinstance(answer, Abstained) else None}


def _row(key: str, answer: dict[str, Any]) -> dict[str, Any]:
    results = {symptom: answer["symptoms"][symptom][key] for symptom in SYMPTOMS}
    silent = [Abstained.from_json(one) for one in results.values() if "abstained" in one]
    if len(silent) == len(SYMPTOMS):
        fewest = max(silent, key=lambda why: why.got or 0)
        return {"label": BIOMETRICS[key].label, "why": fewest, "coverage": answer["coverage"].get(key)}
    cells = [_cell(SYMPTOMS[symptom].label, one) for symptom, one in results.items()]
    return {"label": BIOMETRICS[key].label, "cells": cells, "coverage": answer["coverage"].get(key)}


def _cell(label: str, one: dict[str, Any]) -> dict[str, Any]:
    if "abstained" in one:
        return {"label": label, "why": Abstained.from_json(one)}
    strength = sum(abs(one["r"]) >= least for least in STRENGTHS)
    return {"label": label, "r": signed(one["r"]), "strength": strength, "one": one}


def _finding(row: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    symptom, biometric = row["symptom_type"], row["biometric_type"]
    chart = charts.by_lag(symptom, biometric, answer["symptoms"][symptom][biometric])
    title = f"{BIOMETRICS[biometric].label} and {SYMPTOMS[symptom].label.lower()}"
    return {"title": title, "words": finding(row, answer), "chart": chart, "name": f"lag-{biometric}-{symptom}"}
