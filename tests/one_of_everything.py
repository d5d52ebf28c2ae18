"""Rows of every kind, written straight to their tables: what a chart and the rooms around it hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
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

    from actigraphy.models import (
        Analysis,
        Export,
        Night,
        PointReading,
        Recording,
        Signal,
        SleepSession,
        Source,
        Sync,
        WeekReading,
    )
    from actigraphy.numbers import RHYTHM
    from actigraphy.signals import pack
    from novamind.measures import Abstained

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
        made.point_reading = PointReading.objects.create(
            patient=patient, source=made.source, data_type="weight", at=start, values={"kg": 71.4}
        )
        made.sleep_session = SleepSession.objects.create(
            patient=patient, source=made.source, kind="nap", start=start, end=start + timedelta(hours=1)
        )
        made.export = Export.objects.create(
            patient=patient, sha256=uuid4().hex * 2, size=1, file_name="Zqxfile.zip", storage_name="nowhere",
            file_key=b"", format="apple_health", state="stored", kept={"steps": 1},
        )  # fmt: skip
        made.sync = Sync.objects.create(
            patient=patient, export=made.export, accepted=1, stored=1, conflicts=0, refused=0
        )
        made.analysis = Analysis.objects.create(
            patient=patient, source=made.source, window_start=start, window_end=end, zone="Europe/Oslo",
            device_type="actiwatch", methods={"sleep": "Oakley"}, input_hash=uuid4().hex * 2, code_version="0",
            results={
                "rhythm": dict.fromkeys(RHYTHM, RHYTHM_ABSTAINED),
                "quality": {"minutes": 1440, "worn_minutes": 1440, "valid_days": 1, "days": [], "gaps": []},
                "rest": [],
                "epoch_s": 60,
            },
        )  # fmt: skip
        made.week_reading = WeekReading.objects.create(
            patient=patient, analysis=made.analysis, task="embedding", abstention=Abstained("no_weights").as_json()
        )
        made.night = Night.objects.create(
            patient=patient, analysis=made.analysis, date=date(2027, 3, 1) + timedelta(days=number),
            onset=start + timedelta(hours=11), offset=start + timedelta(hours=19), tst_min=411.0, sol_min=9.0,
            waso_min=60.0, efficiency=0.83, midsleep=3.2, awakenings=4, method="Oakley",
        )  # fmt: skip
    return made


def one_of_everything(patient: Any) -> SimpleNamespace:
    """This patient's chart, and ``rows``: a row of every model by ``app_model``."""
    import numpy as np
    from allauth.socialaccount.models import SocialAccount
    from auditlog.models import LogEntry
    from django.contrib.auth.models import Group

    from actigraphy.models import SourceOrder, WeekExplanation
    from insights.models import (
        AlertRule,
        DayValues,
        EncounterNote,
        Feedback,
        Insight,
        NoteAddendum,
        NoteAttachment,
        NoteDraft,
        OwnChart,
        ResearchExport,
        RuleTrial,
        SavedView,
        Standing,
    )
    from novamind import clock
    from novamind.accounts.models import DeviceToken, SignIn, TokenFamily, User
    from novamind.audit.models import (
        ActivityReview,
        Anchor,
        Attempt,
        AuditEvent,
        AuditEventPatient,
        ChainCheck,
        Change,
        Reconciliation,
        Seal,
    )
    from novamind.compliance.models import Affected, CheckResult, Finding, Incident
    from novamind.delivery.models import Delivery
    from novamind.jobs.models import AdminAlert, IdempotencyKey, Job
    from novamind.measures import Abstained
    from novamind.phi import vault
    from novamind.phi.detection import Kind
    from novamind.phi.models import DataKey, ErasedFile, PhiScan, PhiToken
    from novamind.phi.uploads import seal, sealed_upload
    from novamind.registry.models import InferenceRecord, ModelVersion, StageChange
    from patients.models import (
        Alert,
        AlertEvent,
        AlertSnooze,
        Appointment,
        Assessment,
        CareAssignment,
        CareTeam,
        CheckIn,
        Condition,
        Consent,
        CoverageHours,
        EmergencyAccess,
        Genotype,
        GenotypeFile,
        GenotypeReport,
        Grant,
        Holiday,
        Medication,
        MedicationDose,
        Membership,
        Message,
        MessageMark,
        MessageThread,
        PsychotherapyAuthorization,
        PsychotherapyNote,
        Reminder,
        ReplyTemplate,
        Schedule,
        SymptomReport,
        TreatmentChange,
    )
    from twins.models import Component, MultiplierConfirmation, SiteRule, Twin, WhatIf

    made = fill_chart(patient)
    made.patient = patient
    made.job = Job.objects.create(kind="actigraphy.analyze", key="k", queue="ml", state="failed", pipeline_id=uuid4())
    made.alert = AdminAlert.objects.create(job=made.job)
    made.key = IdempotencyKey.objects.create(
        user=User.objects.create_user("sender@clinic.test"), view="api:analyze", key_digest="0" * 64,
        body_digest="0" * 64,
    )  # fmt: skip
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
    made.week_explanation = WeekExplanation.objects.create(
        patient=patient, record=made.inference, found={"secret": "Zqxoutput"}, code_version="0"
    )
    made.consent = Consent.objects.create(
        patient=patient, purpose="treatment", stream="actigraphy", given=True, how="written", remark="Zqxoutput",
    )  # fmt: skip
    stranger = User.objects.create_user("stranger@clinic.test", phone="+4791234567")
    made.access = EmergencyAccess.objects.create(
        patient=patient, user=stranger, reason="covering", explanation="Covering, nobody answers.", opened_at=START,
        ends_at=START + EmergencyAccess.LASTS,
    )  # fmt: skip
    author = User.objects.filter(email="psychiatrist@clinic.test").first() or stranger
    made.note = PsychotherapyNote.objects.create(patient=patient, author=author, text="Zqxoutput")
    made.authorization = PsychotherapyAuthorization.objects.create(
        patient=patient, note=made.note, reader=stranger, signed_on=START
    )
    made.patient_alert = Alert.objects.create(
        patient=patient, key="k", kind="silent_stream", severity="low", monitored=False, raised_at=START,
        acknowledge_by=START,
    )  # fmt: skip
    made.alert_event = AlertEvent.objects.create(
        patient=patient, alert=made.patient_alert, what="raised", at=START, note="Zqxoutput"
    )
    made.schedule = Schedule.objects.create(
        patient=patient, what="check-in", starts_on=date(2027, 3, 1), local_time=time(9), window_min=600
    )
    made.reminder = Reminder.objects.create(
        patient=patient, schedule=made.schedule, local_date=date(2027, 3, 1), due_at=START, expires_at=START,
        outcome="missed",
    )  # fmt: skip
    made.delivery = Delivery.objects.create(
        key="k", patient_id=patient.pk, channel="sms", template="reminder", state="failed", due_at=START
    )
    made.assessment = Assessment.objects.create(
        patient=patient, at=START, by_patient=True, instrument="phq2", instrument_version="1",
        answers={"1": 1, "2": 2}, score=3, code_version="0", result={
            "total": 3, "band": "", "prorated": False, "missing": [], "says": [], "level": "",
            "safety": {"state": "not_asked", "endorsed": [], "unanswered": []},
        },
    )  # fmt: skip
    made.check_in = CheckIn.objects.create(
        patient=patient, at=START, by_patient=True, day=START.date(), mood=4, note="Zqxoutput"
    )
    made.symptom = SymptomReport.objects.create(
        patient=patient,
        at=START,
        by_patient=True,
        type="panic",
        severity=7,
        context="Zqxoutput",
        triggers="Zqxoutput",
        notes="Zqxoutput",
    )
    made.thread = MessageThread.objects.create(patient=patient, subject="Zqxoutput")
    made.message = Message.objects.create(
        patient=patient, thread=made.thread, by=author, by_patient=False, text="Zqxoutput"
    )
    asked = Message.objects.create(patient=patient, thread=made.thread, by_patient=True, text="Zqxoutput")
    made.message_mark = MessageMark.objects.create(
        patient=patient, message=asked, what="read", by=author, why="Zqxoutput"
    )
    made.reply_template = ReplyTemplate.objects.create(name="n", text="t", by=stranger)
    made.twin = Twin.objects.create(patient=patient, version=1)
    made.component = Component.objects.create(
        patient=patient, twin=made.twin, kind="biometric_correlation", since_version=1,
        abstention=Abstained("too_few_pairs", needed=30, got=0).as_json(),
    )  # fmt: skip
    made.what_if = WhatIf.objects.create(
        patient=patient, sleep_min=60, days=14, answered_at=START, abstention=Abstained("not_promoted").as_json()
    )
    computed = {
        "patient": patient, "window_start": START, "window_end": START, "input_hash": "0" * 64, "code_version": "0",
    }  # fmt: skip
    made.insight = Insight.objects.create(
        key="sleep_duration:lower", insight_type="sleep", digest="0" * 64, needs=[["treatment", "actigraphy"]], tier=2,
        strength=4.0, confidence=0.99, expires_at=clock.now() + timedelta(days=3), **computed,
        said={"description": "Zqxoutput", "method": "m", "confidence_is": "c", "no_confidence": None, "evidence": [
            {"data_type": "sleep_duration", "at": START.isoformat(), "value": 301.0, "unit": "min"},
        ]},
    )  # fmt: skip
    made.feedback = Feedback.objects.create(patient=patient, insight=made.insight, verdict="useful", by=stranger)
    made.day_values = DayValues(patient=patient, last=date(2027, 3, 1), series=["sleep_duration"], code_version="0")
    made.day_values.seal(np.ones((1, 90)))
    made.day_values.save()
    made.research_export = ResearchExport.objects.create(
        by=stranger, why="method", state="ready", people=1, rows=1, sha256="0" * 64, content="WnF4b3V0cHV0",
        finished_at=START, expires_at=START,
    )  # fmt: skip
    made.saved_view = SavedView.objects.create(user=stranger, measure="mood", least=0, sort="name")
    made.own_chart = OwnChart.objects.create(user=stranger, name="n", series=["mood"], days=28)
    made.standing = Standing.objects.create(found={"series": {}, "known": {"actigraphy": 3}}, **computed)
    made.encounter = EncounterNote.objects.create(
        patient=patient, author=author, encounter_on=START.date(), format="soap", format_version=1,
        said={"salt": "0" * 32, "sections": [{"id": "subjective", "title": "Subjective", "text": "Zqxoutput"}]},
    )  # fmt: skip
    made.addendum = NoteAddendum.objects.create(
        patient=patient, note=made.encounter, by=author, signed_as="psychiatrist", text="Zqxoutput"
    )
    made.attachment = NoteAttachment(
        patient=patient, note=made.encounter, content="text/plain", size=1, sha256="0" * 64, file_name="Zqxfile.txt"
    )
    made.attachment.storage_name, made.attachment.file_key = seal(
        sealed_upload(b"Zqxoutput", "a.txt"), owner=patient.pk, table="insights_noteattachment", row=made.attachment.pk
    )
    made.attachment.save()
    rule = {"kind": "threshold", "series": "mood", "way": "below", "value": 3, "days": 2}
    made.trial = RuleTrial.objects.create(
        patient=patient, definition=rule, severity="low", by=stranger, finished_at=START,
        result={"patients": 1, "judged": 1, "alerting": 1, "alerts": 2, "weeks": [0] * 11 + [1, 1]},
    )  # fmt: skip
    made.rule = AlertRule.objects.create(
        patient=patient, definition=rule, severity="low", by=stranger, version=1, active=True, why="new"
    )
    made.snooze = AlertSnooze.objects.create(patient=patient, user=stranger, until=START)
    made.note_draft = NoteDraft.objects.create(
        patient=patient, note=made.encounter, asked_by=author, provider="grounded", code_version="0",
        found={"facts": [], "taken": [], "refused": [{"text": "Zqxoutput", "reason": "uncited"}], "left_out": 0},
    )  # fmt: skip
    made.medication = Medication.objects.create(
        patient=patient, drug="", drug_text="Zqxoutput", started_on=START.date(), started_precision="day",
        prescriber_text="Zqxoutput", indication="Zqxoutput", note="Zqxoutput",
    )  # fmt: skip
    made.dose = MedicationDose.objects.create(
        patient=patient, medication=made.medication, from_on=START.date(), amount=50, unit="mg", frequency="daily"
    )
    made.treatment_change = TreatmentChange.objects.create(
        patient=patient, about_id=made.medication.pk, what="started", before={"secret": "Zqxoutput"}, why="Zqxoutput"
    )
    made.condition = Condition.objects.create(patient=patient, code="F33.1", text="Zqxoutput", note="Zqxoutput")
    made.appointment = Appointment.objects.create(
        patient=patient, at=START, kind="follow_up", place="clinic", with_text="Zqxoutput", note="Zqxoutput"
    )
    made.genotype_report = GenotypeReport.objects.create(patient=patient, lab="Zqxoutput", method="Zqxoutput")
    made.genotype_file = GenotypeFile.objects.create(
        patient=patient, report=made.genotype_report, sha256=uuid4().hex * 2, size=1, file_name="Zqxfile.csv",
        storage_name="nowhere", file_key=b"",
    )  # fmt: skip
    made.genotype = Genotype.objects.create(
        patient=patient, report=made.genotype_report, gene="CYP2D6", state="called", diplotype="Zqxoutput",
        phenotype="Zqxoutput",
    )  # fmt: skip
    vault.token_for("Zqxoutput", Kind.NAME, patient.pk)
    PhiScan.objects.create(started_at=START, finished_at=START, patients=1, characters=1)
    made.finding = Finding.objects.create(key="k", title="t", owner="o", due_at=START, notes="asked")
    made.incident = Incident.objects.create(
        title="t", what="A list was lost.", reasons="It was found.", discovered_at=START, recorded_by=stranger
    )
    Affected.objects.create(incident=made.incident, patient_id=patient.pk, first_at=START, last_at=START, events=1)
    made.source_order = SourceOrder.objects.create(
        patient=patient, channel="heart_rate", version=1, reason="Zqxorder", set_by=stranger
    )
    made.site_rule = SiteRule.objects.create(
        drug="lithium",
        against="drug",
        value="sertraline",
        severity="careful",
        text="t",
        source="s",
        reason="r",
        by=stranger,
    )
    made.rows = {
        "patients_assessment": made.assessment, "patients_checkin": made.check_in,
        "patients_medication": made.medication, "patients_medicationdose": made.dose,
        "patients_treatmentchange": made.treatment_change, "patients_condition": made.condition,
        "patients_appointment": made.appointment, "patients_genotypereport": made.genotype_report,
        "patients_genotypefile": made.genotype_file, "patients_genotype": made.genotype,
        "patients_messagethread": made.thread, "patients_message": made.message,
        "patients_messagemark": made.message_mark, "patients_replytemplate": made.reply_template,
        "patients_symptomreport": made.symptom, "patients_consent": made.consent,
        "patients_emergencyaccess": made.access,
        "actigraphy_source": made.source, "actigraphy_recording": made.recording, "actigraphy_signal": made.signal,
        "actigraphy_pointreading": made.point_reading, "actigraphy_sleepsession": made.sleep_session,
        "actigraphy_sourceorder": made.source_order,
        "actigraphy_sync": made.sync, "actigraphy_export": made.export,
        "actigraphy_analysis": made.analysis, "actigraphy_night": made.night,
        "actigraphy_weekreading": made.week_reading,
        "twins_multiplierconfirmation": MultiplierConfirmation.objects.create(
            data_version="0", sha256="0" * 64, confirmed=True, reason="read", by=stranger
        ),
        "twins_twin": made.twin, "twins_component": made.component, "twins_whatif": made.what_if,
        "twins_siterule": made.site_rule,
        "insights_insight": made.insight, "insights_feedback": made.feedback, "insights_standing": made.standing,
        "insights_encounternote": made.encounter, "insights_noteaddendum": made.addendum,
        "insights_alertrule": made.rule, "insights_ruletrial": made.trial, "patients_alertsnooze": made.snooze,
        "insights_notedraft": made.note_draft,
        "insights_noteattachment": made.attachment,
        "insights_ownchart": made.own_chart,
        "insights_dayvalues": made.day_values, "insights_savedview": made.saved_view,
        "insights_researchexport": made.research_export,
        "actigraphy_weekexplanation": made.week_explanation, "patients_patient": patient,
        "patients_careteam": CareTeam.objects.first(), "patients_membership": Membership.objects.first(),
        "patients_careassignment": CareAssignment.objects.first(), "patients_grant": Grant.objects.first(),
        "patients_alert": made.patient_alert, "patients_alertevent": made.alert_event,
        "patients_schedule": made.schedule, "patients_reminder": made.reminder, "delivery_delivery": made.delivery,
        "patients_coveragehours": CoverageHours.objects.create(
            team=CareTeam.objects.first(), user=stranger, weekday=0, begins=time(8), ends=time(16)
        ),
        "patients_holiday": Holiday.objects.create(team=CareTeam.objects.first(), date=START.date()),
        "jobs_job": made.job, "jobs_adminalert": made.alert, "jobs_idempotencykey": made.key,
        "audit_auditevent": made.event,
        "audit_auditeventpatient": made.event_patient, "registry_modelversion": made.version,
        "registry_stagechange": made.stage_change, "registry_inferencerecord": made.inference,
        "phi_datakey": DataKey.objects.first(),
        "phi_erasedfile": ErasedFile.objects.create(name="sealed/0", due_at=START),
        "phi_phitoken": PhiToken.objects.first(), "phi_phiscan": PhiScan.objects.first(),
        "audit_activityreview": ActivityReview.objects.create(week=date(2027, 3, 1), reviewed_by=stranger),
        "audit_attempt": Attempt.objects.create(kind="emergency", who="0" * 32),
        "audit_change": Change.objects.create(at=START, op="INSERT", table_name="x", row_id="1", columns=[]),
        "audit_reconciliation": Reconciliation.objects.create(since=START, until=START, changes=0, unaudited=0),
        "audit_seal": made.seal, "audit_anchor": Anchor.objects.create(seq=1),
        "audit_chaincheck": ChainCheck.objects.create(seals=1, events=1, findings=0),
        "accounts_signin": SignIn.objects.create(user=stranger, started_at=START, last_active_at=START),
        "accounts_tokenfamily": TokenFamily.objects.create(user=stranger, started_at=START),
        "accounts_devicetoken": DeviceToken.objects.create(user=stranger, digest="d", expires_at=START),
        "socialaccount_socialaccount": SocialAccount.objects.create(user=stranger, provider="nobody", uid="7"),
        "compliance_checkresult": CheckResult.objects.create(key="k", title="t", state="fails", owner="o"),
        "compliance_finding": made.finding, "compliance_incident": made.incident,
        "compliance_affected": made.incident.affected.get(),
        "auth_group": Group.objects.first(), "auditlog_logentry": LogEntry.objects.first(),
    }  # fmt: skip
    return made
