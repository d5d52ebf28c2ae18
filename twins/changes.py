"""What has changed of one patient: their own days against their own weeks before, run and kept as any model.

The Brief and its alert rules ask the same function of the same days (``insights.rules.series``).

It says "change" and nothing of what follows from it: no relapse is predicted, and no alert is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from novamind.audit.runs import model_run
from novamind.measures import Abstained, Window
from novamind.registry.code import Code
from novamind.registry.inference import hash_of, keep, recall, runs_in_shadow
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.models import Patient
from twins.features import BIOMETRICS, SYMPTOMS, Daily, daily_of

NAME: Final = "own-change"
FEATURES: Final = (*BIOMETRICS, *SYMPTOMS)
#: Days before and days watched: those of the science, which a web process does not load.
BASELINE_DAYS: Final = 91
LATELY_DAYS: Final = 28
WINDOW_DAYS: Final = BASELINE_DAYS + LATELY_DAYS
LEAST_BASELINE: Final = 28
#: Of an input, before the series: the days, and the alert load.
HEAD_ROWS: Final = 2
_HERE: Final = Path(__file__).parent
#: The test, and the days it is given.
CODE: Final = Code(
    _HERE / "features.py", _HERE / "changes.py", _HERE / "science" / "correlation" / "whitening.py",
    _HERE / "science" / "change",
)  # fmt: skip
_EPOCH: Final = date(1970, 1, 1).toordinal()


def prepare(patient: Patient) -> Callable[[], InferenceRecord]:
    """Compute now, and give back what writes the record within the caller's transaction.

    Raises
    ------
    Abstained
        not_promoted, weights_mismatch; too_few_days where no series has a baseline. On record as a run without answer.
    """
    with model_run(model=NAME, version=CODE.version, patients=[patient.pk]) as said:
        version = CODE.serving(NAME)
        daily = daily_of(patient, days=WINDOW_DAYS)
        known = int((~np.isnan(daily.values[:, :BASELINE_DAYS])).sum(axis=1).max())
        if known < LEAST_BASELINE:
            raise Abstained("too_few_days", needed=LEAST_BASELINE, got=known)
        array = input_of(daily)
        found = recall(version, patient.pk, hash_of(array), shadow=runs_in_shadow(version))
        said.counted(computed=int(found is None), recalled=int(found is not None))
        if found is not None:
            return lambda: found
        return _kept(version, patient, daily.window, array)


def input_of(daily: Daily) -> NDArray[np.float32]:
    """The days as numbers since 1970, the clinic's alert load, and the series."""
    last = daily.last.toordinal() - _EPOCH
    days = np.arange(last - WINDOW_DAYS + 1, last + 1, dtype=float)
    load = np.full(WINDOW_DAYS, settings.CHANGE_ALERT_LOAD)
    return np.vstack([days, load, daily.values]).astype(np.float32)


def _kept(version: ModelVersion, patient: Patient, window: Window, array: NDArray[np.float32]) -> Any:
    begun = time.monotonic()
    answer = run(array)
    took_ms = (time.monotonic() - begun) * 1000
    return lambda: keep(
        version=version, patient_id=patient.pk, array=array, window=window, answer=answer, shadow=False,
        duration_ms=took_ms, code_version=CODE.version,
    )  # fmt: skip


def run(array: NDArray[np.float32]) -> dict[str, Any]:
    """The answer for one input, as it is kept; what ``registry.inference.replay`` runs again."""
    from twins.science.change import watch

    days, load, values = array[0], float(array[1, 0]), array[HEAD_ROWS:].astype(np.float64)
    watched = watch(dict(zip(FEATURES, values, strict=True)), load=load)
    return {
        "load": load,
        "limit": watched.limit,
        "watched": watched.watched,
        "features": {name: _stored(one, days) for name, one in watched.series.items()},
    }


def _stored(found: Any, days: NDArray[np.float32]) -> dict[str, Any]:
    if isinstance(found, Abstained):
        return found.as_json()
    since = None if found.since is None else date.fromordinal(_EPOCH + int(days[BASELINE_DAYS + found.since]))
    return {
        "changed": found.changed, "since": since.isoformat() if since else None, "by": found.by, "now": found.now,
        "median": found.median, "mad": found.mad, "sum": float(max(found.rising[-1], found.falling[-1])),
        "known_before": found.known_before, "known_lately": found.known_lately,
    }  # fmt: skip
