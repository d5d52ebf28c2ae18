"""PAT from an upload to the page: read once, together with others', recalled, on trial, silent for a named reason."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from actigraphy import readings as readings_of
from actigraphy.models import Analysis, WeekReading
from actigraphy.pat import cohorts, installing, providers, serving
from actigraphy.pat.errors import ServiceUnavailable
from actigraphy.readings import EMBED, read_again
from actigraphy.science import pat
from actigraphy.tests.test_science_pat_weights import random_tensors, write_weights
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.registry.inference import input_of, replay
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.registry.monitoring import drift
from novamind.registry.services import move
from novamind.simulator import ALL, Persona, simulate, write_awd
from patients.consent import record_consent
from patients.models import ConsentPurpose, ConsentStream

pytestmark = pytest.mark.django_db
WEEK = pat.WEEK_MIN
WHOLE = ALL.without("missing")


def lived(days: int, seed: int = 0):
    return simulate(Persona.draw(seed, zone="Europe/Oslo"), start=date(2026, 2, 2), days=days, effects=WHOLE)


def watch(days: int, seed: int = 0) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"watch{seed}.awd", write_awd(lived(days, seed)))


@pytest.fixture
def send(signed_in, psychiatrist):
    client = signed_in(psychiatrist)

    def upload(patient, days=9, seed=0):
        address = f"/patients/{patient.pk}/actigraphy/upload/"
        assert client.post(address, {"file": watch(days, seed), "device_type": "actiwatch"}).status_code == 302
        run_waiting()
        return client

    return upload


@pytest.fixture
def encoder(tmp_path, settings):
    settings.PAT_MODEL_ID = "PAT-S"

    def install(seed=0):
        path = write_weights(tmp_path / f"{seed}.h5", random_tensors("S", seed))
        return installing.install(path, by="operator", reason="A test.")[0]

    return install


@pytest.fixture
def cohort(tmp_path):
    """Twelve people with the same device."""

    def install(level=1.0):
        weeks = np.array([lived(7, seed).counts[:WEEK] for seed in range(100, 112)], np.float32) * level
        made = pat.build_cohort(weeks, device="actiwatch", label="12 people of a test", synthetic=True)
        path = tmp_path / "cohort.json"
        path.write_bytes(pat.cohort_bytes(made))
        return cohorts.install(path, by="operator", reason="A test.")[0]

    return install


def readings(patient):
    return list(WeekReading.objects.filter(patient=patient, task="embedding").order_by("record__window_start"))


def shown(client, patient):
    analysis = Analysis.objects.filter(patient=patient).latest("created_at")
    return client.get(f"/api/v1/actigraphy/analyses/{analysis.pk}").json()["pat"]


def test_every_week_is_read_kept_with_its_input_and_replays(send, encoder, cohort, patient):
    version, scale = encoder(), cohort()
    client = send(patient, days=9)
    found = readings(patient)
    assert found
    own = pat.load_cohort(installing.settings.PAT_WEIGHTS_DIR / scale.weights_file)
    served = providers.pat_for(version)
    begun, watched = lived(9).utc_s[0], np.array(lived(9).counts, np.float32)
    for reading in found:
        record = reading.record
        first = int(record.window_start.timestamp() - begun) // 60
        week = watched[first : first + WEEK]
        worn = np.isfinite(input_of(record))
        assert worn.mean() > 0.9
        np.testing.assert_allclose(input_of(record)[worn], own.normalize(week)[worn], rtol=0, atol=1e-5)
        np.testing.assert_allclose(record.output, served.embed(input_of(record)[None])[0], rtol=0, atol=1e-6)
        assert (record.model_version, record.scaled_by) == (version, scale)
        assert replay(record, lambda week: served.embed(week[None])[0].tolist()).same
    body = shown(client, patient)
    assert [one["record_id"] for one in body["weeks"]] == [str(one.record_id) for one in found]
    assert (body["model"], body["cohort"]) == (str(version), str(scale))
    page = client.get(f"/patients/{patient.pk}/actigraphy/").content.decode()
    assert "3" in page
    assert str(version) in page


def test_several_patients_are_read_in_one_pass(send, encoder, cohort, patient, make_patient, team, monkeypatch):
    encoder(), cohort()
    monkeypatch.setattr(readings_of, "explain_weeks", lambda analysis: [])  # explaining passes weeks too
    passes = []
    embed = pat.Encoder.embed

    def counted(self, weeks):
        passes.append(len(weeks))
        return embed(self, weeks)

    monkeypatch.setattr(pat.Encoder, "embed", counted)
    others = [make_patient(team, last_name=f"Other{number}", mrn=f"O-{number}") for number in range(2)]
    client = send(patient, days=8)
    passes.clear()
    for number, other in enumerate(others):
        address = f"/patients/{other.pk}/actigraphy/upload/"
        assert client.post(address, {"file": watch(8, number + 1), "device_type": "actiwatch"}).status_code == 302
    run_waiting()
    assert passes == [sum(map(len, (readings(other) for other in others)))]
    assert {record.batch_size for record in InferenceRecord.objects.exclude(patient_id=patient.pk)} == set(passes)
    for other in others:
        (event,) = AuditEvent.objects.filter(
            event_type="MODEL_INFERENCE", object_label="model PAT-S", patients__patient_id=other.pk
        )
        assert [row.patient_id for row in event.patients.all()] == [other.pk]


def test_what_was_read_before_is_recalled_and_only_new_weeks_are_computed(send, encoder, cohort, patient, monkeypatch):
    encoder(), cohort()
    send(patient, days=8)
    asked = []
    monkeypatch.setattr(
        pat.Encoder, "embed", lambda self, weeks: asked.append(len(weeks)) or np.zeros((len(weeks), 96))
    )
    before = {reading.record_id for reading in readings(patient)}
    assert read_again(EMBED) == 1
    run_waiting()
    assert asked == []
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    event = AuditEvent.objects.get(event_type="MODEL_INFERENCE", details__status="recalled")
    assert (event.details["computed"], event.details["recalled"]) == ("0", str(len(before)))
    assert {reading.record_id for reading in readings(patient)} == before


@pytest.mark.parametrize("harm", ["gone", "truncated", "exchanged"])
def test_a_file_that_is_gone_or_changed_silences_pat_and_nothing_else(send, encoder, cohort, patient, tmp_path, harm):
    version = encoder()
    cohort()
    kept = installing.settings.PAT_WEIGHTS_DIR / version.weights_file
    if harm == "gone":
        kept.unlink()
    elif harm == "truncated":
        kept.write_bytes(kept.read_bytes()[:-100])
    else:
        write_weights(kept, random_tensors("S", 7))
    client = send(patient)
    assert shown(client, patient)["abstained"] == ("no_weights" if harm == "gone" else "weights_mismatch")
    analysis = Analysis.objects.get(patient=patient)
    assert analysis.nights.filter(tst_min__isnull=False).exists()
    assert not InferenceRecord.objects.exists()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.parametrize(
    ("weights", "scale", "days", "code"),
    [(False, True, 9, "no_weights"), (True, False, 9, "no_reference_cohort"), (True, True, 5, "too_few_days")],
)
def test_what_is_missing_is_named(send, encoder, cohort, patient, weights, scale, days, code):
    if weights:
        encoder()
    if scale:
        cohort()
    client = send(patient, days=days)
    assert shown(client, patient)["abstained"] == code
    (reading,) = readings(patient)
    assert reading.abstention["abstained"] == code
    assert (
        AuditEvent.objects.filter(event_type="MODEL_INFERENCE", details__reason=code).exists() or code == "no_weights"
    )


def test_before_the_worker_has_come_to_it_the_page_says_so(signed_in, psychiatrist, patient, encoder, cohort):
    encoder(), cohort()
    run_waiting()
    client = signed_in(psychiatrist)
    client.post(f"/patients/{patient.pk}/actigraphy/upload/", {"file": watch(8), "device_type": "actiwatch"})
    run_waiting(limit=1)
    assert shown(client, patient)["abstained"] == "waiting"
    Job.objects.filter(kind="actigraphy.embed").update(state="quarantined")
    assert shown(client, patient)["abstained"] == "failed"


def test_another_version_that_begins_to_serve_reads_again(send, encoder, cohort, patient):
    encoder(0), cohort()
    client = send(patient)
    newer = encoder(1)
    run_waiting()
    assert {reading.record.model_version for reading in readings(patient)} == {newer}
    assert shown(client, patient)["model"] == str(newer)
    assert InferenceRecord.objects.count() == 2 * len(readings(patient))  # what the older one said is kept
    other = cohort(level=2.0)
    run_waiting()
    assert {reading.record.scaled_by for reading in readings(patient)} == {other}


def test_a_version_on_trial_runs_beside_and_is_shown_to_nobody(send, encoder, cohort, patient):
    serving_version = encoder(0)
    trial = encoder(1)
    with installing.acting("operator"):
        for version, stage in ((serving_version, "production"), (trial, "shadow")):
            move(ModelVersion.objects.get(pk=version.pk), to=stage, by="operator", reason="A test.")
    cohort()
    client = send(patient)
    assert {record.shadow for record in InferenceRecord.objects.filter(model_version=trial)} == {True}
    assert {reading.record.model_version for reading in readings(patient)} == {serving_version}
    assert shown(client, patient)["model"] == str(serving_version)


def test_what_was_withdrawn_while_it_was_computed_is_not_kept(
    send, encoder, cohort, patient, psychiatrist, monkeypatch
):
    encoder(), cohort()
    embed = pat.Encoder.embed

    def withdrawn(self, weeks):
        record_consent(
            patient=patient, purpose=ConsentPurpose.TREATMENT, stream=ConsentStream.ACTIGRAPHY, given=False,
            how="spoken", by=psychiatrist,
        )  # fmt: skip
        return embed(self, weeks)

    monkeypatch.setattr(pat.Encoder, "embed", withdrawn)
    send(patient)
    assert not InferenceRecord.objects.exists()
    assert not readings(patient)


def test_a_provider_that_cannot_be_reached_is_asked_again(send, encoder, cohort, patient, monkeypatch):
    encoder(), cohort()

    def away(version):
        raise ServiceUnavailable

    monkeypatch.setattr(serving, "pat_for", away)
    client = send(patient)
    job = Job.objects.get(kind="actigraphy.embed")
    assert (job.state, job.attempts) == ("pending", 1)
    assert shown(client, patient)["abstained"] == "waiting"


def test_a_cohort_knows_when_what_it_scales_drifts(send, encoder, cohort, patient, django_assert_num_queries):
    encoder()
    scale = cohort()
    send(patient)
    names = [one.name for one in drift(scale, patient.created_at)]
    assert names == ["mean of the week", "spread within the week", "share of the week measured"]
    assert len(InferenceRecord.objects.first().input_summary) == 3


def test_a_cohort_of_an_unknown_device_or_a_damaged_one_is_refused(tmp_path):
    made = pat.build_cohort(np.random.default_rng(0).gamma(2, 9, (12, 10080)).astype(np.float32), device="sundial",
                            label="x")  # fmt: skip
    path = tmp_path / "c.json"
    path.write_bytes(pat.cohort_bytes(made))
    with pytest.raises(pat.CohortError, match="sundial"):
        cohorts.install(path, by="o", reason="x")
    path.write_text(json.dumps({"format": "no"}))
    with pytest.raises(pat.CohortError):
        cohorts.install(path, by="o", reason="x")
    assert not ModelVersion.objects.exists()
