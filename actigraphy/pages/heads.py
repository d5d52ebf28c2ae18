"""What heads say of a recording: a calibrated probability with its threshold and how well the head did, or why not."""

from __future__ import annotations

from typing import Any

from actigraphy.models import Analysis, WeekReading
from actigraphy.readings import HEAD
from novamind.measures import Abstained, Measure, Shown, Window
from novamind.registry.models import InferenceRecord, ModelVersion

_FIGURES = 3
_NAMES = {"auc": "AUC", "mcc": "MCC", "f1": "F1"}


def head_rows(analysis: Analysis) -> list[dict[str, Any]] | Abstained:
    """One row per head in production that was asked; ``not_promoted`` where there is none."""
    rows = WeekReading.objects.asked().filter(analysis=analysis, task=HEAD)
    kept = list(rows.select_related("record__model_version").defer("record__input_array").order_by("model"))
    serving = {
        version.name: version
        for version in ModelVersion.objects.filter(
            name__in={row.model for row in kept}, stage=ModelVersion.Stage.PRODUCTION
        )
    }
    found = [_row(row, serving[row.model], analysis) for row in kept if row.model in serving]
    return found or Abstained("not_promoted")


def probability(record: InferenceRecord, analysis: Analysis) -> Shown:
    """A head's calibrated probability."""
    if isinstance(record.answer, Abstained):
        return record.answer
    return Measure(
        100 * record.output["probability"],
        "%",
        f"{record.model_version}; calibrated probability (Platt 1999)",
        Window(record.window_start, record.window_end),
        record_id=analysis.pk,
        name=f"head.{record.pk}",
    )


def _figures(version: ModelVersion) -> list[dict[str, Any]]:
    """The first of the card's figures on people left out, by their usual names."""
    answer = version.card["validity_internal"]
    kept = answer[:_FIGURES] if isinstance(answer, list) else []
    return [each | {"metric": _NAMES.get(each["metric"], each["metric"])} for each in kept]


def _row(row: WeekReading, version: ModelVersion, analysis: Analysis) -> dict[str, Any]:
    said: dict[str, Any] = {
        "version": version,
        "does": version.card["does"],
        "must_not": version.card["must_not"],
        "figures": _figures(version),
    }
    if row.record is None or row.withheld:
        return said | {"probability": row.reason}
    if row.record.model_version_id != version.pk:  # the new one has not read it yet
        return said | {"probability": Abstained("waiting")}
    return said | {
        "probability": probability(row.record, analysis),
        "output": None if row.record.abstention else row.record.output,
        "threshold": None if row.record.abstention else 100 * row.record.output["threshold"],
        "computed_at": row.record.created_at,
    }
