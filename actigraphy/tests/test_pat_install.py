"""An operator's weights: checked, copied, registered, served, and an abstention for whatever is wrong with them."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from actigraphy.models import Night
from actigraphy.pat import installing as pat
from actigraphy.pat import offline
from actigraphy.science.pat.weights import WeightsError
from actigraphy.tests.test_science_pat_weights import random_tensors, write_weights
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.registry.cards import ATTRIBUTES, problems
from novamind.registry.models import ModelVersion
from novamind.simulator import Persona, simulate, write_awd

pytestmark = pytest.mark.django_db


@pytest.fixture
def weights(tmp_path, settings):
    settings.PAT_MODEL_ID = "PAT-S"

    def write(seed=0, name="operator.h5"):
        path = tmp_path / name
        write_weights(path, random_tensors("S", seed))
        return path

    return write


def test_installed_weights_are_copied_and_serve(weights, settings):
    version, created = pat.install(weights(), by="operator", reason="A test.")
    assert created
    assert (version.stage, version.name) == ("production", "PAT-S")
    assert (settings.PAT_WEIGHTS_DIR / version.weights_file).is_file()


def test_installing_the_same_file_again_changes_nothing(weights):
    first, _ = pat.install(weights(), by="operator", reason="A test.")
    again, created = pat.install(weights(name="copy.h5"), by="another", reason="A test.")
    assert (again.pk, created) == (first.pk, False)
    assert ModelVersion.objects.count() == 1


def test_newer_weights_serve_and_the_older_retire(weights):
    first, _ = pat.install(weights(0), by="operator", reason="A test.")
    second, _ = pat.install(weights(1), by="operator", reason="A test.")
    first.refresh_from_db()
    assert (first.stage, second.stage) == ("retired", "production")


def test_a_damaged_file_is_refused_and_nothing_is_kept(weights, settings):
    path = weights()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WeightsError):
        pat.install(path, by="operator", reason="A test.")
    assert not ModelVersion.objects.exists()
    assert not settings.PAT_WEIGHTS_DIR.exists() or not list(settings.PAT_WEIGHTS_DIR.iterdir())


def test_mounted_files_are_registered_and_a_bad_one_does_not_stop_the_others(weights, settings):
    settings.PAT_WEIGHTS_DIR.mkdir(parents=True)
    (settings.PAT_WEIGHTS_DIR / "a_bad.h5").write_bytes(b"no weights")
    weights().rename(settings.PAT_WEIGHTS_DIR / "good.h5")
    found = pat.register_mounted(by="start")
    assert isinstance(found[0][1], WeightsError)
    assert isinstance(found[1][1], ModelVersion)
    assert offline.encoder_in_folder().weights_sha256 == found[1][1].weights_sha256


def test_the_command_installs(weights, capsys):
    call_command("install_pat_weights", str(weights()), reason="To be tried.")
    assert ModelVersion.objects.get().name == "PAT-S"


def test_the_card_of_an_unknown_file_is_complete_and_claims_no_origin(weights):
    version, _ = pat.install(weights(), by="operator", reason="A test.")
    assert problems(version.card) == []
    assert "not_available" in version.card["training_criteria"]
    assert version.training_data.startswith("not established")


def test_the_card_of_a_published_file_says_what_the_publication_says(weights, monkeypatch):
    path = weights()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr("actigraphy.science.pat.weights.PUBLISHED", {digest: "PAT-S_29k_weights.h5"})
    version, _ = pat.install(path, by="operator", reason="A test.")
    assert problems(version.card) == []
    assert "NHANES" in version.card["training_criteria"]
    assert all("not_available" in version.card[key] for key, each in ATTRIBUTES.items() if each.measured)


def test_an_operator_says_who_and_why(weights, capsys):
    path = weights()
    with pytest.raises(CommandError, match="--reason"):
        call_command("install_pat_weights", str(path))
    assert not ModelVersion.objects.exists()
    call_command("install_pat_weights", str(path), by="operator:kari", reason="The study begins.")
    changes = ModelVersion.objects.get().changes.order_by("pk")
    assert [(change.to_stage, change.by, change.reason) for change in changes] == [
        ("draft", "operator:kari", "The study begins."),
        ("production", "operator:kari", "The study begins."),
    ]


def test_a_mounted_file_replaces_nothing_that_serves(weights, settings):
    first, _ = pat.install(weights(0), by="operator", reason="A test.")
    weights(1).rename(settings.PAT_WEIGHTS_DIR / "mounted.h5")
    pat.register_mounted(by="system:start")
    assert {(row.stage, row == first) for row in ModelVersion.objects.all()} == {("production", True), ("draft", False)}


@pytest.mark.parametrize("content", [b"no weights", b"\x89HDF\r\n\x1a\n" + bytes(4000), b""])
def test_a_corrupt_file_at_start_degrades_pat_alone(settings, signed_in, psychiatrist, patient, content):
    """Named at start; page, upload, sleep and rhythm are as ever, and each model says by itself why it is silent."""
    settings.PAT_MODEL_ID = "PAT-S"
    settings.PAT_WEIGHTS_DIR.mkdir(parents=True)
    (settings.PAT_WEIGHTS_DIR / "PAT-S_corrupt.h5").write_bytes(content)
    said = []
    pat.register_at_start(said.append)
    assert [line.startswith("PAT weights PAT-S_corrupt.h5: refused") for line in said] == [True]
    client = signed_in(psychiatrist)
    lived = simulate(Persona.draw(1, zone="Europe/Oslo"), start=date(2026, 2, 2), days=9)
    upload = {"file": SimpleUploadedFile("a.awd", write_awd(lived)), "device_type": "actiwatch"}
    assert client.post(f"/patients/{patient.pk}/actigraphy/upload/", upload).status_code == 302
    run_waiting()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert Night.objects.filter(patient=patient, tst_min__isnull=False).count() >= 7
    page = client.get(f"/patients/{patient.pk}/actigraphy/")
    assert page.status_code == 200
    shown = page.content.decode()
    assert "Slept " in shown
    assert "no model weights are installed" in shown
    assert "no model of this kind is in production" in shown
