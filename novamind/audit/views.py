"""The audit page: who saw or changed what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from novamind import clock
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.audit import activity
from novamind.audit.exporting import csv_answer
from novamind.audit.forms import AccountForm, Day, ReviewForm
from novamind.audit.middleware import own_transaction
from novamind.audit.models import ActivityReview, AuditEvent, EventType
from novamind.audit.origin import plain
from novamind.audit.questions import HEAD, lines_of, what_they_did, what_they_saw
from novamind.audit.recording import note_object

PAGE = 100
CHARTS = 200
WEEKS = 12


@require_GET
@requires("read_audit")
def event_list(request: HttpRequest) -> HttpResponse:
    """The newest events, narrowed by patient id, actor or kind."""
    events = AuditEvent.objects.prefetch_related("patients")
    wanted = {name: plain(request.GET.get(name, "").strip(), 160) for name in ("patient", "actor", "kind")}
    if wanted["patient"]:
        events = events.filter(patients__patient_id=_uuid(wanted["patient"]))
    if wanted["actor"]:
        events = events.filter(actor_label__icontains=wanted["actor"])
    if wanted["kind"] in EventType.values:
        events = events.filter(event_type=wanted["kind"])
    context = {"events": events[:PAGE], "wanted": wanted, "kinds": EventType.choices, "page_size": PAGE}
    return render(request, "audit/list.html", context)


@require_GET
@requires("read_audit")
def account(request: HttpRequest) -> HttpResponse:
    """What one account saw and did between two days: the charts by their ids, and the events."""
    return _account_page(request, AccountForm(request.GET or None), status=200)


@own_transaction
@require_POST
@requires("read_audit")
@requires("export")
@fresh_second_factor
def export_account(request: HttpRequest) -> HttpResponseBase:
    """The same as a file, every event with every patient."""
    form = AccountForm(request.POST)
    if not form.is_valid():
        return _account_page(request, form, status=422)
    user, days = form.cleaned_data["account"], form.days(clock.zone(settings.CLINIC_TIME_ZONE))
    return csv_answer(
        request,
        head=HEAD,
        rows=lines_of(what_they_did(user.pk, days)),
        name=f"account-{str(user.pk)[:8]}",
        label="trail of an account",
        object_id=user.pk,
        patients=what_they_saw(user.pk, days, at_most=0).patients,
    )


def _account_page(request: HttpRequest, form: AccountForm, *, status: int) -> HttpResponse:
    zone = settings.CLINIC_TIME_ZONE
    context: dict[str, Any] = {"current_nav": "audit:list", "form": form, "zone": zone, "charts_shown": CHARTS}
    if form.is_valid():
        user, days = form.cleaned_data["account"], form.days(clock.zone(zone))
        page = Paginator(what_they_did(user.pk, days).prefetch_related("patients"), PAGE).get_page(
            request.GET.get("page")
        )
        asked = "".join(f"&{name}={request.GET[name]}" for name in form.fields if request.GET.get(name))
        sight = what_they_saw(user.pk, days, at_most=CHARTS)
        context |= {"account": user, "sight": sight, "page": page, "asked": asked}
    return render(request, "audit/account.html", context, status=status)


@require_GET
@requires("read_audit")
def activity_page(request: HttpRequest) -> HttpResponse:
    """What is to be looked through of one week; the last one that is over, unless another is asked for."""
    return _activity_page(request, _week(request.GET.get("week", "")), None, status=200)


@require_POST
@requires("review_activity")
def review_activity(request: HttpRequest) -> HttpResponse:
    """Mark a week as looked through."""
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _activity_page(request, _week(request.POST.get("week", "")), form, status=422)
    week = activity.Week(form.cleaned_data["week"])
    counts = {rule.key: len(list(rule.find(week))) for rule in activity.rules()}
    review = ActivityReview.objects.create(
        week=week.monday, reviewed_by=request.user, findings=counts, notes=form.cleaned_data["notes"]
    )
    note_object(EventType.CREATION, "audit.ActivityReview", review.pk)
    return redirect(f"{reverse('audit:activity')}?week={week.monday}")


def _activity_page(request: HttpRequest, week: activity.Week, form: ReviewForm | None, *, status: int) -> HttpResponse:
    sections = [{"rule": rule, "found": list(rule.find(week))} for rule in activity.rules()]
    last = activity.Week.of(clock.now()).back(1)
    weeks = [last.back(number) for number in range(WEEKS)]
    reviewed = {review.week: review for review in ActivityReview.objects.select_related("reviewed_by")[: 4 * WEEKS]}
    context = {
        "current_nav": "audit:list",
        "week": week,
        "last_day": week.monday + timedelta(days=6),
        "sections": sections,
        "mine": any(found.actor_id == request.user.pk for section in sections for found in section["found"]),
        "weeks": [{"monday": other.monday, "review": reviewed.get(other.monday)} for other in weeks],
        "review": ActivityReview.objects.select_related("reviewed_by").filter(week=week.monday).first(),
        "form": form or ReviewForm(initial={"week": week.monday}),
        "may_review": request.user.may("review_activity"),  # type: ignore[union-attr]
        "zone": settings.CLINIC_TIME_ZONE,
    }
    return render(request, "audit/activity.html", context, status=status)


def _week(text: str) -> activity.Week:
    """The week of this day; the last one that is over where it is no day."""
    try:
        day = Day().clean(text)
        return activity.Week(day - timedelta(days=day.weekday()))
    except ValidationError:
        return activity.Week.of(clock.now()).back(1)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # matches nobody
