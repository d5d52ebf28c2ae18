"""A withdrawn consent stops movement data and everything derived from them, on every door."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from actigraphy import services
from actigraphy.models import Analysis, Recording, Signal
from novamind import frame
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.phi.uploads import sealed_upload
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


def test_the_upload_service_itself_refuses(patient):
    decide(patient, False)
    with pytest.raises(ConsentWithheld):
        upload(patient)
