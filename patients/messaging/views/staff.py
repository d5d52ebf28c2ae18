"""Messages as the care team sees them: the inbox, one patient's threads, answering; the clinic's own replies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from novamind.accounts.rights import requires
from novamind.throttle.rates import rate
from patients.messaging import services
from patients.messaging.forms import (
    ErrorForm,
    LabelForm,
    ReplyForm,
    ReplyTemplateForm,
    SeenForm,
    StaffThreadForm,
    refused,
    with_template,
)
from patients.messaging.pages import inbox_of, thread_page, threads_of
from patients.models import Message, MessageThread, Patient, ReplyTemplate
from patients.pages import patient_page
from patients.reports.services import KeyReused

TAB = "patients:patient-messages"
RIGHT = "answer_messages"


@require_GET
@requires(RIGHT)
def inbox(request: HttpRequest) -> HttpResponse:
    """The threads of the patients one cares for."""
    return render(request, "patients/messages.html", inbox_of(request.user))


@require_GET
@requires(RIGHT)
def threads(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One patient's threads."""
    patient, context = patient_page(request, patient_id, TAB)
    return render(request, "patients/patient_messages.html", context | threads_of(patient, request.user))


@rate("message")
@require_http_methods(["GET", "POST"])
@requires(RIGHT)
def new_thread(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Write to the patient about something new."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    form, status = StaffThreadForm(_typed(request)), 200
    if form.is_bound and "insert" not in request.POST:
        status = 422
        if form.is_valid():
            sent = form.cleaned_data
            try:
                kept = services.start_thread(
                    patient=patient, by=request.user, by_patient=False, subject=sent["subject"], text=sent["text"],  # type: ignore[arg-type]
                    part2=sent["part2"], key=form.sent_key,
                )  # fmt: skip
                messages.success(request, "Sent.")
                return redirect("patients:thread", patient.pk, kept.message.thread_id)
            except (KeyReused, services.NobodyReads, services.WrongLabel) as error:
                status = refused(form, error)
    about = {
        "form": _unchecked(request, form),
        "templates": ReplyTemplate.objects.filter(withdrawn_at=None),
        "has_contact": services.channel_to(patient) is not None,
    }
    return render(request, "patients/new_message.html", context | about, status=status)


@rate("message")
@require_http_methods(["GET", "POST"])
@requires(RIGHT)
def thread(request: HttpRequest, patient_id: UUID, thread_id: UUID) -> HttpResponse:
    """One thread, and an answer in it."""
    patient, context = patient_page(request, patient_id, TAB, changing=request.method == "POST")
    found = _thread(request, patient, thread_id)
    form, status = ReplyForm(_typed(request)), 200
    if form.is_bound and "insert" not in request.POST:
        status = 422
        if form.is_valid():
            try:
                services.send_message(
                    found, by=request.user, by_patient=False, text=form.cleaned_data["text"], key=form.sent_key,  # type: ignore[arg-type]
                    seen=form.cleaned_data["seen"],
                )  # fmt: skip
                messages.success(request, "Sent.")
                return redirect("patients:thread", patient.pk, found.pk)
            except (KeyReused, services.NobodyReads) as error:
                status = refused(form, error)
    about = thread_page(found) | {"form": _unchecked(request, form)}
    about["form"].initial.setdefault("seen", about["newest"])
    return render(request, "patients/thread.html", context | about, status=status)


@require_POST
@requires(RIGHT)
def read(request: HttpRequest, patient_id: UUID, thread_id: UUID) -> HttpResponse:
    """Say that what the patient wrote was read."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    found = _thread(request, patient, thread_id)
    form = SeenForm(request.POST)
    if form.is_valid():
        services.mark_read(found, by=request.user, by_patient=False, seen=form.cleaned_data["seen"])  # type: ignore[arg-type]
    return redirect("patients:thread", patient.pk, found.pk)


@require_POST
@requires(RIGHT)
def label(request: HttpRequest, patient_id: UUID, thread_id: UUID) -> HttpResponse:
    """Put the label of 42 CFR Part 2 on a thread, or take it off."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    found, form = _thread(request, patient, thread_id), LabelForm(request.POST)
    if form.is_valid():
        services.label_thread(found, by=request.user, part2=form.cleaned_data["part2"])  # type: ignore[arg-type]
        messages.success(request, "Labelled." if found.part2 else "The label is off.")
    return redirect("patients:thread", patient.pk, found.pk)


@require_POST
@requires(RIGHT)
def in_error(request: HttpRequest, patient_id: UUID, thread_id: UUID, message_id: UUID) -> HttpResponse:
    """Mark a message of one's own as sent in error."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    found, form = _thread(request, patient, thread_id), ErrorForm(request.POST)
    message = get_object_or_404(Message.objects.filter(thread=found, by_patient=False), pk=message_id)
    if form.is_valid():
        services.mark_in_error(message, by=request.user, why=form.cleaned_data["why"])  # type: ignore[arg-type]
        messages.success(request, "Marked as sent in error. It stays on record, and the patient sees the mark.")
    else:
        messages.error(request, "Not marked: the reason is too long.")
    return redirect("patients:thread", patient.pk, found.pk)


@rate("message")
@require_POST
@requires(RIGHT)
def notify(request: HttpRequest, patient_id: UUID, thread_id: UUID, message_id: UUID) -> HttpResponse:
    """Send the notice of an unread message once more."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    found = _thread(request, patient, thread_id)
    unread = Message.objects.unread(by_patient=False).filter(thread=found)
    if services.notify_again(get_object_or_404(unread, pk=message_id)):
        messages.success(request, "The notice is queued once more.")
    else:
        messages.error(request, "There is no notice to repeat, or it has not been sent yet.")
    return redirect("patients:thread", patient.pk, found.pk)


@require_http_methods(["GET", "POST"])
@requires("keep_reply_templates")
def templates(request: HttpRequest) -> HttpResponse:
    """The replies that the clinic keeps, and a new one."""
    form = ReplyTemplateForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        services.keep_template(by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, "Kept. Clinicians are offered it from now on.")
        return redirect("patients:reply-templates")
    rows = ReplyTemplate.objects.filter(withdrawn_at=None).select_related("by")
    status = 422 if form.is_bound else 200
    return render(request, "patients/reply_templates.html", {"templates": rows, "form": form}, status=status)


@require_POST
@requires("keep_reply_templates")
def withdraw_template(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """Offer a reply no more."""
    services.withdraw_template(get_object_or_404(ReplyTemplate, pk=template_id, withdrawn_at=None))
    messages.success(request, "Withdrawn.")
    return redirect("patients:reply-templates")


def _thread(request: HttpRequest, patient: Patient, thread_id: UUID) -> MessageThread:
    rows = MessageThread.objects.visible_to(request.user).select_related("patient")
    found: MessageThread = get_object_or_404(rows, pk=thread_id, patient=patient)
    return found


def _typed(request: HttpRequest) -> Any:
    """What was typed; with the words of a reply of the clinic beneath it where one was asked for."""
    if request.method != "POST":
        return None
    typed = request.POST.copy()
    if "insert" in typed:
        typed["text"] = with_template(typed.get("text", ""), typed.get("template", ""))
    return typed


def _unchecked(request: HttpRequest, form: Any) -> Any:
    """The form as typed and without complaints, where only a reply of the clinic was put in."""
    if request.method != "POST" or "insert" not in request.POST:
        return form
    return type(form)(initial={name: form.data.get(name, "") for name in form.fields})
