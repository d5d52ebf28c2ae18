"""Where the numbers of a twin come from: the record, the model, the days behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from novamind import display
from novamind.measures import Abstained
from novamind.registry.inference import input_of
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.models import Patient
from twins.changes import HEAD_ROWS
from twins.features import BIOMETRICS, SYMPTOMS, allowed_streams
from twins.forecasts import FORECAST
from twins.models import Component, WhatIf
from twins.response.serving import expected
from twins.services import shown
from twins.whatif.asking import shown as what_if_shown

WHAT_IF: Final = "what_if"
TREATMENT: Final = ModelVersion.Kind.TREATMENT
METHODS: Final[dict[str, str]] = {
    TREATMENT: "Gradient-boosted trees (XGBoost) on what was known on the day of the start; probabilities by Platt's "
    "line and intervals by split conformal prediction, both on people the trees had not seen",
    WHAT_IF: "A level, a weekly wave, a trend, a mean-reverting swing and noise fitted to the patient's own mood, "
    "with what is asked about as a known driver (posterior by Laplace); run on with and without the change",
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
    found = _component(record_id, user) or _what_if(record_id, user) or _treatment(record_id, user)
    if found is None or found.record is None:
        return None
    record, zone = found.record, found.patient.tz
    version = record.model_version
    kind = getattr(found, "kind", WHAT_IF)
    return {
        "asked": {},
        "record": {
            "Model": f"{version.name}, version {version.version}; its card is on the Models page",
            "Method": METHODS[kind],
            "Looked at": f"{_local(record.window_start, zone)} to {_local(record.window_end, zone)}",
            "Computed": _local(record.created_at, zone),
            "Code version": record.code_version,
            "Weights or code (SHA-256)": version.weights_sha256,
            "Input (SHA-256)": record.input_hash,
            "Record": str(record.pk),
            "What it is not": str(version.card.get("must_not", "")),
        },
        "numbers": {},
        "inputs": _days_known(found, kind),
    }


def _component(record_id: UUID, user: Any) -> Component | None:
    rows = Component.objects.visible_to(user).filter(record_id=record_id)
    found = rows.select_related("record__model_version", "twin", "patient").first()
    return found if found and shown(found.twin, found.kind).component else None


def _what_if(record_id: UUID, user: Any) -> WhatIf | None:
    rows = WhatIf.objects.visible_to(user).filter(record_id=record_id)
    found = rows.select_related("record__model_version", "patient").first()
    return found if found and what_if_shown(found).found else None


@dataclass(frozen=True)
class _Treated:
    record: InferenceRecord
    patient: Patient
    kind: str = TREATMENT


def _treatment(record_id: UUID, user: Any) -> _Treated | None:
    """A record that the page of genes and drugs says of one of this user's patients now."""
    if not user.may("advise_medication"):
        return None
    rows = InferenceRecord.objects.served().filter(pk=record_id, model_version__kind=TREATMENT)
    record = rows.select_related("model_version").first()
    patient = Patient.objects.visible_to(user).filter(pk=record.patient_id).first() if record else None
    if record is None or patient is None:
        return None
    said = {getattr(answer, "pk", None) for one in expected(patient) for answer in one.said.values()}
    return _Treated(record, patient) if record.pk in said else None


def _local(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{display.day(local)} {local:%H:%M} ({zone.key})"


def _days_known(found: Any, kind: str) -> dict[str, str]:
    """Days known of each feature, or that they are not kept any more."""
    try:
        return _inputs(kind, input_of(found.record), allowed_streams(found.patient))
    except Abstained as why:
        return {"Days": why.reason}


def _inputs(kind: str, array: Any, allowed: set[str]) -> dict[str, str]:
    """Days known of each row of the input whose stream the patient still allows."""
    if kind == TREATMENT:
        return {"Known on the day of the start": f"{int(np.isfinite(array).sum())} of {len(array)} features"}
    if kind == WHAT_IF:
        labels = (SYMPTOMS["mood"], BIOMETRICS["sleep_duration"], BIOMETRICS["midsleep"])
        asked = [row for row in zip(labels, array[2:], strict=False) if np.isfinite(row[1]).any()]
        features, rows = [one for one, _ in asked], [row for _, row in asked]
    elif kind == Component.Kind.FORECAST:
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
