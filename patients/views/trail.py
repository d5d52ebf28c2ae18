"""Who saw this chart: for those who treat the patient, and for the patient."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from novamind.accounts.rights import Refused, requires
from novamind.audit.forms import WhoSawForm
from novamind.audit.models import AuditEventPatient, Purpose
from novamind.audit.questions import names_of, people_who_saw, who_saw
from patients.models import EmergencyAccess, Patient
from patients.pages import patient_page

TAB = "patients:trail"
PAGE = 50


@require_GET
@requires("see_patients")
def trail(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The chart's trail, for its care team; emergency access is for treating and does not show it."""
    patient, context = patient_page(request, patient_id, TAB)
    if not context["may_change"]:
        raise Refused("not_in_care", "Who saw this chart is shown to those who care for the patient.")
    return render(request, "patients/trail.html", context | _entries(request, patient))


@require_GET
@requires("own_chart")
def my_trail(request: HttpRequest) -> HttpResponse:
    """The same, for the patient about their own chart."""
    patient = Patient.objects.own_of(request.user).first()
    if patient is None:
        raise Http404
    return render(request, "patients/my_trail.html", {"patient": patient} | _entries(request, patient))


def is_emergency(row: AuditEventPatient, emergencies: list[EmergencyAccess]) -> bool:
    """Whether this chart was open by emergency access.

    Of an older entry, which has no purpose of its own, the event's may be that of another patient on a list.
    """
    event = row.event
    if row.purpose:
        return row.purpose == Purpose.EMERGENCY
    return event.purpose == Purpose.EMERGENCY and any(
        event.actor_id == each.user_id and each.opened_at <= event.at <= (each.ended_at or each.ends_at)
        for each in emergencies
    )


def _entries(request: HttpRequest, patient: Patient) -> dict[str, Any]:
    form = WhoSawForm(request.GET or None, people=people_who_saw(patient.pk))
    page = Paginator(who_saw(patient.pk, form.narrowed(patient.tz)), PAGE).get_page(request.GET.get("page"))
    emergencies = list(EmergencyAccess.objects.filter(patient=patient))
    names = names_of(row.event.actor_id for row in page)
    return {
        "form": form,
        "page": page,
        "asked": "".join(f"&{name}={request.GET[name]}" for name in form.fields if form.understood().get(name)),
        "rows": [_line(row, emergencies) | {"who": names.get(row.event.actor_id) or "Novamind itself"} for row in page],
    }


def _line(row: AuditEventPatient, emergencies: list[EmergencyAccess]) -> dict[str, Any]:
    emergency = is_emergency(row, emergencies)
    # An older list may have another patient's emergency for its purpose.
    why = row.why if emergency or row.why != Purpose.EMERGENCY else Purpose.TREATMENT
    return {"event": row.event, "emergency": emergency, "why": Purpose(why).label}
