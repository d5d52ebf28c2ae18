"""Charts, teams and the grants that follow; finding one's own patients."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from novamind import clock
from novamind.audit.models import AuditEvent, AuditEventPatient
from novamind.audit.recording import recorded, watched
from novamind.phi.columns import Columns
from novamind.phi.keys import forget_keys
from patients.models import CareAssignment, Grant, Patient, age_on
from patients.record_numbers import MrnTaken
from patients.services import (
    StaleEdit,
    assign_patient,
    create_patient,
    fill_search_texts,
    find_patients,
    join_team,
    leave_team,
    share_patient,
    sync_team_grants,
    unassign_patient,
    update_patient,
)

NEW = {"first_name": "Ada", "last_name": "Berg", "date_of_birth": date(1980, 1, 1)}


def sees(user, patient):
    return Patient.objects.visible_to(user).filter(pk=patient.pk).exists()


def test_a_team_sees_its_patients_and_nobody_else_does(patient, psychiatrist, therapist, nurse, superuser):
    assert [sees(user, patient) for user in (psychiatrist, therapist, nurse, superuser)] == [True, True, False, False]
    assert not Patient.objects.visible_to(AnonymousUser()).exists()


def test_who_joins_sees_and_who_leaves_does_not(patient, nurse, team):
    join_team(team=team, user=nurse)
    assert sees(nurse, patient)
    leave_team(team=team, user=nurse)
    assert not sees(nurse, patient)


def test_a_patient_who_leaves_a_team_stays_with_the_other(patient, psychiatrist, nurse, team, other_team):
    assign_patient(team=other_team, patient=patient)
    assert sees(nurse, patient)
    unassign_patient(team=team, patient=patient)
    assert (sees(psychiatrist, patient), sees(nurse, patient)) == (False, True)


def test_leaving_a_team_keeps_what_was_shared_by_name(patient, therapist, team):
    share_patient(patient=patient, user=therapist)
    leave_team(team=team, user=therapist)
    assert sees(therapist, patient)


def test_a_grant_ends_at_its_time_and_not_before(patient, nurse, monkeypatch):
    share_patient(patient=patient, user=nurse)
    until = clock.now() + timedelta(hours=4)
    Grant.objects.filter(user=nurse).update(valid_until=until)
    assert sees(nurse, patient)
    monkeypatch.setattr(clock, "now", lambda: until)
    assert not sees(nurse, patient)


def test_an_inactive_user_sees_nobody_and_loses_team_grants_at_the_next_sync(patient, therapist):
    therapist.is_active = False
    therapist.save()
    assert not sees(therapist, patient)
    sync_team_grants()
    assert not Grant.objects.filter(user=therapist).exists()


def test_djangos_own_permissions_open_nothing(patient, nurse):
    nurse.user_permissions.add(Permission.objects.get(codename="view_patient"))
    assert not sees(nurse, patient)


def test_syncing_twice_changes_nothing(patient, psychiatrist, therapist):
    before = set(Grant.objects.values_list("pk", flat=True))
    sync_team_grants()
    assert set(Grant.objects.values_list("pk", flat=True)) == before


def test_whoever_registers_a_patient_sees_that_patient(psychiatrist, clinical_admin, team):
    treated = create_patient(by=psychiatrist, **NEW)
    assert CareAssignment.objects.get().team == team
    registered = create_patient(by=clinical_admin, **NEW)
    assert [sees(user, registered) for user in (psychiatrist, clinical_admin)] == [False, True]
    assert not sees(clinical_admin, treated)


def test_a_record_number_is_given_once_however_it_is_written(psychiatrist, nurse):
    create_patient(by=psychiatrist, **NEW, mrn="AB 12")
    for mrn in ("AB 12", "ab 12", " ab  12 ", "ＡＢ 12"):  # noqa: RUF001
        with pytest.raises(MrnTaken):
            create_patient(by=nurse, **NEW, mrn=mrn)
    assert Patient.objects.count() == 1


def test_any_number_of_patients_has_no_record_number(psychiatrist):
    for mrn in ("", None, ""):
        create_patient(by=psychiatrist, **NEW, mrn=mrn)
    assert Patient.objects.filter(mrn_index__isnull=True).count() == 3


def test_a_change_from_an_older_version_changes_nothing(patient):
    update_patient(patient, version=1, first_name="Bea")
    with pytest.raises(StaleEdit):
        update_patient(Patient.objects.get(), version=1, first_name="Cleo")
    now = Patient.objects.get()
    assert (now.first_name, now.version) == ("Bea", 2)


def test_a_change_that_fails_leaves_the_version(patient, make_patient, team):
    make_patient(team, mrn="TAKEN")
    with pytest.raises(MrnTaken):
        update_patient(Patient.objects.get(pk=patient.pk), version=1, mrn="TAKEN")
    assert Patient.objects.get(pk=patient.pk).version == 1


def test_only_what_a_person_types_is_editable(patient):
    with pytest.raises(TypeError, match="not editable"):
        update_patient(patient, version=1, id="x")


@pytest.mark.parametrize(
    "query", ["zqxl", "ZQXFIRST", "zqxfirst zqxlast", "Zqxlast, Zq", "zqx-mrn-7781", "  zqxlast  "]
)
def test_a_patient_is_found_by_the_beginning_of_a_name_or_the_whole_number(patient, psychiatrist, query):
    assert [found.pk for found in find_patients(psychiatrist, query, at_most=9)[0]] == [patient.pk]


@pytest.mark.parametrize("query", ["", "   ", "qxlast", "zqx-mrn-778", "%", "\x00", "nobody"])
def test_anything_else_finds_nobody(patient, psychiatrist, query):
    assert find_patients(psychiatrist, query, at_most=9) == ([], 0)


def test_a_patient_is_found_by_the_name_they_have_now(patient, psychiatrist):
    update_patient(Patient.objects.get(pk=patient.pk), version=1, last_name="Ångström-Ødegård", mrn="New 1")
    for query in ("angstrom", "Zqxfirst ång", "ødeg", "NEW  1"):
        assert [found.pk for found in find_patients(psychiatrist, query, at_most=9)[0]] == [patient.pk]
    assert find_patients(psychiatrist, "zqxlast", at_most=9) == ([], 0)
    assert find_patients(psychiatrist, "ZQX-MRN-7781", at_most=9) == ([], 0)


def test_a_list_is_sorted_by_name_accents_aside(make_patient, team, psychiatrist):
    made = [("Berg", "Zoe"), ("Berg", "Ådne"), ("Berg Anders", "Ada"), ("Árnason", "Jón"), ("Zimmer", "A")]
    for last, first in made:
        make_patient(team, last_name=last, first_name=first)
    pages = [Patient.objects.visible_to(psychiatrist).page_by_name(page, 2) for page in (1, 2, 3, 4)]
    assert {total for _, total in pages} == {5}
    names = [(patient.last_name, patient.first_name) for shown, _ in pages for patient in shown]
    assert names == [made[3], made[1], made[0], made[2], made[4]]


def test_patients_from_before_there_was_a_search_text_are_found_and_get_theirs(patient, psychiatrist):
    Columns(Patient).rows.update(search_text=None)
    assert find_patients(psychiatrist, "zqxlast", at_most=9)[1] == 1
    said = []
    with watched():
        fill_search_texts(said.append)
        fill_search_texts(said.append)
    event = AuditEvent.objects.get(action="fill_search_texts")
    assert (event.actor_label, event.patients.get().patient_id) == ("system:start", patient.pk)
    assert said == ["1 patients can be searched for quickly now."]
    assert Columns(Patient).rows.filter(search_text__isnull=True).count() == 0
    assert find_patients(psychiatrist, "zqxlast", at_most=9)[1] == 1


@pytest.mark.parametrize("number", [3, 30])
def test_a_search_takes_as_many_queries_for_many_patients(
    number, make_patient, team, psychiatrist, django_assert_num_queries
):
    for _ in range(number):
        make_patient(team)
    forget_keys()
    with django_assert_num_queries(3):  # the texts, the keys, the patients shown
        assert find_patients(psychiatrist, "zqxlast", at_most=2)[1] == number


def test_a_hidden_patient_is_not_found_by_the_exact_number(patient, nurse):
    assert find_patients(nurse, "ZQX-MRN-7781", at_most=9) == ([], 0)


def test_only_the_hits_of_a_search_are_noted(patient, make_patient, team, psychiatrist):
    make_patient(team, first_name="Other", last_name="Person")
    with recorded(actor_label="x", request_id="x") as ledger:
        find_patients(psychiatrist, "zqxlast", at_most=9)
    assert ledger.patients == {patient.pk}
    assert ledger.complete


def test_a_search_in_the_browser_goes_by_post_and_records_the_hit(patient, psychiatrist, signed_in):
    client = signed_in(psychiatrist)
    assert client.get("/patients/search/?q=zqx").status_code == 405
    answer = client.post("/patients/search/", {"q": "zqxlast"})
    assert answer["Location"] == f"/patients/{patient.pk}/"
    client.get(answer["Location"])
    assert AuditEventPatient.objects.filter(patient_id=patient.pk).exists()


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (date(2000, 2, 29), date(2025, 2, 28), 24),
        (date(2000, 2, 29), date(2025, 3, 1), 25),
        (date(2000, 6, 1), date(2000, 6, 1), 0),
    ],
)
def test_age_counts_whole_years(born, today, age):
    assert age_on(born, today) == age
