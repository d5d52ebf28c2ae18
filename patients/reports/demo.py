"""What the synthetic patients say of themselves: answers that follow from the simulated life, sent by the same road."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from novamind import clock
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from novamind.simulator import SimulatedPatient, simulate
from patients.demo import mrn_of, persona_of
from patients.models import Patient
from patients.reports.services import submit_assessment, submit_check_in

DAYS = 63
CHECK_IN_DAYS = 62  # enough pairs with nights for what moves with what
EVERY_DAYS = 14  # as long as PHQ-9 and GAD-7 look back
WHO = (0, 2, 4, 8)  # by place in the list of patients
WANTS_HELP = 4  # endorses item 9 in the newest PHQ-9: an alert to look at
#: Mean rating of two weeks (0-100) from which a simulated person gives the second, third and fourth printed answer.
STEPS = (12.0, 30.0, 50.0)
#: How many points below or above the rating an item is answered: sleep and energy earlier, guilt and slowing later.
PHQ9_ITEMS = (0, 0, 8, 8, -4, -6, 4, -12)
GAD7_ITEMS = (4, 0, 6, 2, -8, 4, -8)


def seed(say: Callable[[str], None]) -> None:
    """Check-ins of four weeks and questionnaires of nine, of some of the patients; once."""
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        for number in WHO:
            _report(Patient.objects.get(mrn_index=mrn_of(number)), number)
        write_event(ledger, event_type=EventType.DATA_COLLECTION, action="demo")
    say(f"Check-ins and questionnaires of {len(WHO)} patients.")


def _report(patient: Patient, number: int) -> None:
    with aggregates():
        known = patient.assessments.exists()
    if known:
        return
    today = clock.now().astimezone(patient.tz).date()
    start = today - timedelta(days=DAYS)
    lived = simulate(persona_of(number), start=start, days=DAYS)
    for day in range(DAYS - CHECK_IN_DAYS, DAYS):
        _check_in(patient, lived, day, start + timedelta(days=day))
    for end in range(EVERY_DAYS, DAYS + 1, EVERY_DAYS):
        moment = _at(patient, start + timedelta(days=end - 1), time(19, 30))
        newest = end + EVERY_DAYS > DAYS
        low, anxious = lived.ratings.low_mood[0, :end], lived.ratings.anxiety[0, :end]
        _fill_in(patient, "phq9", (*_places(low, PHQ9_ITEMS), int(newest and number == WANTS_HELP)), moment)
        _fill_in(patient, "gad7", _places(anxious, GAD7_ITEMS), moment)


def _check_in(patient: Patient, lived: SimulatedPatient, day: int, on: date) -> None:
    rated, nights = lived.ratings, lived.truth.nights
    if np.isnan(rated.low_mood[0, day]):
        return  # the simulated person forgot
    asleep, awake = nights.tst_h[day], nights.waso_h[day]
    said = {
        "mood": round(10 - rated.low_mood[0, day] / 10),
        "anxiety": round(rated.anxiety[0, day] / 10),
        "energy": round(rated.energy[0, day] / 10),
        "sleep_quality": round(10 * asleep / (asleep + awake)),
    }
    submit_check_in(patient=patient, by=None, by_patient=True, said=said, at=_at(patient, on, time(9, 10)))


def _places(ratings: NDArray[np.float64], offsets: tuple[int, ...]) -> tuple[int, ...]:
    """How somebody answers whose ratings of the last two weeks were these: one place for each item."""
    mean = float(np.nanmean(ratings[-EVERY_DAYS:]))
    return tuple(int(np.searchsorted(STEPS, mean + offset, side="right")) for offset in offsets)


def _fill_in(patient: Patient, instrument_id: str, places: tuple[int, ...], at: datetime) -> None:
    answers = {str(item): place for item, place in enumerate(places, 1)}
    submit_assessment(patient=patient, by=None, by_patient=True, instrument_id=instrument_id, answers=answers, at=at)


def _at(patient: Patient, on: date, wall: time) -> datetime:
    return clock.resolve_local(datetime.combine(on, wall), patient.tz)
