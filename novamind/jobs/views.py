"""The administrators' page about work: what waits, what runs, what needs a hand."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from novamind.accounts.rights import requires
from novamind.clock import now
from novamind.jobs.metrics import counts_by_state, open_alerts
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.services import acknowledge_alert, retry_job

SHOWN = 100

_NEEDS_YOU_FIRST = Case(
    When(state__in=[*Job.RETRYABLE], then=Value(0)),
    When(state=Job.State.RUNNING, then=Value(1)),
    When(state=Job.State.PENDING, then=Value(2)),
    default=Value(3),
    output_field=IntegerField(),
)


@require_GET
@requires("operate_jobs")
def list_page(request: HttpRequest) -> HttpResponse:
    """Counts, open alerts, and jobs: those that need somebody first, then running, waiting and recent ones."""
    state = request.GET.get("state", "")
    jobs = Job.objects.filter(state=state) if state in Job.State.values else Job.objects.all()
    context = {
        "now": now(),
        "state": state,
        "counts": [(Job.State(name), jobs) for name, jobs in counts_by_state().items()],
        "alerts": AdminAlert.objects.open().select_related("job")[:SHOWN],
        "alert_count": open_alerts(),
        "jobs": jobs.order_by(_NEEDS_YOU_FIRST, "-created_at")[:SHOWN],
        "shown": SHOWN,
    }
    return render(request, "jobs/list.html", context)


@require_POST
@requires("operate_jobs")
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Three new attempts for a failed or quarantined job."""
    job = get_object_or_404(Job, pk=job_id)
    if retry_job(job):
        messages.success(request, f"{job.kind} is queued again.")
    else:
        messages.error(
            request, f"{job.kind} was not queued: it is no longer set aside, or the same work already waits."
        )
    return redirect("jobs:list")


@require_POST
@requires("operate_jobs")
def acknowledge(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Take note of an alert, with one's name."""
    alert = get_object_or_404(AdminAlert, pk=alert_id)
    if acknowledge_alert(alert, by=request.user):
        messages.success(request, "Alert acknowledged.")
    else:
        messages.info(request, "Somebody acknowledged this alert before you.")
    return redirect("jobs:list")
