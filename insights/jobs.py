"""The jobs of insights: what can be said of a patient and what alert rules find, when something is new and nightly."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, periodic, subscribes

if TYPE_CHECKING:
    from insights.models import Standing

KEY = "insights.derive:{patient_id}"
RULES_KEY = "insights.alert_rules:{patient_id}"


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
    """What can be said of this patient now, and the days that the cohort page shows."""
    from insights import services
    from insights.cohort import days_to_keep
    from patients.models import Patient

    patient = Patient.objects.filter(pk=patient_id, disposed_at__isnull=True).first()
    if patient is None:
        return Finish()
    say, keep = services.derive(patient), days_to_keep(patient)

    def save() -> Standing:
        keep()
        return say()

    return Finish(save=save)


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


@subscribes("recording.analyzed", key=RULES_KEY)
@subscribes("biometrics.synced", key=RULES_KEY)
@subscribes("symptom.recorded", key=RULES_KEY)
@subscribes("assessment.completed", key=RULES_KEY)
@subscribes("consent.changed", key=RULES_KEY)
@subscribes("twin.refreshed", key=RULES_KEY)
@job("insights.alert_rules", queue="default")
def alert_rules(patient_id: UUID) -> Finish:
    """What the alert rules find of this patient now; each episode alerts once."""
    from insights.alerting.services import ask_rules
    from patients.models import Patient

    patient = Patient.objects.filter(pk=patient_id, disposed_at__isnull=True).first()
    return Finish() if patient is None else Finish(save=ask_rules(patient))


@periodic("insights.nightly_rules", every=timedelta(days=1), offset=timedelta(hours=4))
def nightly_rules() -> Finish:
    """A day is over for everybody whom a rule that is on may find."""
    from insights.alerting.services import patients_with_rules
    from novamind.jobs.services import enqueue

    waiting = patients_with_rules()
    return Finish(
        save=lambda: (
            [enqueue("insights.alert_rules", key=RULES_KEY.format(patient_id=one), patient_id=one) for one in waiting]
            and None
        )
    )


@job("insights.try_rule", queue="default")
def try_rule(trial_id: UUID) -> Finish:
    """What a rule would have alerted to in the last 90 days."""
    from insights.alerting.services import run_trial
    from insights.models import RuleTrial

    return Finish(save=run_trial(RuleTrial.objects.get(pk=trial_id)))


@job("insights.research_export", queue="batch", time_limit_s=900)
def research_export(export_id: UUID) -> Finish:
    """A de-identified file of the patients who allow research."""
    from insights.models import ResearchExport
    from insights.research_exports import make_export

    export = ResearchExport.objects.select_related("by").get(pk=export_id)
    return Finish() if export.state != ResearchExport.State.WAITING else Finish(save=make_export(export))


@periodic("insights.delete_research_exports", every=timedelta(hours=1))
def delete_research_exports() -> Finish:
    """Files for research whose time is over."""
    from insights.research_exports import delete_ended

    return Finish(save=delete_ended())


@job("insights.draft_note")
def draft_note(note_id: UUID, user_id: UUID) -> Finish:
    """Sentences for a note, for its author, who reads them before anything becomes of them."""
    from insights.models import EncounterNote
    from insights.notes.drafting import draft
    from novamind.accounts.models import User

    by = User.objects.get(pk=user_id)
    note = EncounterNote.objects.changeable_by(by).filter(pk=note_id).select_related("patient").first()
    return Finish() if note is None else Finish(save=draft(note, by=by))
