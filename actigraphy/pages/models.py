"""What models made of an analysis: read by how many weeks, by which version, or why not."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch

from actigraphy.models import Analysis, WeekReading
from actigraphy.readings import EMBED
from novamind.jobs.models import Job
from novamind.measures import Abstained, Measure, Shown, Window
from novamind.registry.models import InferenceRecord


def embedded_weeks(analysis: Analysis) -> Shown:
    """How many weeks the encoder has read, with the version behind them, or the reason why none."""
    found = _records(analysis)
    if isinstance(found, Abstained):
        return found
    method = f"{found[0].model_version}, on the scale of {found[0].scaled_by}"
    window = Window(found[0].window_start, found[-1].window_end)
    unit = "week" if len(found) == 1 else "weeks"
    return Measure(len(found), unit, method, window, record_id=analysis.pk, name="pat")


def pat_as_json(analysis: Analysis) -> dict[str, Any]:
    """The same over the API: the weeks with their records, or ``abstained`` and ``reason``."""
    found = _records(analysis)
    if isinstance(found, Abstained):
        return found.as_json()
    return {
        "model": str(found[0].model_version),
        "cohort": str(found[0].scaled_by),
        "weeks": [{"start": one.window_start, "end": one.window_end, "record_id": one.pk} for one in found],
    }


def _records(analysis: Analysis) -> list[InferenceRecord] | Abstained:
    """Those of the weeks, oldest first."""
    rows = [row for row in analysis.week_readings.all() if row.task == WeekReading.Task.EMBEDDING]
    if not rows:
        return Abstained(state_of(analysis, EMBED))
    if (why := rows[0].reason) is not None:
        return why
    return sorted((row.record for row in rows if row.record is not None), key=lambda record: record.window_start)


def with_readings() -> Prefetch[Any]:
    """The readings of analyses in two queries, without what the models were given."""
    records = InferenceRecord.objects.served().select_related("model_version", "scaled_by")
    light = records.defer("input_array", "output")
    return Prefetch("week_readings", WeekReading.objects.asked().prefetch_related(Prefetch("record", light)))


def state_of(analysis: Analysis, kind: str) -> str:
    """``waiting`` for the job of this kind, or ``failed``: the code of an abstention while nothing is stored."""
    key = f"{kind}:{analysis.source.recording.pk}"
    state = Job.objects.filter(key=key).order_by("-created_at").values_list("state", flat=True).first()
    return "failed" if state in {Job.State.FAILED, Job.State.QUARANTINED} else "waiting"
