"""Emergency access: the way to a hidden chart, its end, and the queue of reviews."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from patients.access import is_in_care_of, is_own_chart, patient_for
from patients.emergency import (
    count_attempt,
    end_emergency,
    find_anybody,
    open_emergency,
    require_few_open_reviews,
    review_emergency,
    what_was_seen,
)
from patients.forms import EmergencyForm, ReviewForm
from patients.models import EmergencyAccess

NOBODY = (
    "Nobody was found. The record number must be exact; a surname and birth date must be of one person only. "
    "The attempt is on record."
)


@require_http_methods(["GET", "POST"])
@requires("break_glass")
@fresh_second_factor
def emergency(request: HttpRequest) -> HttpResponse:
    """Find a patient of another team and open the chart; looks nobody up before the reason is there."""
    form = EmergencyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and not count_attempt(request.user):  # type: ignore[arg-type]
        form.add_error(None, "Too many attempts within the hour. Ask a clinical administrator.")
        return render(request, "patients/emergency.html", {"form": form}, status=429)
    if form.is_valid():
        require_few_open_reviews(request.user)  # type: ignore[arg-type]
        sent = form.cleaned_data
        patient = find_anybody(mrn=sent["mrn"], last_name=sent["last_name"], date_of_birth=sent["date_of_birth"])
        if patient is None:
            form.add_error(None, NOBODY)
        elif is_own_chart(request.user, patient.pk):
            form.add_error(None, "This is your own chart; whoever treats you opens it.")
        elif is_in_care_of(request.user, patient.pk):
            messages.info(request, "This patient is in your care: no emergency access was needed, and none was opened.")
            return redirect("patients:home", patient.pk)
        else:
            open_emergency(
                patient=patient,
                user=request.user,  # type: ignore[arg-type]
                reason=sent["reason"],
                explanation=sent["explanation"],
            )
            return redirect("patients:home", patient.pk)
    return render(request, "patients/emergency.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
@requires("break_glass")
def end(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Close the chart now."""
    patient = patient_for(request.user, patient_id)
    end_emergency(patient=patient, user=request.user)  # type: ignore[arg-type]
    messages.success(request, "The emergency access has ended.")
    return redirect("patients:list")


@require_GET
@requires("review_break_glass")
def reviews(request: HttpRequest) -> HttpResponse:
    """Emergencies that wait for a review, the most pressing first, and the last ones that were judged."""
    return render(request, "patients/reviews.html", _queue(request, None))


@require_POST
@requires("review_break_glass")
def review(request: HttpRequest, access_id: UUID) -> HttpResponse:
    """Judge one emergency."""
    access = get_object_or_404(EmergencyAccess.objects.to_review(), pk=access_id)
    form = ReviewForm(request.POST, prefix=str(access.pk))
    if form.is_valid():
        review_emergency(
            access,
            by=request.user,  # type: ignore[arg-type]
            verdict=form.cleaned_data["verdict"],
            note=form.cleaned_data["note"],
        )
        return redirect("patients:reviews")
    return render(request, "patients/reviews.html", _queue(request, form), status=422)


def _queue(request: HttpRequest, sent: ReviewForm | None) -> dict[str, Any]:
    waiting = EmergencyAccess.objects.to_review().select_related("user")
    judged = EmergencyAccess.objects.exclude(verdict="").select_related("user", "reviewed_by").order_by("-reviewed_at")
    return {
        "waiting": [
            {
                "access": access,
                "seen": what_was_seen(access),
                "own": access.user_id == request.user.pk,
                "form": sent if sent and sent.prefix == str(access.pk) else ReviewForm(prefix=str(access.pk)),
            }
            for access in waiting
        ],
        "judged": judged[:20],
        "zone": settings.CLINIC_TIME_ZONE,
    }
