"""The synthetic clinic's teams and patients. Names are invented; numbers begin with SYN."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, time
from typing import Any

from novamind.accounts.models import User
from novamind.accounts.roles import RIGHTS
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from novamind.simulator import Persona
from patients.consent import record_consent
from patients.emergency import open_emergency
from patients.models import (
    CareTeam,
    Consent,
    ConsentPurpose,
    ConsentStream,
    CoverageHours,
    EmergencyAccess,
    EmergencyReason,
    Patient,
    Schedule,
)
from patients.schedules import plan_schedule
from patients.services import create_patient, join_team, link_own_account

TEAMS = {"North": "north@demo.novamind.test", "South": "south@demo.novamind.test"}
PATIENT_WHO_SIGNS_IN = "mara@demo.novamind.test"  # the first of the list below

#: first name, last name, born, sex, pronouns, team
PATIENTS = [
    ("Mara", "Ellingsen", date(1988, 4, 12), "female", "she/her", "North"),
    ("Jonas", "Lindqvist", date(1979, 9, 30), "male", "he/him", "North"),
    ("Aisha", "Rahmani", date(1995, 1, 22), "female", "she/her", "North"),
    ("Peder", "Solheim", date(1963, 6, 3), "male", "he/him", "North"),
    ("Lucía", "Fernández", date(2001, 11, 17), "female", "she/her", "North"),
    ("Kwame", "Boateng", date(1984, 2, 8), "male", "he/him", "North"),
    ("Robin", "Vestergaard", date(1999, 7, 25), "other", "they/them", "North"),
    ("Ingrid", "Haugen", date(1954, 12, 1), "female", "she/her", "South"),
    ("Mateusz", "Kowalczyk", date(1991, 3, 14), "male", "he/him", "South"),
    ("Yuki", "Tanabe", date(1987, 8, 19), "female", "she/her", "South"),
    ("Oliver", "Brandt", date(1970, 5, 6), "male", "he/him", "South"),
    ("Fatou", "Diallo", date(1993, 10, 28), "female", "she/her", "South"),
    ("Elias", "Nygård", date(2004, 2, 29), "male", "he/him", "South"),
    ("Helena", "Marković", date(1976, 1, 9), "female", "she/her", "South"),
]

#: What makes a patient worth looking at, by place in the list of patients.
STORIES: dict[int, dict[str, Any]] = {
    0: {"kind": "unipolar", "state_at_start": "depressed", "trend": -1.0},
    1: {"kind": "bipolar_2", "state_at_start": "euthymic"},
    2: {"kind": "unipolar", "insomnia": True},
    3: {"kind": "none", "chronotype_h": 3.2},
    4: {"kind": "unipolar", "trend": 1.5, "carelessness": 3.0},
    5: {"kind": "none", "shift_worker": True},
    6: {"kind": "bipolar_1", "state_at_start": "hypomanic"},
}

#: whose place in the list, purpose, stream, given; in this order.
DECISIONS = [
    *((number, ConsentPurpose.MODELS, ConsentStream.ACTIGRAPHY, True) for number in range(len(PATIENTS))),
    (0, ConsentPurpose.RESEARCH, ConsentStream.ACTIGRAPHY, True),
    (2, ConsentPurpose.EXTERNAL_MODEL, ConsentStream.NOTES, True),
    (5, ConsentPurpose.TREATMENT, ConsentStream.HEART, False),
]


def persona_of(number: int) -> Persona:
    """Who the n-th patient of the list is: what the watch measures and what the patient says come from one person."""
    return Persona.draw(1000 + number, **STORIES.get(number, {}))


def mrn_of(number: int) -> str:
    """The record number of the n-th patient of the list."""
    return f"SYN-{number + 1:04d}"


def seed(say: Callable[[str], None]) -> None:
    """Create teams and patients once."""
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        teams = {name: _team(name) for name in TEAMS}
        for number, (first, last, born, sex, pronouns, team) in enumerate(PATIENTS):
            if Patient.objects.filter(mrn_index=mrn_of(number)).first() is None:
                create_patient(
                    by=None,
                    teams=[teams[team]],
                    first_name=first,
                    last_name=last,
                    date_of_birth=born,
                    mrn=mrn_of(number),
                    sex=sex,
                    pronouns=pronouns,
                )
        link_own_account(patient=_patient(0), user=User.objects.get(email=PATIENT_WHO_SIGNS_IN))
        _decide()
        _emergency()
        _cover(teams.values())
        _ask_daily()
        write_event(ledger, event_type=EventType.CREATION, action="demo")
    say(f"{len(PATIENTS)} synthetic patients in {len(TEAMS)} teams.")


def _team(name: str) -> CareTeam:
    team, _ = CareTeam.objects.get_or_create(name=name)
    for user in User.objects.filter(email__endswith=f".{TEAMS[name]}"):
        join_team(team=team, user=user)
    return team


def _patient(number: int) -> Patient:
    return Patient.objects.get(mrn_index=mrn_of(number))


def _decide() -> None:
    """What the synthetic patients allow; once."""
    for number, purpose, stream, given in DECISIONS:
        patient = _patient(number)
        with aggregates():
            known = Consent.objects.filter(patient=patient, purpose=purpose, stream=stream, given=given).exists()
        if not known:
            record_consent(
                patient=patient, purpose=purpose, stream=stream, given=given, how=Consent.How.WRITTEN, by=None
            )


def _emergency() -> None:
    """One emergency that waits for its review: a psychiatrist of the South looked into a chart of the North."""
    patient = _patient(3)
    with aggregates():
        known = EmergencyAccess.objects.filter(patient=patient).exists()
    if known:
        return
    user = User.objects.get(email="sam.south@demo.novamind.test")
    open_emergency(
        patient=patient,
        user=user,
        reason=EmergencyReason.ACUTE_ASSESSMENT,
        explanation="Synthetic: came to the South's reception in the evening, agitated; nobody of the North answered.",
    )


def _cover(teams: Iterable[CareTeam]) -> None:
    """Office hours of every team, Monday to Friday; nights and weekends are nobody's, as pages then say. Once."""
    for team in teams:
        people = User.objects.filter(care_teams=team, groups__name__in=RIGHTS["answer_alerts"]).order_by("email")
        for order, user in enumerate(people.distinct(), start=1):
            for weekday in range(5):
                CoverageHours.objects.get_or_create(
                    team=team, user=user, weekday=weekday, begins=time(8), defaults={"ends": time(16), "order": order}
                )


def _ask_daily() -> None:
    """The first three are asked for a check-in every evening, on their page alone: they are nobody's phone. Once."""
    for number in range(3):
        patient = _patient(number)
        with aggregates():
            known = Schedule.objects.filter(patient=patient).exists()
        if not known:
            plan_schedule(patient=patient, by=None, what="check-in", local_time=time(19), window_min=240)
