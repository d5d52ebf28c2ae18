"""The page of precision medication, and the summary of genes to print."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.audit.middleware import own_transaction
from patients.pages import patient_page
from patients.printed import Report, report_page, report_pdf, report_table
from twins.medication.advice import note_rules
from twins.medication.axis import axis_context
from twins.medication.comparing import Asked
from twins.medication.context import known_of
from twins.medication.own_rules import rules_of
from twins.medication.pages import genes_context, medication_context
from twins.medication.printed import HEAD, summary_rows
from twins.medication.starts import starts_context
from twins.response.told import response_context

TAB = "twins:medication"
GENES = Report(
    "Pharmacogenomic summary", "genes", "twins/_printed_genes.html", "twins:genes", "twins:genes-pdf", "twins:genes-csv"
)


@require_GET
@requires("advise_medication")
def medication(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Genes and what drugs make of them, guidelines side by side, and trials beside what was tried."""
    patient, context = patient_page(request, patient_id, TAB)
    known = known_of(patient, request.user)
    more = medication_context(patient, request.user, known, Asked.read(request.GET))
    more |= {"response": response_context(patient)}
    note_rules()
    return render(request, "twins/medication.html", context | more)


@require_GET
@requires("advise_medication")
def genes(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Genotypes, what they become beside the drugs taken, and what guidelines say, as it is printed."""
    patient, context = patient_page(request, patient_id, TAB)
    note_rules()
    known = known_of(patient, request.user)
    more = genes_context(patient, known, rules_of(patient, request.user, known))
    return report_page(request, GENES, context | more)


@own_transaction
@require_http_methods(["GET", "POST"])
@requires("advise_medication")
@requires("export")
@fresh_second_factor
def take_out(request: HttpRequest, patient_id: UUID, form: str) -> HttpResponseBase:
    """The summary as a PDF, its lines as CSV; GET, after the second factor, is the page."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    if request.method == "GET":
        return redirect(GENES.page, patient.pk)
    known = known_of(patient, request.user)
    if form == "csv":
        return report_table(request, GENES, patient, HEAD, summary_rows(known))
    more = genes_context(patient, known, rules_of(patient, request.user, known))
    return report_pdf(request, GENES, context | more)


@require_GET
@requires("advise_medication")
def starts(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The patient's days before and after each medicine was begun."""
    patient, context = patient_page(request, patient_id, TAB)
    return render(request, "twins/starts.html", context | starts_context(patient, known_of(patient, request.user)))


@require_GET
@requires("advise_medication")
def axis(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Medication, scores, check-ins, sleep, movement, alerts and visits of one patient over one time axis."""
    patient, context = patient_page(request, patient_id, TAB)
    known = known_of(patient, request.user)
    note_rules()
    more = axis_context(patient, request.user, known, request.GET.get("range", ""))
    return render(request, "twins/axis.html", context | more)
