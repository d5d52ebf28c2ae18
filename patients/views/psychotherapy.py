"""A therapist's own notes, apart from the chart. Whose they are not, and who was not authorized, gets 404."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from patients.forms import AuthorizationForm, NoteForm
from patients.models import PsychotherapyAuthorization, PsychotherapyNote, redisclosure_notice
from patients.pages import patient_page
from patients.psychotherapy import (
    LABEL,
    AlreadyAuthorized,
    authorize_reader,
    change_note,
    possible_readers,
    sign_note,
    withdraw_authorization,
    write_note,
)
from patients.services import StaleEdit

TAB = "patients:psychotherapy"
RIGHT = "psychotherapy_notes"


@require_GET
@requires(RIGHT)
def notes(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Which notes this user may open: days and authors, never a word of them."""
    patient, context = patient_page(request, patient_id, TAB)
    readable = PsychotherapyNote.objects.readable_by(request.user).filter(patient=patient)
    context |= {"notes": readable.defer("text").select_related("author")}
    return render(request, "patients/psychotherapy_list.html", context)


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
@fresh_second_factor
def new_note(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Write a note."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    form = NoteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        sent = form.cleaned_data
        note = write_note(patient=patient, author=request.user, text=sent["text"], part2=sent["part2"])  # type: ignore[arg-type]
        return redirect("patients:psychotherapy-note", patient.pk, note.pk)
    status = 422 if form.is_bound else 200
    return render(request, "patients/psychotherapy_form.html", context | {"form": form, "note": None}, status=status)


@require_GET
@requires(RIGHT)
@fresh_second_factor
def note(request: HttpRequest, patient_id: UUID, note_id: UUID) -> HttpResponse:
    """Open one note."""
    context = _context(request, patient_id, note_id)
    return render(request, "patients/psychotherapy_note.html", context)


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
@fresh_second_factor
def edit_note(request: HttpRequest, patient_id: UUID, note_id: UUID) -> HttpResponse:
    """Change an unsigned note of one's own; a form made from an older version is answered 409."""
    _, context = patient_page(request, patient_id, TAB, changing=True)
    found = _own(request, patient_id, note_id)
    note_object(EventType.DATA_ACCESS, LABEL, found.pk)  # the form shows it
    start = {"text": found.text, "part2": found.part2, "version": found.version}
    form = NoteForm(request.POST if request.method == "POST" else None, initial=start)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        sent = form.cleaned_data
        try:
            change_note(found, version=sent["version"] or 0, text=sent["text"], part2=sent["part2"])
            return redirect("patients:psychotherapy-note", patient_id, note_id)
        except StaleEdit:
            form.add_error(None, "The note was changed or signed meanwhile. Compare with what it says now.")
            status = 409
    return render(request, "patients/psychotherapy_form.html", context | {"form": form, "note": found}, status=status)


@require_POST
@requires(RIGHT)
@fresh_second_factor
def sign(request: HttpRequest, patient_id: UUID, note_id: UUID) -> HttpResponse:
    """Sign a note of one's own."""
    sign_note(_own(request, patient_id, note_id))
    return redirect("patients:psychotherapy-note", patient_id, note_id)


@require_POST
@requires(RIGHT)
@fresh_second_factor
def authorize(request: HttpRequest, patient_id: UUID, note_id: UUID) -> HttpResponse:
    """Record the patient's written authorization for one colleague."""
    context = _context(request, patient_id, note_id, mine=True)
    form = AuthorizationForm(request.POST, readers=possible_readers(context["note"]))
    if form.is_valid():
        try:
            authorize_reader(context["note"], **form.cleaned_data)
            return redirect("patients:psychotherapy-note", patient_id, note_id)
        except AlreadyAuthorized:
            form.add_error("reader", "This colleague may read it already.")
    return render(request, "patients/psychotherapy_note.html", context | {"form": form}, status=422)


@require_POST
@requires(RIGHT)
@fresh_second_factor
def withdraw(request: HttpRequest, patient_id: UUID, note_id: UUID, authorization_id: UUID) -> HttpResponse:
    """The patient took an authorization back."""
    context = _context(request, patient_id, note_id, mine=True)
    standing = PsychotherapyAuthorization.objects.filter(note=context["note"], withdrawn_at__isnull=True)
    withdraw_authorization(get_object_or_404(standing, pk=authorization_id))
    return redirect("patients:psychotherapy-note", patient_id, note_id)


def _own(request: HttpRequest, patient_id: UUID, note_id: UUID) -> PsychotherapyNote:
    return get_object_or_404(PsychotherapyNote.objects.changeable_by(request.user), pk=note_id, patient=patient_id)


def _context(request: HttpRequest, patient_id: UUID, note_id: UUID, *, mine: bool = False) -> dict[str, Any]:
    """The page of a note; ``mine`` is for its author alone."""
    patient, context = patient_page(request, patient_id, TAB)
    readable = PsychotherapyNote.objects.readable_by(request.user).select_related("author")
    if mine:
        readable = readable.filter(author=request.user.pk)
    found = get_object_or_404(readable, pk=note_id, patient=patient.pk)
    note_object(EventType.DATA_ACCESS, LABEL, found.pk)
    own = found.author_id == request.user.pk
    standing = found.authorizations.filter(withdrawn_at__isnull=True).select_related("reader")
    return context | {
        "note": found,
        "own": own,
        "authorizations": standing if own else [],
        "form": AuthorizationForm(readers=possible_readers(found)) if own else None,
        "notice": redisclosure_notice([found]),
    }
