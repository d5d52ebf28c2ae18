"""Weeks unlike the person's own, as the page tells them: with the alarm line, the false alarms, and what it is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from actigraphy.charts import own_weeks as chart
from actigraphy.models import Analysis, WeekReading
from actigraphy.pages.models import state_of
from actigraphy.pat.anomalies import false_alarms
from actigraphy.readings import ANOMALY, JUDGE
from novamind import clock, display
from novamind.measures import Abstained, Measure, Shown, Window
from novamind.registry.models import InferenceRecord, ModelVersion

UNIT = "SD"


def own_weeks(analysis: Analysis) -> dict[str, Any]:
    """The judged weeks, newest first; ``why`` stands in place of them where there is none."""
    found = judged(analysis)
    if isinstance(found, Abstained):
        return {"why": found}
    version = found[-1].model_version
    told = [_week(record, analysis) for record in reversed(found)]
    return {
        "weeks": told,
        "figure": _figure(found[-1]),
        "version": version,
        "computed_at": found[-1].created_at,
        "alarms": alarms(version),
        "must_not": version.card["must_not"],
    }


def judged(analysis: Analysis) -> list[InferenceRecord] | Abstained:
    """The records of the detector that serves, oldest first."""
    rows = WeekReading.objects.asked().filter(analysis=analysis, task=ANOMALY)
    kept = list(rows.select_related("record__model_version").defer("record__input_array"))
    if not kept:
        return Abstained(state_of(analysis, JUDGE))
    if (why := kept[0].reason) is not None:
        return why
    records = [row.record for row in kept if row.record is not None]
    if records[0].model_version.stage != ModelVersion.Stage.PRODUCTION:
        return Abstained("not_promoted")
    return sorted(records, key=lambda record: record.window_start)


def farthest(record: InferenceRecord, analysis: Analysis) -> Shown:
    """A week's farthest score around the clock."""
    if isinstance(record.answer, Abstained):
        return record.answer
    return Measure(
        record.output["highest"],
        UNIT,
        f"{record.model_version}; told beyond {display.significant(record.output['threshold'])}",
        Window(record.window_start, record.window_end),
        n=record.output["earlier_weeks"],
        record_id=analysis.pk,
        name=f"anomaly.{record.pk}",
    )


def alarms(version: ModelVersion) -> Measure:
    """The detector's false alarms, as its card has them."""
    row = false_alarms(version)
    method = f"{row['metric']}; {row['population']}; {row['how']}"
    return Measure(row["value"], "", method, n=row["n"], low=row["low"], high=row["high"])


def _week(record: InferenceRecord, analysis: Analysis) -> dict[str, Any]:
    tz = clock.zone(analysis.zone)
    first, last = record.window_start.astimezone(tz), (record.window_end - timedelta(minutes=1)).astimezone(tz)
    spans = [] if record.abstention else [_span_in_words(span) for span in record.output["spans"]]
    return {"first": first.date(), "last": last.date(), "farthest": farthest(record, analysis), "spans": spans}


def _span_in_words(span: dict[str, Any]) -> str:
    direction = "more active or restless than usual" if span["score"] > 0 else "quieter than usual"
    if span["end_min"] - span["start_min"] >= 1440:
        return f"all day {direction}"
    start, end = (display.clock_time(span[name] / 60) for name in ("start_min", "end_min"))
    return f"{start}{display.DASH}{end} {direction}"


def _figure(record: InferenceRecord) -> Any:
    if isinstance(record.answer, Abstained):
        return record.answer
    day = np.array([np.nan if score is None else score for score in record.output["day"]], dtype=float)
    return chart(day, record.output["threshold"])
