"""A correlation in plain words, with what it rests on and what could be done."""

from __future__ import annotations

from typing import Any

from novamind.display import MINUS
from twins.features import BIOMETRICS, SYMPTOMS


def finding(row: dict[str, Any], answer: dict[str, Any]) -> dict[str, str]:
    """Message and action of one found correlation, a row of the API."""
    return {
        "type": "exploratory_correlation" if row["exploratory"] else "correlation",
        "message": " ".join([_said(row), _rests_on(row), *_caveats(row, answer)]),
        "action": _action(row),
    }


def _said(row: dict[str, Any]) -> str:
    biometric, symptom = BIOMETRICS[row["biometric_type"]].label, SYMPTOMS[row["symptom_type"]].label.lower()
    more = "higher" if row["correlation_strength"] > 0 else "lower"
    return f"{biometric} above its usual goes with {more} {symptom} {in_days(row['lag_days'])}."


def in_days(lag: int) -> str:
    """When the symptom follows."""
    return {0: "on the same day", 1: "one day later"}.get(lag, f"{lag} days later")


def _rests_on(row: dict[str, Any]) -> str:
    r, low, high = (signed(row[name]) for name in ("correlation_strength", "interval_low", "interval_high"))
    q = "q < 0.001" if row["q_value"] < 0.001 else f"q = {row['q_value']:.3f}"
    said = f"r = {r} ({low} to {high}), {row['pairs']} pairs of days, {q}"
    return f"{said}, after trend, week and day-to-day memory were taken out."


def _caveats(row: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    said = ["It is no proof of a cause."]
    if row["exploratory"]:
        said.insert(0, "Fewer than 60 pairs: exploratory.")
    if courses := answer.get("courses", 0):
        said.append(f"{_counted(courses)} within the window and {'was' if courses == 1 else 'were'} taken out too.")
    bias = answer.get("missing_with", {}).get(row["symptom_type"], {}).get(row["biometric_type"])
    if bias is not None:
        way = "higher" if bias > 0 else "lower"
        symptom = SYMPTOMS[row["symptom_type"]].label.lower()
        said.append(f"It was not measured more often on days of {way} {symptom}, which may distort this.")
    return said


def _counted(courses: int) -> str:
    return "One medicine began or ended" if courses == 1 else f"{courses} medicines began or ended"


def _action(row: dict[str, Any]) -> str:
    biometric = BIOMETRICS[row["biometric_type"]].label.lower()
    if row["exploratory"]:
        return f"Collect check-ins and {biometric} until there are 60 pairs of days, then look again."
    return f"Ask the patient whether this fits what they notice, and watch {biometric} when it changes."


def signed(value: float) -> str:
    """Two decimals with a true minus sign."""
    return f"{value:.2f}".replace("-", MINUS)
