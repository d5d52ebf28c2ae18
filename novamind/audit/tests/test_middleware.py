"""What a request is called in the trail: by its method, by what the view says, by how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from novamind.audit.middleware import AuditMiddleware
from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import note_object, note_type, saw

pytestmark = pytest.mark.django_db


@pytest.fixture
def called(psychiatrist) -> Callable[..., str]:
    """The kind of event that a signed-in request through this view leaves."""

    def call(method: str, view: Callable[[HttpRequest], HttpResponse]) -> str:
        request: Any = RequestFactory().generic(method, "/patients/search/")
        request.user = psychiatrist
        AuditMiddleware(view)(request)
        return AuditEvent.objects.get().event_type

    return call


def view(*steps: Callable[[], None], status: int = 200) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        for step in steps:
            step()
        return HttpResponse(status=status)

    return answer


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("GET", EventType.DATA_ACCESS),
        ("POST", EventType.MODIFICATION),
        ("PATCH", EventType.MODIFICATION),
        ("DELETE", EventType.DELETION),
    ],
)
def test_the_method_says_what_was_done_to_a_chart(called, patient, method, kind):
    assert called(method, view(lambda: saw(patient.pk))) == kind


def test_a_view_says_that_a_post_only_read(called, patient):
    assert called("POST", view(lambda: saw(patient.pk), lambda: note_type(EventType.DATA_ACCESS))) == "DATA_ACCESS"


def test_a_search_without_hits_read_no_chart(called):
    assert called("POST", view(lambda: note_type(EventType.DATA_ACCESS))) == "API_ACCESS"


def test_what_is_about_an_object_keeps_its_kind_without_a_patient(called):
    assert called("POST", view(lambda: note_object(EventType.CREATION, "patients.CareTeam", 1))) == "CREATION"


def test_what_was_refused_is_neither_a_read_nor_a_change(called, patient):
    said = view(lambda: saw(patient.pk), lambda: note_type(EventType.DATA_ACCESS), status=403)
    assert called("POST", said) == "API_RESPONSE"


def test_nobody_outside_a_request_is_told(db):
    note_type(EventType.DATA_ACCESS)
    assert not AuditEvent.objects.exists()
