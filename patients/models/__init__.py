"""People in care, teams and grants; consents, emergency access, psychotherapy notes."""

from patients.models.consents import DEFAULTS, Consent, ConsentPurpose, ConsentStream, allowed, default_of
from patients.models.emergency import EmergencyAccess, EmergencyReason
from patients.models.part2 import REDISCLOSURE_NOTICE, Part2QuerySet, Part2Record, redisclosure_notice
from patients.models.people import (
    DAMAGED,
    CareAssignment,
    CareTeam,
    Grant,
    GrantQuerySet,
    Membership,
    Patient,
    PatientQuerySet,
    age_on,
    clinic_zone,
    is_zone,
)
from patients.models.psychotherapy import PsychotherapyAuthorization, PsychotherapyNote

__all__ = [
    "DAMAGED",
    "DEFAULTS",
    "REDISCLOSURE_NOTICE",
    "CareAssignment",
    "CareTeam",
    "Consent",
    "ConsentPurpose",
    "ConsentStream",
    "EmergencyAccess",
    "EmergencyReason",
    "Grant",
    "GrantQuerySet",
    "Membership",
    "Part2QuerySet",
    "Part2Record",
    "Patient",
    "PatientQuerySet",
    "PsychotherapyAuthorization",
    "PsychotherapyNote",
    "age_on",
    "allowed",
    "clinic_zone",
    "default_of",
    "is_zone",
    "redisclosure_notice",
]
