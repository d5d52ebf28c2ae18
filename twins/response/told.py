"""What is expected of a course, as page and API tell it."""

from __future__ import annotations

from typing import Any, Final

from novamind import clock
from novamind.measures import Abstained
from patients.consent import allows
from patients.models import Patient
from patients.treatment.services import MEDICATION
from twins.response.serving import Answer, Expected, expected, instrument_of
from twins.science.treatment import TARGETS

DISCLAIMER: Final = (
    "Learnt from other courses of this clinic: how often it went so when people like this began, and no effect of the "
    "drug. It is no advice, and no score of suicide."
)
NO_COURSE: Final = Abstained(
    "indeterminate", what="no course of a coded drug that goes on began on a known day of the last 12 weeks"
)


def response_as_told(patient: Patient) -> dict[str, Any]:
    """The API's form."""
    found, why = _found(patient)
    return {
        "patient_id": patient.pk,
        "courses": [_course(one) for one in found],
        "disclaimer": DISCLAIMER,
        "generated_at": clock.now(),
        "abstentions": {"courses": why.as_json()} if why else {},
    }


def _found(patient: Patient) -> tuple[list[Expected], Abstained | None]:
    """The courses, or why none is told."""
    if not allows(patient, *MEDICATION):
        return [], Abstained("consent_withheld")
    found = expected(patient)
    return found, None if found else NO_COURSE


def _course(one: Expected) -> dict[str, Any]:
    silent = {target: why.as_json() for target, answer in one.said.items() if (why := _why(answer))}
    return {
        "medication_id": one.course.pk,
        "medication": one.course.name,
        "started_on": one.course.started_on,
        "predictions": {target: _prediction(target, answer) for target, answer in one.said.items()},
        "abstentions": silent,
    }


def _why(answer: Answer) -> Abstained | None:
    return answer if isinstance(answer, Abstained) else None


def _prediction(target: str, answer: Answer) -> dict[str, Any] | None:
    if isinstance(answer, Abstained):
        return None
    told = TARGETS[target]
    return {
        "value": answer.output["value"], "low": answer.output.get("low"), "high": answer.output.get("high"),
        "unit": told.unit, "definition": told.definition, "instrument": instrument_of(answer),
        "model_version": answer.model_version.version, "record_id": answer.pk,
    }  # fmt: skip


def response_context(patient: Patient) -> dict[str, Any]:
    """The page's section."""
    found, why = _found(patient)
    answers = [answer for one in found for answer in one.said.values()]
    return {
        "targets": list(TARGETS.values()),
        "disclaimer": DISCLAIMER,
        "why": why,
        "courses": [{"course": one.course, "said": [_cell(*pair) for pair in one.said.items()]} for one in found],
        # Nothing to ask for where no model is in production.
        "askable": any(not isinstance(one, Abstained) or one.code != "not_promoted" for one in answers),
    }


def _cell(target: str, answer: Answer) -> dict[str, Any]:
    told = TARGETS[target]
    about = {"label": told.label, "why": _why(answer), "probability": told.is_probability}
    if isinstance(answer, Abstained):
        return about
    scored = instrument_of(answer) if target != "risk" else ""  # an early stop is no total of any questionnaire
    return about | {"record": answer, "said": answer.output, "instrument": scored}
