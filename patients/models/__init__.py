"""People in care, teams, grants; consents, emergencies, private notes; alerts, schedules; messages; treatment."""

from patients.models.alerts import Alert, AlertEvent, AlertKind, AlertSeverity, AlertSnooze, CoverageHours, Holiday
from patients.models.appointments import Appointment, AppointmentKind, AppointmentStatus, Place
from patients.models.conditions import Certainty, ClinicalStatus, Condition
from patients.models.consents import DEFAULTS, Consent, ConsentPurpose, ConsentStream, allowed, default_of
from patients.models.emergency import EmergencyAccess, EmergencyReason
from patients.models.genotypes import MOST_COPIES, Genotype, GenotypeFile, GenotypeReport
from patients.models.medications import Medication, MedicationDose, Route, StopReason
from patients.models.messages import SUBJECT_LENGTH, Message, MessageMark, MessageThread, ReplyTemplate
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
from patients.models.reports import MOST, NOTE_LENGTH, Assessment, CheckIn, SymptomReport, SymptomType
from patients.models.schedules import LONGEST_WINDOW_MIN, Reminder, Schedule
from patients.models.treatment import LINE_LENGTH, TEXT_LENGTH, Treatment, TreatmentChange

__all__ = [
    "DAMAGED",
    "DEFAULTS",
    "LINE_LENGTH",
    "LONGEST_WINDOW_MIN",
    "MOST",
    "MOST_COPIES",
    "NOTE_LENGTH",
    "REDISCLOSURE_NOTICE",
    "SUBJECT_LENGTH",
    "TEXT_LENGTH",
    "Alert",
    "AlertEvent",
    "AlertKind",
    "AlertSeverity",
    "AlertSnooze",
    "Appointment",
    "AppointmentKind",
    "AppointmentStatus",
    "Assessment",
    "CareAssignment",
    "CareTeam",
    "Certainty",
    "CheckIn",
    "ClinicalStatus",
    "Condition",
    "Consent",
    "ConsentPurpose",
    "ConsentStream",
    "CoverageHours",
    "EmergencyAccess",
    "EmergencyReason",
    "Genotype",
    "GenotypeFile",
    "GenotypeReport",
    "Grant",
    "GrantQuerySet",
    "Holiday",
    "Medication",
    "MedicationDose",
    "Membership",
    "Message",
    "MessageMark",
    "MessageThread",
    "Part2QuerySet",
    "Part2Record",
    "Patient",
    "PatientQuerySet",
    "Place",
    "PsychotherapyAuthorization",
    "PsychotherapyNote",
    "Reminder",
    "ReplyTemplate",
    "Route",
    "Schedule",
    "StopReason",
    "SymptomReport",
    "SymptomType",
    "Treatment",
    "TreatmentChange",
    "age_on",
    "allowed",
    "clinic_zone",
    "default_of",
    "is_zone",
    "redisclosure_notice",
]
