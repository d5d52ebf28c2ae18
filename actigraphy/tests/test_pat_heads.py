"""Heads at work: installed with a complete card, asked as they were trained, recalled, replayed, or silent."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from actigraphy.analysis import analyze
from actigraphy.models import Analysis, Recording, WeekReading
from actigraphy.pat import heads
from actigraphy.pat.cards import SHIPPED
from actigraphy.pat.runs import answered
from actigraphy.readers import read_recording
from actigraphy.readings import SCORE, read_again
from actigraphy.science.heads import NAMES, Head, Linear, features_of, head_bytes, material_of
from actigraphy.science.heads.card import card as card_of
from actigraphy.science.pat import load_cohort, load_weights
from novamind.audit.models import AuditEvent
from novamind.clock import now, zone
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.measures import Abstained, Window
from novamind.registry.cards import ATTRIBUTES, figure, not_available, problems
from novamind.registry.inference import input_of, replay
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.registry.services import MoveRefused, move
from novamind.simulator import ALL, Persona, simulate, write_awd

pytestmark = [pytest.mark.django_db, pytest.mark.once]
FIGURES = [
    figure(name, value, low=low, high=high, n=54, population="54 people of a test", how="people left out")
    for name, value, low, high in (("auc", 0.8, 0.7, 0.9), ("mcc", 0.4, 0.2, 0.6))
]


def trained(kind="both", *, device="actiwatch", seed=0, threshold=0.5) -> Head:
    """Numbers in place of a training: this is about serving."""
    rng, n = np.random.default_rng(seed), len(NAMES[kind])
    linear = Linear(
        median=np.zeros(n), indicated=np.zeros(0, np.int64), mean=np.zeros(n), scale=np.full(n, 10.0),
        coefficients=rng.normal(size=n), intercept=0.1, slope=1.0, offset=0.0, threshold=threshold, penalty=0.1,
    )  # fmt: skip
    with_pat = kind != "circadian"
    said = card_of(outcome="low mood", kind=kind, population="54 people", alert_load=20, figures=FIGURES, refused=0)
    return Head(
        outcome="low mood", kind=kind, device=device, alert_load=20.0, linear=linear, card=said,
        encoder_sha256=load_weights(SHIPPED / "encoder.h5").sha256 if with_pat else "",
        cohort_sha256=load_cohort(SHIPPED / "cohort.json").sha256 if with_pat else "",
    )  # fmt: skip


def answers() -> dict[str, object]:
    """What a person must add to the card that training writes."""
    known = trained().card
    return {key: not_available("A test.") if each.measured else "A test." for key, each in ATTRIBUTES.items()
            if key not in known}  # fmt: skip


@pytest.fixture
def head(tmp_path):
    def install(kind="both", promote=True, **how):
        path = tmp_path / "head.json"
        path.write_bytes(head_bytes(trained(kind, **how)))
        return heads.install(path, answers=answers(), promote=promote, by="operator:kari", reason="A test.")[0]

    return install


@pytest.fixture
def send(signed_in, psychiatrist):
    client = signed_in(psychiatrist)

    def upload(patient, days=10):
        content = watch(days)
        file = SimpleUploadedFile("watch.awd", content)
        address = f"/patients/{patient.pk}/actigraphy/upload/"
        assert client.post(address, {"file": file, "device_type": "actiwatch"}).status_code == 302
        run_waiting()
        return Recording.objects.filter(patient=patient).latest("created_at")

    return upload


def watch(days):
    effects = ALL.without("missing")
    persona = Persona.draw(61_000, zone="Europe/Oslo")
    return write_awd(simulate(persona, start=date(2026, 2, 2), days=days, effects=effects))


def told(patient):
    return list(WeekReading.objects.filter(patient=patient, task="head").order_by("model"))


@pytest.mark.parametrize("kind", ["circadian", "both"])
def test_a_head_reads_what_it_was_trained_on_and_its_answer_replays(send, head, patient, tmp_path, kind):
    version = head(kind)
    send(patient)
    (reading,) = told(patient)
    record, by = reading.record, heads.loaded(version)
    path = tmp_path / "own.awd"
    path.write_bytes(watch(10))
    read = read_recording(path, tz=zone("Europe/Oslo"))
    features = features_of(material_of(analyze(read, device_type="actiwatch").rest), kind, by.encoder, by.cohort)
    np.testing.assert_allclose(input_of(record), features.values, rtol=1e-5, atol=1e-5)
    expected = by.head.predict(features)
    assert record.output["probability"] == pytest.approx(expected.probability, abs=1e-5)
    assert record.output["alert"] is expected.alert
    assert (record.output["threshold"], record.output["alert_load"]) == (0.5, 20.0)
    again = replay(record, lambda values: heads.said(by.head, heads.features_like(by.head, values), values))
    assert again.same
    assert record.code_version.startswith("0.1.0+")
    assert reading.model == "head:low-mood:actiwatch"
    event = AuditEvent.objects.get(event_type="MODEL_INFERENCE", object_label="model head:low-mood:actiwatch")
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]


def test_only_what_a_person_promoted_is_asked_and_then_of_what_there_is(send, head, patient):
    version = head(promote=False)
    assert (version.stage, version.kind, problems(version.card)) == ("draft", "head", [])
    send(patient)
    assert told(patient) == []
    with heads.acting("operator"):
        move(version, to="production", by="operator", reason="A test.")
    run_waiting()
    assert [reading.record.model_version for reading in told(patient)] == [version]


def test_a_head_of_another_device_is_not_asked(send, head, patient):
    head("circadian", device="actigraph_hip")
    send(patient)
    assert told(patient) == []


def test_too_short_a_recording_is_told_with_the_reason_and_stops_nothing(send, head, patient):
    head()
    send(patient, days=4)
    (reading,) = told(patient)
    assert reading.abstention["abstained"] == "too_few_days"
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert Analysis.objects.filter(patient=patient).exists()


@pytest.mark.parametrize(("part", "code"), [("head.json", "weights_mismatch"), ("encoder.h5", "no_weights")])
def test_a_part_that_is_gone_silences_the_head_alone(send, head, patient, settings, part, code):
    version = head()
    heads._loaded.cache_clear()
    ((settings.PAT_WEIGHTS_DIR / version.weights_file).parent / part).unlink()
    send(patient)
    (reading,) = told(patient)
    assert reading.abstention["abstained"] == code
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def test_the_same_features_are_recalled(send, head, patient):
    head("circadian")
    send(patient)
    before = [reading.record_id for reading in told(patient)]
    assert read_again(SCORE) == 1
    run_waiting()
    assert [reading.record_id for reading in told(patient)] == before
    assert InferenceRecord.objects.count() == 1
    assert AuditEvent.objects.filter(object_label="model head:low-mood:actiwatch", details__status="recalled").exists()


def test_a_version_on_trial_is_kept_apart(send, head, patient):
    serving = head("circadian", seed=0)
    trial = head("circadian", seed=1, promote=False)
    with heads.acting("operator"):
        move(trial, to="shadow", by="operator", reason="A test.")
    send(patient)
    assert [reading.record.model_version for reading in told(patient)] == [serving]
    assert {record.shadow for record in InferenceRecord.objects.filter(model_version=trial)} == {True}


def test_an_incomplete_card_is_refused_by_what_it_does_not_say(tmp_path, settings):
    path = tmp_path / "head.json"
    path.write_bytes(head_bytes(trained("circadian")))
    with pytest.raises(CommandError, match="Funding source"):
        call_command("install_head", str(path), reason="A test.", promote=True)
    assert not ModelVersion.objects.exists()
    said = tmp_path / "answers.json"
    said.write_text(json.dumps(answers()))
    with pytest.raises(MoveRefused, match="Say why"):
        heads.install(path, answers=answers(), by="operator", reason="")
    assert not settings.PAT_WEIGHTS_DIR.exists() or not list(settings.PAT_WEIGHTS_DIR.iterdir())
    call_command("install_head", str(path), card=said, reason="A test.")
    assert ModelVersion.objects.get().stage == "draft"


def test_a_head_without_its_encoder_is_refused(tmp_path):
    path = tmp_path / "head.json"
    path.write_bytes(head_bytes(trained()).replace(load_weights(SHIPPED / "encoder.h5").sha256.encode(), b"0" * 64))
    with pytest.raises(heads.HeadError, match="encoder it was trained with"):
        heads.install(path, answers=answers(), by="operator", reason="A test.")


def test_a_reason_of_the_moment_is_no_answer_and_one_of_the_input_is(head, patient):
    version, window = head("circadian"), Window(now(), now())

    def ask(code):
        def run(_):
            raise Abstained(code)

        return answered(version, patient.pk, np.zeros(3, np.float32), window, run)

    with pytest.raises(Abstained):
        ask("weights_mismatch")
    assert ask("too_few_days").answer == Abstained("too_few_days")
