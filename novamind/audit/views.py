"""The audit page: who saw or changed what."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from novamind.accounts.rights import requires
from novamind.audit.models import AuditEvent, EventType

PAGE = 100


@require_GET
@requires("read_audit")
def event_list(request: HttpRequest) -> HttpResponse:
    """The newest events, narrowed by patient id, actor or kind."""
    events = AuditEvent.objects.prefetch_related("patients")
    wanted = {name: request.GET.get(name, "").strip() for name in ("patient", "actor", "kind")}
    if wanted["patient"]:
        events = events.filter(patients__patient_id=_uuid(wanted["patient"]))
    if wanted["actor"]:
        events = events.filter(actor_label__icontains=wanted["actor"])
    if wanted["kind"] in EventType.values:
        events = events.filter(event_type=wanted["kind"])
    context = {"events": events[:PAGE], "wanted": wanted, "kinds": EventType.choices, "page_size": PAGE}
    return render(request, "audit/list.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # matches nobody
