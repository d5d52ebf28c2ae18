"""De-identified files: who is in them, what is not, and that nothing leads back."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from insights import deidentified as making
from insights import research_exports as exports
from insights.cohort import DAYS
from insights.models import ResearchExport
from insights.research_columns import SERIES, misfits
from insights.research_exports import KEPT, ask_export, delete_ended
from insights.tests.test_clinic import rate, scored, share
from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.jobs.runner import run_waiting
from novamind.phi.detection import Identifiers
from novamind.throttle.rates import RATES
from novamind.throttle.window import Windows
from patients.consent import record_consent
from patients.identifiers import of
from patients.instruments import instruments
from patients.models import Grant, Patient
from tests.one_of_everything import CANARIES, fill_chart

pytestmark = pytest.mark.django_db
PAGE = "/research-exports/"


def allow(patient: Any, stream: str = "questionnaires", *, given: bool = True) -> None:
    with recorded(actor_label="system:test", request_id="test"):
        record_consent(patient=patient, purpose="research", stream=stream, given=given, how="written", by=None)


@pytest.fixture
def asked(patient: Any, make_patient: Any, clinical_admin: Any) -> Any:
    """The cast's patient, born in 1931, and two more, rated, scored and seen by the clinical admin; two allow it."""
    others = [make_patient(last_name="Zqxtwo", date_of_birth=date(1980, 5, 5)), make_patient(last_name="Zqxthree")]
    for one in (patient, *others):
        share(one, clinical_admin)
        rate(one, 6, days=70)
        with recorded(actor_label="system:test", request_id="test"):
            scored(one, 12, days_ago=40)
    allow(patient)
    allow(others[0])
    return others


def made(user: Any) -> ResearchExport:
    with recorded(actor_id=user.pk, actor_label=str(user), request_id="test"):
        export = ask_export(why="method", by=user)
    run_waiting()
    export.refresh_from_db()
    return ResearchExport.objects.get(pk=export.pk)


def tables(content: bytes) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())
        return {name: list(csv.DictReader(io.StringIO(archive.read(name).decode()))) for name in archive.namelist()}


def take_out(client: Any, export: ResearchExport) -> bytes:
    answer = client.post(f"{PAGE}{export.pk}/file/")
    assert answer.status_code == 200
    return bytes(answer.content)


def test_only_who_allows_research_is_in_it_under_an_id_of_nothing(asked, patient, clinical_admin, signed_in):
    export = made(clinical_admin)
    assert (export.state, export.people) == ("ready", 2)
    found = tables(take_out(signed_in(clinical_admin), export))
    people = found["people.csv"]
    assert sorted(one["age_years"] for one in people) == sorted(["90+", str(asked[0].age)])
    assert all(re.fullmatch(r"[0-9a-f]{16}", one["study_id"]) for one in people)
    ids = {one["study_id"] for one in people}
    assert {row["study_id"] for name in ("days.csv", "questionnaires.csv") for row in found[name]} == ids
    assert {row["mood"] for row in found["days.csv"]} == {"6.0"}
    assert {tuple(row.values())[2:] for row in found["questionnaires.csv"]} == {("phq9", "1", "12")}
    again = tables(take_out(signed_in(clinical_admin), made(clinical_admin)))
    assert not ids & {one["study_id"] for one in again["people.csv"]}


def test_days_are_counted_from_an_origin_of_each_persons_own(asked, clinical_admin, monkeypatch):
    drawn, cut = iter([0, 300]), iter([(0, 28), (28, 10)])
    monkeypatch.setattr(making.secrets, "randbelow", lambda below: next(drawn))
    monkeypatch.setattr(making, "cuts", lambda patient_id: next(cut))
    with recorded(actor_label="system:test", request_id="test"):
        found = tables(making.deidentified(clinical_admin).content)
    by_person: dict[str, list[int]] = {}
    for row in found["days.csv"]:
        by_person.setdefault(row["study_id"], []).append(int(row["day"]))
    # 70 days of the last 90 are known, places 20 to 89; of one the last 28 are cut, of the other the first and last.
    assert sorted((min(days), max(days), len(days)) for days in by_person.values()) == [(20, 61, 42), (328, 379, 52)]


def test_both_ends_are_cut_by_what_is_each_persons_own_and_the_same_in_every_file(asked, clinical_admin, monkeypatch):
    monkeypatch.setattr(making.secrets, "randbelow", lambda below: 0)  # day 0 is the first of the days
    allow(asked[1])
    with recorded(actor_label="system:test", request_id="test"):
        for back in range(90):
            scored(asked[1], 12, days_ago=back)
    whole = dict.fromkeys(("mood", "steps"), np.full(DAYS, 6.0))
    monkeypatch.setattr(making, "kept_series", lambda patients, last: {one: whole for one in patients})
    ends = []
    for _ in range(2):
        with recorded(actor_label="system:test", request_id="test") as ledger:
            found = tables(making.deidentified(clinical_admin).content)
        ids = {row["study_id"] for row in found["people.csv"]}
        days = {one: [int(row["day"]) for row in found["days.csv"] if row["study_id"] == one] for one in ids}
        ends.append(sorted((min(one), max(one)) for one in days.values()))
        for row in found["questionnaires.csv"]:
            assert min(days[row["study_id"]]) <= int(row["day"]) <= max(days[row["study_id"]])
    told = [making.cuts(patient_id) for patient_id in ledger.patients]
    assert ends[0] == ends[1] == sorted((begin, DAYS - 1 - end) for begin, end in told)
    assert len(told) == 3


def test_cuts_are_of_each_length_and_independent_of_each_other():
    drawn = {making.cuts(UUID(int=number)) for number in range(20_000)}
    assert drawn == {(begin, end) for begin in range(29) for end in range(29)}


def test_who_is_in_no_row_is_not_put_on_record(asked, patient, clinical_admin, monkeypatch):
    was = making._person
    monkeypatch.setattr(making, "_person", lambda one, *args: was(one, *args) if one.pk != patient.pk else None)
    with recorded(actor_label="system:test", request_id="test") as ledger:
        ledger.patients.clear()
        assert making.deidentified(clinical_admin).people == 1
    assert ledger.patients == {asked[0].pk}


def test_columns_say_what_each_column_is(asked, clinical_admin):
    with recorded(actor_label="system:test", request_id="test"):
        found = tables(making.deidentified(clinical_admin).content)
    told = {(row["file"], row["column"]): row for row in found.pop("columns.csv")}
    assert {(name, column) for name, rows in found.items() for column in rows[0]} <= set(told)
    assert "activity" not in found["days.csv"][0]
    # Kroenke et al. 2001: 0 to 27, more is worse; a night's efficiency is sleep over time in bed.
    phq9, share = told["questionnaires.csv", "total of phq9"], told["days.csv", "sleep_efficiency"]
    assert (phq9["unit"], phq9["worse_is"]) == ("0 to 27 points", "higher")
    assert (share["unit"], share["worse_is"]) == ("share", "lower")
    assert all(row["what_it_is"] for row in told.values())


def test_what_is_not_allowed_or_withdrawn_is_not_in_it(asked, patient, clinical_admin):
    allow(patient, given=False)
    with recorded(actor_label="system:test", request_id="test"):
        record_consent(
            patient=asked[0], purpose="treatment", stream="questionnaires", given=False, how="spoken", by=None
        )
    assert made(clinical_admin).state == "empty"
    allow(patient, "actigraphy")  # of another stream: nothing of it is known
    assert made(clinical_admin).state == "empty"


def test_no_identifier_of_the_canary_patient_is_anywhere(asked, patient, clinical_admin, signed_in):
    for stream in ("actigraphy", "heart", "body", "notes", "medication", "genotype"):
        allow(patient, stream)
    fill_chart(patient)
    export = made(clinical_admin)
    content = take_out(signed_in(clinical_admin), export)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        texts = [archive.read(name) for name in archive.namelist()]
    for text in (*texts, content):
        assert not CANARIES.search(text)
        assert str(patient.pk).encode() not in text
        assert str(patient.pk).replace("-", "").encode() not in text
        assert not re.search(rb"(19|20)\d\d-\d\d-\d\d", text)
    assert set(tables(content)) == {"people.csv", "days.csv", "questionnaires.csv", "columns.csv"}


@pytest.mark.parametrize("slip", ["Zqxfirst Zqxlast", "ZQX-MRN-7781", "+4799977810", "zqx7781@mail.test", "1931-02-17"])
def test_an_identifier_that_slipped_in_holds_the_file_back(asked, patient, clinical_admin, monkeypatch, caplog, slip):
    was = making._days
    monkeypatch.setattr(making, "_days", lambda *args: ([slip, *row[1:]] for row in was(*args)))
    export = made(clinical_admin)
    assert (export.state, export.content, export.sha256) == ("blocked", None, "")
    assert "held back" in caplog.text
    assert not CANARIES.search(caplog.text.encode())


FITS = {
    "people.csv": ["0123456789abcdef", 89, "female"],
    "questionnaires.csv": ["0123456789abcdef", 454, "phq9", "1", 27],
    "days.csv": ["0123456789abcdef", 0, None, -0.123, *[1230000.0] * (len(SERIES) - 2)],
}


@pytest.mark.parametrize(
    ("table", "at", "cell"),
    [
        ("people.csv", 0, "0123456789ABCDEF"), ("people.csv", 1, 90), ("people.csv", 1, -1), ("people.csv", 1, "91+"),
        ("people.csv", 1, True), ("people.csv", 2, "Zqxlast"), ("people.csv", 2, ""), ("questionnaires.csv", 1, 455),
        ("questionnaires.csv", 2, "cssrs"), ("questionnaires.csv", 2, "zqx"), ("questionnaires.csv", 3, "1 Zqxlast"),
        ("questionnaires.csv", 4, 28), ("questionnaires.csv", 4, 12.0), ("days.csv", 1, -1), ("days.csv", 1, 1.0),
        ("days.csv", 2, float("nan")), ("days.csv", 2, float("inf")), ("days.csv", 2, 1.234), ("days.csv", 2, "6.0"),
        ("days.csv", 2, 7781),
    ],
)  # fmt: skip
def test_a_cell_holds_what_its_column_may_hold_and_nothing_else(table, at, cell):
    row = list(FITS[table])
    assert misfits(table, row) == 0
    row[at] = cell
    assert misfits(table, row) >= 1
    with pytest.raises(ValueError, match="zip"):
        misfits(table, row[:-1])


def test_words_of_cells_are_searched_and_those_that_may_stand_there_identify_nobody(patient):
    allowed = {*instruments(), *(one.version for one in instruments().values()), *Patient.Sex.values, "90+"}
    known = [of(patient)]
    assert making._mentions(allowed, known) == 0
    for slip in ("Zqxfirst Zqxlast", "ZQX-MRN-7781", "4799977810", "zqx7781@mail.test", "1931-02-17"):
        assert making._mentions({*allowed, slip}, known) >= 1


def test_numbers_that_make_a_record_number_by_chance_do_not_hold_the_file_back():
    row = ["0123456789abcdef", 123, 6.0, 0.0, *[None] * (len(SERIES) - 2)]
    rows = {"people.csv": [FITS["people.csv"]], "days.csv": [row], "questionnaires.csv": []}
    making._check([making.Person(UUID(int=1), row[0], rows)], [Identifiers(numbers=("123600",), phones=("+123 6000",))])


@pytest.mark.parametrize("purpose", ["research", "treatment"])
def test_a_file_is_deleted_at_take_out_where_somebody_in_it_has_withdrawn(
    asked, patient, clinical_admin, signed_in, purpose
):
    export = made(clinical_admin)
    with recorded(actor_label="system:test", request_id="test"):
        said = {"stream": "questionnaires", "given": False, "how": "spoken", "by": None}
        record_consent(patient=asked[1], purpose=purpose, **said)  # is not in it
    client = signed_in(clinical_admin)
    take_out(client, export)
    with recorded(actor_label="system:test", request_id="test"):
        record_consent(patient=patient, purpose=purpose, **said)
    assert_deleted(client, export)


def assert_deleted(client: Any, export: ResearchExport) -> None:
    assert client.post(f"{PAGE}{export.pk}/file/").status_code == 404
    export.refresh_from_db()
    assert (export.content, export.state) == (None, "ended")
    assert "somebody may no longer be in it" in client.get(PAGE).content.decode()


def test_a_file_is_deleted_at_take_out_where_a_consent_ran_out(asked, patient, clinical_admin, signed_in, monkeypatch):
    with recorded(actor_label="system:test", request_id="test"):
        record_consent(
            patient=patient, purpose="research", stream="questionnaires", given=True, how="written", by=None,
            valid_until=clock.now() + timedelta(hours=1),
        )  # fmt: skip
    export = made(clinical_admin)
    take_out(signed_in(clinical_admin), export)
    real = clock.now
    monkeypatch.setattr("insights.research_exports.clock.now", lambda: real() + timedelta(hours=2))
    assert exports.take_out(export) is None


def test_a_file_is_deleted_at_take_out_where_somebody_is_no_patient_of_the_askers(
    asked, patient, clinical_admin, signed_in
):
    export = made(clinical_admin)
    take_out(signed_in(clinical_admin), export)
    Grant.objects.filter(user=clinical_admin, content_object=patient).delete()
    assert_deleted(signed_in(clinical_admin), export)


def test_a_file_of_more_than_an_hours_share_takes_the_whole_share_and_all_of_it_counts_in_the_day(
    asked, clinical_admin, signed_in, monkeypatch, caplog
):
    monkeypatch.setattr("insights.research_views.take_out", lambda export: b"zip")
    monkeypatch.setattr("novamind.throttle.callers.RATES", RATES)
    windows = Windows(lambda: at)
    monkeypatch.setattr("novamind.throttle.callers.counter", lambda: windows)
    at, client, export = 1_800_000_000.0, signed_in(clinical_admin), made(clinical_admin)

    def taken(people: int, *, hours: float = 0) -> int:
        nonlocal at
        at += 3600 * hours
        ResearchExport.objects.filter(pk=export.pk).update(people=people)
        return client.post(f"{PAGE}{export.pk}/file/").status_code

    assert taken(11_000) == 200
    assert "in one piece" in caplog.text
    assert taken(1) == 429  # the hour is used up
    assert taken(900, hours=2) == 200
    assert taken(200, hours=2) == 429  # of the day 100 are left
    assert taken(100) == 200
    assert taken(11_000, hours=30) == 200


def test_each_patient_in_it_stands_in_the_trail_as_disclosed(asked, patient, clinical_admin):
    export = made(clinical_admin)
    event = AuditEvent.objects.get(action="research_export")
    assert (event.event_type, event.purpose, event.object_id) == ("EXPORT", "HRESCH", str(export.pk))
    assert {one.patient_id for one in event.patients.all()} == {patient.pk, asked[0].pk}
    assert all(one.opened for one in event.patients.all())
    assert event.details["sha256"] == export.sha256


def test_a_file_is_its_askers_alone_sealed_and_ends(asked, clinical_admin, researcher, signed_in):
    export = made(clinical_admin)
    stored = ResearchExport._base_manager.filter(pk=export.pk).values_list("content", flat=True)[0]
    assert bytes(stored)[:2] != b"UE"  # the base64 of a zip begins so
    assert signed_in(researcher).post(f"{PAGE}{export.pk}/file/").status_code == 404
    ResearchExport.objects.filter(pk=export.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    assert signed_in(clinical_admin).post(f"{PAGE}{export.pk}/file/").status_code == 404
    delete_ended()()
    assert (gone := ResearchExport.objects.get(pk=export.pk)).content is None
    assert gone.state == "ended"
    assert timedelta(days=3) == KEPT


def test_asking_needs_a_reason_and_that_the_limits_were_read(asked, clinical_admin, signed_in):
    client = signed_in(clinical_admin)
    for body in ({}, {"why": "method"}, {"why": "because", "read": "on"}):
        assert client.post(f"{PAGE}new/", body).status_code == 422
    assert client.post(f"{PAGE}new/", {"why": "protocol", "read": "on"}).status_code == 302
    assert ResearchExport.objects.get().by == clinical_admin
    assert "Being made" in client.get(PAGE).content.decode()


def test_only_the_askers_own_patients_are_in_it(asked, patient, psychiatrist):
    assert made(psychiatrist).people == 1  # the team's patient; the others are the admin's
