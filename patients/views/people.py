"""The list of patients, search, and the head of a chart."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from novamind import clock, frame
from novamind.accounts.rights import requires
from novamind.audit.models import EventType
from novamind.audit.recording import note_type, saw, unseen
from novamind.audit.showing import lists_names
from novamind.throttle.rates import rate
from patients.forms import PatientForm
from patients.models import CareAssignment, Patient
from patients.pages import freshness, patient_page
from patients.record_numbers import TAKEN, MrnTaken
from patients.services import StaleEdit, assign_among, create_patient, find_patients, update_patient

PAGE = 50


@lists_names
@require_GET
@requires("see_patients")
def patient_list(request: HttpRequest) -> HttpResponse:
    """The user's own patients by name; only the page shown is noted as seen."""
    page = max(1, _int(request.GET.get("page"), 1))
    with unseen():
        shown, total = Patient.objects.visible_to(request.user).page_by_name(page, PAGE)
    context = {
        "rows": rows(shown),
        "query": None,
        "may_create": request.user.may("create_patients"),  # type: ignore[union-attr]
        "page": page,
        "pages": max(1, -(-total // PAGE)),
        "total": total,
    }
    return render(request, "patients/list.html", context)


@lists_names
@rate("search")
@require_POST
@requires("see_patients")
def search(request: HttpRequest) -> HttpResponse:
    """Find among the user's own patients by name or record number; a single hit opens."""
    query = request.POST.get("q", "").strip()[:80]
    if not query:
        return redirect("patients:list")
    note_type(EventType.DATA_ACCESS)
    found, total = find_patients(request.user, query, at_most=PAGE)  # type: ignore[arg-type]
    if total == 1:
        return redirect("patients:home", found[0].pk)
    context = {
        "rows": rows(found),
        "query": query,
        "may_create": request.user.may("create_patients"),  # type: ignore[union-attr]
        "page": 1,
        "pages": 1,
        "total": total,
        "cut": total > len(found),
        "may_break_glass": request.user.may("break_glass"),  # type: ignore[union-attr]
    }
    return render(request, "patients/list.html", context)


def rows(patients: list[Patient]) -> list[dict[str, Any]]:
    """What the list shows of each patient; three queries whatever the number."""
    for patient in patients:
        saw(patient.pk)
    ids = [patient.pk for patient in patients]
    signals = frame.last_signals(ids)
    teams: dict[UUID, list[str]] = {}
    for assignment in CareAssignment.objects.filter(patient__in=ids).select_related("team").order_by("team__name"):
        teams.setdefault(assignment.patient_id, []).append(assignment.team.name)
    return [
        {
            "patient": patient,
            "name": patient.listed_name,
            "age": patient.age if patient.is_readable else None,
            "mrn": patient.mrn if patient.is_readable else None,
            "teams": teams.get(patient.pk, []),
            "last_signal": signals.get(patient.pk),
            "freshness": freshness(signals.get(patient.pk)),
            "url": reverse("patients:home", args=[patient.pk]),
        }
        for patient in patients
    ]


@require_http_methods(["GET", "POST"])
@requires("create_patients")
def new(request: HttpRequest) -> HttpResponse:
    """A new chart."""
    form = PatientForm(
        _sent(request), user=request.user, initial={"zone": Patient._meta.get_field("zone").get_default()}
    )
    if request.method == "POST" and form.is_valid():
        fields = {name: value for name, value in form.cleaned_data.items() if name not in {"teams", "version"}}
        try:
            patient = create_patient(by=request.user, teams=form.cleaned_data["teams"], **fields)  # type: ignore[arg-type]
            return redirect("patients:home", patient.pk)
        except MrnTaken:
            form.add_error("mrn", TAKEN)
    return _form(request, form, {"patient": None})


@require_http_methods(["GET", "POST"])
@requires("edit_patients")
def edit(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Change the chart's head; a form made from an older version is answered 409 and keeps what was typed."""
    patient, context = patient_page(request, patient_id, "patients:edit", changing=True)
    form = PatientForm(_sent(request), user=request.user, initial=PatientForm.initial_of(patient))
    if request.method == "POST" and form.is_valid():
        changes = {name: value for name, value in form.cleaned_data.items() if name not in {"teams", "version"}}
        try:
            update_patient(patient, version=form.cleaned_data["version"] or 0, by=request.user, **changes)  # type: ignore[arg-type]
            assign_among(patient, own=form.fields["teams"].queryset, chosen=form.cleaned_data["teams"])
            return redirect("patients:home", patient.pk)
        except MrnTaken:
            form.add_error("mrn", TAKEN)
        except StaleEdit:
            form.add_error(None, "Somebody changed this chart meanwhile. Compare with what it says now and save again.")
            return _form(request, form, context, status=409)
    return _form(request, form, context)


def _form(request: HttpRequest, form: PatientForm, context: dict[str, Any], status: int | None = None) -> HttpResponse:
    # 422 and not 200: a refused change is rolled back and recorded as refused.
    status = status or (422 if form.is_bound else 200)
    template = "patients/form.html" if context["patient"] else "patients/new.html"
    return render(request, template, context | {"form": form, "zones": clock.zone_names()}, status=status)


@require_GET
@requires("see_patients")
def home(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A patient's first tab."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    return redirect(frame.patient_tabs(patient.pk, request.user)[0]["url"])


def _sent(request: HttpRequest) -> Any:
    """What was posted; an empty form too, so that its errors are shown."""
    return request.POST if request.method == "POST" else None


def _int(text: str | None, default: int) -> int:
    try:
        return int(text or default)
    except ValueError:
        return default
