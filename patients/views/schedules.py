"""What a patient is asked to do when: the schedules, a new one, an edit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from novamind.accounts.rights import requires
from patients.forms import ScheduleForm
from patients.models import Patient, Schedule
from patients.pages import patient_page
from patients.schedules import TASKS, change_schedule, plan_schedule
from patients.services import StaleEdit

TAB = "patients:schedules"
SHOWN = 14


@require_http_methods(["GET", "POST"])
@requires("manage_schedules")
def schedules(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The patient's schedules with what became of the last times; the form of a new one."""
    sent = request.method == "POST"
    patient, context = patient_page(request, patient_id, TAB, changing=sent)
    form = ScheduleForm(request.POST if sent else None, patient=patient)
    if sent and form.is_valid():
        schedule = plan_schedule(patient=patient, by=request.user, **form.planned())  # type: ignore[arg-type]
        messages.success(request, f"Planned: {TASKS[schedule.what].lower()}.")
        return redirect(TAB, patient.pk)
    more = {"form": form, "entries": _entries(patient), "zone": patient.zone}
    return render(request, "patients/schedules.html", context | more, status=422 if sent else 200)


@require_http_methods(["GET", "POST"])
@requires("manage_schedules")
def edit(request: HttpRequest, patient_id: UUID, schedule_id: UUID) -> HttpResponse:
    """Change a schedule from now on; a form made from an older version is answered 409 and keeps what was typed."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    schedule = get_object_or_404(Schedule, pk=schedule_id, patient=patient)
    sent = request.method == "POST"
    form = ScheduleForm(
        request.POST if sent else None, patient=patient, schedule=schedule, initial=ScheduleForm.initial_of(schedule)
    )
    status = 422 if sent else 200
    if sent and form.is_valid():
        try:
            change_schedule(schedule, version=form.cleaned_data["version"] or 0, **form.changed())
            messages.success(request, "Changed; it holds from now on.")
            return redirect(TAB, patient.pk)
        except StaleEdit:
            form.add_error(None, "Somebody changed this meanwhile. Open it again and compare.")
            status = 409
    more = {"form": form, "schedule": schedule, "what": TASKS.get(schedule.what, schedule.what), "zone": patient.zone}
    return render(request, "patients/schedule.html", context | more, status=status)


def _entries(patient: Patient) -> list[dict[str, Any]]:
    return [
        {
            "schedule": schedule,
            "what": TASKS.get(schedule.what, schedule.what),
            "rhythm": in_words(schedule),
            "times": list(schedule.reminders.order_by("-local_date")[:SHOWN]),
        }
        for schedule in Schedule.objects.filter(patient=patient).order_by("-active", "local_time")
    ]


def in_words(schedule: Schedule) -> str:
    """``every day``, ``Mon and Thu``, ``every 14 days``."""
    days = [day for number, day in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
            if number in schedule.weekdays]  # fmt: skip
    interval = "every day" if schedule.every_days == 1 else f"every {schedule.every_days} days"
    if not days:
        return interval
    said = " and ".join([", ".join(days[:-1]), days[-1]]) if len(days) > 1 else days[0]
    return said if schedule.every_days == 1 else f"{interval}, if {said}"
