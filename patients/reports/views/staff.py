"""What a patient has said of themselves, for those who treat them; and questionnaires filled in together."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from novamind.accounts.rights import requires
from novamind.measures import Abstained
from patients.consent import allows
from patients.instruments import UnknownInstrument, instrument, instruments
from patients.models import Assessment, ConsentPurpose, ConsentStream
from patients.pages import patient_page
from patients.reports.forms import QuestionnaireForm
from patients.reports.pages import answered, reports_of
from patients.reports.refused import alert_all_the_same
from patients.reports.services import KeyReused, submit_assessment

TAB = "patients:reports"


@require_GET
@requires("see_patients")
def reports(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Scores over time, check-ins, symptoms."""
    patient, context = patient_page(request, patient_id, TAB)
    if not allows(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES):
        withheld = Abstained("consent_withheld").reason
        return render(request, "patients/reports.html", context | {"withheld": withheld})
    may_fill_in = context["may_change"] and request.user.may("report_symptoms")  # type: ignore[union-attr]
    more = reports_of(patient) | {"instruments": instruments().values() if may_fill_in else ()}
    return render(request, "patients/reports.html", context | more)


@require_http_methods(["GET", "POST"])
@requires("see_patients")
@requires("report_symptoms")
def fill_in(request: HttpRequest, patient_id: UUID, instrument_id: str) -> HttpResponse:
    """Fill in a questionnaire with or for a patient."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    try:
        found = instrument(instrument_id)
    except UnknownInstrument:
        raise Http404 from None
    form = QuestionnaireForm(request.POST if request.method == "POST" else None, instrument=found)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            taken = submit_assessment(
                patient=patient, by=request.user, by_patient=False, instrument_id=found.id, answers=form.answers,  # type: ignore[arg-type]
                version=found.version, key=form.sent_key,
            )  # fmt: skip
            return redirect("patients:assessment", patient.pk, taken.report.pk)
        except KeyReused:
            form.add_error(None, "This page was sent before with other answers. Open it anew to send more.")
            status = 409
    if form.is_bound and form.speaks_of_harm:
        alert_all_the_same(patient, by=request.user, by_patient=False)  # type: ignore[arg-type]
    about = {"instrument": found, "form": form}
    return render(request, "patients/fill_in.html", context | about, status=status)


@require_GET
@requires("see_patients")
def assessment(request: HttpRequest, patient_id: UUID, assessment_id: UUID) -> HttpResponse:
    """One filled-in questionnaire: every answer, its points, how the score came about."""
    patient, context = patient_page(request, patient_id, TAB)
    found = get_object_or_404(
        Assessment.objects.filter(patient=patient).select_related("recorded_by"), pk=assessment_id
    )
    if found.instrument not in instruments():
        raise Http404
    if not allows(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES):
        raise Http404
    return render(request, "patients/assessment.html", context | answered(found))
