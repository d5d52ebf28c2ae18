"""The Twin page: its parts, and what moves with what."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from novamind.accounts.rights import requires
from patients.pages import patient_page
from twins.models import Twin
from twins.pages import twin_context
from twins.services import TwinExists, ask_refresh, create_twin
from twins.whatif.forms import WhatIfForm

TAB = "twins:twin"


@require_GET
@requires("see_patients")
def twin(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The twin, or that there is none yet."""
    patient, context = patient_page(request, patient_id, TAB)
    may_create = context["may_change"] and request.user.may("create_twins")  # type: ignore[union-attr]
    may_ask = context["may_change"] and request.user.may("run_models")  # type: ignore[union-attr]
    more = twin_context(patient) | {"may_create": may_create, "may_ask": may_ask, "what_if_form": WhatIfForm()}
    return render(request, "twins/twin.html", context | more)


@require_POST
@requires("create_twins")
def create(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Make the patient's twin."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    try:
        create_twin(patient=patient, by=request.user)  # type: ignore[arg-type]
    except TwinExists:
        messages.info(request, "Somebody has made this twin already.")
    return redirect(TAB, patient.pk)


@require_POST
@requires("create_twins")
def refresh(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Compute it anew from what is known now."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    get_object_or_404(Twin, patient=patient)
    ask_refresh(patient.pk)
    messages.success(request, "Being computed; this page shows it when it is done.")
    return redirect(TAB, patient.pk)
