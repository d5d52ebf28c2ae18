"""What may be asked of a recording, and what really stands behind each answer: one table.

What models said is looked up by their kind in the registry: a detector or a head that a person promotes answers here
from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from django.db.models import Prefetch

from actigraphy.analysis import kept_rhythm, plain_rhythm
from actigraphy.minutes import MINUTE_S, Minutes
from actigraphy.models import Analysis, WeekReading
from actigraphy.numbers import RHYTHM
from actigraphy.pages.figures import figures
from actigraphy.serializers import NightSerializer
from novamind.clock import from_epoch
from novamind.measures import Abstained
from novamind.registry.models import InferenceRecord, ModelVersion

Kind = ModelVersion.Kind
Abstentions = dict[str, Any]

#: The task of the readings that a kind of model leaves, and why there is nothing while none is in production.
TASKS: Final = MappingProxyType(
    {
        Kind.ENCODER: ("embedding", "no_weights"),
        Kind.ANOMALY: ("anomaly", "not_promoted"),
        Kind.HEAD: ("head", "not_promoted"),
    }
)


@dataclass(frozen=True, slots=True)
class AnalysisType:
    """One thing to ask: how it is answered, and the kind of model that must be in production (``None``: formulas)."""

    method: str
    kind: Kind | None
    answer: Callable[[Analysis, bool, Abstentions], dict[str, Any] | None]


def light_readings() -> Prefetch[Any]:
    """The readings of analyses with what the models gave, without what they were given."""
    records = InferenceRecord.objects.served().select_related("model_version", "scaled_by").defer("input_array")
    return Prefetch("week_readings", WeekReading.objects.asked().prefetch_related(Prefetch("record", records)))


def results_of(analysis: Analysis, types: Iterable[str], *, unfinished: bool) -> tuple[dict[str, Any], Abstentions]:
    """The answers by type, and why what is ``None`` in them is.

    Parameters
    ----------
    analysis : Analysis
        With ``nights`` and :func:`light_readings` prefetched.
    types : iterable of str
        Keys of :data:`TYPES`.
    unfinished : bool
        Whether models may still be at work on it.
    """
    abstentions: Abstentions = {}
    return {name: TYPES[name].answer(analysis, unfinished, abstentions) for name in types}, abstentions


def asks_models(types: Iterable[str]) -> bool:
    """Whether any of these waits for what models say."""
    return any(TYPES[name].kind is not None for name in types)


def raw_metrics(analysis: Analysis) -> dict[str, Any]:
    """Activity and wear by the minute, as everything was computed from them; null where nothing was measured."""
    minutes = Minutes.of(analysis)
    return {
        "start_time": from_epoch(minutes.start_s),
        "epoch_s": MINUTE_S,
        "counts_per_min": [None if np.isnan(value) else float(value) for value in minutes.activity],
        "worn": [bool(worn) for worn in minutes.worn],
    }


def visualizations(analysis: Analysis, abstentions: Abstentions) -> dict[str, Any]:
    """The charts of the Actigraphy page as Plotly figures, by name; one that has too little to show is ``None``."""
    drawn = figures(analysis, list(analysis.nights.all()), Minutes.of(analysis), None)  # type: ignore[attr-defined]
    for name, figure in drawn.items():
        if isinstance(figure, Abstained):
            drawn[name], abstentions[f"visualizations.{name}"] = None, figure.as_json()
    return drawn


def _sleep(analysis: Analysis, unfinished: bool, abstentions: Abstentions) -> dict[str, Any]:
    return {
        "method": analysis.methods.get("sleep", ""),
        "nights": NightSerializer(analysis.nights.all(), many=True).data,  # type: ignore[attr-defined]
    }


def _activity(analysis: Analysis, unfinished: bool, abstentions: Abstentions) -> dict[str, Any]:
    kept = kept_rhythm(analysis.results)
    abstentions |= {f"rhythm.{name}": kept[name] for name in RHYTHM if isinstance(kept[name], dict)}
    return {
        "method": analysis.methods.get("rhythm", ""),
        "rhythm": plain_rhythm(kept, analysis.results["quality"]["valid_days"]),
        "quality": analysis.results["quality"],
    }


def _by_models(name: str, kind: Kind) -> Callable[[Analysis, bool, Abstentions], dict[str, Any] | None]:
    def answer(analysis: Analysis, unfinished: bool, abstentions: Abstentions) -> dict[str, Any] | None:
        said = _said(analysis, kind, unfinished)
        if isinstance(said, Abstained):
            abstentions[name] = said.as_json()
            return None
        return {"readings": said}

    return answer


def _twin(analysis: Analysis, unfinished: bool, abstentions: Abstentions) -> dict[str, Any]:
    """What a twin is given: what was computed, and the embedding with the checksums of its encoder and cohort."""
    name = "digital_twin_integration.embedding"
    embedding = _by_models(name, Kind.ENCODER)(analysis, unfinished, abstentions)
    return {
        **_activity(analysis, unfinished, abstentions),
        "nights": _sleep(analysis, unfinished, abstentions)["nights"],
        "embedding": embedding and embedding["readings"],
    }


def _said(analysis: Analysis, kind: Kind, unfinished: bool) -> list[dict[str, Any]] | Abstained:
    """What models of a kind said, oldest first; else the reason that one gave, or that nobody was asked."""
    task, nobody = TASKS[kind]
    rows = [row for row in analysis.week_readings.all() if row.task == task]  # type: ignore[attr-defined]
    records = [row.record for row in rows if row.reason is None]
    if records:
        return [_reading(record) for record in sorted(records, key=lambda record: record.window_start)]
    if reasons := [row.reason for row in rows if row.reason is not None]:
        return reasons[0]
    if not ModelVersion.objects.filter(kind=kind, stage=ModelVersion.Stage.PRODUCTION).exists():
        return Abstained(nobody)
    return Abstained("waiting" if unfinished else "failed")


def _reading(record: InferenceRecord) -> dict[str, Any]:
    version, cohort = record.model_version, record.scaled_by
    return {
        "record_id": record.pk,
        "model": str(version),
        "model_sha256": version.weights_sha256,
        "cohort": str(cohort) if cohort else None,
        "cohort_sha256": cohort.weights_sha256 if cohort else None,
        "start": record.window_start,
        "end": record.window_end,
        "output": record.output,
    }


#: Name in a request -> what answers it.
TYPES: Final = MappingProxyType(
    {
        "sleep": AnalysisType("nights, scored by the device's own algorithm within rest periods", None, _sleep),
        "activity": AnalysisType("rest-activity rhythm: IS, IV, RA, L5, M10, cosinor, SRI", None, _activity),
        "mood": AnalysisType("heads in production", Kind.HEAD, _by_models("mood", Kind.HEAD)),
        "anomaly_detection": AnalysisType(
            "reconstruction error against the patient's own weeks", Kind.ANOMALY,
            _by_models("anomaly_detection", Kind.ANOMALY),
        ),
        "digital_twin_integration": AnalysisType(
            "nights, rhythm, quality and PAT's embedding, with the checksums of encoder and cohort", Kind.ENCODER, _twin
        ),
    }
)  # fmt: skip
