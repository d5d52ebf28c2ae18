"""A question is kept, answered by a worker, and read as far as the patient allows it at that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.jobs.models import Job
from novamind.jobs.services import enqueue
from novamind.measures import Abstained
from patients.models import ConsentStream, Medication, Patient
from patients.vocabularies import drugs
from twins.features import allowed_streams
from twins.models import WhatIf
from twins.whatif import model
from twins.whatif.overlap import similar_patients

JOB: Final = "twins.what_if"
#: Measured: the last figure of ``python -m benchmarks whatif``; a lagged mood beside movement does not mend it.
NO_MOVEMENT: Final = Abstained(
    "indeterminate",
    what="low mood itself lowers movement: where movement has no effect, the model told one of 36 in 100 simulated "
    "people with depressions",
)
#: How many questions a page shows, the newest first.
SHOWN: Final = 3


def ask(*, patient: Patient, by: User, **asked: Any) -> WhatIf:
    """Keep a question and queue its answer; on record as decision support."""
    made = WhatIf.objects.create(patient=patient, asked_by=by, **asked)
    note_object(EventType.CLINICAL_DECISION_SUPPORT, "twins.WhatIf", made.pk)
    enqueue(JOB, key=_key(made), actor=by.pk, once=True, what_if_id=made.pk)
    return made


def _key(asked: WhatIf) -> str:
    return f"{JOB}:{asked.pk}"


def answer(asked: WhatIf) -> Callable[[], WhatIf]:
    """Compute now, outside any transaction, and give back what writes the answer."""
    patient = asked.patient
    try:
        if asked.drug:
            raise _no_drug(patient, asked.drug)
        if asked.activity_percent:
            raise NO_MOVEMENT
        made = model.prepare(patient, asked.changes, asked.days)
    except Abstained as why:
        stored = why.as_json()
        return lambda: _write(asked, abstention=stored)
    similar = _similar(patient, asked.asked_by, asked.changes)
    return lambda: _write(asked, record=made(), **similar)


def _no_drug(patient: Patient, drug: str) -> Abstained:
    """Why the model says nothing of a medicine. What is labelled under 42 CFR Part 2 is not asked for."""
    if ConsentStream.MEDICATION not in allowed_streams(patient):
        return Abstained("consent_withheld")
    name = drugs()[drug].name
    last = clock.now().astimezone(patient.tz).date()
    taken = any(
        one.state_on(last) == "current" or (one.ended_on and (last - one.ended_on).days <= model.WINDOW_DAYS)
        for one in Medication.objects.filter(patient=patient, drug=drug, entered_in_error=False, part2=False)
        if one.started_on <= last
    )
    if not taken:
        what = (
            f"none of the patient's last {model.WINDOW_DAYS} days was one with {name}, and the model knows no effect "
        )
        return Abstained("indeterminate", what=what + "of a medicine from anywhere else")
    return Abstained(
        "indeterminate",
        what=f"{name} was begun because of how the patient was, so that one patient's days cannot tell its effect from "
        "what would have come without it",
    )


def _similar(patient: Patient, user: Any, changes: Mapping[str, float]) -> dict[str, Any]:
    try:
        return {"similar": similar_patients(patient, user, changes)}
    except Abstained as why:
        return {"similar_why": why.as_json()}


def _write(asked: WhatIf, **found: Any) -> WhatIf:
    """Once: of two attempts the first one stands."""
    row = WhatIf.objects.select_for_update().get(pk=asked.pk)
    if row.answered_at is None:
        for name, value in found.items():
            setattr(row, name, value)
        row.answered_at = clock.now()
        row.save(update_fields=["answered_at", *found])
    return row


@dataclass(frozen=True)
class Answered:
    """A question with its answer as this moment's consents allow it: ``why`` where there is none."""

    asked: WhatIf
    found: dict[str, Any]
    why: Abstained | None
    similar: int | Abstained | None

    @property
    def is_waiting(self) -> bool:
        return self.why is not None and self.why.code == "waiting"


def shown(asked: WhatIf, allowed: set[str] | None = None) -> Answered:
    """What may be shown of it now: nothing of a stream that the patient has withdrawn since."""
    allowed = allowed_streams(asked.patient) if allowed is None else allowed
    needed = {ConsentStream.MEDICATION} if asked.drug else model.STREAMS
    if not allowed >= needed:
        return Answered(asked, {}, Abstained("consent_withheld"), None)
    if asked.answered_at is None:
        return Answered(asked, {}, Abstained("waiting" if is_answering(asked) else "failed"), None)
    if asked.record is None:
        return Answered(asked, {}, Abstained.from_json(asked.abstention or {}), None)
    if asked.record.output["courses"] and ConsentStream.MEDICATION not in allowed:
        return Answered(asked, {}, Abstained("consent_withheld"), None)
    similar = Abstained.from_json(asked.similar_why) if asked.similar is None else asked.similar
    return Answered(asked, asked.record.output, None, similar)


def is_answering(asked: WhatIf) -> bool:
    """Whether its job waits or runs."""
    return Job.objects.filter(key=_key(asked), state__in=(Job.State.PENDING, Job.State.RUNNING)).exists()


def newest(patient: Patient) -> list[Answered]:
    """The last questions of a patient's twin. A query for the consents of all, and one for each that waits."""
    rows = list(WhatIf.objects.filter(patient=patient).select_related("record__model_version", "asked_by")[:SHOWN])
    allowed = allowed_streams(patient) if rows else set()
    return [shown(one, allowed) for one in rows]
