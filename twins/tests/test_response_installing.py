"""Models of treatments as registered versions: drafts by path or by hand, promoted by a person, refused by name."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from novamind.audit.models import AuditEvent, EventType
from novamind.registry.models import ModelVersion
from twins.response.installing import SETTINGS, register_at_start
from twins.science.treatment import load_model
from twins.tests.treated import of_a_clinic, write

pytestmark = pytest.mark.django_db


def install(path: Path, reason: str = "Trained here") -> str:
    out = StringIO()
    call_command("install_treatment_model", str(path), reason=reason, by="operator:test", stdout=out)
    return out.getvalue()


def start() -> list[str]:
    said: list[str] = []
    register_at_start(lambda line: said.append(str(line)))
    return said


def test_a_file_becomes_a_draft_with_its_card_and_a_copy_and_is_on_record(models, tmp_path):
    path = write(of_a_clinic(models["response"]), tmp_path)
    said = install(path)
    version = ModelVersion.objects.get(name="treatment-response")
    assert (version.kind, version.stage) == ("treatment", "draft")
    assert version.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_model(settings.PAT_WEIGHTS_DIR / version.weights_file).target == "response"
    assert version.training_data in said
    assert "no score of suicide" in version.card["must_not"]
    assert AuditEvent.objects.filter(event_type=EventType.MODEL_PROMOTION, actor_label="operator:test").exists()
    assert "registered before" in install(path)


def test_the_card_of_a_simulated_one_says_so(models, tmp_path):
    install(write(models["risk"], tmp_path))
    version = ModelVersion.objects.get(name="treatment-risk")
    assert "SYNTHETIC" in version.card["must_not"]
    assert "SYNTHETIC" in version.training_data


def test_what_is_no_better_than_the_base_rate_is_refused(models, tmp_path):
    model = models["response"]
    worse = [one | {"low": -0.01} if "skill" in one["metric"] else one for one in model.card["figures"]]
    for figures in (worse, []):  # what the card calls itself counts for nothing
        path = write(replace(model, card=model.card | {"figures": figures, "better": True}), tmp_path)
        with pytest.raises(CommandError, match="not better than saying the same of everybody"):
            install(path)
    assert not ModelVersion.objects.filter(kind="treatment").exists()


def test_without_a_reason_or_a_model_nothing_is_kept(models, tmp_path):
    with pytest.raises(CommandError):
        install(write(models["outcome"], tmp_path), reason=" ")
    (tmp_path / "not.xgb").write_bytes(b"{}")
    with pytest.raises(CommandError, match=r"not.xgb: not a treatment model"):
        install(tmp_path / "not.xgb")
    assert not ModelVersion.objects.filter(kind="treatment").exists()
    assert not list(settings.PAT_WEIGHTS_DIR.glob("treatment*"))


def test_paths_in_the_settings_are_read_at_start_and_wait_for_a_person(models, tmp_path, settings: Any):
    for target, name in SETTINGS.items():
        setattr(settings, name, str(write(of_a_clinic(models[target]), tmp_path)))
    assert [line.rsplit(", ", 1)[1] for line in start()] == ["draft"] * 3
    assert start() == start()
    assert set(ModelVersion.objects.filter(kind="treatment").values_list("name", "stage")) == {
        (f"treatment-{target}", "draft") for target in SETTINGS
    }


def test_a_bad_path_is_said_at_start_and_stops_nothing(models, tmp_path, settings: Any):
    assert start() == []
    settings.XGBOOST_TREATMENT_RESPONSE_MODEL_PATH = str(tmp_path / "nothing.xgb")
    settings.XGBOOST_OUTCOME_PREDICTION_MODEL_PATH = str(write(models["risk"], tmp_path))
    settings.XGBOOST_RISK_PREDICTION_MODEL_PATH = str(write(models["risk"], tmp_path))
    said = start()
    assert "cannot be read: No such file" in said[0]
    assert "it tells risk, and outcome is asked for" in said[1]
    assert said[2].endswith(", draft")
