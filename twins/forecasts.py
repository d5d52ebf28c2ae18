"""What is likely next of one patient: the forecaster in production, run on check-ins and kept as any model."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from novamind.audit.runs import Run, model_run
from novamind.measures import Abstained, Window
from novamind.registry.code import Code, in_production
from novamind.registry.inference import hash_of, keep, recall
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.models import MOST, Patient
from twins.features import SYMPTOMS, Floats, check_ins_of

NAME: Final = "symptom-forecaster"
SHIPPED: Final = Path(__file__).parent / "shipped"
FORECASTER: Final = "forecaster.npz"
#: Symptoms that a forecaster is judged for: as ratings of low mood. The others have no model, and say so.
FORECAST: Final = ("mood",)
#: Days ahead, days looked back on, and days reported below which nothing is said: those of the science, which a web
#: process does not load.
HORIZON: Final = 14
LOOKBACK: Final = 182
LEAST_DAYS: Final = 7
#: How a check-in is read by a forecaster of low mood, 0 (none) to 100: 10 is the best mood.
TURNED: Final = MappingProxyType({"mood": True})
PER_POINT: Final = 10.0
#: The interval called ``confidence`` over the API; the wider one stands beside it.
LEVELS: Final = ("80", "95")

CODE: Final = Code(Path(__file__).parent / "science" / "forecasting")

logger = logging.getLogger(__name__)


def prepare(patient: Patient) -> Callable[[], InferenceRecord]:
    """Compute now, and give back what writes the record within the caller's transaction.

    Versions in shadow get the same input, and write records that nobody is shown; what they lack disturbs nobody.

    Raises
    ------
    Abstained
        not_promoted, no_weights, weights_mismatch; too_few_days. On record as a run without answer.
    """
    version = in_production(NAME)
    with model_run(model=NAME, version=version.version, patients=[patient.pk]) as said:
        window, array = _input(patient)
        write = _ran(version, patient, window, array, said, shadow=False)
    on_trial = [_tried(one, patient, window, array) for one in _in_shadow()]

    def store() -> InferenceRecord:
        for trial in on_trial:
            trial()
        return write()

    return store


def _input(patient: Patient) -> tuple[Window, NDArray[np.float32]]:
    """The days looked back on, and what a version is given of them."""
    window, days = check_ins_of(patient, days=LOOKBACK)
    said_of = days[[list(SYMPTOMS).index(name) for name in FORECAST]]
    known = int(np.isfinite(said_of).sum(axis=1).max())
    if known < LEAST_DAYS:
        raise Abstained("too_few_days", needed=LEAST_DAYS, got=known)
    return window, np.vstack([_dated(window), said_of]).astype(np.float32)


def _ran(
    version: ModelVersion, patient: Patient, window: Window, array: NDArray[np.float32], said: Run, *, shadow: bool
) -> Callable[[], InferenceRecord]:
    found = recall(version, patient.pk, hash_of(array), shadow=shadow)
    said.counted(computed=int(found is None), recalled=int(found is not None))
    if found is not None:
        return lambda: found
    begun = time.monotonic()
    answer = runner(version)(array)
    took_ms = (time.monotonic() - begun) * 1000
    return lambda: keep(
        version=version, patient_id=patient.pk, array=array, window=window, answer=answer, shadow=shadow,
        duration_ms=took_ms, code_version=CODE.version,
    )  # fmt: skip


def _in_shadow() -> list[ModelVersion]:
    return list(ModelVersion.objects.filter(name=NAME, stage=ModelVersion.Stage.SHADOW).order_by("pk"))


def _tried(
    version: ModelVersion, patient: Patient, window: Window, array: NDArray[np.float32]
) -> Callable[[], InferenceRecord | None]:
    try:
        with model_run(model=NAME, version=version.version, patients=[patient.pk]) as said:
            return _ran(version, patient, window, array, said, shadow=True)
    except Exception as error:  # its run is on record as failed; the one that serves goes on
        logger.warning("a forecaster in shadow gave no answer (%s)", type(error).__name__)
        return lambda: None


def _dated(window: Window) -> Floats:
    """The days as numbers since 1970: the same answers on other days are another forecast."""
    last = (window.end - timedelta(hours=12)).toordinal() - date(1970, 1, 1).toordinal()
    return np.arange(last - LOOKBACK + 1, last + 1, dtype=float)


def runner(version: ModelVersion) -> Callable[[NDArray[np.float32]], dict[str, Any]]:
    """What turns an input into an answer by this version; what ``registry.inference.replay`` runs again.

    Raises
    ------
    Abstained
        no_weights, weights_mismatch.
    """
    forecaster, model = loaded(version.weights_file, version.weights_sha256)

    def run(array: NDArray[np.float32]) -> dict[str, Any]:
        rows = dict(zip(FORECAST, array[1:].astype(np.float64), strict=True))
        return {name: _answer(forecaster, model, name, row) for name, row in rows.items()}

    return run


@lru_cache(maxsize=4)
def loaded(weights_file: str, sha256: str) -> tuple[Any, str]:
    """A forecaster by its file and hash, and which of its models the card lets serve."""
    from twins.science.forecasting import ModelError, load_forecaster

    path = file_of(weights_file)
    if not path.is_file():
        raise Abstained("no_weights")
    try:
        forecaster = load_forecaster(path, sha256=sha256)
        return forecaster, str(json.loads(path.with_suffix(".card.json").read_text())["serves"])
    except (ModelError, OSError, ValueError, KeyError):
        raise Abstained("weights_mismatch") from None


def file_of(weights_file: str) -> Path:
    """Where a version's file lies: the one that is shipped beside the code, an operator's in the models folder."""
    return (SHIPPED if weights_file == FORECASTER else settings.PAT_WEIGHTS_DIR) / weights_file


def _answer(forecaster: Any, model: str, symptom: str, row: Floats) -> dict[str, Any]:
    """One symptom's forecast on its own scale, or why there is none."""
    try:
        made = forecaster.forecast(read_as_trained(symptom, row), model=model)
    except Abstained as why:
        return why.as_json()
    intervals = {level: _as_said(symptom, *made.intervals[level]) for level in LEVELS}
    points, _ = _as_said(symptom, made.points, made.points)
    return {
        "points": [float(value) for value in np.rint(points)],
        "low": {level: [float(value) for value in np.floor(low + 1e-9)] for level, (low, _) in intervals.items()},
        "high": {level: [float(value) for value in np.ceil(high - 1e-9)] for level, (_, high) in intervals.items()},
        "reliability": made.reliability,
        "days_known": made.points_known,
        "model": model,
        "parts": {"transformer": forecaster.weight, "xgboost": 1 - forecaster.weight} if model == "ensemble" else {},
    }


def read_as_trained(symptom: str, row: Floats) -> Floats:
    """A check-in's answers, any shape, as the ratings of low mood, 0 to 100, that forecasters learn from."""
    return (MOST - row if TURNED[symptom] else row) * PER_POINT


def _as_said(symptom: str, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Both ends back on the scale of the check-in; turned, the ends change places."""
    low, high = low / PER_POINT, high / PER_POINT
    return (MOST - high, MOST - low) if TURNED[symptom] else (low, high)
