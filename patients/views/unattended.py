"""Patients whose alerts no clinician may answer: who they are, and a team that takes them on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from novamind.accounts.rights import requires
from novamind.audit.models import Purpose
from novamind.audit.recording import note_purpose, saw, unseen
from novamind.audit.showing import lists_names
from patients.coverage import teams_that_answer, unanswerable
from patients.forms import TakeOnForm
from patients.models import CareAssignment, CareTeam, Patient
from patients.services import assign_patient

PAGE = 50


@lists_names
@require_http_methods(["GET", "POST"])
@requires("see_compliance")
def unattended(request: HttpRequest) -> HttpResponse:
    """Their names alone, though they are in nobody's care: somebody must know whom to put on a team."""
    note_purpose(Purpose.OPERATIONS)
    waiting = unanswerable().exclude(pk__in=Patient.objects.own_of(request.user).values("pk"))
    form = TakeOnForm(request.POST if request.method == "POST" else None, teams=teams_that_answer())
    if form.is_valid():
        patient = get_object_or_404(waiting, pk=form.cleaned_data["patient"])
        assign_patient(team=form.cleaned_data["team"], patient=patient)
        return redirect("patients:unattended")
    with unseen():
        shown, total = waiting.page_by_name(1, PAGE)
    for patient in shown:
        saw(patient.pk)
    context = {"rows": _rows(shown), "total": total, "form": form}
    return render(request, "patients/unattended.html", context, status=422 if form.is_bound else 200)


def _rows(patients: list[Patient]) -> list[dict[str, Any]]:
    teams: dict[UUID, list[CareTeam]] = {}
    # A programme's name beside a patient's would tell who is treated there (42 CFR 2.13).
    told = CareAssignment.objects.filter(patient__in=patients, team__part2_programme=False)
    for assignment in told.select_related("team").order_by("team__name"):
        teams.setdefault(assignment.patient_id, []).append(assignment.team)
    return [{"patient": patient, "teams": teams.get(patient.pk, [])} for patient in patients]
