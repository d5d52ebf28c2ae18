"""The days of one patient by channel: gathered into stretches, with trend and the person's own usual."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from insights.rules.series import FEATURES, SPAN, TREND_METHOD, WEEK_METHOD, step_of
from insights.science.buckets import Bucket, in_buckets
from insights.science.normal import Floats
from insights.science.own_week import against_own_weeks
from insights.science.trend import trend
from novamind.measures import Abstained
from patients.models import ConsentPurpose, Patient
from twins.features import Daily, allowed_streams, daily_of

#: Name of a stretch -> its days.
BUCKETS: Final = {"day": 1, "week": 7}


def aggregated(patient: Patient, *, days: int, bucket: str) -> dict[str, Any]:
    """Each channel over the last local days that are over; a channel whose stream is withheld says so.

    Trend and usual are of the newest days, whatever the window: those of the Brief.
    """
    allowed = allowed_streams(patient, (ConsentPurpose.TREATMENT,))
    daily = daily_of(patient, days=max(days, SPAN), allowed=allowed)
    return {
        "patient_id": patient.pk,
        "bucket": bucket,
        "first": daily.last - timedelta(days=days - 1),
        "last": daily.last,
        "zone": daily.zone,
        "methods": {"trend": TREND_METHOD, "baseline": WEEK_METHOD},
        "channels": {
            name: {"unit": feature.unit}
            | (_channel(name, daily, values, days, bucket) if feature.stream in allowed else _withheld())
            for (name, feature), values in zip(FEATURES.items(), daily.values, strict=True)
        },
    }


def _withheld() -> dict[str, Any]:
    why = Abstained("consent_withheld").as_json()
    return {"buckets": [], "trend": None, "baseline": None,
            "abstentions": {"buckets": why, "trend": why, "baseline": why}}  # fmt: skip


def _channel(name: str, daily: Daily, values: Floats, days: int, bucket: str) -> dict[str, Any]:
    first = daily.last - timedelta(days=days - 1)
    found: dict[str, Any] = {
        "buckets": [_told(one, first) for one in in_buckets(values[-days:], BUCKETS[bucket])],
        "trend": None,
        "baseline": None,
        "abstentions": {},
    }
    for part, told in (("trend", _trend), ("baseline", _baseline)):
        try:
            found[part] = told(values, step_of(name))
        except Abstained as why:
            found["abstentions"][part] = why.as_json()
    return found


def _told(one: Bucket, first: Any) -> dict[str, Any]:
    return {
        "first": first + timedelta(days=one.first), "last": first + timedelta(days=one.last), "n": one.n,
        "mean": one.mean, "median": one.median, "sd": one.sd, "coverage": one.coverage,
    }  # fmt: skip


def _trend(values: Floats, step: float) -> dict[str, Any]:
    found = trend(values, step)
    return {"slope_per_day": found.slope, "low": found.low, "high": found.high, "n": found.n}


def _baseline(values: Floats, step: float) -> dict[str, Any]:
    found = against_own_weeks(values, step)
    return {
        "median": found.usual, "spread": found.spread, "n": found.own_n, "last_week_median": found.value,
        "last_week_n": found.n, "standard_errors": found.z,
    }  # fmt: skip
