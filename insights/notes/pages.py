"""What the pages of encounter notes show."""

from __future__ import annotations

from typing import Any, Final

from insights.models import EncounterNote, NoteDraft
from insights.notes.checking import REASONS
from insights.notes.drafting import by_section, difference, form_of, is_waiting, refused_of
from insights.notes.formats import format_of
from insights.notes.providers import Unconfigured
from insights.notes.writing import NOTES, is_as_signed, is_drafted
from novamind.measures import Abstained
from patients.consent import allows
from patients.models import Appointment, Patient, redisclosure_notice

#: Why there is no draft, where it lies in the program that was asked.
WHY: Final = {
    "unavailable": "the model that was asked gave no answer; nothing was asked of another",
    "unconfigured": "the settings do not say which model drafts notes of this kind",
    "blocked": "the text could not be cleared of what identifies the patient, so nothing left the clinic",
}
SHOWN: Final = 100  # notes of one patient on the list


def notes_of(patient: Patient, user: Any) -> dict[str, Any]:
    """The list: days, authors and states, never a word of a note."""
    if not allows(patient, *NOTES):
        return {"withheld": Abstained("consent_withheld")}  # also of those that one wrote
    rows = EncounterNote.objects.readable_by(user).filter(patient=patient)
    notes = list(rows.defer("said").select_related("author").prefetch_related("addenda")[: SHOWN + 1])
    lines = [_line(one) for one in notes[:SHOWN]]
    return {"notes": lines, "more": len(notes) > SHOWN, "shown": SHOWN, "may_write": user.may("write_notes")}


def note_page(note: EncounterNote, user: Any) -> dict[str, Any]:
    """The context of one note."""
    own_draft = note.signed_at is None and note.author_id == user.pk
    addenda = list(note.addenda.select_related("by"))
    return (
        _line(note)
        | {
            "sections": note.sections,
            "visit": Appointment.objects.releasable_to(user).filter(pk=note.appointment_id).first(),
            "addenda": addenda,
            "attachments": list(note.attachments.all()),
            "altered": note.signed_at is not None and not is_as_signed(note),
            "own": note.author_id == user.pk,
            "may_write": user.may("write_notes"),
            "notice": redisclosure_notice([note]),
            "drafted": is_drafted(note),
            "difference": difference(note, user),
        }
        | (_draft(note, user) if own_draft else {})
    )


def _draft(note: EncounterNote, user: Any) -> dict[str, Any]:
    """The newest draft of a program, for the author of an unsigned note."""
    row = NoteDraft.objects.releasable_to(user).filter(note=note).first()
    waiting = is_waiting(note)
    if row is None:
        return {"waiting": waiting}
    try:
        form = form_of(note)
    except Unconfigured:
        return {"waiting": waiting}
    told = by_section(row, form)
    added = [one["text"] for one in row.found.get("added", [])]  # drafts from before there was this
    return {
        "waiting": waiting,
        "draft": row,
        "draft_sections": [(one.title, told[one.id]) for one in form.sections if told[one.id]],
        "refused": [{"text": one.text, "why": REASONS[one.reason]} for one in refused_of(row)],
        "added": [one.text for lines in told.values() for one, _ in lines if one.text in added],
        "left_out": row.found["left_out"],
        "why_none": WHY.get(row.abstention) or (Abstained(row.abstention).reason if row.abstention else ""),
    }


def _line(note: EncounterNote) -> dict[str, Any]:
    state = "draft" if note.signed_at is None else "amended" if note.addenda.all() else "signed"
    return {"note": note, "state": state, "title": title_of(note)}


def title_of(note: EncounterNote) -> str:
    """What its format is called."""
    try:
        return format_of(note.format, note.format_version).title
    except KeyError:  # a site's format that was taken away
        return note.format
