"""The days that a rule judges: of devices, check-ins, questionnaires and the mood forecast, on one grid of days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import numpy as np

from insights.alerting.definition import FORECAST, SCORE
from insights.rules.series import FEATURES
from insights.science.normal import Floats
from novamind import clock
from patients.models import Assessment, CheckIn, Patient
from twins.features import SYMPTOMS, daily_of
from twins.models import Component
from twins.track_record import first_day


def today_of(patient: Patient) -> date:
    """The last day of the grid: not over yet, so that devices have none of it; what was answered today is on it."""
    found: date = clock.now().astimezone(patient.tz).date()
    return found


def days_of(patient: Patient, names: Collection[str], *, days: int) -> dict[str, Floats]:
    """Series -> (days,) float64, NaN where not known; today is the last. Consent is asked by the caller."""
    found: dict[str, Floats] = {}
    features = [name for name in names if name in FEATURES]
    if features:
        streams: set[str] = {FEATURES[name].stream for name in features}
        daily = daily_of(patient, days=days - 1, allowed=streams, only=features)
        rows = dict(zip(FEATURES, daily.values, strict=True))
        said = _said_today(patient) if any(name in SYMPTOMS for name in features) else {}
        found |= {name: np.append(rows[name], said.get(name, np.nan)) for name in features}
    if any(name.startswith(SCORE) for name in names):
        found |= _scores(patient, [name for name in names if name.startswith(SCORE)], days)
    if FORECAST in names:
        found[FORECAST] = _forecasts(patient, days)
    return found


def _said_today(patient: Patient) -> dict[str, float]:
    row = CheckIn.objects.current().filter(patient=patient, day=today_of(patient)).order_by("-at").first()
    if row is None:
        return {}
    return {name: float(getattr(row, name)) for name in SYMPTOMS if getattr(row, name) is not None}


def _scores(patient: Patient, names: list[str], days: int) -> dict[str, Floats]:
    """The last total of each day."""
    first = today_of(patient) - timedelta(days=days - 1)
    found = {name: np.full(days, np.nan) for name in names}
    rows = Assessment.objects.filter(
        patient=patient, score__isnull=False, at__gte=clock.midnight(first, patient.tz),
        instrument__in=[name.removeprefix(SCORE) for name in names],
    )  # fmt: skip
    for row in rows.order_by("at"):
        _put(found[f"{SCORE}{row.instrument}"], row.at.astimezone(patient.tz).date(), first, float(row.score))
    return found


def _forecasts(patient: Patient, days: int) -> Floats:
    """What the twin said of mood 14 days ahead, on the first day that each forecast was for."""
    first = today_of(patient) - timedelta(days=days - 1)
    found = np.full(days, np.nan)
    rows = Component.objects.filter(
        twin__patient=patient, kind=Component.Kind.FORECAST, record__window_end__gte=clock.midnight(first, patient.tz)
    )
    for component in rows.select_related("record").order_by("since_version"):
        record: Any = component.record
        if points := record.output.get("mood", {}).get("points"):
            _put(found, first_day(record, patient.tz), first, float(points[-1]))
    return found


def _put(values: Floats, on: date, first: date, value: float) -> None:
    place = (on - first).days
    if 0 <= place < values.size:
        values[place] = value
