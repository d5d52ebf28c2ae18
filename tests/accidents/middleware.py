"""A request that says ``X-Accident`` with a patient's id fails in the middle of their chart."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from patients.models import Patient


def quoting(patient: Patient) -> ValueError:
    """An error as careless code raises it: everything that is known of the patient stands in its text."""
    told = [patient.name, str(patient.date_of_birth), patient.mrn, patient.phone, patient.email]
    return ValueError(f"cannot read {told}")


def accident(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """As a view would fail: inside every other middleware."""

    def answer(request: HttpRequest) -> HttpResponse:
        if wanted := request.headers.get("X-Accident"):
            raise quoting(Patient.objects.get(pk=wanted))
        return get_response(request)

    return answer
