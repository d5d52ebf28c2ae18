"""Data sets of patients: only who allows it, under pseudonyms, on record; and what a forecaster's card says of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from novamind import clock
from novamind.audit.models import AuditEvent, AuditEventPatient
from novamind.audit.recording import recorded
from patients.consent import record_consent
from patients.models import CheckIn, Patient
from twins import datasets, training
from twins.features import BIOMETRICS, SYMPTOMS
from twins.management.commands import train_forecaster
from twins.science.datasets import PARTS, DatasetError
from twins.tests.forecasting_series import HASTY
from twins.tests.test_services import ledger  # noqa: F401
from twins.tests.test_services import patient as sleeper  # noqa: F401

pytestmark = pytest.mark.django_db
DAYS = 60


def check_in(patient: Patient, seed: int) -> None:
    rng = np.random.default_rng(seed)
    today = clock.now().astimezone(patient.tz).date()
    rows = []
    for back in range(1, DAYS + 1):
        day = today - timedelta(days=back)
        at = clock.midnight(day, patient.tz) + timedelta(hours=9)
        rows.append(CheckIn(patient=patient, at=at, by_patient=True, day=day, mood=int(rng.integers(0, 11))))
    CheckIn.objects.bulk_create(rows)


def allow(patient: Patient, given: bool = True, purpose: str = "models") -> None:
    record_consent(patient=patient, purpose=purpose, stream="questionnaires", given=given, how="written", by=None)


@pytest.fixture
def people(make_patient: Any, team: Any) -> list[Patient]:
    """Three who allow models to use what they say, and one who never was asked."""
    with recorded(actor_label="system:test", request_id="test"):
        made = [make_patient(team) for _ in range(4)]
        for seed, patient in enumerate(made):
            check_in(patient, seed)
            if seed < 3:
                allow(patient)
    return made


def built(folder: Any, **options: Any) -> datasets.Built:
    call_command("build_dataset", "symptom-forecast", str(folder), salt="one", stdout=StringIO(), **options)
    return datasets.read(folder)


def names(people: list[Patient]) -> set[str]:
    return {datasets.pseudonym_of("one", patient.pk) for patient in people}


def test_only_who_allows_models_is_in_it_and_whose_days_were_read_is_on_record(people, tmp_path):
    found = built(tmp_path / "out")
    assert set(found.dataset.pseudonyms) == names(people[:3])
    assert (found.manifest["consent"]["charts"], found.manifest["consent"]["allowed"]) == (4, 3)
    event = AuditEvent.objects.get(action="build_dataset")
    assert (event.object_id, event.details["people"]) == (found.manifest["sha256"], 3)
    touched = AuditEventPatient.objects.filter(event=event).values_list("patient_id", flat=True)
    assert set(touched) == {patient.pk for patient in people[:3]}


@pytest.mark.parametrize("purpose", ["models", "treatment"])
def test_who_withdraws_is_not_in_the_next_one(people, tmp_path, purpose):
    before = built(tmp_path / "before")
    with recorded(actor_label="system:test", request_id="test"):
        allow(people[0], given=False, purpose=purpose)
    after = built(tmp_path / "after")
    assert set(after.dataset.pseudonyms) == names(people[1:3])
    assert after.manifest["sha256"] != before.manifest["sha256"]


def test_a_stream_that_is_not_allowed_is_missing_from_the_days_of_who_allows_the_rest(sleeper, monkeypatch):  # noqa: F811
    """80 days of sleep and mood; then sleep is withdrawn, and the person stays with the mood alone."""
    whole = datasets.SPECS["biometric-symptom"]
    shorter = replace(whole, history=30, least_known=10, gates=replace(whole.gates, least_days=30))
    monkeypatch.setattr(datasets, "SPECS", {"biometric-symptom": shorter})
    before = datasets.build_dataset("biometric-symptom", salt="one")
    assert before.manifest["counts"]["days_with"]["sleep_duration"] > 70
    record_consent(patient=sleeper, purpose="models", stream="actigraphy", given=False, how="written", by=None)
    after = datasets.build_dataset("biometric-symptom", salt="one")
    assert after.manifest["counts"]["days_with"]["sleep_duration"] == 0
    assert after.manifest["counts"]["days_with"]["mood"] > 70
    assert after.dataset.pseudonyms == before.dataset.pseudonyms
    assert set(whole.gates.plausible) == {*BIOMETRICS, *SYMPTOMS}


def test_nothing_in_it_says_who_or_when(people, tmp_path):
    found = built(tmp_path / "out", cut=clock.now().date() - timedelta(days=15))
    said = (tmp_path / "out" / datasets.MANIFEST).read_text()
    with np.load(tmp_path / "out" / datasets.DATA) as file:
        said += file["said"].tobytes().decode()
    with recorded(actor_label="system:test", request_id="test"):
        for patient in Patient.objects.all():
            for secret in (str(patient.pk), patient.pk.hex, patient.last_name, patient.first_name):
                assert secret not in said
    now = clock.now()
    for days in range(-2, 400):
        day = (now - timedelta(days=days)).date()
        assert str(day) not in said
        assert f"{day:%Y%m%d}" not in said
    assert found.manifest["cut_by_time"]
    assert found.dataset.later.any()
    assert not found.dataset.later.all()
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "out").iterdir())


def test_a_person_keeps_pseudonym_and_part_in_a_line_and_not_across_lines(people):
    first = [(datasets.pseudonym_of("one", one.pk), datasets.part_of("one", one.pk)) for one in people]
    assert first == [(datasets.pseudonym_of("one", one.pk), datasets.part_of("one", one.pk)) for one in people]
    assert not set(dict(first)) & {datasets.pseudonym_of("two", one.pk) for one in people}


def test_parts_have_their_shares_and_a_clinic_of_another_key_other_ones(settings):
    from uuid import UUID

    ids = [UUID(int=number) for number in range(4000)]
    dealt = [datasets.part_of("one", one) for one in ids]
    for part in PARTS:
        share = datasets.SHARES[part] / 100
        assert abs(dealt.count(part) / 4000 - share) < 4 * np.sqrt(share * (1 - share) / 4000)
    settings.SECRET_KEY = "another"  # noqa: S105
    assert [datasets.part_of("one", one) for one in ids] != dealt


def test_the_same_days_give_the_same_hash_and_a_changed_manifest_is_refused(people, tmp_path):
    assert built(tmp_path / "a").manifest["sha256"] == built(tmp_path / "b").manifest["sha256"]
    manifest = tmp_path / "a" / datasets.MANIFEST
    manifest.write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(DatasetError, match="its manifest says"):
        datasets.read(tmp_path / "a")
    manifest.unlink()
    with pytest.raises(DatasetError, match="not the folder"):
        datasets.read(tmp_path / "a")


def test_a_build_that_leaves_nobody_is_refused_and_its_reading_is_on_record(people, tmp_path):
    with pytest.raises(CommandError, match="no window is left"):
        built(tmp_path / "out", days=10)
    assert not (tmp_path / "out").exists()
    assert AuditEvent.objects.get(action="build_dataset").outcome == "failed"
    (tmp_path / "out").mkdir()
    with pytest.raises(CommandError, match="there already"):
        built(tmp_path / "out")


@pytest.mark.once
def test_a_forecaster_of_a_data_set_names_its_hash_and_is_judged_by_its_test_people(
    make_patient, team, tmp_path, monkeypatch
):
    monkeypatch.setattr(train_forecaster, "PRESETS", {"small": HASTY})
    monkeypatch.setattr(datasets, "part_of", lambda salt, pk: "test" if pk.int % 4 == 0 else "train")
    with recorded(actor_label="system:test", request_id="test"):
        parts = []
        while parts.count("train") < 12 or parts.count("test") < 2:
            patient = make_patient(team)
            parts.append(datasets.part_of("one", patient.pk))
            check_in(patient, len(parts))
            allow(patient)
    found = built(tmp_path / "set")
    out = tmp_path / "forecaster.npz"
    call_command("train_forecaster", str(out), dataset=tmp_path / "set", threads=1, stdout=StringIO())
    said = json.loads(out.with_suffix(".card.json").read_text())
    assert said["data"]["dataset_sha256"] == found.manifest["sha256"]
    assert (said["data"]["trained_people"], said["data"]["held_out_people"]) == (
        parts.count("train"), parts.count("test"),
    )  # fmt: skip
    assert said["serves"] == training.serves(said["held_out"]["models"])
    assert said["scale"] == {"low": 0.0, "high": 100.0, "step": 10.0}
    (tmp_path / "set" / datasets.DATA).write_bytes(b"nothing")
    with pytest.raises(CommandError, match="not a data set"):
        call_command("train_forecaster", str(out), dataset=tmp_path / "set", threads=1, stdout=StringIO())
