"""What is to be expected of courses, asked for by the page of genes and drugs."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from novamind.accounts.rights import requires
from patients.pages import patient_page
from twins.response.serving import ask

PAGE = "twins:medication"


@require_POST
@requires("advise_medication")
def compute(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Queue it; a worker computes, and the page shows it."""
    patient, _ = patient_page(request, patient_id, PAGE, changing=True)
    ask(patient, request.user)  # type: ignore[arg-type]
    messages.success(request, "Being computed; this page shows it when it is done.")
    return redirect(f"{reverse(PAGE, args=[patient.pk])}#response")
