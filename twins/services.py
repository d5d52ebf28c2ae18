"""Twins are made, refreshed and read here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.jobs.models import Job
from novamind.jobs.services import enqueue
from novamind.measures import Abstained
from novamind.registry.models import InferenceRecord
from patients.consent import allows
from patients.models import ConsentPurpose, ConsentStream, Patient
from twins import changes, correlations, forecasts
from twins.features import BIOMETRICS, MODELS_MAY, SYMPTOMS, allowed_streams
from twins.models import Component, Twin

#: kind -> the job that computes it; each is tried again, and fails, by itself.
JOBS: Final = {
    Component.Kind.FORECAST: "twins.forecast",
    Component.Kind.CORRELATION: "twins.correlate",
    Component.Kind.CHANGE: "twins.watch",
}
#: kind -> computes outside a transaction, and gives back what writes the record; or raises ``Abstained``.
PARTS: Final[dict[str, Callable[[Patient], Callable[[], InferenceRecord]]]] = {
    Component.Kind.FORECAST: forecasts.prepare,
    Component.Kind.CORRELATION: correlations.prepare,
    Component.Kind.CHANGE: changes.prepare,
}


class TwinExists(Exception):
    """The patient has a twin already."""


def create_twin(*, patient: Patient, by: User) -> Twin:
    """A twin, and the job that fills it.

    Raises
    ------
    TwinExists
        There is one; also where two ask at once.
    """
    try:
        with transaction.atomic():
            twin = Twin.objects.create(patient=patient, created_by=by)
    except IntegrityError:
        raise TwinExists from None
    note_object(EventType.CREATION, "twins.Twin", twin.pk)
    ask_refresh(patient.pk)
    return twin


def ask_refresh(patient_id: UUID) -> None:
    """Queue every part anew; one that waits already is enough."""
    for key, name in sorted((_key(name, patient_id), name) for name in JOBS.values()):
        enqueue(name, key=key, patient_id=patient_id)


def is_refreshing(patient_id: UUID) -> bool:
    """Whether a part waits or runs."""
    keys = [_key(name, patient_id) for name in JOBS.values()]
    return Job.objects.filter(key__in=keys, state__in=(Job.State.PENDING, Job.State.RUNNING)).exists()


def _key(name: str, patient_id: UUID) -> str:
    return f"{name}:{patient_id}"


def compute(patient: Patient, kind: str) -> Callable[[], Twin | None]:
    """A part of the twin anew, outside any transaction; gives back what writes the outcome.

    A part that fails leaves its last answer, dated; a part that abstains says why. Only what is new makes a version.
    """
    try:
        return partial(_store, patient, kind, PARTS[kind](patient))
    except Abstained as why:
        return partial(_store, patient, kind, why)


def _store(patient: Patient, kind: str, made: Callable[[], InferenceRecord] | Abstained) -> Twin | None:
    twin = Twin.objects.select_for_update().filter(patient=patient).first()
    if twin is None:
        return None
    record, why = (None, made) if isinstance(made, Abstained) else (made(), None)
    held = current(twin).get(kind)
    if held is None or not held.says_the_same(record, why):
        twin.version += 1
        Component.objects.create(
            patient=patient, twin=twin, kind=kind, since_version=twin.version, record=record,
            abstention=why.as_json() if why else None,
        )  # fmt: skip
    twin.updated_at = clock.now()
    twin.save(update_fields=["version", "updated_at"])
    return twin


def current(twin: Twin, version: int | None = None) -> dict[str, Component]:
    """The newest component of each kind, up to a version of the twin."""
    rows = Component.objects.filter(twin=twin).select_related("record__model_version").order_by("since_version")
    if version is not None:
        rows = rows.filter(since_version__lte=version)
    return {row.kind: row for row in rows}


def stale_twins(today: datetime) -> list[UUID]:
    """Patients whose twin has not been looked at since midnight, UTC: the rule of the nightly refresh."""
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    with aggregates():
        return list(Twin.objects.filter(updated_at__lt=midnight).values_list("patient_id", flat=True))


@dataclass(frozen=True)
class Shown:
    """A component as this moment's consents allow it to be shown."""

    component: Component | None
    why: Abstained | None


def shown(twin: Twin, kind: str) -> Shown:
    """The newest answer of a part; withheld at once when the patient withdraws what it cannot do without: what they
    say, or for changes, every stream."""
    if not _allowed(twin, kind):
        return Shown(None, Abstained("consent_withheld"))
    component = current(twin).get(kind)
    if component is None:
        return Shown(None, Abstained("waiting"))
    answer = component.answer
    return Shown(component, answer if isinstance(answer, Abstained) else None)


def is_allowed(kind: str, pairs: Collection[tuple[str, str]]) -> bool:
    """The same, of the (purpose, stream) that a patient is known to allow."""
    streams = {feature.stream for feature in (BIOMETRICS | SYMPTOMS).values()}
    wanted = streams if kind == Component.Kind.CHANGE else {ConsentStream.QUESTIONNAIRES}
    return any(all((purpose, stream) in pairs for purpose in MODELS_MAY) for stream in wanted)


def _allowed(twin: Twin, kind: str) -> bool:
    if kind == Component.Kind.CHANGE:
        return bool(allowed_streams(twin.patient) & {feature.stream for feature in (BIOMETRICS | SYMPTOMS).values()})
    purposes = (ConsentPurpose.TREATMENT, ConsentPurpose.MODELS)
    return all(allows(twin.patient_id, purpose, ConsentStream.QUESTIONNAIRES) for purpose in purposes)


def changes_shown(twin: Twin, shown: Shown) -> dict[str, Any]:
    """What was watched, less the series whose stream the patient has withdrawn since."""
    if shown.component is None or shown.why is not None:
        return {}
    answer, allowed = shown.component.answer, allowed_streams(twin.patient)
    withheld = Abstained("consent_withheld").as_json()
    streams = {name: feature.stream for name, feature in (BIOMETRICS | SYMPTOMS).items()}
    features = {name: one if streams[name] in allowed else withheld for name, one in answer["features"].items()}
    return answer | {"features": features}


def correlations_shown(twin: Twin, shown: Shown) -> dict[str, Any]:
    """The correlations, less the biometrics whose stream the patient has withdrawn since it was computed."""
    if shown.component is None or shown.why is not None:
        return {}
    answer, allowed = shown.component.answer, allowed_streams(twin.patient)
    withheld = Abstained("consent_withheld").as_json()
    hidden = {key for key, feature in BIOMETRICS.items() if feature.stream not in allowed}
    return {
        "courses": answer["courses"] if ConsentStream.MEDICATION in allowed else 0,
        "coverage": {key: share for key, share in answer["coverage"].items() if key not in hidden},
        "symptoms": {
            name: {key: withheld if key in hidden else one for key, one in results.items()}
            for name, results in answer["symptoms"].items()
        },
        "missing_with": {
            name: {key: value for key, value in one.items() if key not in hidden}
            for name, one in answer["missing_with"].items()
        },
    }
