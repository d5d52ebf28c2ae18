"""The jobs of medication: rules against drugs that are taken, looked for again when anything of it changes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, periodic, subscribes


@subscribes("medication.prescribed", key="twins.watch_medication:{patient_id}")
@subscribes("medication.changed", key="twins.watch_medication:{patient_id}")
@subscribes("medication.stopped", key="twins.watch_medication:{patient_id}")
@subscribes("genotype.recorded", key="twins.watch_medication:{patient_id}")
@subscribes("consent.changed", key="twins.watch_medication:{patient_id}")
@job("twins.watch_medication")
def watch_medication(patient_id: UUID) -> Finish:
    """What rules say against the drugs that are taken now: an alert for each, ended when it is no longer so."""
    from patients.models import Patient
    from twins.medication.watching import watch

    return Finish(save=lambda: watch(Patient.objects.get(pk=patient_id)))


@subscribes("medication_rules.changed", key="twins.watch_medications")
@periodic("twins.watch_medications", every=timedelta(days=1), offset=timedelta(hours=4))
def watch_medications() -> Finish:
    """The same of everybody who takes something: a course has begun, a drug has left the body, a rule is new."""
    from novamind.audit.recording import aggregates
    from novamind.jobs.services import enqueue
    from patients.models import Medication

    with aggregates():
        taking = Medication.objects.filter(entered_in_error=False, patient__disposed_at__isnull=True)
        patients = sorted(set(taking.values_list("patient_id", flat=True)))

    def ask() -> None:
        for one in patients:
            enqueue("twins.watch_medication", key=f"twins.watch_medication:{one}", patient_id=one)

    return Finish(save=ask)
