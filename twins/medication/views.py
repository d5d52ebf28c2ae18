"""The page of precision medication."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from novamind.accounts.rights import requires
from patients.pages import patient_page
from twins.medication.advice import note_rules
from twins.medication.context import known_of
from twins.medication.pages import medication_context

TAB = "twins:medication"


@require_GET
@requires("advise_medication")
def medication(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Genes and what drugs make of them, guidelines side by side, and trials beside what was tried."""
    patient, context = patient_page(request, patient_id, TAB)
    condition, sort = request.GET.get("condition_type", ""), request.GET.get("sort", "")
    more = medication_context(patient, known_of(patient, request.user), condition, sort)
    note_rules()
    return render(request, "twins/medication.html", context | more)
