"""A question to a twin, sent by the Twin page."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from novamind.accounts.rights import requires
from patients.pages import patient_page
from twins.models import Twin
from twins.pages import twin_context
from twins.whatif.asking import ask
from twins.whatif.forms import WhatIfForm

TAB = "twins:twin"


@require_POST
@requires("run_models")
def what_if(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Ask; a worker answers, and the Twin page shows it."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    get_object_or_404(Twin, patient=patient)
    form = WhatIfForm(request.POST)
    if not form.is_valid():
        more = twin_context(patient) | {"what_if_form": form, "may_ask": True}
        more["may_create"] = context["may_change"] and request.user.may("create_twins")  # type: ignore[union-attr]
        return render(request, "twins/twin.html", context | more, status=422)
    ask(patient=patient, by=request.user, **form.asked)  # type: ignore[arg-type]
    return redirect(f"{reverse(TAB, args=[patient.pk])}#what-if")
