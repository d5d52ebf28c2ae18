"""What a patient allows, as a page: the state of every purpose and stream, a new decision, the history."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from novamind.accounts.rights import requires
from patients.consent import defaults_in_words, record_consent, state_of
from patients.forms import ConsentForm
from patients.models import Consent, ConsentStream, Patient
from patients.pages import patient_page

TAB = "patients:consents"


@require_GET
@requires("see_patients")
def consents(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What holds now, and how it came about."""
    patient, context = patient_page(request, patient_id, TAB)
    return _page(request, patient, context, ConsentForm(), status=200)


@require_POST
@requires("manage_consents")
def record(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Add the patient's decision: one row for every stream it names."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return _page(request, patient, context, form, status=422)
    sent = form.cleaned_data
    for stream in sent["streams"]:
        record_consent(
            patient=patient,
            purpose=sent["purpose"],
            stream=stream,
            given=sent["decision"] == "given",
            how=sent["how"],
            by=request.user,  # type: ignore[arg-type]
            valid_until=_end_of(sent["valid_until"], patient),
            remark=sent["remark"],
        )
    messages.success(request, "Recorded; it holds from now on.")
    return redirect(TAB, patient.pk)


def _end_of(day: Any, patient: Patient) -> datetime | None:
    """The last moment of the day, where the patient lives."""
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), tzinfo=patient.tz)


def _page(
    request: HttpRequest, patient: Patient, context: dict[str, Any], form: ConsentForm, *, status: int
) -> HttpResponse:
    history = Consent.objects.filter(patient=patient).select_related("recorded_by")
    purposes = state_of(patient)
    more = {
        "purposes": purposes,
        "lines": [
            {"stream": stream, "cells": [row["streams"][n] for row in purposes]}
            for n, stream in enumerate(ConsentStream)
        ],
        "defaults": defaults_in_words(),
        "history": history,
        "form": form,
        "may_manage": context["may_change"] and request.user.may("manage_consents"),  # type: ignore[union-attr]
    }
    return render(request, "patients/consents.html", context | more, status=status)
