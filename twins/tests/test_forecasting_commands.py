"""``evaluate_forecaster`` and ``train_forecaster``: what they print and write, and what they refuse by name."""

import csv
import hashlib
import json
import subprocess
import sys
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from novamind.audit.models import AuditEvent, EventType
from novamind.registry.cards import problems
from twins import training
from twins.management.commands import evaluate_forecaster, train_forecaster
from twins.science.forecasting import MODELS, forecaster_bytes, load_forecaster
from twins.tests.forecasting_series import HASTY, forecaster, panel

pytestmark = pytest.mark.once

NEEDED = {"mae", "rmse", "mase", "coverage_80", "coverage_95", "width_80", "width_95", "mae_interval"}


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    for command in (evaluate_forecaster, train_forecaster):
        monkeypatch.setattr(command, "PRESETS", {"small": HASTY})


@pytest.fixture
def table(tmp_path):
    """Twelve simulated people of fifty days as a file."""
    path = tmp_path / "scores.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("person", "day", "score"))
        for who, scores in enumerate(panel(12, days=50).scores):
            rows.writerows((who, day, "" if np.isnan(score) else score) for day, score in enumerate(scores))
    return path


def evaluated(path, **options):
    out = StringIO()
    call_command("evaluate_forecaster", str(path), stdout=out, **options)
    return out.getvalue()


def test_evaluation_prints_every_figure_of_every_model_as_json(table):
    said = json.loads(evaluated(table, folds=2, format="json", threads=1))
    assert set(said["models"]) == set(MODELS)
    for found in said["models"].values():
        assert set(found) >= NEEDED
        assert 0 <= found["coverage_80"] <= 1
        low, high = found["mae_interval"]
        assert low <= found["mae"] <= high
    assert (said["people"], said["folds"], said["horizon_days"]) == (12, 2, 14)


def test_a_forecaster_of_a_file_is_judged_as_it_is(table, tmp_path):
    path = tmp_path / "forecaster.npz"
    path.write_bytes(forecaster_bytes(forecaster()))
    said = json.loads(evaluated(table, forecaster=path, format="json"))
    assert said["forecaster_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "own-mean minus model" in evaluated(table, forecaster=path)


def test_nobody_is_named_in_what_is_printed(table):
    table.write_text(table.read_text().replace("\n3,", "\nJane Doe,"))
    path = table.with_name("forecaster.npz")
    path.write_bytes(forecaster_bytes(forecaster()))
    assert "Jane" not in evaluated(table, forecaster=path, format="json")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"folds": 1}, "too few for 1 folds"),
        ({"folds": 12}, "people"),
        ({"range": [0, 5]}, "outside of 0 to 5"),
        ({"range": [5, 0]}, "no scale"),
        ({"step": 1.0}, "--step needs --range"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_name(table, options, says):
    if options.get("folds") == 12:
        table.write_text("person,day,score\n" + "".join(f"a,{day},{day}\n" for day in range(40)))
    with pytest.raises(CommandError, match=says):
        evaluated(table, **options)


def test_a_file_that_is_no_forecaster_is_refused(table, tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"nothing")
    with pytest.raises(CommandError, match=r"broken\.npz: not a forecaster"):
        evaluated(table, forecaster=tmp_path / "broken.npz")


@pytest.mark.django_db
def test_training_writes_a_forecaster_and_a_card_that_the_registry_takes_and_is_on_record(tmp_path):
    out = tmp_path / "forecaster.npz"
    call_command("train_forecaster", str(out), simulated=15, days=50, threads=1, by="operator:test", stdout=StringIO())
    said = json.loads(out.with_suffix(".card.json").read_text())
    assert load_forecaster(out, sha256=said["sha256"]).card["model"] == said["model"]
    assert said["is_not"] == [training.SYNTHETIC_ONLY]
    assert problems(training.registry_card(said)) == []
    event = AuditEvent.objects.get(event_type=EventType.MODEL_TRAINING)
    assert said["sha256"] in json.dumps(event.details)


@pytest.mark.django_db
def test_training_on_a_file_knows_it_by_its_checksum(table, tmp_path):
    out = tmp_path / "forecaster.npz"
    call_command("train_forecaster", str(out), data=table, range=[0, 100], step=1.0, threads=1, stdout=StringIO())
    said = json.loads(out.with_suffix(".card.json").read_text())
    assert said["data"]["file_sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert not said["data"]["simulated"]
    assert said["scale"] == {"low": 0.0, "high": 100.0, "step": 1.0}
    assert problems(training.registry_card(said)) == []


@pytest.mark.parametrize(("gain", "serves"), [([0.1, 0.9], "ensemble"), ([-0.1, 0.9], "own-mean")])
def test_the_ensemble_serves_only_where_its_gain_is_above_zero(gain, serves):
    found = {"own_mean_minus_model": 0.5, "own_mean_minus_model_interval": gain}
    said = training.judged_elsewhere({}, {"own-mean": found, "ensemble": found}, people=9, data="others")
    assert said["serves"] == serves


def test_figures_come_onto_the_card_of_the_very_file_only(table, tmp_path):
    path = tmp_path / "forecaster.npz"
    path.write_bytes(forecaster_bytes(forecaster()))
    card = path.with_suffix(".card.json")
    card.write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(CommandError, match="another file"):
        evaluated(table, forecaster=path, onto_card="others")
    card.write_text(json.dumps({"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))
    evaluated(table, forecaster=path, onto_card="others")
    said = json.loads(card.read_text())
    assert said["external"]["people"] == 12
    assert said["serves"] in {"ensemble", "own-mean"}


@pytest.mark.parametrize("options", [{}, {"simulated": 5, "data": "x.csv"}])
def test_training_wants_one_source(tmp_path, options):
    with pytest.raises(CommandError, match="one of them"):
        call_command("train_forecaster", str(tmp_path / "out.npz"), **options)


def test_the_package_imports_neither_tensorflow_nor_xgboost():
    code = "import sys, twins.science.forecasting as f; print({'tensorflow', 'keras', 'xgboost'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
