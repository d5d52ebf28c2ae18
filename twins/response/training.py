"""Courses to train on, of simulated people or of the clinic's own; and the card of what was trained on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np

from novamind import clock
from novamind.audit.recording import aggregates
from novamind.registry.cards import figure, not_available
from novamind.registry.code import Code
from novamind.simulator import simulate_courses
from novamind.simulator.courses import APART, DAYS_BEFORE, LONGEST
from patients.consent import allowing
from patients.models import Patient
from twins.datasets import PURPOSES
from twins.response.charts import NEEDED, chart_of
from twins.science.treatment import (
    INSTRUMENTS,
    NAMES,
    TARGETS,
    Chart,
    Course,
    Phenotype,
    Rows,
    Total,
    TreatmentModel,
    crossed,
    features_of,
    fit,
    target_of,
)

SYNTHETIC_ONLY: Final = (
    "SYNTHETIC: it was trained on simulated people only, to prove that training and serving work. It says nothing of "
    "any real person and serves for none."
)
NO_SUICIDE: Final = "It is no score of suicide: item 9 of PHQ-9 and C-SSRS are neither asked nor told."
SIMULATED_INSTRUMENT: Final = "phq9"
CODE: Final = Code(Path(__file__).parents[1] / "science" / "treatment")
_FIRST: Final = date(2020, 1, 1)
_ASKED_AFTER: Final = timedelta(days=70)
_NO_CHANCE: Final = {
    True: ("Brier skill against the base rate",),
    False: ("absolute error less than the mean's", "absolute error less than a line on the baseline's"),
}


@dataclass(frozen=True)
class Material:
    """Charts of people, which courses of theirs are learnt from, and where they come from."""

    charts: tuple[Chart, ...]
    instrument: str
    simulated: bool
    source: dict[str, Any]

    def rows(self, target: str) -> Rows:
        """The courses of which the target is known."""
        found = [
            (features_of(chart, course), told, person)
            for person, chart in enumerate(self.charts)
            for course in chart.courses
            if (told := target_of(target, chart, course)) is not None
        ]
        x = np.array([row for row, _, _ in found]).reshape(-1, len(NAMES))
        return Rows(x, np.array([told for _, told, _ in found]), np.array([who for _, _, who in found], dtype=np.int64))


def simulated(people: int, *, seed: int, effect: float = 1.0) -> Material:
    """Courses of simulated people."""
    source = {"who": "SYNTHETIC people with known chances", "seed": seed, "effect": effect}
    return Material(tuple(_simulated(people, seed, effect)), SIMULATED_INSTRUMENT, simulated=True, source=source)


def of_clinic(instrument: str) -> Material:
    """Courses of every patient who lets models use medication and questionnaires now.

    The charts stay in memory: the model's file holds trees and counts, and nobody.
    """
    asked, allowed = _who()
    charts = []
    for pk in allowed:
        charts.append(chart_of(Patient.objects.get(pk=pk), instrument)[0])
    source = {
        "who": "patients of this clinic who allow models", "asked": asked, "allowed": len(allowed),
        "trained_in": clock.now().year,
    }  # fmt: skip
    return Material(tuple(charts), instrument, simulated=False, source=source)


def _who() -> tuple[int, list[UUID]]:
    """How many charts there are, and whose patients allow it."""
    with aggregates():
        everybody = set(Patient.objects.filter(disposed_at=None).values_list("pk", flat=True))
    allowed = everybody
    for stream in NEEDED:
        for purpose in PURPOSES:
            allowed = allowing(allowed, purpose, stream)
    return len(everybody), sorted(allowed)


def _simulated(people: int, seed: int, effect: float) -> Iterator[Chart]:
    made = simulate_courses(people, seed, effect=effect)
    for person in range(people):
        yield _chart_of(made, np.flatnonzero(made.person == person))


def _chart_of(made: Any, rows: Iterable[int]) -> Chart:
    rows = list(rows)
    starts = [_FIRST + timedelta(days=DAYS_BEFORE + APART * int(made.number[row])) for row in rows]
    courses, totals = [], []
    days = np.full((4, (starts[-1] - _FIRST).days + 1), np.nan)
    for row, start in zip(rows, starts, strict=True):
        ended = start + timedelta(days=int(made.stopped_after[row]))
        reason = str(made.stop_reason[row])
        courses.append(Course(str(made.drug_class[row]), start, ended, reason, stopped=True))
        totals.append(Total(start, float(made.baseline[row])))
        if np.isfinite(made.later[row]):
            totals.append(Total(start + _ASKED_AFTER, float(made.later[row])))
        at = (start - _FIRST).days - DAYS_BEFORE
        days[:, at : at + DAYS_BEFORE] = made.before[row]
    return Chart(
        instrument=SIMULATED_INSTRUMENT,
        born=starts[0] - timedelta(days=round(365.25 * float(made.age[rows[0]]))),
        seen_until=starts[-1] + timedelta(days=LONGEST),
        totals=tuple(totals),
        courses=tuple(courses),
        phenotypes=(Phenotype("CYP2C19", f"{made.speed[rows[0]]} metabolizer", _FIRST),),
        first=_FIRST,
        days=days,
    )


def train(material: Material, target: str, *, seed: int, threads: int = 1) -> TreatmentModel:
    """A model with its card, judged by people who had trained nothing of what was asked.

    Raises
    ------
    TooFew
    """
    rows = material.rows(target)
    judged = crossed(rows, target, seed=seed, threads=threads)
    fitted = fit(rows, target, seed=seed, threads=threads)
    return TreatmentModel(
        fitted, material.instrument, card_of(material, target, rows, judged.figures(target, seed=seed), seed)
    )


def card_of(material: Material, target: str, rows: Rows, found: dict[str, Any], seed: int) -> dict[str, Any]:
    """What was trained, on whom, how well, and what it is not."""
    told = TARGETS[target]
    kind = "simulated people (SYNTHETIC)" if material.simulated else "people of this clinic"
    population = f"{len(rows.y)} courses of {rows.people} {kind}, each asked of trees that had not seen the person"
    data = {
        "simulated": material.simulated, "people": rows.people, "courses": len(rows.y),
        "charts": len(material.charts), **material.source,
    }  # fmt: skip
    if told.is_probability:
        data["with_it"] = int(rows.y.sum())
    said = {
        "model": f"{told.label} of a course (XGBoost)",
        "target": told.definition,
        "unit": told.unit,
        "instrument": INSTRUMENTS[material.instrument],
        "features": list(NAMES),
        "is_not": _is_not(material.simulated),
        "data": data,
        "seed": seed,
        "figures": [
            figure(
                name, three["value"], low=three["low"], high=three["high"], n=rows.people, population=population,
                how="5 folds by person, 95 % drawing people again",
            )
            for name, three in found.items()
        ],
        "code_version": CODE.version,
    }  # fmt: skip
    return said | {"better": is_better(target, said["figures"])}


def _is_not(synthetic: bool) -> list[str]:
    return [NO_SUICIDE, *([SYNTHETIC_ONLY] if synthetic else [])]


def is_better(target: str, figures: Iterable[dict[str, Any]]) -> bool:
    """Whether the figures leave no chance that saying the same of everybody is as good."""
    low = {one["metric"]: one["low"] for one in figures}
    return all(low.get(name, 0.0) > 0 for name in _NO_CHANCE[TARGETS[target].is_probability])


def training_of(said: dict[str, Any]) -> str:
    """Who trained it, for the registry."""
    data = said["data"]
    return f"{data['who']}; {data['courses']} courses of {data['people']} people"


def registry_card(said: dict[str, Any]) -> dict[str, Any]:
    """The card as the registry asks for it."""
    synthetic = said["data"]["simulated"] is not False
    nobody = not_available("Simulated people have no demography." if synthetic else "Kept out of the training data.")
    not_yet = not_available("It has not been judged on people of another source, nor used here yet.")
    none = not_available("None: demography beside age is no input.")
    return {
        "does": f"Says of a course of a medicine on the day it starts: {said['target']}.",
        "must_not": " ".join(["It must not start, stop or refuse a treatment by itself.", *_is_not(synthetic)]),
        "licence": "As Novamind's: Apache-2.0",
        "citation": not_available("Nothing is published about it; docs/treatment-models.md describes it."),
        "developer": "Novamind, with manage.py train_treatment_model.",
        "funding": not_available("Nobody funded it."),
        "output_value": f"{said['unit'].capitalize()}; totals are those of {said['instrument']}.",
        "output_type": "Prediction",
        "intended_use": "Talking about what may come of a course when it begins.",
        "intended_population": "Patients who begin a course and allow models to use questionnaires and medication.",
        "intended_users": "Clinicians who advise on medication.",
        "decision_role": "Informs; a clinician decides.",
        "cautioned_use": "Comparing drugs: who was given which was not left to chance, so differences are no effects.",
        "known_limits": "Courses of which the target is not known trained nothing. An association, never a cause.",
        "training_criteria": f"{training_of(said)}, of whom the target is known.",
        "demographic_inputs": "Age.",
        "training_demographics": nobody,
        "training_relevance": "None is claimed for real patients." if synthetic else "The clinic's own courses.",
        "fairness_approach": none,
        "bias_approach": not_available("None beside keeping people apart."),
        "external_data": not_yet, "external_party": not_yet, "external_demographics": not_yet,
        "external_process": not_yet,
        "validity_internal": said["figures"],
        "fairness_internal": nobody,
        "validity_external": not_yet, "fairness_external": nobody,
        "outcomes": not_available("No study of its use on outcomes is known to us."),
        "validity_monitoring": not_available("Not monitored yet."),
        "validity_local": not_available("It has not been used here yet."),
        "fairness_monitoring": not_available("Not monitored yet."),
        "fairness_local": not_available("It has not been used here yet."),
        "update_process": "Never by itself: an operator trains another file, and a person with the right promotes it.",
        "correction_process": "Retiring a version takes effect at once; nothing is said then.",
    }  # fmt: skip
