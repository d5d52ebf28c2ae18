"""The patient's messages: threads, one thread, writing.

A phone stays signed in for weeks: what was written is shown to who has just signed in. Writing needs no such thing.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from novamind.accounts.rights import requires
from novamind.accounts.second_factor import just_signed_in
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.throttle.rates import rate
from patients.messaging.forms import ErrorForm, NewThreadForm, ReplyForm, SeenForm, refused
from patients.messaging.pages import lines_of, newest_of, own_context, own_threads
from patients.messaging.services import (
    THREAD,
    NobodyReads,
    mark_in_error,
    mark_read,
    send_message,
    start_thread,
)
from patients.models import Message, MessageThread, Patient
from patients.reports.services import KeyReused
from patients.reports.views.mine import never_without_help


@require_GET
@requires("own_chart")
@never_without_help
def threads(request: HttpRequest) -> HttpResponse:
    """The patient's threads."""
    patient = _own(request)
    if not just_signed_in(request):
        return _sign_in_afresh(request.get_full_path())
    return render(request, "patients/my_messages.html", own_context(patient) | own_threads(patient))


@rate("message")
@require_http_methods(["GET", "POST"])
@requires("own_chart")
@never_without_help
def new_thread(request: HttpRequest) -> HttpResponse:
    """Write to the care team about something new."""
    patient, status = _own(request), 200
    form = NewThreadForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        status = 422
        if form.is_valid():
            sent = form.cleaned_data
            try:
                start_thread(
                    patient=patient, by=request.user, by_patient=True, subject=sent["subject"], text=sent["text"],  # type: ignore[arg-type]
                    key=form.sent_key,
                )  # fmt: skip
                return _sent(request, patient)
            except (KeyReused, NobodyReads) as error:
                status = refused(form, error)
    return render(request, "patients/my_new_message.html", own_context(patient) | {"form": form}, status=status)


@rate("message")
@require_http_methods(["GET", "POST"])
@requires("own_chart")
@never_without_help
def thread(request: HttpRequest, thread_id: UUID) -> HttpResponse:
    """One thread, and an answer in it."""
    patient = _own(request)
    found = _thread(patient, thread_id)
    form, status = ReplyForm(request.POST if request.method == "POST" else None), 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                # A page of more than ten minutes ago shows nothing any more: it proves no reading.
                seen = form.cleaned_data["seen"] if just_signed_in(request) else None
                send_message(
                    found, by=request.user, by_patient=True, text=form.cleaned_data["text"], key=form.sent_key,  # type: ignore[arg-type]
                    seen=seen,
                )  # fmt: skip
                return _sent(request, patient)
            except (KeyReused, NobodyReads) as error:
                status = refused(form, error)
    shown = just_signed_in(request)
    if not shown and not form.is_bound:
        return _sign_in_afresh(request.get_full_path())
    note_object(EventType.DATA_ACCESS, THREAD, found.pk)
    # Of a form that comes back after ten minutes what was typed is kept, and nothing older is shown beside it.
    about: dict[str, Any] = {"thread": found, "shown": shown, "lines": lines_of(found) if shown else [], "form": form}
    about["newest"] = form.initial["seen"] = newest_of(about["lines"])
    about["has_unread"] = any(line["unread"] and not line["message"].by_patient for line in about["lines"])
    return render(request, "patients/my_thread.html", own_context(patient) | about, status=status)


@require_POST
@requires("own_chart")
@never_without_help
def read(request: HttpRequest, thread_id: UUID) -> HttpResponse:
    """Open a thread: what the care team wrote counts as read."""
    found = _thread(_own(request), thread_id)
    if not just_signed_in(request):
        return _sign_in_afresh(reverse("patients:my-thread", args=[found.pk]))
    form = SeenForm(request.POST)
    # From the list a thread is opened and shown at once; on its own page it is said what was shown.
    newest = Message.objects.filter(thread=found).order_by("at", "pk").last()
    seen = form.cleaned_data["seen"] if form.is_valid() else None
    mark_read(found, by=request.user, by_patient=True, seen=seen or (newest and newest.pk))  # type: ignore[arg-type]
    return redirect("patients:my-thread", found.pk)


@require_POST
@requires("own_chart")
@never_without_help
def in_error(request: HttpRequest, thread_id: UUID, message_id: UUID) -> HttpResponse:
    """Mark a message of one's own as sent in error."""
    found = _thread(_own(request), thread_id)
    message = get_object_or_404(Message.objects.filter(thread=found, by_patient=True), pk=message_id)
    form = ErrorForm(request.POST)
    if form.is_valid():
        mark_in_error(message, by=request.user, why=form.cleaned_data["why"])  # type: ignore[arg-type]
        messages.success(request, "Marked as sent in error. It stays on record.")
    else:
        messages.error(request, "Not marked: the reason is too long.")
    return redirect("patients:my-thread", found.pk)


def _sent(request: HttpRequest, patient: Patient) -> HttpResponse:
    return render(request, "patients/my_message_sent.html", own_context(patient))


def _own(request: HttpRequest) -> Patient:
    patient = Patient.objects.own_of(request.user).first()
    if patient is None:
        raise Http404
    return patient


def _thread(patient: Patient, thread_id: UUID) -> MessageThread:
    found: MessageThread = get_object_or_404(
        MessageThread.objects.select_related("patient"), pk=thread_id, patient=patient
    )
    return found


def _sign_in_afresh(where: str) -> HttpResponse:
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: where})}")
