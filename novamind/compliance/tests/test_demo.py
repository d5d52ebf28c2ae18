"""The synthetic clinic has a compliance page with something on it."""

import pytest

from novamind.compliance.demo import seed
from novamind.compliance.models import CheckResult, Incident


@pytest.mark.django_db
def test_the_clinic_is_seeded_once_and_checked_each_time(clinical_admin):
    said: list[str] = []
    seed(said.append)
    seed(said.append)
    assert (Incident.objects.count(), CheckResult.objects.count() > 10, len(said)) == (1, True, 3)
