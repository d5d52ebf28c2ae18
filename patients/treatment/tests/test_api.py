"""Treatment over the API: read, written once, changed from a version, refused in one form."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.models import Genotype, Medication
from patients.treatment.tests.test_services import give, withdraw

JSON = {"content_type": "application/json"}
COURSE = {
    "name": "sertraline", "started": "2026-03-02", "dose": {"amount": 50, "unit": "mg", "frequency": "daily"},
}  # fmt: skip


@pytest.fixture
def treating(signed_in: Any, psychiatrist: Any) -> Client:
    return signed_in(psychiatrist)


def at(patient: Any, path: str) -> str:
    return f"/api/v1/patients/{patient.pk}/{path}"


def test_a_course_goes_its_way(treating, patient):
    made = treating.post(at(patient, "medications"), COURSE, **JSON)
    assert made.status_code == 201
    body = made.json()
    assert (body["name"], body["coded"], body["rxnorm"], body["status"], body["version"]) == (
        "sertraline", True, "36437", "current", 1,
    )  # fmt: skip
    assert body["doses"] == [{"since": "2026-03-02", "dose": {"amount": 50.0, "unit": "mg", "frequency": "daily"}}]
    one = at(patient, f"medications/{body['id']}")
    dose = {"version": 1, "since": "2026-04", "dose": {"amount": 75.5, "unit": "mg", "frequency": "daily"}}
    assert treating.post(f"{one}/doses", dose, **JSON).json()["doses"][1]["dose"]["amount"] == 75.5
    assert treating.post(f"{one}/doses", dose, **JSON).status_code == 409
    stopped = treating.patch(one, {"version": 2, "ended": "2026-06-01", "stop_reason": "no_effect"}, **JSON).json()
    assert (stopped["ended"], stopped["status"]) == ("2026-06-01", "past")
    goes_on = treating.patch(one, {"version": 3, "ended": None}, **JSON).json()
    assert (goes_on["ended"], goes_on["stop_reason"]) == (None, "")
    marked = treating.patch(one, {"version": 4, "entered_in_error": True, "why": "Another patient's."}, **JSON).json()
    assert (marked["status"], marked["entered_in_error"]) == ("error", True)
    assert [row["id"] for row in treating.get(at(patient, "medications")).json()["results"]] == [body["id"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("medications", COURSE),
        ("conditions", {"text": "Depression", "code": "F33.1", "onset": "2019"}),
        ("genotypes", {"gene": "CYP2D6", "diplotype": "*1/*4", "reported_on": "2026-01-02", "lab": "Lab"}),
        ("appointments", {"at": "2026-03-02T10:30:00Z", "kind": "intake", "place": "clinic", "status": "kept"}),
    ],
)
def test_each_is_written_once_and_refused_without_consent_and_role(
    treating, patient, path, body, signed_in, make_user, team, nurse
):
    sent = [treating.post(at(patient, path), body, HTTP_IDEMPOTENCY_KEY="k", **JSON) for _ in range(2)]
    assert [one.status_code for one in sent] == [201, 200], sent[0].content
    assert sent[0].json()["id"] == sent[1].json()["id"]
    other = treating.post(at(patient, path), body | {"note": "x"}, HTTP_IDEMPOTENCY_KEY="k", **JSON)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    one = at(patient, f"{path}/{sent[0].json()['id']}")
    assert treating.get(one).json() == {name: said for name, said in sent[0].json().items() if name != "said"}
    unversioned = treating.patch(one, {"entered_in_error": True, "why": "x"}, **JSON)
    assert (unversioned.status_code, unversioned.json()["code"]) == (409, "version_needed")
    unsaid = treating.patch(one, {"version": 1, "entered_in_error": True}, **JSON)
    assert (unsaid.status_code, "why" in unsaid.json()["fields"]) == (400, True)
    assert treating.patch(one, {"version": 7, "entered_in_error": True, "why": "x"}, **JSON).json()["code"] == "stale"
    for stream in ("medication", "genotype", "notes"):
        withdraw(patient, stream)
    for answer in (treating.get(at(patient, path)), treating.get(one), treating.post(at(patient, path), body, **JSON)):
        assert (answer.status_code, answer.json()["code"]) == (403, "consent_withheld")
    assert signed_in(make_user("r@clinic.test", "researcher")).get(one).status_code == 403
    hidden = signed_in(nurse)
    assert hidden.get(one).status_code == hidden.get(at(patient, path)).status_code == 404


def test_a_labelled_entry_is_there_for_whom_part_2_lets_read_it_with_its_notice(
    signed_in, patient, psychiatrist, programme
):
    made = signed_in(programme).post(at(patient, "medications"), COURSE | {"name": "naltrexone"}, **JSON).json()
    assert made["part2"]
    assert made["redisclosure_notice"].startswith("42 CFR part 2 prohibits")
    client = signed_in(psychiatrist)
    assert client.get(at(patient, f"medications/{made['id']}")).status_code == 404
    assert client.get(at(patient, "medications")).json()["results"] == []
    assert client.post(at(patient, "medications"), COURSE, **JSON).json()["redisclosure_notice"] is None


def test_the_same_drug_twice_is_a_conflict_until_it_is_on_purpose(treating, patient):
    assert treating.post(at(patient, "medications"), COURSE, **JSON).status_code == 201
    again = treating.post(at(patient, "medications"), COURSE, **JSON)
    assert (again.status_code, again.json()["code"]) == (409, "beside")
    assert treating.post(at(patient, "medications"), COURSE | {"beside": True}, **JSON).status_code == 201


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"started": "spring"}, "started"),
        ({"started": 2026}, "started"),
        ({"dose": {"amount": 0, "unit": "mg", "frequency": "daily"}}, "dose"),
        ({"dose": {"amount": 5, "unit": "spoons", "frequency": "daily"}}, "dose"),
        ({"ended": "2026-01"}, "ended"),
        ({"part2": True}, "part2"),
        ({"name": None}, "name"),
    ],
)
def test_what_is_wrong_stands_at_its_field(treating, patient, sent, field):
    answer = treating.post(at(patient, "medications"), COURSE | sent, **JSON)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
    assert not Medication.objects.exists()


def test_a_therapist_reads_and_does_not_prescribe(signed_in, therapist, patient, psychiatrist):
    row = give(patient, psychiatrist)
    client = signed_in(therapist)
    assert client.get(at(patient, "medications")).status_code == 200
    for answer in (
        client.post(at(patient, "medications"), COURSE, **JSON),
        client.patch(at(patient, f"medications/{row.pk}"), {"version": 1}, **JSON),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


def test_a_genotype_says_what_is_in_our_table_and_which_result_holds(treating, patient):
    older = {"gene": "CYP2D6", "diplotype": "*1/*1", "reported_on": "2025-01-01"}
    newer = {"gene": "CYP2D6", "diplotype": "*4/*999", "reported_on": "2026-01-01"}
    for body in (newer, older):
        treating.post(at(patient, "genotypes"), body, **JSON)
    told = {row["diplotype"]: row for row in treating.get(at(patient, "genotypes")).json()["results"]}
    assert [told["*4/*999"][name] for name in ("holds", "in_table", "not_in_table")] == [True, False, ["*999"]]
    assert [told["*1/*1"][name] for name in ("holds", "in_table", "not_in_table")] == [False, True, []]
    one = at(patient, f"genotypes/{told['*4/*999']['id']}")
    assert treating.patch(one, {"version": 1, "why": "x"}, **JSON).status_code == 400
    assert treating.patch(one, {"version": 1, "entered_in_error": True, "why": "x"}, **JSON).status_code == 200
    assert {row["diplotype"]: row["holds"] for row in treating.get(at(patient, "genotypes")).json()["results"]} == {
        "*4/*999": False, "*1/*1": True,
    }  # fmt: skip


def test_a_table_is_taken_once_and_refused_with_its_line(treating, patient):
    def upload(content: bytes) -> Any:
        return treating.post(at(patient, "genotypes/upload"), {"file": SimpleUploadedFile("r.csv", content)})

    wrong = upload(b"gene,diplotype\nCYP2D6,*1/*1\nCYP2D6,*1/*4\n")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["line"]) == (400, "unreadable", 3)
    first, again = upload(b"gene,diplotype\nCYP2D6,*1/*1\n"), upload(b"gene,diplotype\nCYP2D6,*1/*1\n")
    assert (first.status_code, again.status_code, Genotype.objects.count()) == (201, 200, 1)
    assert first.json() == again.json()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(min_size=1, max_size=300)
    | st.text(max_size=200).map(lambda text: f"gene,diplotype\n{text}".encode("utf-8", "replace"))
)
def test_no_file_breaks_the_upload(treating, patient, content):
    answer = treating.post(at(patient, "genotypes/upload"), {"file": SimpleUploadedFile("r.csv", content)})
    assert answer.status_code in {200, 201, 400}, answer.content


def test_the_catalogue_of_drugs_gives_null_where_no_code_was_verified(treating):
    told = {row["id"]: row for row in treating.get("/api/v1/drugs").json()}
    assert (told["sertraline"]["rxnorm"], told["sertraline"]["atc"], told["lithium"]["rxnorm"]) == (
        "36437", "N06AB06", None,
    )  # fmt: skip
