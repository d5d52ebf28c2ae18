"""Rows of every kind, written straight to their tables: what a chart and the rooms around it hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

#: The cast's patient by name, number, contact, birth date, device, file or result; no random id looks like one.
CANARIES = re.compile(
    rb"(?i)zqx(first|last|-mrn|7781|-serial|file|output)|4799977810|1931-02-17|17 feb(ruary)? 1931|feb\.? 17, 1931"
)
START = datetime(2027, 3, 1, 11, tzinfo=UTC)
RHYTHM_ABSTAINED = {"abstained": "too_few_days", "reason": "1 valid days; 5 needed", "needed": 5, "got": 1}


def fill_chart(patient: Any, *, recordings: int = 1) -> SimpleNamespace:
    """Recordings of one day for this patient, each with its signal, analysis and night."""
    import numpy as np

    from actigraphy.models import Analysis, Night, Recording, Signal, Source
    from actigraphy.numbers import RHYTHM
    from actigraphy.signals import pack

    made = SimpleNamespace()
    for number in range(recordings):
        start = START + timedelta(days=number)
        end = start + timedelta(days=1)
        made.source = Source.objects.create(
            patient=patient, kind="recording", device_type="actiwatch", device_serial="ZQX-SERIAL"
        )
        made.recording = Recording.objects.create(
            patient=patient, source=made.source, sha256=uuid4().hex * 2, size=1, file_name="Zqxfile.awd",
            storage_name="nowhere", file_key=b"", format="actiwatch_awd", zone="Europe/Oslo", start=start, end=end,
            epoch_s=60, state="analyzed",
        )  # fmt: skip
        made.signal = Signal.objects.create(
            patient=patient, source=made.source, channel="activity", day=start.date(), start=start, epoch_s=60,
            samples=pack(np.ones(60, dtype=np.float32)), valid=60,
        )  # fmt: skip
        made.analysis = Analysis.objects.create(
            patient=patient, source=made.source, window_start=start, window_end=end, zone="Europe/Oslo",
            device_type="actiwatch", methods={"sleep": "Oakley"}, input_hash=uuid4().hex * 2, code_version="0",
            results={
                "rhythm": dict.fromkeys(RHYTHM, RHYTHM_ABSTAINED),
                "quality": {"minutes": 1440, "worn_minutes": 1440, "valid_days": 1, "days": [], "gaps": []},
                "rest": [],
                "epoch_s": 60,
                "pat": {"abstained": "no_weights", "reason": "no model weights are installed"},
            },
        )  # fmt: skip
        made.night = Night.objects.create(
            patient=patient, analysis=made.analysis, date=date(2027, 3, 1) + timedelta(days=number),
            onset=start + timedelta(hours=11), offset=start + timedelta(hours=19), tst_min=411.0, sol_min=9.0,
            waso_min=60.0, efficiency=0.83, midsleep=3.2, awakenings=4, method="Oakley",
        )  # fmt: skip
    return made


def one_of_everything(patient: Any) -> SimpleNamespace:
    """This patient's chart, and ``rows``: a row of every model by ``app_model``."""
    from allauth.socialaccount.models import SocialAccount
    from auditlog.models import LogEntry
    from django.contrib.auth.models import Group

    from novamind.accounts.models import DeviceToken, SignIn, TokenFamily, User
    from novamind.audit.models import (
        ActivityReview,
        Anchor,
        AuditEvent,
        AuditEventPatient,
        ChainCheck,
        Change,
        Reconciliation,
        Seal,
    )
    from novamind.compliance.models import Affected, CheckResult, Finding, Incident
    from novamind.jobs.models import AdminAlert, Job
    from novamind.phi import vault
    from novamind.phi.detection import Kind
    from novamind.phi.models import DataKey, ErasedFile, PhiScan, PhiToken
    from novamind.registry.models import InferenceRecord, ModelVersion, StageChange
    from novamind.throttle.models import Attempts
    from patients.models import (
        CareAssignment,
        CareTeam,
        Consent,
        EmergencyAccess,
        Grant,
        Membership,
        PsychotherapyAuthorization,
        PsychotherapyNote,
    )

    made = fill_chart(patient)
    made.patient = patient
    made.job = Job.objects.create(kind="actigraphy.analyze", key="k", queue="ml", state="failed", pipeline_id=uuid4())
    made.alert = AdminAlert.objects.create(job=made.job)
    made.event = AuditEvent.objects.create(
        event_type="API_ACCESS", actor_label="x", role="", action="a", outcome="success", purpose="TREAT",
        request_id="r", app_version="0",
    )  # fmt: skip
    made.event_patient = AuditEventPatient.objects.create(event=made.event, patient_id=patient.pk, at=made.event.at)
    made.seal = Seal.objects.create(seq=10**6, event_id=made.event.pk, mac=b"0" * 32)
    made.version = ModelVersion.objects.create(
        name="PAT-S", version="1", kind="encoder", weights_sha256="0" * 64, weights_file="w.h5", code_version="0",
        created_by="a",
    )  # fmt: skip
    made.stage_change = StageChange.objects.create(version=made.version, to_stage="draft", by="a", reason="new")
    made.inference = InferenceRecord.objects.create(
        patient_id=patient.pk, model_version=made.version, input_hash="0" * 64, input_array=b"", input_shape=[0],
        window_start=START, window_end=START, output={"secret": "Zqxoutput"}, code_version="0",
    )  # fmt: skip
    made.consent = Consent.objects.create(
        patient=patient, purpose="treatment", stream="actigraphy", given=True, how="written", remark="Zqxoutput",
    )  # fmt: skip
    stranger = User.objects.create_user("stranger@clinic.test")
    made.access = EmergencyAccess.objects.create(
        patient=patient, user=stranger, reason="covering", explanation="Covering, nobody answers.", opened_at=START,
        ends_at=START + EmergencyAccess.LASTS,
    )  # fmt: skip
    author = User.objects.filter(email="psychiatrist@clinic.test").first() or stranger
    made.note = PsychotherapyNote.objects.create(patient=patient, author=author, text="Zqxoutput")
    made.authorization = PsychotherapyAuthorization.objects.create(
        patient=patient, note=made.note, reader=stranger, signed_on=START
    )
    vault.token_for("Zqxoutput", Kind.NAME, patient.pk)
    PhiScan.objects.create(started_at=START, finished_at=START, patients=1, characters=1)
    made.finding = Finding.objects.create(key="k", title="t", owner="o", due_at=START, notes="asked")
    made.incident = Incident.objects.create(
        title="t", what="A list was lost.", reasons="It was found.", discovered_at=START, recorded_by=stranger
    )
    Affected.objects.create(incident=made.incident, patient_id=patient.pk, first_at=START, last_at=START, events=1)
    made.rows = {
        "patients_consent": made.consent, "patients_emergencyaccess": made.access,
        "actigraphy_source": made.source, "actigraphy_recording": made.recording, "actigraphy_signal": made.signal,
        "actigraphy_analysis": made.analysis, "actigraphy_night": made.night, "patients_patient": patient,
        "patients_careteam": CareTeam.objects.first(), "patients_membership": Membership.objects.first(),
        "patients_careassignment": CareAssignment.objects.first(), "patients_grant": Grant.objects.first(),
        "jobs_job": made.job, "jobs_adminalert": made.alert, "audit_auditevent": made.event,
        "audit_auditeventpatient": made.event_patient, "registry_modelversion": made.version,
        "registry_stagechange": made.stage_change, "registry_inferencerecord": made.inference,
        "phi_datakey": DataKey.objects.first(),
        "phi_erasedfile": ErasedFile.objects.create(name="sealed/0", due_at=START),
        "phi_phitoken": PhiToken.objects.first(), "phi_phiscan": PhiScan.objects.first(),
        "audit_activityreview": ActivityReview.objects.create(week=date(2027, 3, 1), reviewed_by=stranger),
        "audit_change": Change.objects.create(at=START, op="INSERT", table_name="x", row_id="1", columns=[]),
        "audit_reconciliation": Reconciliation.objects.create(since=START, until=START, changes=0, unaudited=0),
        "audit_seal": made.seal, "audit_anchor": Anchor.objects.create(seq=1),
        "audit_chaincheck": ChainCheck.objects.create(seals=1, events=1, findings=0),
        "accounts_signin": SignIn.objects.create(user=stranger, started_at=START, last_active_at=START),
        "accounts_tokenfamily": TokenFamily.objects.create(user=stranger, started_at=START),
        "accounts_devicetoken": DeviceToken.objects.create(user=stranger, digest="d", expires_at=START),
        "socialaccount_socialaccount": SocialAccount.objects.create(user=stranger, provider="nobody", uid="7"),
        "throttle_attempts": Attempts.objects.create(kind="mfa", key="0" * 32, since=START, count=1),
        "compliance_checkresult": CheckResult.objects.create(key="k", title="t", state="fails", owner="o"),
        "compliance_finding": made.finding, "compliance_incident": made.incident,
        "compliance_affected": made.incident.affected.get(),
        "auth_group": Group.objects.first(), "auditlog_logentry": LogEntry.objects.first(),
    }  # fmt: skip
    return made
