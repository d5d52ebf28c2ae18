"""Where the numbers of a twin come from: the record, the model, the days behind them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from novamind import display
from novamind.measures import Abstained
from novamind.registry.inference import input_of
from twins.changes import HEAD_ROWS
from twins.features import BIOMETRICS, SYMPTOMS, allowed_streams
from twins.forecasts import FORECAST
from twins.models import Component
from twins.services import shown

METHODS: Final = {
    Component.Kind.CORRELATION: "Detrended and prewhitened (memory of 0 to 3 days and a weekly wave, each by AICc); "
    "the largest correlation over lags of 0 to 3 days, paid for by Sidak; Benjamini-Hochberg over all pairs",
    Component.Kind.CHANGE: "Cumulative sums (Page 1954) of sequential normal scores of each series' own days, after a "
    "weekly wave and a memory of one day learned from the baseline; limit by the alert load the clinic has set",
    Component.Kind.FORECAST: "Pooled trees (XGBoost) and SymptomTransformer on deviations from the person's own mean; "
    "intervals by split conformal prediction per day ahead, adapted to the person's own misses",
}


def provenance_of(record_id: UUID, user: Any, number: str) -> dict[str, Any] | None:
    """The page's context for a record behind a component of a twin this user may see, as far as the patient allows it;
    ``None`` for any other id."""
    rows = Component.objects.visible_to(user).filter(record_id=record_id)
    component = rows.select_related("record__model_version", "twin", "patient").first()
    if component is None or component.record is None or shown(component.twin, component.kind).component is None:
        return None
    record, zone = component.record, component.patient.tz
    version = record.model_version
    return {
        "asked": {},
        "record": {
            "Model": f"{version.name}, version {version.version}; its card is on the Models page",
            "Method": METHODS[Component.Kind(component.kind)],
            "Looked at": f"{_local(record.window_start, zone)} to {_local(record.window_end, zone)}",
            "Computed": _local(record.created_at, zone),
            "Code version": record.code_version,
            "Weights or code (SHA-256)": version.weights_sha256,
            "Input (SHA-256)": record.input_hash,
            "Record": str(record.pk),
            "What it is not": str(version.card.get("must_not", "")),
        },
        "numbers": {},
        "inputs": _days_known(component),
    }


def _local(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{display.day(local)} {local:%H:%M} ({zone.key})"


def _days_known(component: Component) -> dict[str, str]:
    """Days known of each feature, or that they are not kept any more."""
    try:
        return _inputs(component.kind, input_of(component.record), allowed_streams(component.patient))
    except Abstained as why:
        return {"Days": why.reason}


def _inputs(kind: str, array: Any, allowed: set[str]) -> dict[str, str]:
    """Days known of each row of the input whose stream the patient still allows."""
    if kind == Component.Kind.FORECAST:
        features, rows = [SYMPTOMS[name] for name in FORECAST], array[1:]  # the first row has the dates
    elif kind == Component.Kind.CHANGE:
        features, rows = [*BIOMETRICS.values(), *SYMPTOMS.values()], array[HEAD_ROWS:]
    else:
        features, rows = [*BIOMETRICS.values(), *SYMPTOMS.values()], array
    return {
        feature.label: f"{int(np.sum(~np.isnan(row)))} of {array.shape[1]} days"
        for feature, row in zip(features, rows, strict=False)
        if feature.stream in allowed
    }
