"""The worklist, the Brief, and what a clinician makes of a statement."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from insights.forms import VerdictForm
from insights.models import Feedback, Insight
from insights.pages.brief import brief_of
from insights.pages.worklist import worklist_of
from insights.services import give_feedback, still_allowed
from novamind.accounts.rights import requires
from patients.pages import patient_page

TAB = "insights:brief"
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
    return render(request, "insights/brief.html", context | brief_of(patient, request.user) | {"may_judge": may_judge})


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
