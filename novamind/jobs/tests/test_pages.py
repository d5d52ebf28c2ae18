"""The jobs page: for whoever operates the place, at a constant price, and nobody else."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from novamind.accounts.roles import CLINICAL_ADMIN, PSYCHIATRIST
from novamind.clock import now
from novamind.jobs.kinds import job
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.services import enqueue

pytestmark = pytest.mark.django_db


def person(django_user_model, role: str):
    user = django_user_model.objects.create_user(f"{role.replace(' ', '-')}@example.org")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


@pytest.fixture
def operator(client, django_user_model):
    client.force_login(person(django_user_model, CLINICAL_ADMIN))
    return client


def quarantined(number: int = 0) -> Job:
    if number == 0:
        job("work")(lambda: None)
    row = enqueue("work", key=f"k{number}")
    Job.objects.filter(pk=row.pk).update(state="quarantined", attempts=3, error_code="worker_lost", finished_at=now())
    AdminAlert.objects.create(job=row)
    return row


def test_the_page_shows_counts_alerts_and_a_retry_for_what_was_set_aside(operator):
    quarantined()
    page = operator.get(reverse("jobs:list")).content.decode()
    assert "1 quarantined" in page
    assert "worker_lost" in page
    assert "Acknowledge" in page
    assert "Retry" in page


def test_an_empty_page_says_so(operator):
    page = operator.get(reverse("jobs:list")).content.decode()
    assert "Nothing needs an administrator." in page
    assert "No jobs" in page


def test_one_click_queues_a_quarantined_job_again(operator):
    row = quarantined()
    answer = operator.post(reverse("jobs:retry", args=[row.pk]))
    assert (answer.status_code, answer.url) == (302, reverse("jobs:list"))
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 0)


def test_one_click_acknowledges_an_alert_with_a_name(operator):
    quarantined()
    operator.post(reverse("jobs:acknowledge", args=[AdminAlert.objects.get().pk]))
    assert AdminAlert.objects.get().acknowledged_by.email == "clinical-admin@example.org"


@pytest.mark.parametrize("name", ["jobs:retry", "jobs:acknowledge"])
def test_looking_at_a_button_presses_nothing(operator, name):
    row = quarantined()
    assert operator.get(reverse(name, args=[row.pk])).status_code == 405


def test_a_clinician_is_refused(client, django_user_model):
    client.force_login(person(django_user_model, PSYCHIATRIST))
    row = quarantined()
    assert client.get(reverse("jobs:list")).status_code == 403
    assert client.post(reverse("jobs:retry", args=[row.pk])).status_code == 403
    row.refresh_from_db()
    assert row.state == "quarantined"


def test_thirty_jobs_cost_no_more_queries_than_one(operator):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    quarantined()
    operator.get(reverse("jobs:list"))
    with CaptureQueriesContext(connection) as one:
        operator.get(reverse("jobs:list"))
    for number in range(1, 30):
        quarantined(number)
    with CaptureQueriesContext(connection) as thirty:
        operator.get(reverse("jobs:list"))
    assert len(thirty) == len(one)


def test_the_page_can_show_one_state(operator):
    quarantined()
    enqueue("work", key="waits")
    page = operator.get(reverse("jobs:list"), {"state": "pending"}).content.decode()
    assert "Retry" not in page
    assert 'id="job-' in page
