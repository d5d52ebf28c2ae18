"""Running a version on an input: once per input, kept with what it was given, recalled, and replayed.

Whoever runs one input at a time calls :func:`infer_or_recall`. Whoever batches inputs of several patients calls
:func:`recall` for each, runs what is left together, and :func:`keep` for each.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.conf import settings
from django.core.cache import cache
from numpy.typing import NDArray

from novamind.audit.recording import current
from novamind.audit.runs import model_run
from novamind.measures import Abstained, Window
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.registry.science import leaves

Runner = Callable[[NDArray[np.float32]], Any]

#: Reasons that lie in the moment and not in the input: recalled, they would outlive their cause.
OF_THE_MOMENT: Final = frozenset(
    {"no_weights", "weights_mismatch", "no_reference_cohort", "not_promoted", "consent_withheld", "stale", "failed"}
)
TOLERANCE: Final = 1e-6
CACHED_S: Final = 24 * 3600
_CACHED: Final = "inference:"

logger = logging.getLogger(__name__)


def infer_or_recall(
    *,
    version: ModelVersion,
    patient_id: UUID,
    array: NDArray[Any],
    window: Window,
    run: Runner,
    summary: Sequence[float | None] = (),
) -> InferenceRecord:
    """The record of this version on this input of this patient: the one there is, or a new one.

    Parameters
    ----------
    version : ModelVersion
        In production, or in shadow: then the record is a shadow run, which nobody is shown.
    array : ndarray
        The model's input; kept as float32 with NaN for missing.
    window : Window
        What the input was cut from.
    run : callable
        Takes the array, gives JSON values or raises :class:`Abstained`. Runs outside any transaction of ours.
    summary : sequence of float or None
        One number for each input that the version's ``reference_statistics`` name, for drift.

    Raises
    ------
    Abstained
        not_promoted, or a reason of the moment (:data:`OF_THE_MOMENT`): on record as a run, and not kept. A reason
        that lies in the input is kept, and is the record's ``answer``.
    """
    array = np.asarray(array, dtype=np.float32)  # what is kept is what runs, or a replay would differ
    with model_run(model=version.name, version=version.version, patients=[patient_id]) as said:
        shadow = runs_in_shadow(version)
        found = recall(version, patient_id, hash_of(array), shadow=shadow)
        said.counted(computed=int(found is None), recalled=int(found is not None))
        if found is not None:
            said.recalled(found.abstention)
            return found
        started = time.monotonic()
        try:
            answer = run(array)
        except Abstained as why:
            if why.code in OF_THE_MOMENT:
                raise
            said.abstained(why)
            answer = why
        took_ms = (time.monotonic() - started) * 1000
        return keep(
            version=version, patient_id=patient_id, array=array, window=window, answer=answer, shadow=shadow,
            duration_ms=took_ms, summary=summary,
        )  # fmt: skip


def runs_in_shadow(version: ModelVersion) -> bool:
    """Whether this version is on trial, asked of the database: a worker may hold a version that was moved since.

    Raises
    ------
    Abstained
        not_promoted: it is a draft or retired, and runs for nobody.
    """
    return is_on_trial(ModelVersion.objects.values_list("stage", flat=True).get(pk=version.pk))


def is_on_trial(stage: str) -> bool:
    """The same of a stage that was read just now."""
    if stage not in {ModelVersion.Stage.PRODUCTION, ModelVersion.Stage.SHADOW}:
        raise Abstained("not_promoted")
    return stage == ModelVersion.Stage.SHADOW


def recall(version: ModelVersion, patient_id: UUID, input_hash: str, *, shadow: bool) -> InferenceRecord | None:
    """What this version gave for this input before, if anything.

    The cache knows the record's id for a day, under a key that names nobody; without it the index is asked.
    """
    key = hashlib.sha256(f"{version.pk}/{patient_id}/{input_hash}/{shadow}".encode()).hexdigest()
    found = InferenceRecord.objects.filter(
        model_version=version, patient_id=patient_id, input_hash=input_hash, shadow=shadow
    )
    if (known := _cached(key)) and (record := found.filter(pk=known).first()):
        return record
    if record := found.first():
        _cache(key, str(record.pk))
    return record


def _cached(key: str) -> str | None:
    try:
        pk: str | None = cache.get(_CACHED + key)
    except Exception as error:  # whatever the cache is, a result does not depend on it
        logger.warning("the cache does not answer (%s)", type(error).__name__)
        return None
    return pk


def _cache(key: str, pk: str) -> None:
    try:
        cache.set(_CACHED + key, pk, CACHED_S)
    except Exception as error:
        logger.warning("the cache does not answer (%s)", type(error).__name__)


def keep(
    *,
    version: ModelVersion,
    patient_id: UUID,
    array: NDArray[Any],
    window: Window,
    answer: Any,
    shadow: bool,
    duration_ms: float,
    batch_size: int = 1,
    summary: Sequence[float | None] = (),
    scaled_by: ModelVersion | None = None,
    code_version: str = "",
) -> InferenceRecord:
    """Write the record of a run. Another worker may have been quicker: then its record, which says the same.

    ``code_version`` names the very code that ran, where the caller knows it closer than by the program's version.

    Raises
    ------
    ValueError
        The answer holds NaN or infinity: that is an abstention somebody forgot.
    """
    abstained = answer if isinstance(answer, Abstained) else None
    output = abstained.as_json() if abstained else answer
    json.dumps(output, allow_nan=False)
    ledger = current()
    record = InferenceRecord(
        model_version=version,
        patient_id=patient_id,
        input_hash=hash_of(array),
        shadow=shadow,
        input_array=zlib.compress(_bytes(array)),
        input_shape=list(array.shape),
        scaled_by=scaled_by,
        input_summary=[None if value is None or value != value else float(value) for value in summary],
        window_start=window.start,
        window_end=window.end,
        output=output,
        abstention=abstained.code if abstained else "",
        duration_ms=duration_ms,
        batch_size=batch_size,
        code_version=code_version or settings.VERSION,
        requested_by=ledger.actor_id if ledger else None,
    )
    if not InferenceRecord.objects.insert_absent([record], ["id"]):
        return InferenceRecord.objects.get(
            model_version=version, patient_id=patient_id, input_hash=record.input_hash, shadow=shadow
        )
    record._state.adding = False  # it is never changed, from now on
    return record


def hash_of(array: NDArray[Any]) -> str:
    """SHA-256 of an input: its shape and its float32 values, every NaN being the same."""
    return hashlib.sha256(str(array.shape).encode() + _bytes(array)).hexdigest()


def input_of(record: InferenceRecord) -> NDArray[np.float32]:
    """The input as the model was given it.

    Raises
    ------
    Abstained
        not_kept: its time was over, and its app emptied it; hash and output stay.
    ValueError
        The stored input is not the one that was hashed.
    """
    if not record.input_array:
        raise Abstained("not_kept")
    values = np.frombuffer(zlib.decompress(bytes(record.input_array)), dtype="<f4").reshape(record.input_shape)
    if hash_of(values) != record.input_hash:
        raise ValueError(f"the input of {record} is not the one that was hashed")
    return values.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A record beside a new run on its input; ``difference`` is the largest, relative above 1, ``None`` if they
    cannot be compared number by number."""

    same: bool
    difference: float | None


def replay(record: InferenceRecord, run: Runner) -> Replayed:
    """Run a model again on a record's own input; the same is within 1e-6, or the same abstention.

    Raises
    ------
    Abstained
        not_kept, of :func:`input_of`.
    """
    array = input_of(record)
    try:
        again = run(array)
    except Abstained as why:
        again = why.as_json()
    (before, rest), (after, rest_after) = leaves(record.output), leaves(again)
    if rest != rest_after or len(before) != len(after):
        return Replayed(False, None)
    apart = (abs(a - b) / max(1.0, abs(a)) for a, b in zip(before, after, strict=True))
    difference = max(apart, default=0.0)
    return Replayed(difference <= TOLERANCE, difference)


def _bytes(array: NDArray[Any]) -> bytes:
    values = np.asarray(array, dtype="<f4")
    return np.where(np.isnan(values), np.float32(np.nan), values).astype("<f4").tobytes()
