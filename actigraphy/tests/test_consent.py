"""A withdrawn consent stops movement data and everything derived from them, on every door."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from actigraphy import readings, services
from actigraphy.models import Analysis, Recording, Signal, WeekReading
from actigraphy.pat.runs import Runs
from novamind import frame
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.phi.uploads import sealed_upload
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.simulator import Persona, simulate, write_awd
from patients.consent import ConsentWithheld, record_consent

AWD = write_awd(simulate(Persona.draw(5, zone="Europe/Oslo"), start=date(2026, 2, 2), days=2))


def decide(patient, given):
    record_consent(patient=patient, purpose="treatment", stream="actigraphy", given=given, how="written", by=None)


def upload(patient):
    return services.ingest_recording(patient=patient, upload=sealed_upload(AWD, "SYNTHETIC.awd"), by=None)[0]


@pytest.fixture
def analyzed(patient):
    recording = upload(patient)
    assert run_waiting() >= 5  # analyzed, read, judged, scored, later ones anew; who listens above too
    return Analysis.objects.get(source=recording.source)


def test_nothing_measured_is_shown_after_a_withdrawal(analyzed, patient, psychiatrist, signed_in):
    client, recording = signed_in(psychiatrist), Recording.objects.get()
    pages = {
        f"/patients/{patient.pk}/actigraphy/recordings/{recording.pk}/status/": 403,
        f"/provenance/{analyzed.pk}/": 404,
        f"/api/v1/actigraphy/recordings/{recording.pk}": 403,
        f"/api/v1/actigraphy/recordings/{recording.pk}/results": 403,
        f"/api/v1/actigraphy/analyses/{analyzed.pk}": 403,
    }
    lists = ("/api/v1/actigraphy/recordings", "/api/v1/actigraphy/analyses")
    page = f"/patients/{patient.pk}/actigraphy/"
    assert {address: client.get(address).status_code for address in pages} == dict.fromkeys(pages, 200)
    assert [len(client.get(address).json()["results"]) for address in lists] == [1, 1]
    assert "Days and nights" in client.get(page).content.decode()
    assert frame.last_signals([patient.pk])

    decide(patient, False)
    assert {address: client.get(address).status_code for address in pages} == pages
    assert client.get(f"/api/v1/actigraphy/analyses/{analyzed.pk}").json()["code"] == "consent_withheld"
    assert [client.get(address).json()["results"] for address in lists] == [[], []]
    shown = client.get(page).content.decode()
    assert "The patient has not consented to this use" in shown
    assert "Days and nights" not in shown
    assert frame.last_signals([patient.pk]) == {}
    assert "no signals shown" in shown

    decide(patient, True)
    assert {address: client.get(address).status_code for address in pages} == dict.fromkeys(pages, 200)


def test_an_administrator_sees_no_night_of_a_patient_who_withdrew(analyzed, patient, clinical_admin, signed_in):
    from patients.services import share_patient

    share_patient(patient=patient, user=clinical_admin)
    client = signed_in(clinical_admin)
    address = "/admin/actigraphy/analysis/"
    assert str(analyzed.pk) in client.get(address).content.decode()
    decide(patient, False)
    assert str(analyzed.pk) not in client.get(address).content.decode()


def test_an_upload_of_a_withdrawn_stream_is_refused_on_page_and_api(patient, psychiatrist, signed_in):
    decide(patient, False)
    client = signed_in(psychiatrist)

    def file():
        return SimpleUploadedFile("SYNTHETIC.awd", AWD)

    page = client.post(f"/patients/{patient.pk}/actigraphy/upload/", {"file": file()})
    api = client.post("/api/v1/actigraphy/upload", {"file": file(), "patient_id": str(patient.pk)})
    assert (page.status_code, api.status_code) == (403, 403)
    assert "has not consented" in page.content.decode()
    assert api.json()["code"] == "consent_withheld"
    assert not Recording.objects.exists()


def test_a_job_that_waits_abstains_and_goes_on_when_the_patient_consents_again(patient):
    recording = upload(patient)
    decide(patient, False)
    run_waiting()
    recording.refresh_from_db()
    assert (recording.state, recording.error_code) == ("failed", "consent_withheld")
    assert not Analysis.objects.exists()
    decide(patient, True)
    run_waiting()
    recording.refresh_from_db()
    assert recording.state == "analyzed"


def test_a_withdrawal_while_the_job_computes_keeps_nothing_of_it(patient, monkeypatch):
    recording = upload(patient)
    whole = services.read_stored

    def read_while_withdrawn(row):
        read = whole(row)
        decide(patient, False)
        return read

    monkeypatch.setattr(services, "read_stored", read_while_withdrawn)
    run_waiting()
    assert not Analysis.objects.exists()
    assert not Signal.objects.exists()
    assert Job.objects.get(key=services.analysis_key(recording)).error_code == "consent_withheld"


def let_models(patient, given):
    record_consent(patient=patient, purpose="models", stream="actigraphy", given=given, how="written", by=None)


def said_by_models(client, patient, recording):
    """What the page and the two answers of the API say of models: the codes of their abstentions."""
    types = "&".join(f"analysis_types={name}" for name in ("anomaly_detection", "digital_twin_integration"))
    asked = client.get(f"/api/v1/actigraphy/recordings/{recording.pk}/analysis?{types}").json()
    embedded = client.get(f"/api/v1/actigraphy/recordings/{recording.pk}/results").json()["pat"]
    page = client.get(f"/patients/{patient.pk}/actigraphy/").content.decode()
    codes = {name: one["abstained"] for name, one in asked["abstentions"].items() if not name.startswith("rhythm.")}
    return codes, embedded.get("abstained"), page.count("the patient has not consented to this use")


def test_models_read_nothing_until_the_patient_lets_them_and_say_so(patient, psychiatrist, signed_in):
    let_models(patient, False)
    recording, client = upload(patient), signed_in(psychiatrist)
    run_waiting()
    codes, embedded, told = said_by_models(client, patient, recording)
    assert set(codes.values()) == {embedded} == {"consent_withheld"}
    assert told >= 3  # the weeks read, what is unlike them, and what the answer rests on
    assert not InferenceRecord.objects.exists()
    assert not AuditEvent.objects.filter(event_type="MODEL_INFERENCE", object_label__startswith="model PAT").exists()
    assert "Days and nights" in client.get(f"/patients/{patient.pk}/actigraphy/").content.decode()
    let_models(patient, True)
    run_waiting()
    codes, embedded, told = said_by_models(client, patient, recording)
    assert "consent_withheld" not in {embedded, *codes.values()}
    assert told == 0


def test_what_models_read_is_shown_to_nobody_after_a_withdrawal(analyzed, patient, psychiatrist, signed_in):
    recording, client = Recording.objects.get(), signed_in(psychiatrist)
    version = ModelVersion.objects.create(
        name="PAT-S", version="1", kind="encoder", weights_sha256="0" * 64, weights_file="w.h5", code_version="0",
        created_by="a",
    )  # fmt: skip
    record = InferenceRecord.objects.create(
        patient_id=patient.pk, model_version=version, scaled_by=version, input_hash="0" * 64, input_array=b"",
        input_shape=[0], window_start=analyzed.window_start, window_end=analyzed.window_end, output=[0.25],
        code_version="0",
    )  # fmt: skip
    WeekReading.objects.filter(analysis=analyzed).delete()
    WeekReading.objects.create(patient=patient, analysis=analyzed, task="embedding", record=record)

    def weeks():
        return client.get(f"/api/v1/actigraphy/recordings/{recording.pk}/results").json()["pat"]

    assert [week["record_id"] for week in weeks()["weeks"]] == [str(record.pk)]
    let_models(patient, False)
    assert weeks()["abstained"] == "consent_withheld"
    assert str(record.pk) not in client.get(f"/patients/{patient.pk}/actigraphy/").content.decode()
    let_models(patient, True)
    assert [week["record_id"] for week in weeks()["weeks"]] == [str(record.pk)]


def test_a_withdrawal_while_a_model_computes_keeps_nothing_of_it(analyzed, patient):
    let_models(patient, False)
    runs = Runs(ModelVersion(name="mood:actiwatch"), patient.pk, shadow=False, code_version="0", answers=[])
    readings.store_runs(analyzed, readings.HEAD, runs)
    (row,) = WeekReading.objects.filter(analysis=analyzed, task="head")
    assert (row.record, row.abstention["abstained"]) == (None, "consent_withheld")


def test_the_upload_service_itself_refuses(patient):
    decide(patient, False)
    with pytest.raises(ConsentWithheld):
        upload(patient)
