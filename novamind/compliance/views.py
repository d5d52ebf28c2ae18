"""The clinical administrator's pages: checks and findings, incidents and their dates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from novamind.accounts.rights import requires
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.compliance.clocks import deadlines, discovered_on
from novamind.compliance.forms import AcknowledgeForm, IncidentForm, NoticesForm
from novamind.compliance.incidents import CHANGED, NotToldYet, record_incident, update_incident
from novamind.compliance.models import CheckResult, Finding, Incident
from novamind.compliance.running import acknowledge, run_checks

CLOSED_SHOWN = 20
AFFECTED_SHOWN = 200
_ORDER = {CheckResult.State.FAILS: 1, CheckResult.State.NOT_CONFIGURED: 2, CheckResult.State.HOLDS: 3}


@require_GET
@requires("see_compliance")
def list_page(request: HttpRequest) -> HttpResponse:
    """Every check as it last came out, what is overdue first."""
    return render(request, "compliance/list.html", _checks(None))


@require_POST
@requires("see_compliance")
def run(request: HttpRequest) -> HttpResponse:
    """Compute every check now."""
    states = run_checks()
    failing = states.get(CheckResult.State.FAILS, 0)
    messages.info(request, f"{sum(states.values())} checks were made; {failing} fail{'s' if failing == 1 else ''}.")
    return redirect("compliance:list")


@require_POST
@requires("see_compliance")
def acknowledge_finding(request: HttpRequest, finding_id: UUID) -> HttpResponse:
    """Take note of a finding and say what is done about it."""
    finding = get_object_or_404(Finding.objects.open(), pk=finding_id)
    form = AcknowledgeForm(request.POST, prefix=str(finding.pk))
    if not form.is_valid():
        return render(request, "compliance/list.html", _checks(form), status=422)
    acknowledge(finding, by=request.user, notes=form.cleaned_data["notes"])
    note_object(EventType.MODIFICATION, Finding._meta.label, finding.pk)
    return redirect("compliance:list")


@require_GET
@requires("see_compliance")
def incident_list(request: HttpRequest) -> HttpResponse:
    """Incidents, the open ones with their next date."""
    rows = [{"incident": incident, "next": _next(incident)} for incident in Incident.objects.all()]
    context = {
        "open": [row for row in rows if not row["incident"].closed_at],
        "closed": [row for row in rows if row["incident"].closed_at][:CLOSED_SHOWN],
        "zone": settings.CLINIC_TIME_ZONE,
        "current_nav": "compliance:list",
    }
    return render(request, "compliance/incidents.html", context)


@require_http_methods(["GET", "POST"])
@requires("see_compliance")
def new_incident(request: HttpRequest) -> HttpResponse:
    """Record an incident; whom it affects is asked of the trail and frozen."""
    form = IncidentForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        incident = record_incident(by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        return redirect("compliance:incident", incident.pk)
    context = {"form": form, "zone": settings.CLINIC_TIME_ZONE, "current_nav": "compliance:list"}
    return render(request, "compliance/new_incident.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@requires("see_compliance")
def incident(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """One incident: what happened, whom it affects, who is to be told until when."""
    found = get_object_or_404(Incident.objects.select_related("account", "recorded_by"), pk=incident_id)
    sent = request.POST if request.method == "POST" else None
    known = {name: getattr(found, name) for name in CHANGED}
    form = NoticesForm(sent, initial=known | {"close": found.closed_at is not None})
    if form.is_valid():
        try:
            update_incident(found, **form.cleaned_data)
            messages.success(request, "The incident is closed." if found.closed_at else "Kept.")
            return redirect("compliance:incident", found.pk)
        except NotToldYet as refusal:
            form.add_error("close", refusal.detail)
    note_object(EventType.DATA_ACCESS, Incident._meta.label, found.pk)
    context = {
        "incident": found,
        "form": form,
        "deadlines": deadlines(found),
        "discovered_on": discovered_on(found),
        "affected": found.affected.all()[:AFFECTED_SHOWN],
        "affected_count": found.affected.count(),
        "shown": AFFECTED_SHOWN,
        "zone": settings.CLINIC_TIME_ZONE,
        "current_nav": "compliance:list",
    }
    return render(request, "compliance/incident.html", context, status=422 if form.is_bound else 200)


def _next(incident: Incident) -> Any:
    waiting = [deadline for deadline in deadlines(incident) if deadline.told_on is None]
    return min(waiting, key=lambda deadline: deadline.due_on, default=None)


def _checks(sent: AcknowledgeForm | None) -> dict[str, Any]:
    open_ones = {finding.key: finding for finding in Finding.objects.open().select_related("acknowledged_by")}
    rows = []
    for result in CheckResult.objects.all():
        finding = open_ones.get(result.key)
        form = None
        if finding is not None:
            mine = str(finding.pk)
            form = sent if sent is not None and sent.prefix == mine else AcknowledgeForm(prefix=mine)
        overdue = finding is not None and finding.is_overdue
        order = 0 if overdue else _ORDER[CheckResult.State(result.state)]
        rows.append({"result": result, "finding": finding, "form": form, "overdue": overdue, "order": order})
    states = [row["result"].state for row in rows]
    return {
        "rows": sorted(rows, key=lambda row: (row["order"], row["result"].key)),
        "counts": [(state, states.count(state.value)) for state in CheckResult.State],
        "overdue": sum(row["overdue"] for row in rows),
        "last_run": max((row["result"].at for row in rows), default=None),
        "closed": Finding.objects.filter(closed_at__isnull=False).order_by("-closed_at")[:CLOSED_SHOWN],
        "incidents": Incident.objects.filter(closed_at__isnull=True).count(),
        "zone": settings.CLINIC_TIME_ZONE,
    }
