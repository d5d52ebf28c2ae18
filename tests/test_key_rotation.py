"""Rotation of keys: all of a chart under new keys, whatever interrupts it and whoever writes meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.test import Client

from actigraphy.models import Recording
from novamind.accounts.adapters import secrets_of
from novamind.audit import keys as rotating
from novamind.audit.models import AuditEvent, Purpose
from novamind.audit.recording import recorded
from novamind.clock import now
from novamind.jobs.kinds import KINDS
from novamind.phi import cipher, rotation, vault
from novamind.phi.columns import Columns, columns
from novamind.phi.documents import SealedJSON, documents
from novamind.phi.keys import KeyLost, forget_keys, key_by_number
from novamind.phi.models import DataKey, ErasedFile
from novamind.phi.uploads import seal, sealed_upload, unseal
from patients.models import Consent, Patient
from patients.record_numbers import MrnTaken
from patients.services import update_patient
from tests.one_of_everything import one_of_everything
from tests.signing_in import PASSWORD, code_of

pytestmark = pytest.mark.django_db
CONTENT = b"counts " * 20_000


@pytest.fixture
def chart(patient) -> SimpleNamespace:
    """Every kind of ciphertext there is, for one patient."""
    made = one_of_everything(patient)
    recording = made.recording
    name, key = seal(sealed_upload(CONTENT, "a.awd"), owner=patient.pk, table="actigraphy_recording", row=recording.pk)
    recording.storage_name, recording.file_key = name, key
    recording.metadata = {"note": "Zqxoutput"}
    recording.save()
    made.file = name
    return made


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def stored() -> dict[tuple[str, Any, str], bytes]:
    """All ciphertext there is, by table, row and column."""
    return {
        (place.model._meta.db_table, pk, field.attname): values[field.attname]
        for place in columns()
        for batch in place.batches()
        for pk, values in batch
        for field in place.sealed
        if values[field.attname]
    }


def named() -> set[int]:
    """The keys that anything names."""
    rows = [(place, row) for place in documents() for batch in place.batches() for *_, row in batch]
    in_json = {number for place, row in rows for number in place.numbers(row)}
    return {cipher.key_number(sealed) for sealed in stored().values()} | in_json


def opened(chart: SimpleNamespace) -> list[Any]:
    """What the chart says, as another process reads it."""
    forget_keys()
    found = Patient.objects.get(pk=chart.recording.patient_id)
    recording = Recording.objects.get(pk=chart.recording.pk)
    token = vault.restore("[NAME-1]", found.pk)
    with unseal(recording.storage_name, recording.file_key, table="actigraphy_recording", row=recording.pk) as file:
        content = file.read()
    for row in (chart.consent, chart.access, chart.note, chart.source):
        row.refresh_from_db()
    return [
        found.first_name, found.last_name, found.date_of_birth, found.mrn, found.phone, found.email,
        recording.file_name, recording.metadata, content == CONTENT, chart.consent.remark, chart.access.explanation,
        chart.note.text, chart.source.device_serial, token,
    ]  # fmt: skip


def an_hour_later() -> None:
    DataKey.objects.retired().update(retired_at=now() - rotation.KEPT)
    ErasedFile.objects.update(due_at=now())


def test_every_column_of_ciphertext_is_found():
    found = {place.model._meta.label: {field.name for field in place.sealed} for place in columns()}
    assert found["patients.Patient"] >= {"first_name", "last_name", "date_of_birth", "mrn", "phone", "email"}
    assert found["actigraphy.Recording"] == {"file_name", "file_key", "metadata"}
    assert found["patients.PsychotherapyNote"] == {"text"}
    assert found["phi.PhiToken"] == {"sealed"}


def test_a_patients_fields_tokens_notes_and_files_are_under_new_keys(chart, patient, make_patient, team):
    other, before, said = make_patient(team), stored(), opened(chart)
    mine = set(DataKey.objects.filter(patient_id=patient.pk).values_list("number", flat=True))
    assert mine <= named()
    rotate("--patient", str(patient.pk))
    after = stored()
    assert named() & mine == set()
    assert opened(chart) == said
    assert {place for place in before if before[place] == after[place]} == {
        place
        for place in before
        if place[:2] == ("patients_patient", other.pk)
        or place[0].startswith(("compliance_", "accounts_user", "insights_researchexport"))
    }
    purposes = {key.number: key.purpose for key in DataKey.objects.living()}
    assert purposes[cipher.key_number(after["patients_psychotherapynote", chart.note.pk, "text"])] == "therapy"
    assert purposes[cipher.key_number(after["patients_consent", chart.consent.pk, "remark"])] == "data"


def test_the_file_itself_is_encrypted_anew_and_the_old_one_is_erased_an_hour_later(chart):
    with default_storage.open(chart.file) as source:
        old = source.read()
    rotate("--all")
    recording = Recording.objects.get(pk=chart.recording.pk)
    with default_storage.open(recording.storage_name) as source:
        assert source.read()[:1000] != old[:1000]
    rotate()
    assert default_storage.exists(chart.file)  # somebody may be reading it
    an_hour_later()
    rotate()
    assert not default_storage.exists(chart.file)
    assert default_storage.exists(recording.storage_name)
    assert not ErasedFile.objects.exists()


class Killed(Exception):
    """As if the process had ended here."""


def test_killed_at_any_row_it_goes_on_and_nothing_was_ever_unreadable(chart, make_patient, team, monkeypatch):
    for _ in range(3):
        make_patient(team)
    said, real = opened(chart), Columns.replace
    old = set(DataKey.objects.values_list("number", flat=True))
    left = 0

    def replace(self, *arguments):
        nonlocal left
        if not left:
            raise Killed
        left -= 1
        return real(self, *arguments)

    monkeypatch.setattr(Columns, "replace", replace)
    monkeypatch.setattr("novamind.phi.columns.BATCH", 2)
    kills = 0
    for _ in range(200):
        left = 2  # one more than is lost with a batch
        try:
            rotate("--all")
            break
        except Killed:
            kills += 1
            assert opened(chart) == said
    assert kills >= 3
    assert named() & old == set()
    assert opened(chart) == said


def test_it_is_idempotent(chart):
    rotate("--all")
    keys, after = set(DataKey.objects.values_list("number", flat=True)), stored()
    assert "0 keys retired" in rotate("--all")
    assert " 0 encrypted anew, 0 files" in rotate()
    assert (set(DataKey.objects.values_list("number", flat=True)), stored()) == (keys, after)


def test_a_change_between_reading_and_writing_is_not_lost(patient, monkeypatch):
    real, changed = Columns.replace, []

    def replace(self, pk, *arguments):
        if pk == patient.pk and not changed:
            changed.append(pk)
            with recorded(actor_label="somebody's request", request_id="r"):
                update_patient(Patient.objects.get(pk=pk), version=patient.version, first_name="Renamed")
        return real(self, pk, *arguments)

    monkeypatch.setattr(Columns, "replace", replace)
    rotate("--patient", str(patient.pk))
    forget_keys()
    found = Patient.objects.get(pk=patient.pk)
    assert changed
    assert (found.first_name, found.last_name, found.version) == ("Renamed", "Zqxlast", patient.version + 1)


def test_a_process_that_has_not_heard_of_it_writes_under_the_old_key_and_loses_nothing(patient):
    update_patient(patient, version=patient.version, first_name="Before")
    old = DataKey.objects.get(patient_id=patient.pk)
    stale = Patient.objects.get(pk=patient.pk)
    rotate("--patient", str(patient.pk))
    stale.save()  # as it was read: everything under the old key again
    assert old.number in named()
    an_hour_later()
    rotate()
    assert old.number not in named()
    old.refresh_from_db()
    assert old.destroyed_at is not None
    forget_keys()
    assert Patient.objects.get(pk=patient.pk).first_name == "Before"


def test_a_retired_key_is_kept_an_hour_and_then_destroyed(patient):
    old = DataKey.objects.get(patient_id=patient.pk)
    rotate("--patient", str(patient.pk))
    rotate()
    assert key_by_number(old.number)
    an_hour_later()
    KINDS["phi.keys"].function()
    with pytest.raises(KeyLost):
        key_by_number(old.number)
    assert DataKey.objects.filter(patient_id=patient.pk).living().count() == 1


def test_a_value_that_cannot_be_opened_keeps_its_key_and_says_so(patient):
    old = DataKey.objects.get(patient_id=patient.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET phone = first_name")
    with pytest.raises(SystemExit):
        rotate("--patient", str(patient.pk))
    an_hour_later()
    with pytest.raises(SystemExit):
        rotate()
    old.refresh_from_db()
    assert old.destroyed_at is None
    forget_keys()
    assert Patient.objects.get(pk=patient.pk).first_name == "Zqxfirst"


def test_a_lost_file_stops_nothing(chart):
    default_storage.delete(chart.file)
    assert "1 files lost" in rotate("--all")
    assert Recording.objects.get(pk=chart.recording.pk).storage_name == chart.file


def test_a_consent_stays_as_it_was_recorded_while_its_words_are_encrypted_anew(chart):
    rotate("--all")
    with pytest.raises(DatabaseError), transaction.atomic():
        Columns(Consent).rows.update(given=False)
    with pytest.raises(DatabaseError), transaction.atomic():
        Columns(Consent).rows.update(valid_until=now())


@pytest.fixture
def factors(psychiatrist) -> list[str]:
    """Recovery codes of the psychiatrist, who has an authenticator app as well."""
    code_of(psychiatrist)
    with secrets_of(psychiatrist):
        return RecoveryCodes.activate(psychiatrist).get_unused_codes()


def signs_in(user: Any, code: str) -> bool:
    """Whether password and code open the door."""
    client = Client()
    client.post("/accounts/login/", {"username": user.email, "password": PASSWORD})
    return client.post("/accounts/code/", {"code": code}).status_code == 302


@pytest.mark.parametrize("chosen", ["--clinic", "--all"])
def test_after_the_old_key_is_gone_a_second_factor_still_opens_the_door(factors, psychiatrist, chosen):
    old = set(DataKey.objects.filter(patient_id=None).values_list("number", flat=True))
    assert old & named()
    rotate(chosen)
    assert not old & named()
    an_hour_later()
    KINDS["phi.keys"].function()
    forget_keys()
    assert not DataKey.objects.filter(number__in=old, destroyed_at=None).exists()
    assert signs_in(psychiatrist, code_of(psychiatrist))
    assert signs_in(psychiatrist, factors[0])
    assert not signs_in(psychiatrist, factors[0])


def test_a_secret_that_cannot_be_opened_keeps_the_clinics_key_and_says_so(factors, psychiatrist, therapist):
    code_of(therapist)
    app = Authenticator.objects.filter(type="totp")
    app.filter(user=therapist).update(data=app.get(user=psychiatrist).data)
    old = DataKey.objects.get(patient_id=None, purpose="data")
    for arguments in (("--clinic",), ()):
        with pytest.raises(SystemExit):
            rotate(*arguments)
        an_hour_later()
    old.refresh_from_db()
    assert old.destroyed_at is None
    assert signs_in(psychiatrist, code_of(psychiatrist))


def test_a_recovery_code_used_between_reading_and_writing_stays_used(factors, psychiatrist, monkeypatch):
    real, used = SealedJSON.replace, []

    def replace(self, *arguments):
        if not used:
            used.append(signs_in(psychiatrist, factors[0]))
        return real(self, *arguments)

    monkeypatch.setattr(SealedJSON, "replace", replace)
    rotate("--clinic")
    assert used == [True]
    assert not signs_in(psychiatrist, factors[0])
    assert signs_in(psychiatrist, factors[1])


def test_whatever_seals_a_value_is_known_to_the_rotation():
    """A new caller joins the walk (a field, ``SealedField``, ``sealed_json``) before it joins this list."""
    root = Path(__file__).resolve().parents[1]
    sealing = {
        str(path.relative_to(root))
        for app in ("novamind", "patients", "actigraphy", "twins", "insights")
        for path in (root / app).rglob("*.py")
        if "tests" not in path.parts and "cipher.encrypt(" in path.read_text()
    }
    of_phi = ("documents", "fields", "rotation", "sanitizing", "uploads", "vault")
    assert sealing == {*(f"novamind/phi/{name}.py" for name in of_phi), "insights/models.py"}  # DayValues: SealedField


def indexes() -> list[bytes]:
    return sorted(bytes(one) for one in Patient.objects.values_list("mrn_index", flat=True) if one)


def test_the_index_key_too_and_patients_are_found_at_every_moment(patient, make_patient, team):
    make_patient(team, mrn="B-2")
    before = indexes()
    rotating.rotate(DataKey.objects.filter(patient_id=None), by="test")
    assert indexes() == before
    assert Patient.objects.get(mrn_index="zqx-mrn-7781") == patient
    make_patient(team, mrn="C-3")  # under the new key, while others have the old one's
    assert {Patient.objects.filter(mrn_index=mrn).count() for mrn in ("B-2", "c-3", "ZQX-MRN-7781")} == {1}
    assert Patient.objects.filter(last_name_index="zqxlast").count() == 3
    rotate()
    assert set(indexes()) & set(before) == set()
    an_hour_later()
    rotate()
    assert not DataKey.objects.retired().exists()
    assert Patient.objects.get(mrn_index="zqx-mrn-7781") == patient
    with pytest.raises(MrnTaken):
        make_patient(team, mrn="b-2")


def test_two_charts_that_got_one_number_meanwhile_are_counted_and_both_found(patient, make_patient, team):
    rotating.rotate(DataKey.objects.filter(patient_id=None), by="test")
    make_patient(team, mrn="ZQX-MRN-7781")
    with pytest.raises(SystemExit):
        rotate()
    an_hour_later()
    with pytest.raises(SystemExit):
        rotate()
    assert DataKey.objects.retired().count() == 1  # the old index key still finds the first
    assert Patient.objects.filter(mrn_index="zqx-mrn-7781").count() == 2


def test_each_rotation_is_on_record_with_whose_keys_it_changed(patient, make_patient, team):
    other = make_patient(team)
    rotate("--all")
    an_hour_later()
    rotate()
    for action in ("keys:retire", "keys:destroy"):
        event = AuditEvent.objects.get(action=action)
        assert {row.patient_id for row in event.patients.all()} == {patient.pk, other.pk}
        assert (event.purpose, event.actor_label) == (Purpose.OPERATIONS, "manage.py rotate_keys")


def test_only_counts_are_printed(chart, patient):
    said = rotate("--all") + rotate("--patient", str(patient.pk)) + rotate("--clinic") + rotate()
    assert "Zqx" not in said
    assert str(patient.pk) not in said
    with pytest.raises(CommandError):
        rotate("--patient", "00000000-0000-0000-0000-000000000000")


def test_an_event_that_cannot_be_written_retires_nothing(patient, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("no")

    monkeypatch.setattr("novamind.audit.keys.write_event", fail)
    with pytest.raises(DatabaseError), transaction.atomic():
        rotate("--all")
    assert not DataKey.objects.retired().exists()


def test_the_hour_is_longer_than_any_memory_and_any_job(settings):
    from novamind.phi.keys import REMEMBER_S

    assert timedelta(seconds=REMEMBER_S + settings.JOB_TIME_LIMIT_S) < rotation.KEPT


WRITER = """
import sys, time
import django
django.setup()
from patients.models import Patient
from patients.services import update_patient, StaleEdit
while True:
    for patient in Patient.objects.all():
        try:
            update_patient(patient, version=patient.version, phone=str(int(patient.phone) + 1))
            print(patient.pk, patient.phone, flush=True)
        except StaleEdit:
            pass
"""

DOOMED = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from novamind.phi import rotation
from novamind.phi.columns import Columns
place, name, left = (rotation if sys.argv[1] == "create_key" else Columns), sys.argv[1], int(sys.argv[2])
real = getattr(place, name)
def until(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
setattr(place, name, until)
Columns.batches.__globals__["BATCH"] = 40
call_command("rotate_keys", "--all")
"""


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.django_db(databases=[])
def test_killed_processes_and_a_writer_beside_them_lose_nothing(tmp_path):
    """On a SQLite file: the command is killed five times while another process changes every chart."""
    environment = os.environ | {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'rotation.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "novamind.settings",
    }
    root = Path(__file__).resolve().parents[1]

    def python(*arguments: str, **options: Any) -> Any:
        return subprocess.Popen([sys.executable, *arguments], cwd=root, env=environment, text=True, **options)

    def shell(code: str) -> str:
        done = python("-c", f"import django; django.setup()\n{code}", stdout=subprocess.PIPE)
        said, _ = done.communicate(timeout=120)
        assert done.returncode == 0
        return said

    assert python("manage.py", "migrate", "-v0").wait(120) == 0
    shell(
        "from patients.services import create_patient; from datetime import date\n"
        "born = date(1990, 1, 1)\n"
        "for n in range(400): create_patient(by=None, first_name='A', last_name='B', phone='0', date_of_birth=born)"
    )
    writer = python("-c", WRITER, stdout=(tmp_path / "written").open("w"))
    try:
        kills = [python("-c", DOOMED, *doom).wait(120) for doom in (("create_key", "250"), *(("replace", "90"),) * 4)]
    finally:
        writer.kill()
        writer.wait(60)
    assert kills == [-signal.SIGKILL] * 5
    last = dict(line.split() for line in (tmp_path / "written").read_text().splitlines() if line.count(" ") == 1)
    assert python("manage.py", "rotate_keys").wait(120) == 0
    shown = shell("from patients.models import Patient\nfor p in Patient.objects.all(): print(p.pk, p.phone, p.name)")
    found = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
    assert len(found) == 400
    assert len(last) > 10
    assert {pk: phone for pk, (phone, *_) in found.items() if pk in last and int(phone) < int(last[pk])} == {}
    assert {tuple(name) for _, *name in found.values()} == {("B,", "A")}
    names = shell(
        "from novamind.phi.columns import columns; from novamind.phi.cipher import key_number\n"
        "from novamind.phi.models import DataKey\n"
        "old = set(DataKey.objects.retired().values_list('number', flat=True))\n"
        "print(len(old), sum(key_number(v[f.attname]) in old for c in columns() for b in c.batches() for _, v in b"
        " for f in c.sealed if v[f.attname]))"
    )
    assert names.split() == ["401", "0"]
