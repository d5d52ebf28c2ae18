"""Which weeks are explained, by what, and what is kept of it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from actigraphy.models import Analysis, WeekReading
from actigraphy.pat import heads
from actigraphy.pat.providers import encoder_of
from actigraphy.science.heads import CIRCADIAN, Head
from actigraphy.science.pat.embedding import Encoder
from actigraphy.science.pat.explaining import Target, explain, faithfulness
from actigraphy.science.pat.weeks import weeks_apart_from_last
from actigraphy.science.pat.weights import WeightsError
from novamind.measures import Abstained
from novamind.registry.inference import input_of
from novamind.registry.models import InferenceRecord, ModelVersion

#: The newest weeks that share no minute: as many as the page draws. A week costs 113 passes.
WEEKS: Final = 4


def weeks_to_explain(analysis: Analysis) -> list[InferenceRecord]:
    """The records of the newest weeks of an analysis that share no minute, oldest first."""
    rows = WeekReading.objects.filter(analysis=analysis, task=WeekReading.Task.EMBEDDING, record__isnull=False)
    records = [row.record for row in rows.select_related("record__model_version").order_by("record__window_start")]
    starts = np.array([int(record.window_start.timestamp()) for record in records], dtype=np.int64)  # type: ignore[union-attr]
    return [records[at] for at in weeks_apart_from_last(starts)[-WEEKS:].tolist()]  # type: ignore[misc]


def head_explained(analysis: Analysis, encoder: ModelVersion) -> tuple[str, Target | None]:
    """Whose score is explained: the first head in production that reads weeks by this very encoder; else the embedding
    as a whole (an empty name).

    The target is the head's score before calibration, were this week the recording's only one.
    """
    for version in heads.serving(analysis.device_type):
        answered = WeekReading.objects.filter(
            analysis=analysis, task=WeekReading.Task.HEAD, record__model_version=version
        ).first()
        try:
            head = heads.loaded(version).head
        except Abstained:
            continue
        if answered is not None and answered.record is not None and head.encoder_sha256 == encoder.weights_sha256:
            return str(version), _score(head, input_of(answered.record).astype(np.float64))
    return "", None


def _score(head: Head, features: NDArray[np.float64]) -> Target:
    circadian = features[: len(CIRCADIAN)] if head.kind == "both" else features[:0]

    def score(embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        of_person = np.broadcast_to(circadian, (len(embeddings), len(circadian)))
        return head.linear.score(np.hstack((of_person, embeddings.astype(np.float64))))

    return score


def encoder_for(version: ModelVersion) -> Encoder:
    """The encoder on this machine; a provider elsewhere gives embeddings and nothing to explain them by.

    Raises
    ------
    Abstained
        no_weights, weights_mismatch, or indeterminate where PAT runs behind Bedrock.
    """
    if settings.PAT_MODEL_PROVIDER != "local":
        raise Abstained("indeterminate", what="the model runs elsewhere and shows no attention")
    try:
        return encoder_of(settings.PAT_WEIGHTS_DIR / version.weights_file, version.weights_sha256)
    except WeightsError as error:
        raise error.as_abstention() from error


def explained(encoder: Encoder, week: NDArray[np.float32], target: Target | None) -> dict[str, Any]:
    """Attention per patch, occlusion per block and how far they agree; null where not measured.

    Raises
    ------
    Abstained
        too_few_days (under half of the week measured), or no_variation: then nothing is shown.
    """
    found = explain(encoder, week, target)
    agree = faithfulness(found)
    minutes = encoder.attention(week)
    patch_min = encoder.patch_min
    return {
        "patch_min": patch_min,
        "attention": _plain(minutes[::patch_min]),
        "occlusion": _plain(found.occlusion),
        "faithfulness": {
            "correlation": agree.correlation, "low": agree.low, "high": agree.high, "n": agree.n,
        },
    }  # fmt: skip


def _plain(values: NDArray[Any]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
