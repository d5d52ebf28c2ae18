"""The worklist, the Brief, and what a clinician makes of a statement."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from insights.forms import VerdictForm
from insights.models import Feedback, Insight
from insights.pages.brief import brief_of
from insights.pages.clinic import clinic_context
from insights.pages.cohort import (
    chosen_of,
    cohort_context,
    cohort_rows,
    forget_view,
    rows_of,
    save_view,
    teams_of,
)
from insights.pages.printed import HEAD, brief_rows, printed_brief, shared_brief
from insights.pages.worklist import worklist_of
from insights.services import give_feedback, still_allowed
from insights.timeline.page import Place, timeline_of
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.audit.exporting import csv_answer
from novamind.audit.middleware import own_transaction
from patients.pages import patient_page
from patients.printed import Report, report_page, report_pdf, report_table

TAB = "insights:brief"
BRIEF = Report(
    "Brief",
    "brief",
    "insights/_printed_brief.html",
    "insights:brief-report",
    "insights:brief-pdf",
    "insights:brief-csv",
)
SHARED = Report("Your last week", "shared", "insights/_printed_shared.html", "insights:shared", "insights:shared-pdf")
SAID = {
    Feedback.Verdict.USEFUL: "Noted as useful.",
    Feedback.Verdict.NOT_USEFUL: "Noted as not useful.",
    Feedback.Verdict.DISMISSED: "Put away until it ends; it stands under “Dismissed” below.",
    Feedback.Verdict.RESTORED: "Shown again.",
}


@require_GET
@requires("see_patients")
def worklist(request: HttpRequest) -> HttpResponse:
    """Who needs this person today, and why."""
    return render(request, "insights/worklist.html", worklist_of(request.user))


@require_GET
@requires("see_patients")
def brief(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Sixty seconds on one patient."""
    patient, context = patient_page(request, patient_id, TAB)
    may_judge = context["may_change"] and request.user.may("judge_insights")  # type: ignore[union-attr]
    may_compose = context["may_change"] and request.user.may("compose_rules")  # type: ignore[union-attr]
    rights = {"may_judge": may_judge, "may_compose": may_compose}
    return render(request, "insights/brief.html", context | brief_of(patient, request.user) | rights)


@require_POST
@requires("judge_insights")
def judge(request: HttpRequest, patient_id: UUID, insight_id: UUID) -> HttpResponse:
    """Say what a statement was worth, put it away, or show it again."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    insight = get_object_or_404(Insight, pk=insight_id, patient=patient)
    form = VerdictForm(request.POST)
    if not form.is_valid() or not still_allowed([insight]):
        messages.error(
            request, "Nothing was noted: this statement is not shown any more, or the answer is none of ours."
        )
        return redirect(TAB, patient.pk)
    verdict = Feedback.Verdict(form.cleaned_data["verdict"])
    give_feedback(insight, by=request.user, verdict=verdict)  # type: ignore[arg-type]
    messages.success(request, SAID[verdict])
    return redirect(TAB, patient.pk)


@require_GET
@requires("see_patients")
def brief_report(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The Brief as it is printed."""
    patient, context = patient_page(request, patient_id, TAB)
    return report_page(request, BRIEF, context | printed_brief(patient, request.user))


@require_GET
@requires("see_patients")
def shared(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What is shared of the Brief with the patient, as it is printed."""
    patient, context = patient_page(request, patient_id, TAB)
    return report_page(request, SHARED, context | shared_brief(patient))


@own_transaction
@require_http_methods(["GET", "POST"])
@requires("see_patients")
@requires("export")
@fresh_second_factor
def take_out(request: HttpRequest, patient_id: UUID, what: str) -> HttpResponseBase:
    """The Brief as a PDF, its numbers as CSV, or the patient's sheet; GET, after the second factor, is the page."""
    report = SHARED if what == "shared" else BRIEF
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    if request.method == "GET":
        return redirect(report.page, patient.pk)
    if what == "csv":
        return report_table(request, BRIEF, patient, HEAD, brief_rows(patient))
    more = shared_brief(patient) if what == "shared" else printed_brief(patient, request.user)
    return report_pdf(request, report, context | more)


@require_GET
@requires("see_patients")
def timeline(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Everything of one patient, the newest first."""
    patient, context = patient_page(request, patient_id, "insights:timeline")
    asked = request.GET
    found = timeline_of(patient, request.user, kind=asked.get("kind", ""), after=Place.of(asked.get("after", "")))
    return render(request, "insights/timeline.html", context | found)


@require_GET
@requires("see_patients")
def cohort(request: HttpRequest) -> HttpResponse:
    """All patients of the user: one row each, a cell a day, of one measure."""
    teams = teams_of(request.user)
    context = cohort_context(request.user, chosen_of(request.GET, teams), teams)
    may_export = request.user.may("export")  # type: ignore[union-attr]
    return render(request, "insights/cohort.html", context | {"may_export": may_export})


@require_GET
@requires("see_clinic_numbers")
def clinic(request: HttpRequest) -> HttpResponse:
    """Counts and medians over all patients of the user, in fixed groups."""
    return render(request, "insights/clinic.html", clinic_context(request.user))


@own_transaction
@require_http_methods(["GET", "POST"])
@requires("see_patients")
@requires("export")
@fresh_second_factor
def cohort_csv(request: HttpRequest) -> HttpResponseBase:
    """The rows of the page as a file, but none that emergency access alone opens; GET, after the second factor, is the
    page.
    """
    if request.method == "GET":
        return redirect("insights:cohort")
    chosen = chosen_of(request.GET, teams_of(request.user))
    rows, _, _ = rows_of(request.user, chosen, taken_out=True)
    head, lines = cohort_rows(rows, chosen.measure)
    return csv_answer(
        request, head=head, rows=lines, name=f"cohort-{request.request_id[:8]}", label="cohort",  # type: ignore[attr-defined]
        object_id=chosen.measure, patients=len(rows),
    )  # fmt: skip


@require_POST
@requires("see_patients")
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keep what is chosen on the cohort page."""
    chosen = chosen_of(request.GET, teams_of(request.user))
    save_view(request.user, chosen)
    return redirect(f"{reverse('insights:cohort')}?{chosen.asked}")


@require_POST
@requires("see_patients")
def drop_view(request: HttpRequest, view_id: UUID) -> HttpResponse:
    """Forget one's own view."""
    if not forget_view(request.user, view_id):
        raise Http404
    return redirect("insights:cohort")
