"""The synthetic clinic's teams and patients. Names are invented; numbers begin with SYN."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from patients.consent import record_consent
from patients.emergency import open_emergency
from patients.models import (
    CareTeam,
    Consent,
    ConsentPurpose,
    ConsentStream,
    EmergencyAccess,
    EmergencyReason,
    Patient,
)
from patients.services import create_patient, join_team

TEAMS = {"North": "north@demo.novamind.test", "South": "south@demo.novamind.test"}

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

#: whose place in the list, purpose, stream, given; in this order.
DECISIONS = [
    *((number, ConsentPurpose.MODELS, ConsentStream.ACTIGRAPHY, True) for number in range(len(PATIENTS))),
    (0, ConsentPurpose.RESEARCH, ConsentStream.ACTIGRAPHY, True),
    (2, ConsentPurpose.EXTERNAL_MODEL, ConsentStream.NOTES, True),
    (5, ConsentPurpose.TREATMENT, ConsentStream.HEART, False),
]


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
        _decide()
        _emergency()
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
