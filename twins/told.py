"""A twin and its correlations as page and API tell them: the same rows, under the contract's names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from novamind.measures import Abstained
from twins.features import BIOMETRICS, SYMPTOMS
from twins.forecasts import FORECAST, HORIZON
from twins.models import Component, Twin
from twins.science.pairs import FIRM_PAIRS
from twins.services import current
from twins.track_record import TrackRecord, first_day
from twins.wording import finding

#: Of days: twins.science.correlation's, which a web process does not load.
NO_CONFIDENCE: Final = Abstained(
    "indeterminate", what="a correlation has an interval and a q-value each, and no confidence as a whole"
)


def twin_as_told(twin: Twin, *, refreshing: bool, version: int | None = None) -> dict[str, Any]:
    """The twin as the contract names it, as it stood at a version."""
    parts = [_part(component) for component in current(twin, version).values()]
    return {
        "id": twin.pk, "patient_id": twin.patient_id, "created_at": twin.created_at, "updated_at": twin.updated_at,
        "version": version if version is not None else twin.version, "confidence_score": None,
        "last_calibration": None, "refreshing": refreshing, "models": parts,
        "abstentions": {
            "confidence_score": NO_CONFIDENCE.as_json(),
            "last_calibration": Abstained("indeterminate", what="no part of this twin is calibrated").as_json(),
        },
    }  # fmt: skip


def _part(component: Component) -> dict[str, Any]:
    record, answer = component.record, component.answer
    why = answer if isinstance(answer, Abstained) else NO_CONFIDENCE
    version = record.model_version if record else None
    return {
        "id": version.pk if version else None, "model_type": component.kind,
        "version": version.version if version else "", "created_at": component.created_at, "confidence_score": None,
        "description": component.get_kind_display(), "since_version": component.since_version,
        "window_start": record.window_start if record else None, "window_end": record.window_end if record else None,
        "abstentions": {"confidence_score": why.as_json()},
    }  # fmt: skip


def correlations_as_told(
    patient_id: Any, component: Component | None, found: dict[str, Any], why: Abstained | None, least: float
) -> dict[str, Any]:
    """Everything tested whose strength reaches ``least``; what abstained stands under its own name."""
    record = component.record if component else None
    rows = [
        _row(symptom, key, one)
        for symptom, results in found.get("symptoms", {}).items()
        for key, one in results.items()
        if "r" in one
    ]
    silent = {
        f"{key}/{symptom}": one
        for symptom, results in found.get("symptoms", {}).items()
        for key, one in results.items()
        if "abstained" in one
    }
    shown = sorted((row for row in rows if abs(row["correlation_strength"]) >= least), key=lambda row: row["q_value"])
    decisive = [row["pairs"] for row in rows if row["found"]] or [row["pairs"] for row in rows]
    return {
        "patient_id": patient_id, "model_version": record.model_version.version if record else "",
        "correlations": shown, "insights": [finding(row, found) for row in rows if row["found"]],
        "biometric_coverage": {key: found["coverage"][key] for key in BIOMETRICS if key in found.get("coverage", {})},
        "reliability": None if not rows else "firm" if min(decisive) >= FIRM_PAIRS else "exploratory",
        "window_start": record.window_start if record else None, "window_end": record.window_end if record else None,
        "generated_at": component.created_at if component else None,
        "abstentions": silent | ({"correlations": why.as_json()} if why else {}),
    }  # fmt: skip


def _row(symptom: str, key: str, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "biometric_type": key, "symptom_type": symptom, "correlation_strength": one["r"], "lag_days": one["lag"],
        "interval_low": one["low"], "interval_high": one["high"], "pairs": one["n"], "q_value": one["q"],
        "found": one["found"], "exploratory": one["exploratory"],
    }  # fmt: skip


def forecast_as_told(
    twin: Twin, symptom: str, days: int, component: Component | None, why: Abstained | None, record: TrackRecord
) -> dict[str, Any]:
    """The forecast of one symptom, with how the earlier ones fared; or why there is none."""
    made = component.record if component else None
    found = made.output.get(symptom, {}) if made and why is None else {}
    if why is None and "abstained" in found:
        why, found = Abstained.from_json(found), {}
    if why is None and symptom not in FORECAST:
        why = Abstained("not_promoted")
    confidence = share_held(record, "80")
    silent = {"forecast_points": why} if why else {}
    if isinstance(confidence, Abstained):
        silent["confidence_score"] = confidence
    return {
        "patient_id": twin.patient_id, "symptom_type": symptom, "forecast_days": days,
        "scale": SYMPTOMS[symptom].unit,
        "forecast_points": _points(twin, found, made)[:days],
        "confidence_score": None if isinstance(confidence, Abstained) else confidence,
        "model_version": made.model_version.version if made and found else "",
        "model": found.get("model", ""), "contributing_models": found.get("parts", {}),
        "reliability": found.get("reliability"), "days_known": found.get("days_known"),
        "generated_at": component.created_at if component and found else None,
        "compared_forecasts": record.n, "abstentions": {name: one.as_json() for name, one in silent.items()},
    }  # fmt: skip


def share_held(record: TrackRecord, level: str) -> float | Abstained:
    """Share of earlier forecasts whose interval held what was said, or why that is not known."""
    try:
        return record.held(level)
    except Abstained as why:
        return why


def _points(twin: Twin, found: dict[str, Any], made: Any) -> list[dict[str, Any]]:
    if not found:
        return []
    first = first_day(made, twin.patient.tz)
    return [
        {
            "date": first + timedelta(days=at), "value": found["points"][at],
            "confidence_lower": found["low"]["80"][at], "confidence_upper": found["high"]["80"][at],
            "lower_95": found["low"]["95"][at], "upper_95": found["high"]["95"][at],
        }
        for at in range(HORIZON)
    ]  # fmt: skip
