"""The what-if simulation as a registered model: fitted to one patient's days for each question, run and kept as any."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from novamind import display
from novamind.audit.models import EventType
from novamind.audit.runs import model_run
from novamind.measures import Abstained
from novamind.registry.code import Code
from novamind.registry.inference import hash_of, keep, recall, runs_in_shadow
from novamind.registry.models import InferenceRecord
from patients.models import ConsentStream, Patient
from twins import changes as own_change
from twins.features import BIOMETRICS, SYMPTOMS, Daily, Floats, allowed_streams, daily_of

NAME: Final = "what-if"
#: Days that it is fitted to.
WINDOW_DAYS: Final = 120
#: What may be changed, in the order of an input's rows: of the night before the check-in.
DRIVERS: Final = ("sleep_duration", "midsleep")
STREAMS: Final = frozenset({ConsentStream.QUESTIONNAIRES, ConsentStream.ACTIGRAPHY})
#: Of an input: the days; the coming days and the changes; mood; then the drivers, then courses of medicines.
HEAD_ROWS: Final = 3
#: The same input gives the same draws.
SEED: Final = 20_270_301
_TWINS: Final = Path(__file__).parents[1]
#: The fit, the run, and the days they are given.
CODE: Final = Code(_TWINS / "features.py", _TWINS / "whatif" / "model.py", _TWINS / "science" / "whatif")
_MIN_PER_H: Final = 60
_EPOCH: Final = date(1970, 1, 1).toordinal()
_NAMES: Final = (*BIOMETRICS, *SYMPTOMS)


def prepare(patient: Patient, changes: Mapping[str, float], days: int) -> Callable[[], InferenceRecord]:
    """Fit and run now, and give back what writes the record within the caller's transaction.

    Raises
    ------
    Abstained
        not_promoted, weights_mismatch, consent_withheld; too_few_days, no_variation, indeterminate of the science and
        of :func:`require_own_baseline`. On record as decision support without answer.
    """
    told = EventType.CLINICAL_DECISION_SUPPORT
    with model_run(model=NAME, version=CODE.version, patients=[patient.pk], kind=told) as said:
        version = CODE.serving(NAME)
        if not allowed_streams(patient) >= STREAMS:
            raise Abstained("consent_withheld")
        daily = daily_of(patient, days=WINDOW_DAYS)
        array = input_for(daily, changes, days)
        found = recall(version, patient.pk, hash_of(array), shadow=runs_in_shadow(version))
        said.counted(computed=int(found is None), recalled=int(found is not None))
        if found is not None:
            return lambda: found
        begun = time.monotonic()
        answer = run(array)
        took_ms = (time.monotonic() - begun) * 1000
        require_own_baseline(daily)
    return lambda: keep(
        version=version, patient_id=patient.pk, array=array, window=daily.window, answer=answer, shadow=False,
        duration_ms=took_ms, code_version=CODE.version,
    )  # fmt: skip


def require_own_baseline(daily: Daily) -> None:
    """Refuse where mood is not, or is not known to be, where it was in the days fitted.

    The fit reverts to the mean of its days, so that its unchanged course would contradict the forecast beside it.

    Raises
    ------
    Abstained
        indeterminate where mood has left its own baseline; the reason of ``twins.changes`` where that is not watched.
    """
    lately = replace(daily, values=daily.values[:, -own_change.WINDOW_DAYS :])
    mood = own_change.run(own_change.input_of(lately))["features"]["mood"]
    if "abstained" in mood:
        raise Abstained.from_json(mood)
    if mood["changed"]:
        since = display.day(date.fromisoformat(mood["since"]))
        what = f"mood has left its own baseline since about {since}: the days before do not say how it would go on"
        raise Abstained("indeterminate", what=what)


def input_for(daily: Daily, changes: Mapping[str, float], days: int) -> NDArray[np.float32]:
    """(HEAD_ROWS + len(DRIVERS) + courses, WINDOW_DAYS): what the model is given; drivers not asked about are NaN."""
    values = dict(zip(_NAMES, daily.values, strict=True))
    drivers = {"sleep_duration": values["sleep_duration"] / _MIN_PER_H, "midsleep": values["midsleep"]}
    length = daily.values.shape[1]
    last = daily.last.toordinal() - _EPOCH
    asked = np.full(length, np.nan)
    asked[: 1 + len(DRIVERS)] = [days, *(changes.get(name, 0.0) for name in DRIVERS)]
    rows = [drivers[name] if name in changes else np.full(length, np.nan) for name in DRIVERS]
    head = [np.arange(last - length + 1, last + 1, dtype=float), asked, values["mood"]]
    return np.vstack([*head, *rows, daily.medication]).astype(np.float32)


def run(array: NDArray[np.float32]) -> dict[str, Any]:
    """The answer for one input, as it is kept; what ``registry.inference.replay`` runs again.

    Raises
    ------
    Abstained
        too_few_days, no_variation, indeterminate.
    """
    from twins.science.whatif import difference, fit_person

    rows = array.astype(np.float64)
    asked, mood = rows[1], rows[2]
    changes = {name: asked[1 + at] for at, name in enumerate(DRIVERS) if asked[1 + at]}
    drivers = {name: rows[HEAD_ROWS + DRIVERS.index(name)] for name in changes}
    courses = _varying(rows[HEAD_ROWS + len(DRIVERS) :], mood, drivers)
    rng = np.random.default_rng(SEED)
    fitted = fit_person(mood, drivers | courses, rng)
    found = difference(fitted, changes, days=int(asked[0]), rng=rng)
    bands = {"without": found.same, "with": found.changed}
    return {
        "low": found.low, "median": found.median, "high": found.high, "told": found.is_told, "days": found.days,
        "own_days": found.own_days, "fitted_days": fitted.days, "courses": len(courses),
        "usual": {name: float(np.nanmean(series)) for name, series in drivers.items()},
        "course": {
            name: dict(zip(("low", "median", "high"), band.tolist(), strict=True)) for name, band in bands.items()
        },
    }  # fmt: skip


def _varying(courses: Floats, mood: Floats, drivers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Courses of medicines that began or ended within the days fitted: taken out of mood beside the drivers."""
    known = np.all([np.isfinite(mood), *(np.isfinite(one) for one in drivers.values())], axis=0)
    rows = {f"course {at}": row for at, row in enumerate(courses)}
    return {name: row for name, row in rows.items() if known.any() and row[known].std() > 0}
