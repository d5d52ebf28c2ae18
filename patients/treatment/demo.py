"""Treatment of the synthetic patients: illustrative, in keeping with the simulated person's disorder, by the same road.

The simulator has no drugs: nothing that the watch measures or the patient says was changed by what is entered here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.roles import RIGHTS
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from novamind.phi.uploads import sealed_upload
from patients.demo import PATIENTS, mrn_of, persona_of
from patients.models import Medication, Patient
from patients.treatment.diagnosing import record_condition
from patients.treatment.genotyping import ingest_results
from patients.treatment.prescribing import change_dose, prescribe
from patients.treatment.visiting import make_appointment
from patients.vocabularies import Dose, PartialDate

NOTE: Final = "Synthetic: invented for the demo."


@dataclass(frozen=True, slots=True)
class Given:
    """A course by days before today: the drug, its doses from such a day on, and when and why it ended."""

    drug: str
    doses: tuple[tuple[int, str, str], ...]
    ended: int | None = None
    reason: str = ""
    precision: str = "day"


#: By the simulated person's disorder; a second patient of one disorder gets the second list, and so on.
COURSES: Final[dict[str, tuple[tuple[Given, ...], ...]]] = {
    "unipolar": (
        (
            Given("paroxetine", ((560, "20", "daily"),), 400, "side_effects", "month"),
            Given("sertraline", ((395, "50", "daily"), (370, "100", "daily"), (60, "150", "daily"))),
            Given("Magnesium citrate", ((200, "300", "daily"),)),
            Given("melatonin", ((24, "2", "night"),)),
        ),
        (
            Given("escitalopram", ((150, "10", "daily"), (120, "20", "daily"))),
            Given("melatonin", ((45, "2", "night"),)),
        ),
        (
            Given("fluoxetine", ((300, "20", "daily"),), 90, "no_effect"),
            Given("venlafaxine", ((90, "75", "daily"), (62, "150", "daily"))),
        ),
    ),
    "bipolar_2": (
        (
            Given(
                "lamotrigine",
                ((420, "25", "daily"), (392, "50", "daily"), (378, "100", "daily"), (364, "200", "daily")),
            ),
            Given("quetiapine", ((80, "50", "night"),)),
        ),
    ),
    "bipolar_1": (
        (
            Given("lithium", ((600, "600", "daily"), (500, "900", "daily")), None, "", "month"),
            Given("aripiprazole", ((120, "400", "4_weeks"),)),
            Given("lorazepam", ((20, "1", "as_needed"),)),
        ),
    ),
}
CONDITIONS: Final = {
    "unipolar": ("Recurrent depressive disorder, current episode moderate", "F33.1", 2190),
    "bipolar_2": ("Bipolar II disorder", "F31.8", 2920),
    "bipolar_1": ("Bipolar affective disorder", "F31.9", 3650),
}
RESULTS: Final = (
    "gene,diplotype,phenotype\nCYP2D6,*1/*4,Intermediate metabolizer\nCYP2C19,*1/*17,Rapid metabolizer\n"
    "CYP2B6,*1/*6,\nHLA-B,*15:02 negative,\nMTHFR,not tested,\n",
    "gene,diplotype,phenotype\nCYP2D6,*1/*1,Normal metabolizer\nCYP2C19,*2/*2,Poor metabolizer\n"
    "CYP2C9,indeterminate,\nHLA-A,*31:01 negative,\n",
)
PANEL: Final = {"lab": "Synthetic laboratory", "method": "Synthetic panel"}


def seed(say: Callable[[str], None]) -> None:
    """Courses, conditions, genotypes and visits of the synthetic patients; once."""
    seen: dict[str, int] = {}
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        for number in range(len(PATIENTS)):
            patient, kind = Patient.objects.get(mrn_index=mrn_of(number)), persona_of(number).kind
            place = seen[kind] = seen.get(kind, -1) + 1
            with aggregates():
                known = patient.appointments.exists()
            if not known:
                _treat(patient, kind, place)
        write_event(ledger, event_type=EventType.DATA_COLLECTION, action="demo")
    say(f"Treatment of {len(PATIENTS)} patients.")


def _treat(patient: Patient, kind: str, place: int) -> None:
    by = _prescriber(patient)
    if kind in CONDITIONS:
        text, code, since = CONDITIONS[kind]
        onset = PartialDate(_day(patient, since).replace(month=1, day=1), "year")
        record_condition(patient=patient, by=by, text=text, code=code, onset=onset, note=NOTE)
        for given in COURSES[kind][place % len(COURSES[kind])]:
            _give(patient, given, by)
        if place < len(RESULTS):
            upload = sealed_upload(RESULTS[place].encode(), "synthetic-results.csv", "text/csv")
            ingest_results(patient=patient, by=by, upload=upload, reported_on=_day(patient, 220), **PANEL)
    for days, status, where in (
        (-91, "kept", "clinic"),
        (-35, "missed", "clinic"),
        (-28, "kept", "phone"),
        (21, "planned", "video"),
    ):
        at = clock.resolve_local(datetime.combine(_day(patient, -days), time(10, 30)), patient.tz)
        make_appointment(patient=patient, by=by, at=at, kind="follow_up", place=where, status=status)


def _give(patient: Patient, given: Given, by: User | None) -> Medication:
    first, *later = given.doses
    ended = None if given.ended is None else PartialDate(_day(patient, given.ended))
    row = prescribe(
        patient=patient, by=by, name=given.drug, started=_since(patient, first[0], given.precision), dose=_dose(first),
        ended=ended, stop_reason=given.reason, note=NOTE, prescriber_text=str(by) if by else None,
    )  # fmt: skip
    for step in later:
        row = change_dose(row, version=row.version, by=by, since=PartialDate(_day(patient, step[0])), dose=_dose(step))
    return row


def _dose(step: tuple[int, str, str]) -> Dose:
    return Dose(Decimal(step[1]), "mg", step[2])


def _since(patient: Patient, days: int, precision: str) -> PartialDate:
    on = _day(patient, days)
    return PartialDate(on.replace(day=1) if precision == "month" else on, precision)


def _day(patient: Patient, days: int) -> date:
    return clock.now().astimezone(patient.tz).date() - timedelta(days=days)


def _prescriber(patient: Patient) -> Any:
    with aggregates():
        teams = list(patient.assignments.values_list("team", flat=True))
    people = User.objects.filter(care_teams__in=teams, groups__name__in=RIGHTS["prescribe"]).order_by("email")
    return people.first()
