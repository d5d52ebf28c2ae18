"""The synthetic clinic has what its pages are there to show."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from novamind.accounts import demo as people
from novamind.accounts.roles import ROLES
from patients import demo
from patients.models import Consent, EmergencyAccess, Patient


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
