"""Encounter notes of one patient: the list, one note, writing, signing, adding."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from insights.models import Content, EncounterNote, NoteAttachment, NoteDraft
from insights.notes.attaching import LABEL as FILE
from insights.notes.attaching import attach_file, read_file, remove_file
from insights.notes.drafting import ask_for_draft, put_into_note
from insights.notes.formats import format_of
from insights.notes.forms import (
    AddendumForm,
    AttachForm,
    DiscardForm,
    EncounterNoteForm,
    NewNoteForm,
    SignForm,
    VersionForm,
)
from insights.notes.pages import note_page, notes_of
from insights.notes.providers import Unconfigured
from insights.notes.writing import (
    LABEL,
    NOTES,
    WrongNote,
    amend_note,
    change_note,
    discard_note,
    sign_note,
    start_note,
)
from novamind import clock
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from patients.consent import require
from patients.models import Appointment, AppointmentStatus, Patient
from patients.pages import patient_page
from patients.services import StaleEdit

TAB = "insights:notes"
STALE = "This note was changed or signed meanwhile. Compare with what it says now."


@require_GET
@requires("read_notes")
def notes(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Which notes there are."""
    patient, context = patient_page(request, patient_id, TAB)
    return render(request, "insights/notes.html", context | notes_of(patient, request.user))


@require_http_methods(["GET", "POST"])
@requires("write_notes")
def new_note(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Begin a draft."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *NOTES)
    start = {"encounter_on": clock.now().astimezone(patient.tz).date(), "format": "soap"}
    form = NewNoteForm(
        request.POST if request.method == "POST" else None,
        initial=start, visits=_visits(patient, request.user), patient=patient,
    )  # fmt: skip
    if form.is_valid():
        sent = form.cleaned_data
        try:
            note = start_note(
                patient=patient, author=request.user, form=format_of(sent["format"]), part2=sent["part2"],  # type: ignore[arg-type]
                encounter_on=sent["encounter_on"], appointment=sent["appointment"],
            )  # fmt: skip
            return redirect("insights:edit-note", patient.pk, note.pk)
        except WrongNote as error:
            form.add_error(error.field or None, error.detail)
    status = 422 if form.is_bound else 200
    return render(request, "insights/note_form.html", context | {"form": form, "note": None}, status=status)


@require_GET
@requires("read_notes")
def note(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> HttpResponse:
    """One note."""
    found, context = _readable(request, patient_id, encounter_id)
    return render(request, "insights/note.html", context | _forms(found))


@require_http_methods(["GET", "POST"])
@requires("write_notes")
def edit_note(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> HttpResponse:
    """Change one's own draft; a form made from an older version is answered 409."""
    _, context = patient_page(request, patient_id, TAB, changing=True)
    found = _own(request, patient_id, encounter_id)
    note_object(EventType.DATA_ACCESS, LABEL, found.pk)  # the form shows it
    start: dict[str, Any] = {"encounter_on": found.encounter_on, "part2": found.part2, "version": found.version}
    start |= {f"section_{one['id']}": one["text"] for one in found.sections}
    form = EncounterNoteForm(request.POST if request.method == "POST" else None, initial=start, note=found)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        sent = form.cleaned_data
        try:
            change_note(
                found, version=sent["version"], texts=form.texts, encounter_on=sent["encounter_on"],
                part2=sent["part2"],
            )  # fmt: skip
            return redirect("insights:note", patient_id, encounter_id)
        except WrongNote as error:
            form.add_error(error.field or None, error.detail)
        except StaleEdit:
            form.add_error(None, STALE)
            status = 409
    return render(request, "insights/note_form.html", context | {"form": form, "note": found}, status=status)


@require_POST
@requires("write_notes")
@fresh_second_factor
def sign(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> HttpResponse:
    """Sign one's own draft, as it was read."""
    _, context = patient_page(request, patient_id, TAB, changing=True)
    found = _own(request, patient_id, encounter_id)
    form, status = SignForm(request.POST, note=found), 422
    if form.is_valid():
        try:
            sent = form.cleaned_data
            sign_note(found, version=sent["version"], by=request.user, checked=sent.get("checked", False))  # type: ignore[arg-type]
            messages.success(request, "Signed. From now on it is added to, not changed.")
            return redirect("insights:note", patient_id, encounter_id)
        except WrongNote as error:
            form.add_error(error.field or None, error.detail)
        except StaleEdit:
            form.add_error(None, STALE)
            status = 409
    context |= note_page(found, request.user)
    return render(request, "insights/note.html", context | _forms(found) | {"sign": form}, status=status)


@require_POST
@requires("write_notes")
def discard(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> HttpResponse:
    """Throw one's own draft away, as it was read."""
    _, context = patient_page(request, patient_id, TAB, changing=True)
    found = _own(request, patient_id, encounter_id)
    form, status = DiscardForm(request.POST), 422
    if form.is_valid():
        try:
            discard_note(found, version=form.cleaned_data["version"])
            messages.success(request, "The draft is thrown away.")
            return redirect(TAB, patient_id)
        except StaleEdit:
            form.add_error(None, STALE)
            status = 409
    context |= note_page(found, request.user)
    return render(request, "insights/note.html", context | _forms(found) | {"discard": form}, status=status)


@require_POST
@requires("write_notes")
def attach(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> HttpResponse:
    """Put a file to one's own draft."""
    _, context = patient_page(request, patient_id, TAB, changing=True)
    found = _own(request, patient_id, encounter_id)
    form, status = AttachForm(request.POST, request.FILES), 422
    if form.is_valid():
        try:
            attach_file(found, form.cleaned_data["file"], version=form.cleaned_data["version"])
            messages.success(request, "Attached.")
            return redirect("insights:note", patient_id, encounter_id)
        except WrongNote as error:
            form.add_error(error.field, error.detail)
        except StaleEdit:
            form.add_error(None, STALE)
            status = 409
    context |= note_page(found, request.user)
    return render(request, "insights/note.html", context | _forms(found) | {"attach": form}, status=status)


@require_GET
@requires("read_notes")
def attachment(request: HttpRequest, patient_id: UUID, encounter_id: UUID, attachment_id: UUID) -> HttpResponse:
    """One file of a note, to be kept by whoever may read the note; browsers open none of it themselves."""
    patient, _ = patient_page(request, patient_id, TAB)
    note = get_object_or_404(EncounterNote.objects.readable_by(request.user), pk=encounter_id, patient=patient)
    require(patient, *NOTES)
    row = get_object_or_404(NoteAttachment.objects.releasable_to(request.user), pk=attachment_id, note=note)
    note_object(EventType.DATA_ACCESS, FILE, row.pk)
    try:
        content = read_file(row)
    except FileNotFoundError:
        messages.error(request, "The file is not in storage any more. Tell the administrators.")
        return redirect("insights:note", patient_id, encounter_id)
    kind = f"{row.content}; charset=utf-8" if row.content == Content.TEXT else row.content
    answer = HttpResponse(content, content_type=kind)
    answer.headers["Content-Disposition"] = content_disposition_header(True, row.file_name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@require_POST
@requires("write_notes")
def remove(request: HttpRequest, patient_id: UUID, encounter_id: UUID, attachment_id: UUID) -> HttpResponse:
    """Take a file off one's own draft."""
    patient_page(request, patient_id, TAB, changing=True)
    found = _own(request, patient_id, encounter_id)
    row = get_object_or_404(NoteAttachment.objects.releasable_to(request.user), pk=attachment_id, note=found)
    form = VersionForm(request.POST)
    try:
        if not form.is_valid():
            raise StaleEdit
        remove_file(row, version=form.cleaned_data["version"])
        messages.success(request, "The file is taken off.")
    except StaleEdit:
        messages.error(request, STALE)
    return redirect("insights:note", patient_id, encounter_id)


@require_POST
@requires("write_notes")
def amend(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> HttpResponse:
    """Add to a signed note."""
    patient_page(request, patient_id, TAB, changing=True)
    found, context = _readable(request, patient_id, encounter_id)
    form = AddendumForm(request.POST)
    if form.is_valid():
        try:
            amend_note(found, by=request.user, text=form.cleaned_data["text"])  # type: ignore[arg-type]
            messages.success(request, "Added.")
            return redirect("insights:note", patient_id, encounter_id)
        except WrongNote as error:
            form.add_error(error.field, error.detail)
    return render(request, "insights/note.html", context | _forms(found) | {"addendum": form}, status=422)


@require_POST
@requires("write_notes")
def ask_draft(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> HttpResponse:
    """Have a program draft sentences for one's own note."""
    patient_page(request, patient_id, TAB, changing=True)
    ask_for_draft(_own(request, patient_id, encounter_id), by=request.user)  # type: ignore[arg-type]
    messages.success(request, "Being drafted. Load this page again in a moment.")
    return redirect("insights:note", patient_id, encounter_id)


@require_POST
@requires("write_notes")
def put_draft(request: HttpRequest, patient_id: UUID, encounter_id: UUID, draft_id: UUID) -> HttpResponse:
    """Put drafted sentences into one's own note, to be changed and checked there."""
    patient_page(request, patient_id, TAB, changing=True)
    found = _own(request, patient_id, encounter_id)
    row = get_object_or_404(NoteDraft.objects.releasable_to(request.user), pk=draft_id, note=found)
    form = VersionForm(request.POST)
    try:
        if form.is_valid():
            put_into_note(found, row, version=form.cleaned_data["version"])
            return redirect("insights:edit-note", patient_id, encounter_id)
        raise StaleEdit
    except StaleEdit:
        messages.error(request, STALE)
    except Unconfigured:
        messages.error(request, "The format of this note is not there any more, so nothing was put in.")
    return redirect("insights:note", patient_id, encounter_id)


def _readable(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> tuple[EncounterNote, dict[str, Any]]:
    patient, context = patient_page(request, patient_id, TAB)
    rows = EncounterNote.objects.readable_by(request.user).select_related("author", "patient")
    found: EncounterNote = get_object_or_404(rows, pk=encounter_id, patient=patient)
    require(patient, *NOTES)
    note_object(EventType.DATA_ACCESS, LABEL, found.pk)
    return found, context | note_page(found, request.user)


def _forms(note: EncounterNote) -> dict[str, Any]:
    read = {"version": note.version}
    sign, discard = SignForm(initial=read, note=note), DiscardForm(initial=read)
    return {"addendum": AddendumForm(), "sign": sign, "discard": discard, "attach": AttachForm(initial=read)}


def _own(request: HttpRequest, patient_id: UUID, encounter_id: UUID) -> EncounterNote:
    rows = EncounterNote.objects.changeable_by(request.user).select_related("author", "patient")
    found: EncounterNote = get_object_or_404(rows, pk=encounter_id, patient=patient_id)
    require(found.patient_id, *NOTES)
    return found


def _visits(patient: Patient, user: Any) -> Any:
    held = [AppointmentStatus.PLANNED, AppointmentStatus.KEPT]
    rows = Appointment.objects.releasable_to(user).filter(patient=patient, entered_in_error=False, status__in=held)
    return rows.filter(at__lte=clock.now()).order_by("-at")
