"""What moves with what, of one patient: the lagged correlation as a registered model, run and kept as any."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from novamind.audit.runs import model_run
from novamind.measures import Abstained
from novamind.registry.code import Code
from novamind.registry.inference import hash_of, keep, recall, runs_in_shadow
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.models import Patient
from twins.features import BIOMETRICS, SYMPTOMS, Daily, daily_of
from twins.science.pairs import LEAST_PAIRS

NAME: Final = "lagged-correlation"
#: Days looked at: with fewer than sixty pairs a finding can only be exploratory.
WINDOW_DAYS: Final = 90
_HERE: Final = Path(__file__).parent
#: The test, and the days it is given.
CODE: Final = Code(
    _HERE / "features.py", _HERE / "correlations.py", _HERE / "science" / "pairs.py", _HERE / "science" / "correlation"
)


def prepare(patient: Patient) -> Callable[[], InferenceRecord]:
    """Compute now, and give back what writes the record within the caller's transaction.

    Raises
    ------
    Abstained
        not_promoted, weights_mismatch; too_few_pairs where no check-in is known. On record as a run without answer.
    """
    with model_run(model=NAME, version=CODE.version, patients=[patient.pk]) as said:
        version = CODE.serving(NAME)
        daily = daily_of(patient, days=WINDOW_DAYS)
        array = np.vstack([daily.values, daily.medication]).astype(np.float32)
        if np.isnan(daily.values[len(BIOMETRICS) :]).all():
            raise Abstained("too_few_pairs", needed=LEAST_PAIRS, got=0)
        found = recall(version, patient.pk, hash_of(array), shadow=runs_in_shadow(version))
        said.counted(computed=int(found is None), recalled=int(found is not None))
        if found is not None:
            return lambda: found
        return _kept(version, patient, daily, array)


def _kept(version: ModelVersion, patient: Patient, daily: Daily, array: NDArray[np.float32]) -> Any:
    begun = time.monotonic()
    answer = run(array)
    took_ms = (time.monotonic() - begun) * 1000
    return lambda: keep(
        version=version, patient_id=patient.pk, array=array, window=daily.window, answer=answer, shadow=False,
        duration_ms=took_ms, code_version=CODE.version,
    )  # fmt: skip


def run(array: NDArray[np.float32]) -> dict[str, Any]:
    """The answer for one input, as it is kept; what ``registry.inference.replay`` runs again."""
    from twins.science.correlation import correlate, judged_together, missing_with

    days = array.astype(np.float64)
    biometrics = dict(zip(BIOMETRICS, days, strict=False))
    symptoms = dict(zip(SYMPTOMS, days[len(BIOMETRICS) :], strict=False))
    courses = days[len(BIOMETRICS) + len(SYMPTOMS) :].T
    tested = {
        (name, key): result
        for name, symptom in symptoms.items()
        for key, result in correlate(biometrics, symptom, steps=courses).items()
    }
    judged = judged_together(tested)  # the page shows them together
    found = {name: {key: judged[name, key] for key in biometrics} for name in symptoms}
    bias = {
        name: {key: missing_with(series, symptom) for key, series in biometrics.items()}
        for name, symptom in symptoms.items()
    }
    return {
        "coverage": {name: float(np.mean(~np.isnan(series))) for name, series in (biometrics | symptoms).items()},
        "symptoms": {name: {key: _stored(one) for key, one in results.items()} for name, results in found.items()},
        "courses": courses.shape[1],
        "missing_with": {
            name: {key: value for key, value in one.items() if value is not None} for name, one in bias.items()
        },
    }


def _stored(result: Any) -> dict[str, Any]:
    if isinstance(result, Abstained):
        return result.as_json()
    return {
        "lag": result.lag, "r": result.r, "low": result.low, "high": result.high, "n": result.n, "p": result.p,
        "q": result.q, "raw": _number(result.raw), "by_lag": [_number(r) for r in result.by_lag],
        "found": result.is_found, "exploratory": result.is_exploratory,
    }  # fmt: skip


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
