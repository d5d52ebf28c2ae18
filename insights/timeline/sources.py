"""What a timeline is made of: for each kind its rows, as its own page asks for them, and how one is told in a line.

As on these pages the patient has been looked for among those whom the user sees before anything here is asked, and the
consent of each kind stands in :data:`KINDS`; rows that may bear a label ask for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from actigraphy.models import Analysis, Recording
from actigraphy.pages.recordings import local_date
from actigraphy.science.devices import DEVICES
from insights.models import EncounterNote, Insight
from insights.notes.pages import title_of
from insights.services import courses_told
from novamind import clock, display
from novamind.measures import Abstained
from patients.instruments import instrument, instruments
from patients.models import (
    Alert,
    Appointment,
    Assessment,
    CheckIn,
    Condition,
    GenotypeReport,
    Medication,
    Message,
    Patient,
    TreatmentChange,
)
from patients.reports.pages import score_of
from patients.treatment.services import GENOTYPE, MEDICATION, NOTES
from twins.models import Component
from twins.services import is_allowed

Pairs = frozenset[tuple[str, str]]
QUESTIONNAIRES: Final = ("treatment", "questionnaires")
MOVEMENT: Final = ("treatment", "actigraphy")
_NAMING: Final = frozenset({"drug", "drug_text", "code", "text"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose timeline, who reads it, and every (purpose, stream) that the patient allows now."""

    patient: Patient
    user: Any
    allowed: Pairs


@dataclass(frozen=True, slots=True)
class Told:
    """One row in a line: its words, where it stands in full, and whether it is labelled (42 CFR Part 2)."""

    title: str
    url: str
    part2: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one table and the moment that places each; ``told`` gives ``None`` for a row that may not be told now."""

    kind: str
    at: str
    rows: Callable[[Asked], Any]
    told: Callable[[Asked, Sequence[Any]], list[Told | None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be asked for alone; ``right`` and ``needs`` are those of the page on which it stands."""

    label: str
    right: str = "see_patients"
    needs: tuple[str, str] | None = None


KINDS: Final[dict[str, Kind]] = {
    "visits": Kind("Visits", needs=NOTES),
    "notes": Kind("Notes", "read_notes", NOTES),
    "messages": Kind("Messages", "answer_messages"),
    "questionnaires": Kind("Questionnaires", needs=QUESTIONNAIRES),
    "check-ins": Kind("Check-ins", needs=QUESTIONNAIRES),
    "medication": Kind("Medication", needs=MEDICATION),
    "conditions": Kind("Conditions", needs=NOTES),
    "genotypes": Kind("Genotype", needs=GENOTYPE),
    "recordings": Kind("Recordings", needs=MOVEMENT),
    "alerts": Kind("Alerts"),
    "statements": Kind("Statements"),
    "twin": Kind("Digital twin"),
}


def _each(tell: Callable[[Asked, Any], Told | None]) -> Callable[[Asked, Sequence[Any]], list[Told | None]]:
    return lambda asked, rows: [tell(asked, row) for row in rows]


def _url(name: str, asked: Asked, *more: Any) -> str:
    return reverse(name, args=[asked.patient.pk, *more])


def _visits(asked: Asked) -> Any:
    rows = Appointment.objects.releasable_to(asked.user).standing()
    return rows.filter(patient=asked.patient, at__lte=clock.now())


def _visit(asked: Asked, row: Appointment) -> Told:
    words = f"{row.get_kind_display()}, {row.get_place_display().lower()}: {row.get_status_display().lower()}"
    return Told(words, _url("patients:appointment-history", asked, row.pk), row.part2)


def _notes(asked: Asked) -> Any:
    rows = EncounterNote.objects.readable_by(asked.user).filter(patient=asked.patient, signed_at__isnull=False)
    return rows.defer("said").select_related("author")


def _note(asked: Asked, row: EncounterNote) -> Told:
    words = f"{title_of(row)} of {display.day(row.encounter_on)}, signed by {row.author}"
    return Told(words, _url("insights:note", asked, row.pk), row.part2)


def _messages(asked: Asked) -> Any:
    rows = Message.objects.visible_to(asked.user).filter(patient=asked.patient)
    return rows.defer("text").select_related("by", "thread")


def _message(asked: Asked, row: Message) -> Told:
    sender = "the patient" if row.by_patient else str(row.by or "Novamind")
    return Told(f"Sent by {sender}", _url("patients:thread", asked, row.thread_id), row.thread.part2)


def _assessments(asked: Asked) -> Any:
    return Assessment.objects.filter(patient=asked.patient).defer("answers")


def _assessment(asked: Asked, row: Assessment) -> Told:
    if row.instrument not in instruments():
        return Told(f"{row.instrument}, not in the library any more", _url("patients:reports", asked))
    found = instrument(row.instrument)
    score = score_of(row, found)
    words = score.reason if isinstance(score, Abstained) else f"{score.value:g} {score.unit}"
    band = f", {row.result['band']}" if row.result["band"] else ""
    return Told(f"{found.short}: {words}{band}", _url("patients:assessment", asked, row.pk))


def _check_ins(asked: Asked) -> Any:
    current = CheckIn.objects.current()
    same = current.filter(patient=OuterRef("patient"), day=OuterRef("day"))
    later = same.filter(Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk")))
    return current.filter(~Exists(later), patient=asked.patient).defer("note")


def _check_in(asked: Asked, row: CheckIn) -> Told:
    scales = {name: getattr(row, name) for name in CheckIn.SCALES}
    said = [f"{name.replace('_', ' ')} {value}" for name, value in scales.items() if value is not None]
    stands = clock.local(row.at, asked.patient.tz).date()
    words = "Check-in" if stands == row.day else f"Check-in of {display.day(row.day)}"
    return Told(f"{words}: {', '.join(said)} (0 to 10)" if said else words, _url("patients:reports", asked))


def _changes_of(model: Any) -> Callable[[Asked], Any]:
    def rows(asked: Asked) -> Any:
        entries = model.objects.releasable_to(asked.user).filter(patient=asked.patient)
        changes = TreatmentChange.objects.releasable_to(asked.user).filter(patient=asked.patient)
        return changes.filter(about_id__in=entries.values("pk")).defer("before", "why")

    return rows


def _told_changes(model: Any, name: Callable[[Any], str], page: str) -> Any:
    def told(asked: Asked, rows: Sequence[TreatmentChange]) -> list[Told | None]:
        found = model.objects.filter(patient=asked.patient, pk__in={row.about_id for row in rows})
        entries = {entry.pk: entry for entry in found}
        named = _named_then(entries, name)
        return [_change(row, entries[row.about_id], named[row.pk], _url(page, asked, row.about_id)) for row in rows]

    return told


def _named_then(entries: Mapping[UUID, Any], name: Callable[[Any], str]) -> dict[UUID, str]:
    """What each entry was called once each change to it was done: a diagnosis of today stands on no earlier day."""
    found = {}
    stood = {pk: copy(entry) for pk, entry in entries.items()}
    for change in TreatmentChange.objects.filter(about_id__in=entries).order_by("-at", "-pk"):
        entry = stood[change.about_id]
        found[change.pk] = name(entry)
        for field in _NAMING & change.before.keys():
            setattr(entry, field, change.before[field])
    return found


def _change(row: TreatmentChange, entry: Any, named: str, url: str) -> Told:
    wrong = ", entered in error" if entry.entered_in_error and row.what != row.What.IN_ERROR else ""
    return Told(f"{named}: {row.get_what_display().lower()}{wrong}", url, row.part2 or entry.part2)


def _reports(asked: Asked) -> Any:
    return GenotypeReport.objects.filter(patient=asked.patient).prefetch_related("results")


def _report(asked: Asked, row: GenotypeReport) -> Told:
    genes = sorted({one.gene for one in row.results.all() if not one.entered_in_error})
    words = f"Results of {', '.join(genes)}" if genes else "Results, all entered in error"
    return Told(words, _url("patients:treatment", asked))


def _recordings(asked: Asked) -> Any:
    rows = Recording.objects.filter(patient=asked.patient)
    return rows.select_related("source").defer("file_key", "file_name", "metadata")


def _recording(asked: Asked, row: Recording) -> Told:
    return Told(f"{_span(row)}: taken in", f"{_url('actigraphy:patient', asked)}?recording={row.pk}")


def _analyses(asked: Asked) -> Any:
    rows = Analysis.objects.filter(patient=asked.patient, source__recording__isnull=False)
    return rows.select_related("source__recording").defer("results", "methods")


def _analysis(asked: Asked, row: Analysis) -> Told:
    recording = row.source.recording
    return Told(f"{_span(recording)}: analyzed", f"{_url('actigraphy:patient', asked)}?recording={recording.pk}")


def _span(row: Recording) -> str:
    first, last = local_date(row.start, row.zone), local_date(row.end, row.zone)
    return f"{DEVICES[row.source.device_type].label}, {display.short_day(first)} to {display.day(last)}"


def _alerts(asked: Asked) -> Any:
    return Alert.objects.filter(patient=asked.patient)


def _raised(asked: Asked, row: Alert) -> Told:
    words = f"Raised, {row.get_severity_display().lower()}: {row.get_kind_display()}"
    return Told(words, _url("patients:patient-alerts", asked))


def _closed(asked: Asked, row: Alert) -> Told:
    outcome = f" ({row.get_outcome_display().lower()})" if row.outcome else ""
    return Told(f"Done{outcome}: {row.get_kind_display()}", _url("patients:patient-alerts", asked))


def _statements(asked: Asked) -> Any:
    """The newest wording of each, at the moment it was first said."""
    later = Insight.objects.filter(
        patient=OuterRef("patient"), key=OuterRef("key"), first_said_at=OuterRef("first_said_at"),
        generated_at__gt=OuterRef("generated_at"),
    )  # fmt: skip
    return Insight.objects.filter(~Exists(later), patient=asked.patient)


def _told_statements(asked: Asked, rows: Sequence[Insight]) -> list[Told | None]:
    courses = courses_told(list(rows))
    return [_statement(asked, row) if courses.get(row.key, True) else None for row in rows]


def _statement(asked: Asked, row: Insight) -> Told | None:
    if not {(purpose, stream) for purpose, stream in row.needs} <= asked.allowed:
        return None
    over = row.ended_at is not None or row.expires_at <= clock.now()
    words = f"{row.said['description']}{' (no longer so)' if over else ''}"
    return Told(words, reverse("provenance", args=[row.record_id or row.pk]))


def _components(asked: Asked) -> Any:
    return Component.objects.filter(patient=asked.patient).defer("abstention")


def _component(asked: Asked, row: Component) -> Told | None:
    if not is_allowed(row.kind, asked.allowed):
        return None
    return Told(f"Version {row.since_version}: {row.get_kind_display().lower()}", _url("twins:twin", asked))


#: Their order places what happened at the same moment, and stands in the addresses of later pages.
SOURCES: Final[tuple[Source, ...]] = (
    Source("visits", "at", _visits, _each(_visit)),
    Source("notes", "signed_at", _notes, _each(_note)),
    Source("messages", "at", _messages, _each(_message)),
    Source("questionnaires", "at", _assessments, _each(_assessment)),
    Source("check-ins", "at", _check_ins, _each(_check_in)),
    Source("medication", "at", _changes_of(Medication),
           _told_changes(Medication, lambda row: row.name, "patients:medication")),
    Source("conditions", "at", _changes_of(Condition),
           _told_changes(Condition, lambda row: " ".join(filter(None, [row.code, row.text])),
                         "patients:condition-history")),
    Source("genotypes", "recorded_at", _reports, _each(_report)),
    Source("recordings", "created_at", _recordings, _each(_recording)),
    Source("recordings", "created_at", _analyses, _each(_analysis)),
    Source("alerts", "raised_at", _alerts, _each(_raised)),
    Source("alerts", "resolved_at", lambda asked: _alerts(asked).filter(resolved_at__isnull=False), _each(_closed)),
    Source("statements", "first_said_at", _statements, _told_statements),
    Source("twin", "created_at", _components, _each(_component)),
)  # fmt: skip
