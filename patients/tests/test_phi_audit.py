"""The search for identifiers where none may stand: what is planted is found, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from novamind.clock import now
from novamind.frame import compliance_checks
from novamind.jobs.kinds import PERIODIC
from novamind.phi.detection import Identifiers
from novamind.phi.detection.many import Matcher
from novamind.phi.models import PhiScan
from patients.identifiers import scan_everything
from patients.models import CareTeam

pytestmark = pytest.mark.django_db


def check():
    return next(line for line in compliance_checks() if line.key == "phi_scan")


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def test_a_clinic_as_it_should_be_holds_nothing(patient):
    assert check().state == "not configured"
    assert scan_everything().findings == {}
    assert check().state == "holds"


def plant_in_a_column(patient, folder):
    CareTeam.objects.create(name=f"Team of {patient.first_name.upper()} {patient.last_name}")


def plant_in_a_session(patient, folder):
    store = SessionStore()
    store["last"] = patient.email
    store.save()


def plant_in_a_file_name(patient, folder):
    default_storage.save(f"sealed/{patient.mrn}.bin", ContentFile(b"x"))


def plant_in_a_log(patient, folder):
    (folder / "web.log").write_text(f"called {patient.phone[:6]} {patient.phone[6:]}\n")


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        (plant_in_a_column, "patients.CareTeam.name"),
        (plant_in_a_session, "sessions"),
        (plant_in_a_file_name, "names in storage"),
        (plant_in_a_log, "logs"),
    ],
)
def test_a_planted_leak_is_found_and_not_repeated(plant, place, patient, tmp_path, capsys):
    plant(patient, tmp_path)
    with pytest.raises(SystemExit):
        call_command("phi_audit")
    done = PhiScan.objects.get()
    assert place in done.findings
    assert "zqx" not in (json.dumps(done.findings) + capsys.readouterr().out).lower()
    assert check().state == "fails"


def test_a_clean_scan_grows_old(patient):
    scan_everything()
    PhiScan.objects.update(finished_at=now() - timedelta(days=3))
    assert check().state == "fails"


def test_it_runs_every_night():
    from patients import jobs  # noqa: F401  (registers)

    assert PERIODIC["patients.phi_audit"].every == timedelta(days=1)


def test_ordinary_words_are_no_person():
    matcher = Matcher([Identifiers(first_names=("May",), last_names=("Long",)), Identifiers(("Kari",), ("Moen",))])
    assert matcher.count("it may long be so") == 0
    assert matcher.count("MOEN, Kári was here") == 1
