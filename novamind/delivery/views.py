"""The administrators' page about what leaves: what failed, what waits, what left; never to whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from novamind.accounts.rights import requires
from novamind.delivery.models import Delivery
from novamind.delivery.providers import provider_of
from novamind.delivery.services import TooLate, resend

SHOWN = 100
_NEEDS_YOU_FIRST = Case(
    When(state__in=[Delivery.State.FAILED, Delivery.State.UNREACHABLE], then=Value(0)),
    When(state__in=Delivery.OPEN, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


@require_GET
@requires("operate_jobs")
def list_page(request: HttpRequest) -> HttpResponse:
    """Counts by state and the newest deliveries: those that nobody received first."""
    state = request.GET.get("state", "")
    rows = Delivery.objects.filter(state=state) if state in Delivery.State.values else Delivery.objects.all()
    counted = dict(Delivery.objects.order_by().values_list("state").annotate(n=Count("pk")))
    context: dict[str, Any] = {
        "state": state,
        "counts": [(one, counted.get(one.value, 0)) for one in Delivery.State],
        "deliveries": rows.order_by(_NEEDS_YOU_FIRST, "-created_at")[:SHOWN],
        "shown": SHOWN,
        "providers": {channel: provider_of(channel)[0] for channel in ("email", "sms")},
    }
    return render(request, "delivery/list.html", context)


@require_POST
@requires("operate_jobs")
def resend_page(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """The same message once more."""
    delivery = get_object_or_404(Delivery, pk=delivery_id)
    if delivery.is_open:
        messages.error(request, "It has not been sent yet: there is nothing to repeat.")
        return redirect("delivery:list")
    try:
        resend(delivery)
    except TooLate:
        messages.error(request, "Its time is over: it would arrive after its use.")
    else:
        messages.success(request, "It is queued once more.")
    return redirect("delivery:list")
