"""The encoder that comes with Novamind: the files its card speaks of, and better than having learned nothing."""

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

import actigraphy
from actigraphy.pat import cohorts, installing
from actigraphy.pat.shipped import FOLDER, install_shipped
from actigraphy.science import pat
from actigraphy.science.devices import DEVICES
from actigraphy.science.pat.anomaly import judge_week, load_rule
from actigraphy.science.pat.simulated import simulated_weeks
from actigraphy.science.pipeline import analyze_counts
from novamind.measures import Abstained
from novamind.registry.cards import problems
from novamind.registry.models import ModelVersion
from novamind.registry.monitoring import drift
from novamind.simulator import Persona

from .science_files import depresjon, depresjon_days
from .test_science_pat_weights import random_tensors, write_weights

pytestmark = pytest.mark.once

SHIPPED = Path(actigraphy.__file__).parent / "shipped"
#: Of nobody in training, in the cohort or in the trial of the anomaly threshold.
SEEDS = range(50_000, 50_030)

DASH = "\N{EN DASH}"


@pytest.fixture(scope="module")
def card():
    return json.loads((SHIPPED / "card.json").read_text())


@pytest.fixture(scope="module")
def model():
    return pat.Reconstructor.from_files(SHIPPED / "encoder.h5", SHIPPED / "decoder.h5", threads=1)


@pytest.fixture(scope="module")
def cohort():
    return pat.load_cohort(SHIPPED / "cohort.json")


def test_the_files_are_those_the_cards_speak_of(card, model, cohort):
    files = {"encoder": "encoder.h5", "decoder": "decoder.h5", "cohort": "cohort.json"}
    found = {name: hashlib.sha256((SHIPPED / file).read_bytes()).hexdigest() for name, file in files.items()}
    assert found == card["sha256"]
    rule = load_rule(SHIPPED / "anomaly.json")
    assert (rule.encoder_sha256, rule.decoder_sha256) == (found["encoder"], found["decoder"])
    assert pat.identify(SHIPPED / "encoder.h5") == ("S", found["encoder"])


def test_everything_shipped_says_that_it_is_synthetic(card, cohort):
    assert cohort.synthetic
    assert "SYNTHETIC" in cohort.label
    assert card["data"]["simulated"]
    assert [entry["n"] for entry in cohort.expected] == [cohort.people] * 3  # so that drift can be said
    assert any("simulated people only" in sentence for sentence in card["is_not"])
    rule = json.loads((SHIPPED / "anomaly.json").read_text())
    assert rule["card"]["measured"]["simulated"]
    assert any("not known" in sentence for sentence in rule["card"]["is_not"])


def test_the_encoder_beats_the_cohorts_mean_and_a_straight_line_on_people_it_has_not_seen(card, model, cohort):
    weeks = [simulated_weeks(Persona.draw(seed), weeks=1) for seed in SEEDS]
    assert not set(SEEDS) & set(range(card["data"]["first_seed"], card["data"]["drawn"]))
    errors = pat.compare(model, cohort.normalize(np.concatenate(weeks)), seed=1)
    assert len(errors) > 15
    learned, mean, line = errors.mean(axis=0)
    assert learned < 0.95 * mean
    assert learned < 0.80 * line


def test_the_documentation_quotes_the_cards(card):
    said = (SHIPPED.parent.parent / "docs" / "methods.md").read_text()
    rule = json.loads((SHIPPED / "anomaly.json").read_text())
    measured = rule["card"]["measured"]
    assert f"The threshold ({rule['threshold']})" in said
    alarms = measured["alarms_per_quarter"]
    assert f"| {alarms['value']:.2f} ({alarms['low']:.2f}{DASH}{alarms['high']:.2f}) |" in said
    for found in measured["detected"].values():
        numbers = f"{100 * found['value']:.0f} % ({100 * found['low']:.0f}{DASH}{100 * found['high']:.0f})"
        assert f"| {found['change']} ({found['people']} people) | {numbers} |" in said
    for name in ("cohort_mean", "line_between_shown"):
        gain = {key: 100 * value for key, value in card["held_out"][f"gain_over_{name}"].items()}
        assert f"| {gain['value']:.1f} % ({gain['low']:.1f}{DASH}{gain['high']:.1f}) |" in said


@pytest.mark.data
def test_it_also_beats_them_on_real_people(shared_data, model, cohort):
    """51 of the 55 people of Depresjon have a week; docs/methods.md quotes the figures."""
    weeks = []
    for name in depresjon_days(shared_data):
        counts, times = depresjon(shared_data, name)
        rest = analyze_counts(counts, epoch_s=60, times=times, device=DEVICES["actiwatch"])
        with contextlib.suppress(Abstained):
            weeks.append(pat.cut_weeks(rest.counts, rest.worn, pat.week_starts(rest.worn, rest.times)[:1]))
    assert len(weeks) == 51
    learned, mean, line = pat.compare(model, cohort.normalize(np.concatenate(weeks)), seed=0).mean(axis=0)
    assert (round(learned, 2), round(mean, 2), round(line, 2)) == (0.99, 1.12, 1.48)


def test_a_week_of_another_person_is_told_and_ones_own_usually_not(model, cohort):
    rule = load_rule(SHIPPED / "anomaly.json")
    own = Persona.draw(50_100, kind="none", shift_worker=False, carelessness=0.0, zone="UTC")
    weeks = cohort.normalize(simulated_weeks(own, weeks=8))
    assert len(weeks) >= 6
    assert judge_week(model, rule, weeks[:-1], weeks[-1]).spans == ()
    other = Persona.draw(
        50_100, kind="none", chronotype_h=own.chronotype_h + 6, alarm_h=np.nan, activity=2.0, zone="UTC"
    )
    changed = cohort.normalize(simulated_weeks(other, weeks=1))
    assert judge_week(model, rule, weeks[:-1], changed[0]).spans


@pytest.mark.django_db
def test_the_shipped_models_serve_with_cards_of_their_own(card, clinical_admin, settings):
    installed = install_shipped(by=clinical_admin, reason="A test.")
    assert [(version.name, version.stage) for version in installed] == [
        ("PAT-S", "production"), ("cohort:actiwatch", "production"), ("anomaly:actiwatch", "production"),
    ]  # fmt: skip
    encoder, cohort, detector = installed
    assert problems(encoder.card) == problems(cohort.card) == problems(detector.card) == []
    assert "simulated people only" in encoder.card["must_not"]
    gains = {row["metric"]: row["value"] for row in encoder.card["validity_internal"]}
    assert card["held_out"]["gain_over_cohort_mean"]["value"] in gains.values()
    assert {row["n"] for row in encoder.card["validity_internal"]} == {card["data"]["held_out_people"]}
    assert encoder.changes.filter(to_stage="production", by_user=clinical_admin, reason="A test.").exists()
    assert len(drift(cohort, encoder.created_at)) == 3
    assert not installing.weights_files()  # what lies in a folder of its own is not mounted
    assert (settings.PAT_WEIGHTS_DIR / FOLDER).is_dir()
    assert install_shipped(by=clinical_admin, reason="A test.") == []


@pytest.mark.django_db
def test_what_an_operator_installed_is_not_replaced_and_replaces_the_shipped(clinical_admin, tmp_path):
    own = write_weights(tmp_path / "own.h5", random_tensors("S", 3))
    install_shipped(by=clinical_admin, reason="A test.")
    call_command("install_pat_weights", str(own), reason="The authors' file.", by="operator:kari")
    assert ModelVersion.objects.serving("PAT-S").get().created_by == "operator:kari"
    assert install_shipped(by=clinical_admin, reason="A test.") == []
    assert ModelVersion.objects.serving("PAT-S").get().created_by == "operator:kari"
    assert ModelVersion.objects.serving(cohorts.name_of("actiwatch")).exists()
