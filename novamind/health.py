"""Is it alive, can it work, and how busy is it: for load balancers and Prometheus."""

from __future__ import annotations

import hmac
import os
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from novamind.audit.models import AuditEvent, Outcome, Purpose
from novamind.jobs import metrics as jobs
from novamind.phi.keys import KeyUnavailable, living_key
from novamind.phi.models import DataKey
from novamind.registry import metrics as models


@require_GET
@login_not_required
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "alive"})


@require_GET
@login_not_required
def ready(request: HttpRequest) -> JsonResponse:
    """Database, keys and audit trail work; a missing Redis only degrades (work then waits for the tick)."""
    checks = {"database": _database(), "keys": _keys(), "audit": _audit()}
    degraded = [] if _redis() else ["redis"]
    fine = all(checks.values())
    body = {"status": "ready" if fine else "not ready", "checks": checks, "degraded": degraded}
    return JsonResponse(body, status=200 if fine else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except DatabaseError:
        return False


def _keys() -> bool:
    try:
        living_key(None, DataKey.Purpose.INDEX)
        return True
    except (KeyUnavailable, DatabaseError):
        return False


def _audit() -> bool:
    """An event can be inserted; the one tried is rolled back."""
    try:
        with transaction.atomic():
            AuditEvent.objects.create(
                event_type="API_ACCESS",
                actor_label="system:health",
                role="system",
                action="ready",
                outcome=Outcome.SUCCESS,
                purpose=Purpose.OPERATIONS,
                request_id="health",
                app_version=settings.VERSION,
            )
            transaction.set_rollback(True)
        return True
    except DatabaseError:
        return False


def _redis() -> bool:
    if not settings.REDIS_URL:
        return os.path.isdir(settings.BROKER_DIR) or not settings.DEMO
    import redis

    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


@require_GET
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, computed from rows at scrape time; needs the bearer token ``METRICS_TOKEN``."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse("unauthorized\n", status=401, content_type="text/plain")
    lines = [*_job_lines(), *_model_lines(), *_audit_lines()]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _job_lines() -> list[str]:
    return [
        *_head("novamind_jobs", "gauge", "Jobs by state and queue."),
        *(
            f'novamind_jobs{{state="{state}",queue="{queue}"}} {n}'
            for (state, queue), n in sorted(jobs.counts_by_state_and_queue().items())
        ),
        *_head("novamind_jobs_oldest_pending_seconds", "gauge", "How long the longest-waiting due job has been due."),
        *(
            f'novamind_jobs_oldest_pending_seconds{{queue="{queue}"}} {age:.1f}'
            for queue, age in sorted(jobs.oldest_pending_age_s().items())
        ),
        *_head("novamind_admin_alerts_open", "gauge", "Alerts no administrator has acknowledged."),
        f"novamind_admin_alerts_open {jobs.open_alerts()}",
    ]


def _model_lines() -> list[str]:
    seconds, batches = models.durations_and_batches()
    return [
        *_gauge("novamind_inferences_1d", "Runs of models in the last day, by how they ended.", models.runs()),
        *_gauge("novamind_inference_abstentions_1d", "Runs that abstained in the last day.", models.abstentions()),
        *_gauge("novamind_inference_seconds_1d", "Quantiles of the time a run took in the last day.", seconds),
        *_gauge("novamind_inference_batch_1d", "Quantiles of inputs per run in the last day.", batches),
        *_gauge("novamind_inference_inputs_1d", "Inputs computed, and recalled, in the last day.", models.inputs()),
        *_gauge("novamind_model_input_drift_30d", "Population stability index of inputs.", models.input_drift()),
    ]


def _gauge(name: str, about: str, samples: list[models.Sample]) -> list[str]:
    return [*_head(name, "gauge", about), *(f"{name}{{{_labels(labels)}}} {value}" for labels, value in samples)]


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _head(name: str, kind: str, about: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]


def _audit_lines() -> list[str]:
    counts: Any = AuditEvent.objects.values("event_type", "outcome").annotate(n=Count("id"))
    return [
        *_head("novamind_audit_events", "counter", "Rows of the audit trail."),
        *(
            f'novamind_audit_events{{type="{row["event_type"]}",outcome="{row["outcome"]}"}} {row["n"]}'
            for row in counts
        ),
    ]
