"""The jobs of insights: what can be said of a patient, whenever something is new, and every night."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, periodic, subscribes

KEY = "insights.derive:{patient_id}"


@subscribes("recording.analyzed", key=KEY)
@subscribes("biometrics.synced", key=KEY)
@subscribes("sources.reordered", key=KEY)
@subscribes("symptom.recorded", key=KEY)
@subscribes("assessment.completed", key=KEY)
@subscribes("medication.prescribed", key=KEY)
@subscribes("medication.changed", key=KEY)
@subscribes("medication.stopped", key=KEY)
@subscribes("consent.changed", key=KEY)
@subscribes("twin.refreshed", key=KEY)
@job("insights.derive", queue="batch")
def derive(patient_id: UUID) -> Finish:
    """What can be said of this patient now."""
    from insights import services
    from patients.models import Patient

    patient = Patient.objects.filter(pk=patient_id, disposed_at__isnull=True).first()
    return Finish() if patient is None else Finish(save=services.derive(patient))


@periodic("insights.nightly", every=timedelta(days=1), offset=timedelta(hours=3))
def nightly() -> Finish:
    """A new day for every patient whom nothing has moved today: a week has moved on for them too."""
    from insights.services import stale_patients
    from novamind import clock
    from novamind.jobs.services import enqueue

    waiting = stale_patients(clock.now())
    return Finish(
        save=lambda: (
            [enqueue("insights.derive", key=KEY.format(patient_id=one), patient_id=one) for one in waiting] and None
        )
    )
