"""Attack 3, first part: fields that nobody is meant to send, sent to whatever writes, along with a good body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from actigraphy.tests.recording_files import depresjon, minutes
from insights.notes.writing import sign_note
from novamind import clock
from novamind.accounts.models import User
from novamind.jobs.models import Job
from novamind.phi.fields import EncryptedField
from patients.devices import DeviceKind, enrol
from patients.models import CheckIn, Grant, Message, Patient, SymptomReport
from patients.services import join_team, link_own_account, share_patient
from tests.signing_in import PASSWORD, code_of
from tests.test_role_url_table import ROWS
from twins.models import Component, Twin
from twins.science.pgx import shipped_conversions

pytestmark = pytest.mark.exhaustive

ID, NUMBER, MOMENT = UUID("66666666-6666-4666-8666-666666666666"), 666_666, datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
OURS = ("phi", "accounts", "audit", "jobs", "registry", "throttle", "compliance", "patients", "actigraphy")
PHRASE = "a long enough phrase 7"

#: What a row knows of itself and no caller decides.
IDENTITY = ("id", "pk", "uuid", "object_id", "key", "source_id", "analysis_id", "pipeline_id", "record_id")
PEOPLE = ("user", "user_id", "author", "author_id", "by", "owner", "created_by", "uploaded_by", "uploaded_by_id",
          "recorded_by", "recorded_by_id", "reviewed_by", "reviewed_by_id", "acknowledged_by", "requested_by",
          "actor", "actor_id", "added_by")  # fmt: skip
PATIENTS = ("patient", "content_object", "key_owner")
NUMBERS = ("attempts", "size", "last_name_index", "mrn_index", "key_number", "seq")
MOMENTS = ("created_at", "updated_at", "at", "started_at", "opened_at", "ends_at", "ended_at", "signed_at",
           "reviewed_at", "review_due_at", "recorded_at", "disposed_at", "closed_at", "revoked_at", "expires_at",
           "acknowledged_at", "last_login", "date_joined")  # fmt: skip
FLAGS = ("is_staff", "is_superuser", "part2_programme", "email_verified")
WORDS = {"state": "quarantined", "status": "analyzed", "role": "clinical admin", "roles": "clinical admin",
         "groups": "clinical admin", "scope": "everything", "stage": "production", "digest": "0" * 64}  # fmt: skip


class World(SimpleNamespace):
    """Who writes, about whom, and whose name is taken in vain."""

    def forbidden(self) -> dict[str, Any]:
        return (
            dict.fromkeys(IDENTITY, str(ID))
            | dict.fromkeys(PEOPLE, str(self.victim.pk))
            | dict.fromkeys(PATIENTS, str(self.other.pk))
            | dict.fromkeys(NUMBERS, NUMBER)
            | dict.fromkeys(MOMENTS, MOMENT.isoformat())
            | dict.fromkeys(FLAGS, "on")
            | WORDS
        )


@pytest.fixture
def world(chart: Any, psychiatrist: Any, clinical_admin: Any, make_user: Any, make_patient: Any, team: Any) -> World:
    victim = make_user("victim@clinic.test", "therapist")
    reader = make_user("reader@clinic.test", "therapist")
    join_team(team=team, user=reader)
    share_patient(patient=chart.patient, user=clinical_admin)
    other = make_patient(last_name="Zqxother", mrn="OTHER-1")
    make_patient(last_name="Zqxhidden", mrn="HIDDEN-1")
    enrol(patient=chart.patient, kind=DeviceKind.PHONE)
    device = Grant.objects.get(reason=Grant.Reason.DEVICE).user
    own = make_user("own@clinic.test", "patient")
    link_own_account(patient=chart.patient, user=own)
    sent = {"patient": chart.patient, "at": clock.now(), "recorded_by": own, "by_patient": True}
    check_in = CheckIn.objects.create(day=clock.now().date(), mood=3, **sent)
    symptom = SymptomReport.objects.create(type="panic", severity=3, **sent)
    message = Message.objects.create(
        patient=chart.patient, thread=chart.thread, by=own, by_patient=True, text="T", at=clock.now()
    )
    Job.objects.update(state="failed")
    return World(
        chart=chart, patient=chart.patient, victim=victim, reader=reader, other=other, team=team, device=device,
        psychiatrist=psychiatrist, admin=clinical_admin, own=own, check_in=check_in, symptom=symptom, message=message,
    )  # fmt: skip


def traces(world: World) -> Counter[tuple[str, str]]:
    """Every field of every row that holds what only a caller could have put there."""
    found: Counter[tuple[str, str]] = Counter()
    wanted = {ID, str(ID), NUMBER, MOMENT, MOMENT.isoformat(), world.victim.pk, world.other.pk}
    for model in apps.get_models():
        if model._meta.app_label not in OURS or model._meta.label.startswith("audit.AuditEvent"):
            continue
        for row in model._base_manager.all():
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                if isinstance(field, models.JSONField | EncryptedField):
                    marked = any(str(sign) in str(value) for sign in wanted)
                else:
                    marked = not isinstance(value, bytes | memoryview) and value in wanted
                found[model._meta.label, field.attname] += marked
            found[model._meta.label, "state"] += getattr(row, "state", "") == WORDS["state"]
    found["accounts.User", "superusers"] = User.objects.filter(is_superuser=True).count()
    found["accounts.User", "staff"] = User.objects.filter(is_staff=True).count()
    found["accounts.User", "roles"] = User.groups.through.objects.count()
    found["patients.Patient", "disposed"] = Patient.objects.filter(disposed_at__isnull=False).count()
    return +found


HEAD = {"first_name": "Ada", "last_name": "Berg", "date_of_birth": "1980-01-01"}
FORM = HEAD | {"sex": "female", "zone": "Europe/Oslo"}
TEXT = {"text": "Slept badly."}
PLAN = {"local_time": "09:00", "every_days": "1", "window_min": "720", "starts_on": "2027-03-01", "channel": "sms"}
WEEK = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])


def a_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("week.csv", WEEK)


def a_table() -> SimpleUploadedFile:
    return SimpleUploadedFile("results.csv", b"gene,diplotype\nCYP2C19,*1/*2\n")


FILES = {"api:upload", "api:genotype-upload"}
NO_HOURS = {f"{part}-{what}_FORMS": 0 for part in ("coverage", "holidays") for what in ("TOTAL", "INITIAL")}


def members(team: Any) -> dict[str, Any]:
    rows = list(team.memberships.all())
    sent = NO_HOURS | {
        "name": team.name, "memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(rows),
    }  # fmt: skip
    for number, row in enumerate(rows):
        sent |= {f"memberships-{number}-{name}": value for name, value in
                 (("id", row.pk), ("team", team.pk), ("user", row.user_id))}  # fmt: skip
    return sent


def without_twin(world: World) -> dict[str, Any]:
    """A patient has one twin; here is one without."""
    Component.objects.filter(patient=world.patient).delete()
    Twin.objects.filter(patient=world.patient).delete()
    return {}


def to_add_to(world: World) -> dict[str, Any]:
    """A note is added to when it is signed."""
    sign_note(world.chart.encounter, version=1, by=world.psychiatrist)
    return {"text": "A word more."}


def to_take_on(world: World) -> dict[str, Any]:
    """A patient on no team, and the team."""
    lonely = Patient.objects.exclude(pk__in=[world.patient.pk, world.other.pk]).get()
    return {"patient": str(lonely.pk), "team": str(world.team.pk)}


OWN_RULE = {
    "name": "lithium", "against": "condition", "value": "N18", "severity": "careful", "text": "T", "source": "S",
    "reason": "R",
}  # fmt: skip
#: URL -> who sends, what of the world its parameters name, a good body, and the answer that says it was written.
RULE: dict[str, Any] = {"together": "all", "severity": "low", "c0-series": "mood", "c0-kind": "threshold",
                        "c0-way": "down", "c0-value": "3", "c0-days": "2",
                        "c1-way": "down", "c2-way": "down", "c3-way": "down"}  # fmt: skip
WRITERS: dict[str, tuple[str, str, Any, int]] = {
    "patients:search": ("psychiatrist", "", {"q": "zqxlast"}, 302),
    "patients:new": ("psychiatrist", "", lambda w: FORM | {"teams": [str(w.team.pk)]}, 302),
    "patients:edit": ("psychiatrist", "patient_id", lambda w: FORM | {"teams": [str(w.team.pk)], "version": 1}, 302),
    "patients:emergency": ("reader", "", {"mrn": "HIDDEN-1", "reason": "covering", "explanation": "x" * 30}, 302),
    "patients:emergency-end": ("psychiatrist", "patient_id", {}, 302),
    "patients:unattended": ("admin", "", to_take_on, 302),
    "patients:review": (
        "admin", "access_id", lambda w: {f"{w.chart.access.pk}-verdict": "justified"}, 302),
    "patients:record-consent": (
        "psychiatrist", "patient_id",
        {"purpose": "research", "streams": ["heart"], "decision": "given", "how": "written"}, 302),
    "patients:fill-in": (
        "psychiatrist", "patient_id instrument_id", {"item_1": "2", "version": "1", "once": str(uuid4())}, 302),
    "patients:my-check-in": ("own", "", {"mood": "3", "once": str(uuid4())}, 200),
    "patients:correct-my-check-in": ("own", "check_in_id", {"mood": "4", "once": str(uuid4())}, 200),
    "patients:my-questionnaire": (
        "own", "instrument_id", {"item_1": "2", "version": "1", "once": str(uuid4())}, 200),
    "patients:my-symptom": ("own", "", {"type": "panic", "severity": "3", "once": str(uuid4())}, 200),
    "patients:my-new-message": ("own", "", {"subject": "S", "text": "T", "once": str(uuid4())}, 200),
    "patients:my-thread": ("own", "thread_id", {"text": "T", "once": str(uuid4())}, 200),
    "patients:read-my-thread": ("own", "thread_id", {}, 302),
    "patients:my-message-in-error": ("own", "thread_id message_id", {}, 302),
    "patients:new-message": (
        "psychiatrist", "patient_id", {"subject": "S", "text": "T", "once": str(uuid4())}, 302),
    "patients:thread": ("psychiatrist", "patient_id thread_id", {"text": "T", "once": str(uuid4())}, 302),
    "patients:read-thread": ("psychiatrist", "patient_id thread_id", {}, 302),
    "patients:label-thread": ("psychiatrist", "patient_id thread_id", {}, 302),
    "patients:message-in-error": ("psychiatrist", "patient_id thread_id message_id", {"why": "Wrong."}, 302),
    "patients:notify-again": ("psychiatrist", "patient_id thread_id message_id", {}, 302),
    "patients:reply-templates": ("admin", "", {"name": "N", "text": "T"}, 302),
    "patients:withdraw-reply-template": ("admin", "template_id", {}, 302),
    "api:messages": ("psychiatrist", "patient_id", {"subject": "S", "text": "T"}, 201),
    "api:thread": ("psychiatrist", "patient_id thread_id", {"text": "T"}, 201),
    "api:read-thread": ("psychiatrist", "patient_id thread_id", lambda w: {"seen": str(w.chart.message.pk)}, 200),
    "patients:new-psychotherapy-note": ("psychiatrist", "patient_id", TEXT, 302),
    "patients:edit-psychotherapy-note": ("psychiatrist", "patient_id note_id", TEXT | {"version": 1}, 302),
    "patients:sign-psychotherapy-note": ("psychiatrist", "patient_id note_id", {}, 302),
    "patients:authorize-psychotherapy-reader": (
        "psychiatrist", "patient_id note_id",
        lambda w: {"reader": str(w.reader.pk), "signed_on": "2026-01-02"}, 302),
    "patients:withdraw-psychotherapy-reader": ("psychiatrist", "patient_id note_id authorization_id", {}, 302),
    "patients:devices": ("psychiatrist", "patient_id", {"kind": "phone"}, 200),
    "patients:renew-device": ("psychiatrist", "patient_id device_id", {}, 200),
    "patients:end-device": ("psychiatrist", "patient_id device_id", {}, 302),
    "patients:acknowledge-alert": ("psychiatrist", "patient_id patient_alert_id", {"version": 1}, 302),
    "patients:resolve-alert": ("psychiatrist", "patient_id patient_alert_id", {"version": 1, "note": "Called."}, 302),
    "patients:escalate-alert": ("psychiatrist", "patient_id patient_alert_id", {"version": 1, "note": "Away."}, 302),
    "patients:schedules": ("psychiatrist", "patient_id", PLAN | {"what": "check-in"}, 302),
    "patients:edit-schedule": ("psychiatrist", "patient_id schedule_id", PLAN | {"version": 1, "active": "on"}, 302),
    "data:order": (
        "psychiatrist", "patient_id data_type data_key",
        {"heart_rate-clinic": "on", "heart_rate-reason": "worn loosely", "heart_rate-version": "1"}, 302),
    "patients:new-medication": (
        "psychiatrist", "patient_id",
        {"name": "sertraline", "amount": "50", "unit": "mg", "frequency": "daily", "started": "2026-03",
         "route": "oral", "once": str(uuid4())}, 302),
    "patients:change-medication": (
        "psychiatrist", "patient_id medication_id change", {"version": 1, "why": "Wrong.", "once": str(uuid4())}, 302),
    "patients:new-condition": (
        "psychiatrist", "patient_id",
        {"text": "Depression", "status": "active", "certainty": "confirmed", "once": str(uuid4())}, 302),
    "patients:condition": (
        "psychiatrist", "patient_id condition_id change", {"version": 1, "why": "Wrong.", "once": str(uuid4())}, 302),
    "patients:new-genotype": (
        "psychiatrist", "patient_id", {"gene": "CYP2C19", "diplotype": "*1/*2", "once": str(uuid4())}, 302),
    "patients:upload-genotypes": (
        "psychiatrist", "patient_id", lambda w: {"file": a_table(), "once": str(uuid4())}, 302),
    "patients:genotype-in-error": (
        "psychiatrist", "patient_id genotype_id", {"version": 1, "why": "Wrong.", "once": str(uuid4())}, 302),
    "patients:new-appointment": (
        "psychiatrist", "patient_id",
        {"at": "2026-03-02T10:30", "kind": "intake", "place": "clinic", "status": "kept", "once": str(uuid4())}, 302),
    "patients:appointment": (
        "psychiatrist", "patient_id appointment_id change", {"version": 1, "why": "Wrong.", "once": str(uuid4())}, 302),
    "actigraphy:upload": ("psychiatrist", "patient_id", lambda w: {"file": a_file()}, 302),
    "jobs:retry": ("admin", "job_id", {}, 302),
    "jobs:acknowledge": ("admin", "alert_id", {}, 302),
    "delivery:resend": ("admin", "delivery_id", {}, 302),
    "compliance:run": ("admin", "", {}, 302),
    "compliance:acknowledge": ("admin", "finding_id", lambda w: {f"{w.chart.finding.pk}-notes": "done"}, 302),
    "compliance:new-incident": (
        "admin", "",
        {"title": "A list", "what": "Lost.", "discovered_at": "2026-01-02T03:04", "others_affected": "0"}, 302),
    "compliance:incident": (
        "admin", "incident_id", {"judgement": "low", "reasons": "Found.", "others_affected": "0"}, 302),
    "medication-rules:new": ("admin", "", OWN_RULE, 302),
    "medication-rules:change": ("admin", "own_rule_id", OWN_RULE | {"version": 1}, 302),
    "medication-rules:multipliers": (
        "admin", "", {"confirmed": "yes", "reason": "Read.", "data": shipped_conversions().sha256}, 302),
    "models:move": ("admin", "version_id", {"to": "retired", "reason": "Not used.", "seen": "draft"}, 302),
    "audit:review-activity": ("admin", "", {"week": "2026-01-05", "notes": "seen"}, 302),
    "audit:export-account": ("admin", "", lambda w: {"account": str(w.reader.pk)}, 200),
    "api:login": (
        "nobody", "", lambda w: {"email": w.reader.email, "password": PASSWORD, "code": code_of(w.reader)}, 200),
    "api:patient-list": ("psychiatrist", "", HEAD, 201),
    "api:patient-detail": ("psychiatrist", "pk", {"version": 1, "first_name": "Changed"}, 200),
    "api:consents": (
        "psychiatrist", "patient_id",
        {"purpose": "research", "stream": "heart", "given": True, "how": "written"}, 201),
    "api:assessments": ("psychiatrist", "patient_id", {"instrument": "phq9", "answers": {"1": 2}}, 201),
    "api:check-ins": ("psychiatrist", "patient_id", {"mood": 3}, 201),
    "api:check-in": ("own", "patient_id report_id", {"mood": 4, "version": 1}, 200),
    "api:symptoms": ("psychiatrist", "patient_id", {"type": "panic", "severity": 3}, 201),
    "api:symptom": ("own", "patient_id report_id", {"type": "panic", "severity": 4, "version": 1}, 200),
    "api:schedules": (
        "psychiatrist", "patient_id", {"what": "check-in", "local_time": "09:00", "window_min": 600}, 201),
    "api:schedule": ("psychiatrist", "patient_id schedule_id", {"version": 1, "window_min": 120}, 200),
    "api:medications": ("psychiatrist", "patient_id", {"name": "lithium", "started": "2026-03"}, 201),
    "api:medication-check": ("psychiatrist", "patient_id", {"name": "lithium"}, 200),
    "api:medication": ("psychiatrist", "patient_id medication_entry", {"version": 1, "note": "Corrected."}, 200),
    "api:doses": (
        "psychiatrist", "patient_id medication_entry",
        {"version": 1, "since": "2027-03-02", "dose": {"amount": 75, "unit": "mg", "frequency": "daily"}}, 201),
    "api:conditions": ("psychiatrist", "patient_id", {"text": "Depression", "code": "F33.1", "status": "active"}, 201),
    "api:condition": ("psychiatrist", "patient_id condition_entry", {"version": 1, "status": "remission"}, 200),
    "api:genotypes": ("psychiatrist", "patient_id", {"gene": "CYP2C19", "diplotype": "*1/*2"}, 201),
    "api:genotype": (
        "psychiatrist", "patient_id genotype_entry", {"version": 1, "entered_in_error": True, "why": "Wrong."}, 200),
    "api:genotype-upload": ("psychiatrist", "patient_id", lambda w: {"file": a_table()}, 201),
    "api:appointments": (
        "psychiatrist", "patient_id", {"at": "2026-03-02T10:30:00Z", "kind": "intake", "place": "clinic",
                                       "status": "kept"}, 201),
    "api:appointment": (
        "psychiatrist", "patient_id appointment_entry",
        {"version": 1, "status": "kept", "at": "2026-03-02T10:30:00Z"}, 200),
    "api:biometric-order": (
        "psychiatrist", "patient_id data_type data_key", {"sources": [], "reason": "The clinic's.", "version": 1}, 201),
    "api:alert-acknowledge": ("psychiatrist", "pk", {"version": 1}, 200),
    "api:alert-resolve": ("psychiatrist", "pk", {"version": 1, "note": "Called."}, 200),
    "api:alert-escalate": ("psychiatrist", "pk", {"version": 1}, 200),
    "api:upload": ("psychiatrist", "", lambda w: {"file": a_file(), "patient_id": str(w.patient.pk)}, 201),
    "insights:new-note": ("psychiatrist", "patient_id", {"format": "soap", "encounter_on": "2026-03-01"}, 302),
    "insights:edit-note": (
        "psychiatrist", "patient_id encounter_id",
        {"version": 1, "encounter_on": "2026-03-01", "section_subjective": "Sleeps."}, 302),
    "insights:sign-note": ("psychiatrist", "patient_id encounter_id", {"version": 1}, 302),
    "insights:amend-note": ("psychiatrist", "patient_id encounter_id", to_add_to, 302),
    "insights:attach-file": (
        "psychiatrist", "patient_id encounter_id",
        lambda w: {"version": 1, "file": SimpleUploadedFile("letter.txt", b"Letter.")}, 302),
    "insights:remove-attachment": ("psychiatrist", "patient_id encounter_id attachment_id", {"version": 1}, 302),
    "insights:own-charts": ("psychiatrist", "", {"name": "Sleep", "first": "sleep_duration", "days": "28"}, 302),
    "insights:discard-note": ("psychiatrist", "patient_id encounter_id", {"version": 1, "discard": "on"}, 302),
    "patients:snooze-alerts": ("psychiatrist", "patient_id", {"until": "4h"}, 302),
    "insights:new-rule": ("psychiatrist", "", RULE, 302),
    "insights:new-research-export": ("admin", "", {"why": "method", "read": "on"}, 302),
    "insights:new-patient-rule": ("psychiatrist", "patient_id", RULE, 302),
    "insights:change-rule": ("psychiatrist", "rule_id", RULE, 302),
    "insights:stop-rule": ("psychiatrist", "rule_id", {"why": "not_needed"}, 302),
    "insights:rule-trial": ("psychiatrist", "trial_id", {"why": "new", "active": "off"}, 302),
    "insights:draft-note": ("psychiatrist", "patient_id encounter_id", {}, 302),
    "insights:put-draft": ("psychiatrist", "patient_id encounter_id draft_id", {"version": 1}, 302),
    "insights:judge": ("psychiatrist", "patient_id insight_id", {"verdict": "useful"}, 302),
    "twins:create": ("psychiatrist", "patient_id", without_twin, 302),
    "twins:refresh": ("psychiatrist", "patient_id", {}, 302),
    "api:digital-twin": ("psychiatrist", "patient_id", without_twin, 201),
    "api:generate-twin": ("psychiatrist", "", lambda w: {"patient_id": str(w.patient.pk)}, 202),
    "twins:what-if": ("psychiatrist", "patient_id", {"sleep_min": "30", "days": "14"}, 302),
    "twins:medication-response": ("psychiatrist", "patient_id", {}, 302),
    "api:medication-response": ("psychiatrist", "patient_id", {}, 202),
    "api:what-ifs": ("psychiatrist", "patient_id", {"sleep_change_min": 30}, 202),
    "api:analyze": (
        "psychiatrist", "",
        lambda w: {"patient_id": str(w.patient.pk), "start_time": "2024-01-08T12:00:00Z", "sampling_rate_hz": 1 / 60,
                   "readings": {"counts": [(at * 37) % 400 for at in range(120)]}}, 202),
    # A batch is refused whole for one field that it does not know.
    "api:biometric-events": (
        "psychiatrist", "",
        lambda w: {"patient_id": str(w.patient.pk), "data_type": "heart_rate", "timestamp": "2025-04-17T14:23:00Z",
                   "data": {"bpm": 72}}, 400),
    "admin:accounts_user_add": (
        "admin", "",
        {"email": "new@clinic.test", "display_name": "New", "usable_password": "true", "password1": PHRASE,
         "password2": PHRASE}, 302),
    "admin:auth_user_password_change": (
        "admin", "id", {"password1": PHRASE, "password2": PHRASE, "usable_password": "true", "set-password": "x"}, 302),
    "admin:accounts_user_change": (
        "admin", "object_id", lambda w: {"email": w.reader.email, "display_name": "Reader", "is_active": "on",
                                         "groups": [group.pk for group in w.reader.groups.all()]}, 302),
    "account_change_password": (
        "admin", "", {"old_password": PASSWORD, "new_password1": PHRASE, "new_password2": PHRASE}, 302),
    "own_phone": ("psychiatrist", "", {"phone": "+47 912 34 567"}, 302),
    "admin:patients_careteam_add": (
        "admin", "", NO_HOURS | {"name": "West", "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}, 302),
    "admin:patients_careteam_change": ("admin", "object_id", lambda w: members(w.team), 302),
}  # fmt: skip
#: What the page is for: of these fields, or of such a row, this is meant to be written.
MEANT = {"admin:accounts_user_change": {"is_staff"}}
WRITTEN = {"patients:devices": {("accounts.User", "roles")}}
#: Writes without a field of their own.
WITHOUT = {
    "api:refresh", "api:logout", "account_login", "account_logout", "admin:password_change", "account_reauthenticate",
    "end_other_sign_ins", "mfa_index", "mfa_view_recovery_codes", "mfa_activate_totp", "mfa_add_webauthn",
    "mfa_generate_recovery_codes",
    "socialaccount_connections", "admin:index", "admin:app_list", "admin:logout",
    "admin:patients_careteam_delete", "admin:socialaccount_socialaccount_add",
    "admin:socialaccount_socialaccount_change", "admin:socialaccount_socialaccount_delete", "admin:*_change",
    "admin:*_changelist", "admin:*_history", "admin:twins_multiplierconfirmation_history",
    "admin:twins_siterule_history", "admin:insights_savedview_history",
    "admin:insights_ownchart_history", "insights:delete-chart", "insights:rename-chart",
    "admin:insights_researchexport_history",
    "actigraphy:report-pdf", "actigraphy:report-csv", "insights:brief-pdf", "insights:brief-csv", "insights:shared-pdf",
    "twins:genes-pdf", "twins:genes-csv", "insights:cohort-csv", "insights:research-export-file",
    "insights:save-view", "insights:forget-view",
}  # fmt: skip


def test_every_url_that_takes_a_change_is_attacked_or_takes_no_fields():
    writes = {"POST", "PATCH", "PUT"}
    taken = {name for name, method, *answers in ROWS if method in writes or (method == "*" and "200" in answers)}
    assert taken - set(WRITERS) - WITHOUT == set()
    assert (set(WRITERS) | WITHOUT) - taken == set()


def parameters(name: str, world: World) -> dict[str, Any]:
    """Rows of this chart that the URL names."""
    chart = world.chart
    own = chart.patient_alert if "alert" in name else world.patient
    values = {"patient_id": world.patient, "pk": own, "note_id": chart.note, "job_id": chart.job,
              "authorization_id": chart.authorization, "access_id": chart.access, "alert_id": chart.alert,
              "finding_id": chart.finding, "incident_id": chart.incident, "device_id": world.device,
              "data_type": SimpleNamespace(pk="heart_rate"), "data_key": SimpleNamespace(pk="bpm"),
              "version_id": chart.version, "check_in_id": world.check_in, "instrument_id": SimpleNamespace(pk="phq9"),
              "report_id": world.symptom if name == "api:symptom" else world.check_in,
              "patient_alert_id": chart.patient_alert, "schedule_id": chart.schedule,
              "thread_id": chart.thread,
              "message_id": world.message if name == "patients:my-message-in-error" else chart.message,
              "template_id": chart.reply_template,
              "delivery_id": chart.delivery, "insight_id": chart.insight,
              "rule_id": chart.rule, "trial_id": chart.trial,
              "own_rule_id": SimpleNamespace(pk=chart.site_rule.rule),
              "attachment_id": chart.attachment,
              "encounter_id": chart.encounter, "draft_id": chart.note_draft,
              "id": world.reader, "object_id": world.team if "careteam" in name else world.reader}  # fmt: skip
    entries = {"medication": chart.medication, "condition": chart.condition, "genotype": chart.genotype,
               "appointment": chart.appointment}  # fmt: skip
    values |= {f"{noun}_id": row for noun, row in entries.items()} | {"change": SimpleNamespace(pk="error")}
    values |= {f"{noun}_entry": row for noun, row in entries.items()}
    wanted = WRITERS[name][1].split()
    return {"entry_id" if named.endswith("_entry") else named: values[named].pk for named in wanted}


def writer(name: str, world: World) -> tuple[Callable[[dict[str, Any]], HttpResponse], Callable[[], dict[str, Any]]]:
    """What sends to this URL as whoever may, and what makes a good body."""
    who, _, body, _ = WRITERS[name]
    client = Client(raise_request_exception=False)
    if who != "nobody":
        client.force_login(getattr(world, who))
    other = {
        "api:patient-detail": client.patch, "api:schedule": client.patch, "api:check-in": client.put,
        "api:symptom": client.put, "api:medication": client.patch, "api:condition": client.patch,
        "api:genotype": client.patch, "api:appointment": client.patch,
    }  # fmt: skip
    send = other.get(name, client.post)
    form = {"content_type": "application/json"} if name.startswith("api:") and name not in FILES else {}
    address = reverse(name, kwargs=parameters(name, world))
    return lambda sent: send(address, sent, **form), lambda: body(world) if callable(body) else dict(body)


@pytest.mark.parametrize("name", WRITERS)
def test_what_no_caller_decides_is_not_taken_from_one(name, world):
    send, good = writer(name, world)
    forbidden = {key: value for key, value in world.forbidden().items() if key not in MEANT.get(name, ())}
    sent, before = forbidden | good(), traces(world)
    answer = send(sent)
    if answer.streaming:
        list(answer.streaming_content)
    assert answer.status_code == WRITERS[name][3], answer.content[:2000]
    new = traces(world) - before
    assert {key: n for key, n in new.items() if key not in WRITTEN.get(name, ())} == {}


def test_a_field_that_was_taken_would_be_seen(world):
    before = traces(world)
    Patient.objects.filter(pk=world.patient.pk).update(version=NUMBER, created_at=MOMENT)
    User.objects.filter(pk=world.reader.pk).update(is_superuser=True)
    world.chart.note.author = world.victim
    world.chart.note.text = f"of {ID}"
    world.chart.note.save()
    Job.objects.filter(pk=world.chart.job.pk).update(state="quarantined")
    assert set(traces(world) - before) == {
        ("patients.Patient", "version"), ("patients.Patient", "created_at"), ("accounts.User", "superusers"),
        ("patients.PsychotherapyNote", "author_id"), ("patients.PsychotherapyNote", "text"), ("jobs.Job", "state"),
    }  # fmt: skip
