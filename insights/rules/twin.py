"""What the digital twin says, quoted with its record: correlations that stand, a forecast that leaves the usual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import numpy as np

from insights.statements import Evidence, InsightType, Statement, Tier
from novamind import clock
from novamind.measures import Abstained, Window
from patients.models import ConsentPurpose, ConsentStream, Patient
from twins.features import BIOMETRICS, SYMPTOMS, Daily
from twins.forecasts import HORIZON
from twins.models import Component, Twin
from twins.services import correlations_shown, shown
from twins.told import correlations_as_told, forecast_as_told
from twins.track_record import track_record
from twins.wording import finding

#: For so long after it was computed an answer of the twin is quoted; the twin itself is refreshed each night.
HOLDS: Final = timedelta(days=7)
USUAL_DAYS: Final = 14
FORECAST_OF: Final = "mood"


def _needs(*streams: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (purpose, stream) for stream in streams for purpose in (ConsentPurpose.TREATMENT, ConsentPurpose.MODELS)
    )


def statements(patient: Patient, daily: Daily, *, lately_turned: bool) -> Iterator[Statement]:
    """Nothing where there is no twin, or where the patient does not allow what it is made of.

    Where mood has ``lately_turned``, its last two weeks are of before and after, and no forecast is held against them:
    "lower than the last 14 days" would be a rise from where the patient is now.
    """
    twin = Twin.objects.filter(patient=patient).first()
    if twin is None:
        return
    yield from _correlations(twin)
    if not lately_turned:
        yield from _forecast(twin, daily)


def _correlations(twin: Twin) -> Iterator[Statement]:
    part = shown(twin, Component.Kind.CORRELATION)
    if part.why is not None or part.component is None:
        return
    answer = correlations_shown(twin, part)
    for row in correlations_as_told(twin.patient_id, part.component, answer, None, 0.0)["correlations"]:
        if row["found"]:
            yield _correlation(part.component, row, finding(row, answer))


def _correlation(component: Component, row: dict[str, Any], words: dict[str, str]) -> Statement:
    record = component.record
    assert record is not None
    biometric = BIOMETRICS[row["biometric_type"]]
    return Statement(
        key=f"correlation:{row['biometric_type']}:{row['symptom_type']}",
        type=InsightType.CORRELATION,
        description=words["message"],
        method=f"{record.model_version.name} {record.model_version.version}, as on the Twin page",
        needs=_needs(ConsentStream.QUESTIONNAIRES, biometric.stream),
        tier=Tier.KNOW,
        strength=abs(row["correlation_strength"]),
        confidence=1 - row["q_value"],
        confidence_is="1 minus the false discovery rate at which it stands",
        window=Window(record.window_start, record.window_end),
        expires_at=clock.now() + HOLDS,
        evidence=(
            Evidence(
                f"{row['biometric_type']}/{row['symptom_type']}", record.window_end, row["correlation_strength"], "r",
                row["interval_low"], row["interval_high"],
            ),
        ),
        record_id=record.pk,
    )  # fmt: skip


def _forecast(twin: Twin, daily: Daily) -> Iterator[Statement]:
    """The last day of the forecast, where its 80 % interval leaves out the median of the last two weeks."""
    part = shown(twin, Component.Kind.FORECAST)
    said = daily.values[len(BIOMETRICS) + list(SYMPTOMS).index(FORECAST_OF), -USUAL_DAYS:]
    if part.why is not None or part.component is None or np.isnan(said).all():
        return
    told = forecast_as_told(twin, FORECAST_OF, HORIZON, part.component, None, track_record(twin, FORECAST_OF))
    usual = float(np.nanmedian(said))
    point = told["forecast_points"][-1] if told["forecast_points"] else None
    if point and not _rounded(point["confidence_lower"]) <= _rounded(usual) <= _rounded(point["confidence_upper"]):
        yield _leaves(twin, part.component, told, point, usual)


def _rounded(value: float) -> float:
    """As it is told: what would read as the usual within the interval is not said."""
    return round(value, 1)


def _leaves(twin: Twin, component: Component, told: dict[str, Any], point: dict[str, Any], usual: float) -> Statement:
    record = component.record
    assert record is not None
    way = "higher" if point["value"] > usual else "lower"
    low, high = point["confidence_lower"], point["confidence_upper"]
    sure = told["confidence_score"]
    return Statement(
        key=f"forecast:{FORECAST_OF}:{way}",
        type=InsightType.FORECAST,
        description=(
            f"Mood is likely to be {point['value']:.1f} of 10 in {HORIZON} days (80 % interval {low:.1f} to "
            f"{high:.1f}) if things go on as they did, {way} than the {usual:g} of the last {USUAL_DAYS} days."
        ),
        method=f"{record.model_version.name} {record.model_version.version}, as on the Twin page",
        needs=_needs(ConsentStream.QUESTIONNAIRES),
        tier=Tier.LOOK,  # either way: mood rises in mania too
        strength=abs(point["value"] - usual),
        confidence=Abstained.from_json(told["abstentions"]["confidence_score"]) if sure is None else sure,
        confidence_is="share of earlier forecasts of this patient whose 80 % interval held",
        window=Window(record.window_start, record.window_end),
        expires_at=clock.now() + HOLDS,
        evidence=(
            Evidence(FORECAST_OF, clock.midnight(point["date"], twin.patient.tz), point["value"],
                     SYMPTOMS[FORECAST_OF].unit, low, high),
        ),
        record_id=record.pk,
    )  # fmt: skip
