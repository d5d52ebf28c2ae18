"""An operator's forecaster: registered with its card, run in shadow, promoted by a person, refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import recorded
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.registry.services import move
from twins import forecasts, installing, services
from twins.management.commands import train_forecaster
from twins.science.forecasting import ModelError, load_forecaster
from twins.tests.forecasting_series import HASTY
from twins.tests.test_services import ledger, patient, run_forecast, twin  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path, monkeypatch: Any) -> Path:
    """A forecaster of a few simulated people, judged (here: by a card that says so) on others."""
    kept = tmp_path.parent / "hasty.npz"
    if not kept.exists():
        monkeypatch.setattr(train_forecaster, "PRESETS", {"small": HASTY})
        call_command("train_forecaster", str(kept), simulated=15, days=50, threads=1, stdout=StringIO())
    path = tmp_path / "hasty.npz"
    for each in (kept, kept.with_suffix(".card.json")):
        shutil.copy(each, tmp_path)
    said = card_of(path)
    external = said["held_out"] | {"data": "others", "people": 3}
    rewrite(path, external=external, serves=installing.serves(said["held_out"]["models"]))
    return path


def card_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.with_suffix(".card.json").read_text()))


def rewrite(path: Path, **change: Any) -> None:
    said = {key: value for key, value in (card_of(path) | change).items() if value is not None}
    path.with_suffix(".card.json").write_text(json.dumps(said))


def install(path: Path, **options: Any) -> str:
    out = StringIO()
    call_command("install_forecaster", str(path), reason="Trained here", by="operator:test", stdout=out, **options)
    return out.getvalue()


def test_a_file_becomes_a_draft_with_its_card_and_a_copy_and_is_on_record(file):
    said = install(file)
    version = ModelVersion.objects.get(name=forecasts.NAME)
    assert (version.stage, version.weights_sha256) == ("draft", hashlib.sha256(file.read_bytes()).hexdigest())
    assert forecasts.file_of(version.weights_file).read_bytes() == file.read_bytes()
    assert version.training_data.endswith("12 trained on")
    assert version.training_data in said
    assert version.card["validity_external"]
    assert AuditEvent.objects.filter(event_type=EventType.MODEL_PROMOTION, actor_label="operator:test").exists()
    assert "registered before" in install(file)
    assert ModelVersion.objects.filter(name=forecasts.NAME).count() == 1


def test_what_was_trained_on_a_data_set_is_registered_under_its_hash():
    said = {"data": {"dataset_sha256": "d" * 64, "who": "patients", "trained_people": 40}}
    assert installing.training_of(said) == f"patients; data set {'d' * 64}; 40 trained on"


@pytest.mark.usefixtures("twin")
def test_in_shadow_it_runs_beside_the_one_that_serves_and_nobody_is_shown_it(file, patient):  # noqa: F811
    install(file, shadow=True)
    trial = ModelVersion.objects.get(name=forecasts.NAME, stage="shadow")
    run_forecast(patient)
    shown = services.current(patient.twin)["symptom_forecast"]
    assert shown.record.model_version != trial
    beside = InferenceRecord.objects.get(model_version=trial)
    assert (beside.shadow, beside.input_hash) == (True, shown.record.input_hash)
    assert not InferenceRecord.objects.served().filter(model_version=trial).exists()
    run_forecast(patient)
    assert InferenceRecord.objects.filter(model_version=trial).count() == 1


@pytest.mark.usefixtures("twin")
def test_a_shadow_whose_file_is_gone_disturbs_nobody(file, patient):  # noqa: F811
    install(file, shadow=True)
    trial = ModelVersion.objects.get(name=forecasts.NAME, stage="shadow")
    forecasts.file_of(trial.weights_file).unlink()
    forecasts.loaded.cache_clear()
    run_forecast(patient)
    assert services.current(patient.twin)["symptom_forecast"].record is not None
    assert not InferenceRecord.objects.filter(model_version=trial).exists()


@pytest.mark.usefixtures("twin")
def test_promoted_by_a_person_it_serves(file, patient, make_user):  # noqa: F811
    install(file)
    draft = ModelVersion.objects.get(name=forecasts.NAME, stage="draft")
    move(draft, to="production", by=make_user("chief@clinic.test", "clinical admin"), reason="Better here")
    run_forecast(patient)
    record = services.current(patient.twin)["symptom_forecast"].record
    assert record.model_version == draft
    assert record.output["mood"]["model"] == card_of(file)["serves"]
    card = forecasts.file_of(draft.weights_file).with_suffix(".card.json")
    card.write_text("{}")
    forecasts.loaded.cache_clear()
    with pytest.raises(forecasts.Abstained, match="weights_mismatch"):
        forecasts.runner(draft)


def test_wrong_files_are_refused_by_name_and_nothing_is_kept(file, settings):
    """One thing wrong at a time, and right again after it."""
    card, content = file.with_suffix(".card.json").read_text(), file.read_bytes()

    def refused(says: str, **options: Any) -> None:
        with pytest.raises(CommandError, match=says):
            install(file, **options)
        file.write_bytes(content)
        file.with_suffix(".card.json").write_text(card)

    file.unlink()
    refused("cannot be read")
    file.with_suffix(".card.json").unlink()
    refused("its card hasty.card.json cannot be read")
    file.with_suffix(".card.json").write_text("[]")
    refused("is no card")
    rewrite(file, sha256="0" * 64)
    refused("registered is 0000")
    file.write_bytes(b"nothing")
    rewrite(file, sha256=hashlib.sha256(b"nothing").hexdigest())
    refused("not a forecaster")
    rewrite(file, is_not=[])
    refused("changed since it was trained: is_not")
    rewrite(file, serves=None)
    refused("nobody has judged it")
    other = {"ensemble": "own-mean", "own-mean": "ensemble"}[card_of(file)["serves"]]
    rewrite(file, serves=other)
    refused(f"its figures do not let {other} serve")
    answers = file.with_name("answers.json")
    answers.write_text('{"funding": ""}')
    refused("card leaves", card=answers)
    answers.write_text('{"must_not": "Nothing.", "funding": "A foundation."}')
    refused("Its card says must_not itself", card=answers)
    answers.write_text("no")
    refused("not a JSON file", card=answers)
    assert not ModelVersion.objects.filter(name=forecasts.NAME).exists()
    assert not list(settings.PAT_WEIGHTS_DIR.glob("*"))
    with pytest.raises(CommandError, match="Say why"):
        call_command("install_forecaster", str(file), stdout=StringIO())
    assert not list(settings.PAT_WEIGHTS_DIR.glob("*"))


def test_a_forecaster_of_another_scale_is_refused(file, monkeypatch):
    monkeypatch.setattr(installing, "SLIDER", installing.SLIDER.__class__(0.0, 27.0, 1.0))
    with pytest.raises(CommandError, match="scores of 0 to 100"):
        install(file)


def test_the_shipped_one_passes_the_same_check():
    content, said = installing._read(forecasts.SHIPPED / forecasts.FORECASTER)
    installing._require_honest(load_forecaster(content, sha256=said["sha256"]), said)
    with pytest.raises(ModelError):
        installing._require_honest(load_forecaster(content), said | {"seed": -1})


def test_who_installs_stands_in_the_trail_of_the_caller(file):
    with recorded(actor_label="system:test", request_id="test"):
        version, _ = installing.install_file(file, answers={}, by="operator:kari", reason="Trained here")
    assert version.created_by == "operator:kari"
