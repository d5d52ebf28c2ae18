"""The jobs of twins: a part each, refreshed by what is new, and every night."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, periodic, subscribes


@subscribes("recording.analyzed", key="twins.correlate:{patient_id}")
@subscribes("symptom.recorded", key="twins.correlate:{patient_id}")
@subscribes("consent.changed", key="twins.correlate:{patient_id}")
@subscribes("sources.reordered", key="twins.correlate:{patient_id}")
@subscribes("medication.prescribed", key="twins.correlate:{patient_id}")
@subscribes("medication.changed", key="twins.correlate:{patient_id}")
@subscribes("medication.stopped", key="twins.correlate:{patient_id}")
@job("twins.correlate", queue="ml")
def correlate(patient_id: UUID) -> Finish:
    """What moves with what, if the patient has a twin."""
    return _part(patient_id, "biometric_correlation")


@subscribes("symptom.recorded", key="twins.forecast:{patient_id}")
@subscribes("consent.changed", key="twins.forecast:{patient_id}")
@subscribes("medication.prescribed", key="twins.forecast:{patient_id}")
@subscribes("medication.changed", key="twins.forecast:{patient_id}")
@subscribes("medication.stopped", key="twins.forecast:{patient_id}")
@job("twins.forecast", queue="ml")
def forecast(patient_id: UUID) -> Finish:
    """What is likely next, if the patient has a twin."""
    return _part(patient_id, "symptom_forecast")


@subscribes("recording.analyzed", key="twins.watch:{patient_id}")
@subscribes("symptom.recorded", key="twins.watch:{patient_id}")
@subscribes("consent.changed", key="twins.watch:{patient_id}")
@subscribes("sources.reordered", key="twins.watch:{patient_id}")
@subscribes("medication.prescribed", key="twins.watch:{patient_id}")
@subscribes("medication.changed", key="twins.watch:{patient_id}")
@subscribes("medication.stopped", key="twins.watch:{patient_id}")
@job("twins.watch", queue="ml")
def watch(patient_id: UUID) -> Finish:
    """What has changed, if the patient has a twin."""
    return _part(patient_id, "early_warning")


@job("twins.what_if", queue="ml")
def what_if(what_if_id: UUID) -> Finish:
    """A question to a twin, answered."""
    from twins.models import WhatIf
    from twins.whatif.asking import answer

    return Finish(save=answer(WhatIf.objects.select_related("patient", "asked_by").get(pk=what_if_id)))


@job("twins.treatment", queue="ml")
def treatment(patient_id: UUID) -> Finish:
    """What is to be expected of courses that began lately."""
    from patients.models import Patient
    from twins.response.serving import prepare

    return Finish(save=prepare(Patient.objects.get(pk=patient_id)))


@periodic("twins.nightly", every=timedelta(days=1), offset=timedelta(hours=2))
def nightly() -> Finish:
    """A refresh for every twin that nothing has refreshed today: a day has passed for them too."""
    from novamind import clock
    from twins.services import ask_refresh, stale_twins

    waiting = sorted(stale_twins(clock.now()))
    return Finish(save=lambda: [ask_refresh(patient_id) for patient_id in waiting] and None)


@periodic("twins.purge", every=timedelta(days=1), offset=timedelta(hours=3))
def purge() -> Finish:
    """Inputs of superseded answers that have had their time are emptied."""
    from twins.purging import purge

    return Finish(save=purge())


def _part(patient_id: UUID, kind: str) -> Finish:
    from novamind.audit.recording import aggregates
    from patients.models import Patient
    from twins.models import Twin
    from twins.services import compute

    with aggregates():
        if not Twin.objects.filter(patient_id=patient_id).exists():
            return Finish()
    return Finish(
        save=compute(Patient.objects.get(pk=patient_id), kind), publish=[("twin.refreshed", {"patient_id": patient_id})]
    )
