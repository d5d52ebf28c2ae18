"""Alerts as pages: everybody's own patients', one patient's, and what can be answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from novamind import clock, display
from novamind.accounts.rights import requires
from novamind.audit.recording import aggregates
from novamind.frame import withheld_alerts
from patients import alerts
from patients.coverage import on_call
from patients.forms import AnswerForm, SnoozeForm
from patients.models import Alert, AlertSeverity, Patient
from patients.pages import patient_page
from patients.services import StaleEdit
from patients.snoozing import BUDGET_A_DAY, SNOOZES, end_snooze, snooze_alerts, snooze_of, sorted_for

TAB = "patients:patient-alerts"
SHOWN = 200
_MOST_URGENT_FIRST = Case(
    *[When(severity=severity, then=Value(place)) for place, severity in enumerate(AlertSeverity)],
    output_field=IntegerField(),
)
_UNTAKEN_FIRST = Case(
    When(state__in=Alert.UNACKNOWLEDGED, then=Value(0)), default=Value(1), output_field=IntegerField()
)


@require_GET
@requires("see_patients")
def all_alerts(request: HttpRequest) -> HttpResponse:
    """What waits for somebody among this person's patients: nobody's first, the most urgent first, the oldest first."""
    told = sorted_for(request.user)
    rows = Alert.objects.filter(pk__in=told.shown + told.held_back).select_related("patient", "owner")
    found = list(rows.order_by(_UNTAKEN_FIRST, _MOST_URGENT_FIRST, "raised_at")[: SHOWN + 1])
    held = set(told.held_back)
    context = {
        "alerts": [alert for alert in found[:SHOWN] if alert.pk not in held],
        "held_back": [alert for alert in found[:SHOWN] if alert.pk in held],
        "budget": BUDGET_A_DAY,
        "snoozes": told.snoozes,
        "more": len(found) > SHOWN,
    }
    return render(request, "patients/all_alerts.html", context)


@require_GET
@requires("see_patients")
def waiting(request: HttpRequest) -> HttpResponse:
    """How many of this person's alerts nobody has taken on, for the number beside "Alerts"; 304 while it stays."""
    told = sorted_for(request.user)
    with aggregates():
        count = Alert.objects.filter(pk__in=told.shown).unacknowledged().count()
    etag = f'"{count}"'
    if request.headers.get("If-None-Match") == etag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = JsonResponse({"waiting": count})
    answer.headers["ETag"] = etag
    return answer


@require_POST
@requires("answer_alerts")
def snooze(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """See and hear nothing of one patient's alerts that can wait, for a while; or again from now on."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return _page(request, patient, context, {}, status=422)
    until = form.cleaned_data["until"]
    if until == "now":
        end_snooze(patient, request.user)
        messages.success(request, "You see this patient's alerts again.")
    else:
        kept = snooze_alerts(patient, request.user, until)
        local = kept.until.astimezone(clock.zone(settings.CLINIC_TIME_ZONE))
        messages.success(request, f"Snoozed until {display.day(local)} {local:%H:%M}.")
    return redirect(TAB, patient.pk)


@require_GET
@requires("see_patients")
def patient_alerts(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One patient's alerts with what was done about each; who is on call now."""
    patient, context = patient_page(request, patient_id, TAB)
    return _page(request, patient, context, {}, status=200)


def _answers(do: Callable[..., None], said: str) -> Any:
    """A page that does this to an alert, if it is still as the form says."""

    @require_POST
    @requires("answer_alerts")
    def answer(request: HttpRequest, patient_id: UUID, patient_alert_id: UUID) -> HttpResponse:
        patient, context = patient_page(request, patient_id, TAB, changing=True)
        alert = get_object_or_404(Alert.objects.visible_to(request.user), pk=patient_alert_id, patient=patient)
        form = AnswerForm(request.POST, prefix="")
        if not form.is_valid():
            return _page(request, patient, context, {alert.pk: form}, status=422)
        try:
            do(alert, by=request.user, **form.cleaned_data)
        except alerts.NoteNeeded:
            form.add_error(None, "Write what was done: an alert about self-harm is not done without it.")
            return _page(request, patient, context, {alert.pk: form}, status=422)
        except (StaleEdit, alerts.NotPossible):
            form.add_error(None, "Somebody answered before you. This is how it stands now.")
            return _page(request, patient, context, {alert.pk: form}, status=409)
        messages.success(request, said)
        return redirect(TAB, patient.pk)

    return answer


def _take_on(alert: Alert, *, by: Any, version: int, note: str, outcome: str) -> None:
    alerts.acknowledge(alert, by=by, version=version)


def _pass_on(alert: Alert, *, by: Any, version: int, note: str, outcome: str) -> None:
    alerts.escalate(alert, by=by, version=version, note=note)


acknowledge = _answers(_take_on, "It is yours now; nobody else is called.")
resolve = _answers(alerts.resolve, "Done.")
escalate = _answers(_pass_on, "The next person is called.")


def _page(
    request: HttpRequest, patient: Patient, context: dict[str, Any], forms: dict[UUID, AnswerForm], *, status: int
) -> HttpResponse:
    every = Alert.objects.filter(patient=patient).select_related("owner").prefetch_related("events__by")
    rows = list(every.order_by(_UNTAKEN_FIRST, _MOST_URGENT_FIRST, "-raised_at")[:SHOWN])
    withheld = withheld_alerts(rows)
    more = {
        "entries": [
            {
                "alert": alert,
                "events": alert.events.all(),
                "form": forms.get(alert.pk) or AnswerForm(),
                "withheld": alert.pk in withheld,
            }
            for alert in rows
        ],
        "on_call": on_call(patient),
        "snooze": snooze_of(patient, request.user),
        "snooze_choices": SNOOZES.items(),
        "outcomes": AnswerForm.base_fields["outcome"].choices,  # type: ignore[attr-defined]
        "may_answer": context["may_change"] and request.user.may("answer_alerts"),  # type: ignore[union-attr]
    }
    return render(request, "patients/alerts.html", context | more, status=status)
