"""Attack 3, first part: fields that nobody is meant to send, sent to whatever writes, along with a good body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from actigraphy.tests.recording_files import depresjon, minutes
from novamind.accounts.models import User
from novamind.jobs.models import Job
from novamind.phi.fields import EncryptedField
from patients.devices import DeviceKind, enrol
from patients.models import Grant, Patient
from patients.services import join_team, share_patient
from tests.signing_in import PASSWORD, code_of
from tests.test_role_url_table import ROWS

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
    Job.objects.update(state="failed")
    return World(
        chart=chart, patient=chart.patient, victim=victim, reader=reader, other=other, team=team, device=device,
        psychiatrist=psychiatrist, admin=clinical_admin,
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
WEEK = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])


def a_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("week.csv", WEEK)


def members(team: Any) -> dict[str, Any]:
    rows = list(team.memberships.all())
    sent = {"name": team.name, "memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        sent |= {f"memberships-{number}-{name}": value for name, value in
                 (("id", row.pk), ("team", team.pk), ("user", row.user_id))}  # fmt: skip
    return sent


#: URL -> who sends, what of the world its parameters name, a good body, and the answer that says it was written.
WRITERS: dict[str, tuple[str, str, Any, int]] = {
    "patients:search": ("psychiatrist", "", {"q": "zqxlast"}, 302),
    "patients:new": ("psychiatrist", "", lambda w: FORM | {"teams": [str(w.team.pk)]}, 302),
    "patients:edit": ("psychiatrist", "patient_id", lambda w: FORM | {"teams": [str(w.team.pk)], "version": 1}, 302),
    "patients:emergency": ("reader", "", {"mrn": "HIDDEN-1", "reason": "covering", "explanation": "x" * 30}, 302),
    "patients:emergency-end": ("psychiatrist", "patient_id", {}, 302),
    "patients:review": (
        "admin", "access_id", lambda w: {f"{w.chart.access.pk}-verdict": "justified"}, 302),
    "patients:record-consent": (
        "psychiatrist", "patient_id",
        {"purpose": "research", "streams": ["heart"], "decision": "given", "how": "written"}, 302),
    "patients:new-psychotherapy-note": ("psychiatrist", "patient_id", TEXT, 302),
    "patients:edit-psychotherapy-note": ("psychiatrist", "patient_id note_id", TEXT | {"version": 1}, 302),
    "patients:sign-psychotherapy-note": ("psychiatrist", "patient_id note_id", {}, 302),
    "patients:authorize-psychotherapy-reader": (
        "psychiatrist", "patient_id note_id",
        lambda w: {"reader": str(w.reader.pk), "signed_on": "2026-01-02"}, 302),
    "patients:withdraw-psychotherapy-reader": ("psychiatrist", "patient_id note_id authorization_id", {}, 302),
    "patients:devices": ("psychiatrist", "patient_id", {"kind": "phone"}, 200),
    "patients:end-device": ("psychiatrist", "patient_id device_id", {}, 302),
    "actigraphy:upload": ("psychiatrist", "patient_id", lambda w: {"file": a_file()}, 302),
    "jobs:retry": ("admin", "job_id", {}, 302),
    "jobs:acknowledge": ("admin", "alert_id", {}, 302),
    "compliance:run": ("admin", "", {}, 302),
    "compliance:acknowledge": ("admin", "finding_id", lambda w: {f"{w.chart.finding.pk}-notes": "done"}, 302),
    "compliance:new-incident": (
        "admin", "",
        {"title": "A list", "what": "Lost.", "discovered_at": "2026-01-02T03:04", "others_affected": "0"}, 302),
    "compliance:incident": (
        "admin", "incident_id", {"judgement": "low", "reasons": "Found.", "others_affected": "0"}, 302),
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
    "api:upload": ("psychiatrist", "", lambda w: {"file": a_file(), "patient_id": str(w.patient.pk)}, 201),
    "admin:accounts_user_add": (
        "admin", "",
        {"email": "new@clinic.test", "display_name": "New", "usable_password": "true", "password1": PHRASE,
         "password2": PHRASE}, 302),
    "admin:auth_user_password_change": (
        "admin", "id", {"password1": PHRASE, "password2": PHRASE, "usable_password": "true", "set-password": "x"}, 302),
    "admin:accounts_user_change": (
        "admin", "object_id", lambda w: {"email": w.reader.email, "display_name": "Reader", "is_active": "on",
                                         "groups": [group.pk for group in w.reader.groups.all()]}, 302),
    "admin:password_change": (
        "admin", "", {"old_password": PASSWORD, "new_password1": PHRASE, "new_password2": PHRASE}, 302),
    "admin:patients_careteam_add": (
        "admin", "", {"name": "West", "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}, 302),
    "admin:patients_careteam_change": ("admin", "object_id", lambda w: members(w.team), 302),
}  # fmt: skip
#: What the page is for: of these fields, or of such a row, this is meant to be written.
MEANT = {"admin:accounts_user_change": {"is_staff"}}
WRITTEN = {"patients:devices": {("accounts.User", "roles")}}
#: Writes without a field of their own.
WITHOUT = {
    "api:refresh", "api:logout", "account_login", "account_logout", "account_change_password", "account_reauthenticate",
    "end_other_sign_ins", "mfa_index", "mfa_view_recovery_codes", "mfa_activate_totp", "mfa_add_webauthn",
    "mfa_generate_recovery_codes", "socialaccount_connections", "admin:index", "admin:app_list", "admin:logout",
    "admin:patients_careteam_delete", "admin:socialaccount_socialaccount_add",
    "admin:socialaccount_socialaccount_change", "admin:socialaccount_socialaccount_delete", "admin:*_change",
}  # fmt: skip


def test_every_url_that_takes_a_change_is_attacked_or_takes_no_fields():
    taken = {name for name, method, *_ in ROWS if method in {"POST", "PATCH", "PUT"}}
    assert taken - set(WRITERS) - WITHOUT == set()
    assert (set(WRITERS) | WITHOUT) - taken == set()


def parameters(name: str, world: World) -> dict[str, Any]:
    """Rows of this chart that the URL names."""
    chart = world.chart
    values = {"patient_id": world.patient, "pk": world.patient, "note_id": chart.note, "job_id": chart.job,
              "authorization_id": chart.authorization, "access_id": chart.access, "alert_id": chart.alert,
              "finding_id": chart.finding, "incident_id": chart.incident, "device_id": world.device,
              "version_id": chart.version,
              "id": world.reader, "object_id": world.team if "careteam" in name else world.reader}  # fmt: skip
    return {named: values[named].pk for named in WRITERS[name][1].split()}


def writer(name: str, world: World) -> tuple[Callable[[dict[str, Any]], HttpResponse], Callable[[], dict[str, Any]]]:
    """What sends to this URL as whoever may, and what makes a good body."""
    who, _, body, _ = WRITERS[name]
    client = Client(raise_request_exception=False)
    if who != "nobody":
        client.force_login(getattr(world, who))
    send = client.patch if name == "api:patient-detail" else client.post
    form = {"content_type": "application/json"} if name.startswith("api:") and name != "api:upload" else {}
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
