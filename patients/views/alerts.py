"""Alerts as pages: everybody's own patients', one patient's, and what can be answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from novamind.accounts.rights import requires
from patients import alerts
from patients.coverage import on_call
from patients.forms import AnswerForm
from patients.models import Alert, AlertSeverity, Patient
from patients.pages import patient_page
from patients.services import StaleEdit

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
    rows = Alert.objects.visible_to(request.user).unresolved().select_related("patient", "owner")
    found = list(rows.order_by(_UNTAKEN_FIRST, _MOST_URGENT_FIRST, "raised_at")[: SHOWN + 1])
    return render(request, "patients/all_alerts.html", {"alerts": found[:SHOWN], "more": len(found) > SHOWN})


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


def _take_on(alert: Alert, *, by: Any, version: int, note: str) -> None:
    alerts.acknowledge(alert, by=by, version=version)


acknowledge = _answers(_take_on, "It is yours now; nobody else is called.")
resolve = _answers(alerts.resolve, "Done.")
escalate = _answers(alerts.escalate, "The next person is called.")


def _page(
    request: HttpRequest, patient: Patient, context: dict[str, Any], forms: dict[UUID, AnswerForm], *, status: int
) -> HttpResponse:
    rows = Alert.objects.filter(patient=patient).select_related("owner").prefetch_related("events__by")
    more = {
        "entries": [
            {"alert": alert, "events": alert.events.all(), "form": forms.get(alert.pk) or AnswerForm()}
            for alert in rows.order_by(_UNTAKEN_FIRST, _MOST_URGENT_FIRST, "-raised_at")[:SHOWN]
        ],
        "on_call": on_call(patient),
        "may_answer": context["may_change"] and request.user.may("answer_alerts"),  # type: ignore[union-attr]
    }
    return render(request, "patients/alerts.html", context | more, status=status)
