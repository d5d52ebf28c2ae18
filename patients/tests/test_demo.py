"""The synthetic clinic has what its pages are there to show."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from novamind.accounts import demo as people
from novamind.accounts.roles import ROLES
from patients import demo
from patients.models import (
    Alert,
    Appointment,
    Assessment,
    CheckIn,
    Condition,
    Consent,
    EmergencyAccess,
    Genotype,
    Medication,
    Patient,
)
from patients.reports import demo as reports_demo
from patients.treatment import demo as treatment_demo


@pytest.mark.django_db
def test_seeding_twice_leaves_one_clinic_with_consents_and_an_emergency_to_review():
    for role in ROLES:
        Group.objects.get_or_create(name=role)
    for _ in range(2):
        people.seed(lambda said: None)
        demo.seed(lambda said: None)
    assert Patient.objects.count() == len(demo.PATIENTS)
    assert Consent.objects.count() == len(demo.DECISIONS)
    assert Consent.objects.filter(given=False).exists()
    access = EmergencyAccess.objects.to_review().get()
    assert not Patient.objects.changeable_by(access.user).filter(pk=access.patient_id).exists()


@pytest.mark.slow
@pytest.mark.django_db
def test_synthetic_patients_answer_as_they_live_and_one_asks_for_help():
    for role in ROLES:
        Group.objects.get_or_create(name=role)
    people.seed(lambda said: None)
    demo.seed(lambda said: None)
    for _ in range(2):
        reports_demo.seed(lambda said: None)
    assert set(Assessment.objects.values_list("instrument", flat=True).distinct()) == {"phq9", "gad7"}
    assert Assessment.objects.count() == len(reports_demo.WHO) * 2 * 4
    scores = [row.score for row in Assessment.objects.filter(instrument="phq9")]
    assert None not in scores
    assert len(set(scores)) > 4
    assert CheckIn.objects.count() > 20
    asks = Alert.objects.get(kind="self_harm")
    assert asks.patient.mrn == demo.mrn_of(reports_demo.WANTS_HELP)


@pytest.mark.django_db
def test_synthetic_patients_are_treated_as_their_disorder_asks_and_only_once():
    for role in ROLES:
        Group.objects.get_or_create(name=role)
    people.seed(lambda said: None)
    demo.seed(lambda said: None)
    for _ in range(2):
        treatment_demo.seed(lambda said: None)
    kinds = [demo.persona_of(number).kind for number in range(len(demo.PATIENTS))]
    ill = [number for number, kind in enumerate(kinds) if kind != "none"]
    assert {demo.mrn_of(number) for number in ill} == {row.patient.mrn for row in Condition.objects.all()}
    assert Condition.objects.count() == len(ill)
    assert {kind for kind in kinds if kind != "none"} == set(treatment_demo.COURSES)
    assert Appointment.objects.count() == 4 * len(kinds)
    assert all(row.note == treatment_demo.NOTE for row in Medication.objects.all())
    assert Medication.objects.filter(drug="").exists()
    assert set(Genotype.objects.values_list("state", flat=True)) == set(Genotype.State.values)
