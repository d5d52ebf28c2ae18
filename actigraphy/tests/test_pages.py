"""One recording on its whole road: upload, worker, page, API; the same numbers everywhere."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from actigraphy.models import Analysis, Night, Recording
from actigraphy.numbers import RHYTHM
from actigraphy.pages.tables import night_measure
from novamind import display
from novamind.jobs.runner import run_waiting
from novamind.measures import REASONS, Abstained
from novamind.simulator import ALL, Persona, simulate, write_awd

WHOLE = ALL.without("missing")


def awd(days: int, seed: int = 5, start: date = date(2026, 2, 2)) -> SimpleUploadedFile:
    lived = simulate(Persona.draw(seed, zone="Europe/Oslo"), start=start, days=days, effects=WHOLE)
    return SimpleUploadedFile(f"SYNTHETIC_{seed}.awd", write_awd(lived))


def send(client: Any, patient: Any, upload: SimpleUploadedFile) -> Any:
    return client.post(reverse("actigraphy:upload", args=[patient.pk]), {"file": upload, "device_type": "actiwatch"})


@pytest.fixture
def page_of(client, patient, psychiatrist):
    """Uploads so many days by the page, lets the worker run, and opens the page."""
    client.force_login(psychiatrist)

    def see(days: int, seed: int = 5) -> Any:
        sent = send(client, patient, awd(days, seed))
        assert sent.status_code == 302, sent.content
        assert run_waiting() >= 5  # analyzed, read, judged, scored, later ones anew; who listens above too
        return client.get(sent["Location"])

    return see


def words(response: Any) -> str:
    bare = re.sub(r"<script.*?</script>|<[^>]+>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(
        r"\s+", " ", bare.replace("&#x27;", "'").replace("&amp;", "&").replace("\u00a0", " ").replace("\u202f", " ")
    )


def test_page_api_and_database_say_the_same_numbers(page_of, client):
    page = page_of(12)
    assert page.status_code == 200
    analysis = Analysis.objects.get()
    body = client.get(f"/api/v1/actigraphy/recordings/{Recording.objects.get().pk}/results").json()

    kept = analysis.results["rhythm"]
    assert body["rhythm"]["days"] == analysis.results["quality"]["valid_days"]
    for row in page.context["rhythm"]:
        name = next(name for name, number in RHYTHM.items() if number.label == row["label"])
        value = getattr(row["measure"], "value", None)
        assert value == kept[name]
        assert body["rhythm"][name] == (display.clock_time(value) if name.endswith("_onset") else value)
        if not isinstance(row["measure"], Abstained):
            number, _ = display.number(row["measure"].value, row["measure"].unit)
            assert number.replace("\u202f", " ") in words(page)

    nights = list(Night.objects.order_by("date"))
    assert len(nights) >= 11
    assert [night["date"] for night in body["nights"]] == [night.date.isoformat() for night in nights]
    for night, sent, row in zip(nights, body["nights"], reversed(page.context["nights"]), strict=True):
        assert sent["tst_min"] == night.tst_min
        assert sent["onset"] is None or datetime.fromisoformat(sent["onset"]) == night.onset
        assert sent["onset"] is None or sent["onset"].endswith(("+01:00", "+02:00"))  # on the patient's clock
        assert row["tst"] == night_measure(night, "tst_min", analysis)
        assert row["date"] == night.date


def test_the_page_gives_the_reason_of_every_number_it_does_not_give(page_of, client):
    page = page_of(3)
    text = words(page)
    body = client.get(f"/api/v1/actigraphy/analyses/{Analysis.objects.get().pk}").json()
    assert body["rhythm"]["interdaily_stability"] is None
    reason = body["abstentions"]["rhythm.interdaily_stability"]["reason"]
    assert re.fullmatch(r"\d+ valid days; 5 needed", reason)
    assert reason in text
    assert body["pat"]["abstained"] == "no_weights"
    assert REASONS["no_weights"][1] in text


def test_every_number_leads_to_its_provenance_which_names_method_and_input(page_of, client):
    page_of(8)
    analysis = Analysis.objects.get()
    shown = client.get(reverse("provenance", args=[analysis.pk]))
    assert shown.status_code == 200
    for needed in (analysis.input_hash, Recording.objects.get().sha256, analysis.code_version):
        assert needed in shown.content.decode()


def test_the_number_that_was_clicked_stands_first_on_its_provenance_page(page_of, client):
    page_of(8)
    analysis = Analysis.objects.get()
    night = Night.objects.filter(tst_min__isnull=False).first()
    address = reverse("provenance", args=[analysis.pk])
    asked = client.get(address, {"number": f"night.{night.date}.tst_min"}).context["asked"]
    assert display.day(night.date) in asked["label"]
    assert asked["value"] == display.duration(night.tst_min)
    assert asked["rows"]["In full"] == f"{night.tst_min!r} min"
    assert asked["rows"]["Method"] == night.method
    assert not client.get(address, {"number": "night.2000-01-01.password"}).context["asked"]


def test_a_recording_dated_before_birth_says_that_its_dates_cannot_be_right(client, patient, psychiatrist):
    client.force_login(psychiatrist)
    sent = send(client, patient, awd(3, start=date(1925, 2, 2)))
    run_waiting()
    text = words(client.get(sent["Location"]))
    assert "dated before this person was born" in text
    assert "The recording is dated 1925" in text


def test_of_two_nights_each_is_named_and_no_spread_is_claimed(page_of):
    text = words(page_of(4))
    nights = [night for night in Night.objects.order_by("date") if night.tst_min is not None]
    assert 1 <= len(nights) < 4
    for night in nights:
        assert f"Slept {display.duration(night.tst_min)} in the night of {display.short_day(night.date)}" in text
    assert "half the nights" not in text


def test_the_same_file_again_says_so_and_adds_nothing(client, patient, psychiatrist):
    client.force_login(psychiatrist)
    first = send(client, patient, awd(3, 1))
    again = send(client, patient, awd(3, 1))
    assert again["Location"] == first["Location"]
    assert "already uploaded on" in words(client.get(again["Location"]))
    assert Recording.objects.count() == 1


def test_a_file_of_another_chart_asks_whether_this_is_the_right_patient(
    client, patient, make_patient, team, psychiatrist
):
    client.force_login(psychiatrist)
    for person in (patient, make_patient(team)):
        send(client, person, awd(3, 1))
    notices = [[notice["code"] for notice in one.notices] for one in Recording.objects.order_by("created_at")]
    assert ["also_elsewhere" in codes for codes in notices] == [False, True]


def test_nothing_is_shown_of_a_recording_that_waits_and_the_status_line_polls(client, patient, psychiatrist):
    client.force_login(psychiatrist)
    sent = send(client, patient, awd(3))
    page = client.get(sent["Location"])
    assert page.context["analysis"] is None
    recording = Recording.objects.get()
    address = reverse("actigraphy:status", args=[patient.pk, recording.pk])
    assert "HX-Refresh" not in client.get(address).headers
    run_waiting()
    assert client.get(address).headers["HX-Refresh"] == "true"


def test_the_same_file_twice_is_one_recording_and_one_analysis(page_of, client, patient):
    page_of(3)
    assert send(client, patient, awd(3)).status_code == 302
    run_waiting()
    assert (Recording.objects.count(), Analysis.objects.count()) == (1, 1)


def test_the_stored_file_is_not_readable_and_its_name_says_nothing(page_of):
    page_of(3)
    recording = Recording.objects.get()
    with default_storage.open(recording.storage_name) as file:
        assert b"SYNTHETIC" not in file.read()
    assert "SYNTHETIC" not in recording.storage_name


def test_a_refused_file_leaves_nothing_and_says_why_in_a_sentence(client, patient, psychiatrist, tmp_path):
    client.force_login(psychiatrist)
    answer = send(client, patient, SimpleUploadedFile("x.awd", b"\x00\x01 no recording"))
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert not Recording.objects.exists()
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_a_page_asks_as_many_questions_for_ten_nights_as_for_three_and_with_more_recordings(page_of, client, patient):
    page_of(3)
    address = reverse("actigraphy:patient", args=[patient.pk])

    def asked(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    lists = ("/api/v1/actigraphy/recordings", "/api/v1/actigraphy/analyses", "/patients/", "/api/v1/patients")
    few = [asked(path) for path in (address, *lists)]
    for seed in (6, 7):
        page_of(9, seed)
    assert [asked(path) for path in (address, *lists)] == few
    assert Recording.objects.count() == 3


def test_lists_ask_as_many_questions_for_more_patients(client, make_patient, team, psychiatrist):
    client.force_login(psychiatrist)
    make_patient(team)

    def asked(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            client.get(path)
        return len(seen)

    paths = ("/patients/", "/api/v1/patients")
    few = [asked(path) for path in paths]
    for _ in range(6):
        make_patient(team)
    assert [asked(path) for path in paths] == few


def test_waiting_recordings_are_listed_with_one_question_for_all_their_jobs(client, patient, psychiatrist):
    client.force_login(psychiatrist)

    def asked() -> int:
        client.get("/api/v1/actigraphy/recordings")
        with CaptureQueriesContext(connection) as seen:
            client.get("/api/v1/actigraphy/recordings")
        return len(seen)

    send(client, patient, awd(2, 1))
    one = asked()
    for seed in (2, 3):
        send(client, patient, awd(2, seed))
    assert asked() == one
