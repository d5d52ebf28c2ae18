"""Reference cohorts, pretraining and the anomaly threshold from the command line."""

import json
from datetime import date

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from actigraphy import training
from actigraphy.science import pat
from actigraphy.science.pat.anomaly import load_rule
from novamind.audit.models import AuditEvent
from novamind.simulator import ALL, Persona, simulate, write_awd

from .recording_files import agd, minutes

pytestmark = pytest.mark.once

LABEL = "SYNTHETIC people, Actiwatch, wrist, counts/min"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """12 people's files, 15 days each, one of 3 days and one that is no recording."""
    folder = tmp_path_factory.mktemp("people")
    for seed in range(13):
        days = 3 if seed == 12 else 15
        lived = simulate(Persona.draw(seed), start=date(2024, 1, 8), days=days, effects=ALL.without("missing"))
        (folder / f"{seed:02d}.awd").write_bytes(write_awd(lived))
    (folder / "notes.txt").write_text("nothing of the kind\n")
    return folder


@pytest.fixture
def cohort(folder, tmp_path):
    call_command("build_reference_cohort", tmp_path / "cohort.json", folder, device="actiwatch", label=LABEL)
    return tmp_path / "cohort.json"


def test_a_cohort_is_one_week_of_every_person_and_names_the_files_without_one(folder, tmp_path, capsys):
    call_command("build_reference_cohort", tmp_path / "new/c.json", folder, device="actiwatch", label=LABEL)
    said = capsys.readouterr()
    built = pat.load_cohort(tmp_path / "new/c.json")
    assert (built.people, built.device, built.label, built.synthetic, built.smoothed) == (
        12,
        "actiwatch",
        LABEL,
        False,
        True,
    )
    assert f"12 people, smoothed over an hour; sha256 {built.sha256}" in said.out
    assert "12.awd: left out." in said.err
    assert "notes.txt: left out." in said.err
    people = training.recorded_people([folder], tz=training.ZoneInfo("UTC"), device=None, refuse=lambda *_: None)
    assert (people.count, len(people.weeks), people.device) == (12, 24, "actiwatch")


def test_a_cohort_of_simulated_people_says_so(tmp_path):
    call_command("build_reference_cohort", tmp_path / "c.json", device="actiwatch", label=LABEL, simulated=16)
    built = pat.load_cohort(tmp_path / "c.json")
    assert built.synthetic
    assert 10 <= built.people <= 16


@pytest.mark.parametrize(
    ("paths", "options", "sentence"),
    [
        ([], {}, "Name recordings, or --simulated N people"),
        (["."], {"simulated": 12}, "not both"),
        ([], {"simulated": 5}, "people; 10 are needed"),
        ([], {"simulated": 12, "device": "actigraph_hip"}, "The simulator counts as actiwatch does"),
        (["empty"], {}, "no recording holds seven days"),
    ],
)
def test_what_makes_no_cohort_is_said(tmp_path, paths, options, sentence):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match=sentence):
        call_command(
            "build_reference_cohort",
            tmp_path / "c.json",
            *(tmp_path / path for path in paths),
            **({"device": "actiwatch", "label": LABEL} | options),
        )
    assert not (tmp_path / "c.json").exists()


def test_counts_of_two_devices_are_not_mixed(folder, tmp_path):
    counts = np.random.default_rng(0).integers(1, 900, 9 * 1440).tolist()
    (tmp_path / "other.agd").write_bytes(agd(minutes("2024-01-08T00:00", len(counts)), counts))
    both = [folder / "00.awd", tmp_path / "other.agd"]
    with pytest.raises(training.NoWeeks, match="cannot be compared"):
        training.recorded_people(both, tz=training.ZoneInfo("UTC"), device=None, refuse=print)


@pytest.mark.slow
@pytest.mark.django_db
def test_an_encoder_is_trained_resumed_and_its_threshold_measured(folder, cohort, tmp_path, capsys):
    out = tmp_path / "model"
    arguments = {"data": [folder], "cohort": cohort, "batch": 8, "decoded": 28, "by": "operator:ada"}
    call_command("pretrain_pat", out, epochs=1, **arguments)
    assert "epoch 1/1  loss" in capsys.readouterr().out

    with pytest.raises(CommandError, match="OUT holds a checkpoint: go on with --resume"):
        call_command("pretrain_pat", out, epochs=2, **arguments)
    call_command("pretrain_pat", out, epochs=2, resume=True, **arguments)
    said = capsys.readouterr().out
    assert "epoch 2/2" in said
    assert "epoch 1/2" not in said

    card = json.loads((out / "card.json").read_text())
    model = pat.Reconstructor.from_files(out / "encoder.h5", out / "decoder.h5")
    assert card["sha256"] == {
        "encoder": model.encoder_sha256,
        "decoder": model.decoder_sha256,
        "cohort": pat.load_cohort(cohort).sha256,
    }
    assert (card["data"]["simulated"], card["data"]["people"], card["data"]["weeks"]) == (False, 12, 24)
    assert (card["epochs"], card["recipe"]["size"], card["recipe"]["decoded"]) == (2, "S", 28)
    held_out = card["held_out"]
    gain = 1 - held_out["mse_model"]["value"] / held_out["mse_cohort_mean"]["value"]
    assert held_out["gain_over_cohort_mean"]["value"] == pytest.approx(gain, abs=2e-4)

    call_command("calibrate_anomaly", out, calibration=3, people=3, by="operator:ada")
    rule = load_rule(out / "anomaly.json")
    measured = json.loads((out / "anomaly.json").read_text())["card"]["measured"]
    assert (rule.encoder_sha256, rule.decoder_sha256) == (model.encoder_sha256, model.decoder_sha256)
    assert set(measured["detected"]) == {"phase_shift", "insomnia", "hypersomnia", "agitation", "low_mood"}
    assert measured["unchanged_weeks"] > 10
    assert measured["with_the_cohort_mean_for_a_model"]["unchanged_weeks"] >= measured["unchanged_weeks"]

    events = list(AuditEvent.objects.filter(event_type="MODEL_TRAINING").order_by("at"))
    assert [event.actor_label for event in events] == ["operator:ada"] * 3
    assert [event.object_label for event in events] == ["model PAT-S", "model PAT-S", "model PAT-S anomaly"]
    assert [event.details["weights_sha256"] for event in events[1:]] == [model.encoder_sha256] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Name --data, or --simulated N people"),
        ({"simulated": 12, "cohort": "none.json"}, "cannot be read"),
        ({"simulated": 12, "cohort": "hip.json"}, "the reference cohort is of actigraph_hip"),
    ],
)
def test_what_cannot_be_trained_on_is_said(cohort, tmp_path, options, sentence):
    hip = pat.load_cohort(cohort)
    (tmp_path / "hip.json").write_bytes(pat.cohort_bytes(training.replace(hip, device="actigraph_hip")))
    options = {"cohort": "cohort.json"} | options
    with pytest.raises(CommandError, match=sentence):
        call_command("pretrain_pat", tmp_path / "out", **(options | {"cohort": tmp_path / options["cohort"]}))


def test_figures_are_means_over_weeks_with_intervals_over_people():
    errors = np.column_stack([np.linspace(0.5, 1.5, 40), np.full(40, 2.0), np.full(40, 4.0)])
    found = training._figures(errors, np.repeat(np.arange(10), 4))
    assert found["mse_model"]["value"] == 1
    assert found["gain_over_cohort_mean"]["value"] == 0.5
    assert found["gain_over_line_between_shown"]["value"] == 0.75
    assert 0.6 < found["mse_model"]["low"] < 0.9
    assert found["mse_cohort_mean"] == {"value": 2.0, "low": 2.0, "high": 2.0}
