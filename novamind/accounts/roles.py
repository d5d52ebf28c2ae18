"""What each role may do, as one table. *To whom* is another question: see ``Patient.objects.visible_to``."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

PSYCHIATRIST = "psychiatrist"
NURSE_PRACTITIONER = "nurse practitioner"
THERAPIST = "therapist"
CLINICAL_ADMIN = "clinical admin"
RESEARCHER = "researcher"
PATIENT = "patient"
DEVICE = "device"

ROLES: Final = (PSYCHIATRIST, NURSE_PRACTITIONER, THERAPIST, CLINICAL_ADMIN, RESEARCHER, PATIENT, DEVICE)
CLINICIANS: Final = frozenset({PSYCHIATRIST, NURSE_PRACTITIONER, THERAPIST})

#: right -> the roles that have it. A role's limit answers 403; a hidden patient answers 404.
RIGHTS: Final = MappingProxyType(
    {
        # charts
        "see_patients": CLINICIANS | {CLINICAL_ADMIN},
        "create_patients": frozenset({PSYCHIATRIST, NURSE_PRACTITIONER, CLINICAL_ADMIN}),
        "edit_patients": CLINICIANS | {CLINICAL_ADMIN},
        "delete_patients": frozenset({CLINICAL_ADMIN}),
        "upload_recordings": CLINICIANS | {CLINICAL_ADMIN, DEVICE},
        "manage_devices": CLINICIANS | {CLINICAL_ADMIN},
        "manage_consents": CLINICIANS | {CLINICAL_ADMIN},
        "manage_schedules": CLINICIANS | {CLINICAL_ADMIN},
        "answer_alerts": CLINICIANS,
        "judge_insights": CLINICIANS,
        "compose_rules": CLINICIANS | {CLINICAL_ADMIN},
        "manage_alert_rules": frozenset({CLINICAL_ADMIN}),
        "report_symptoms": CLINICIANS | {PATIENT},
        "exchange_messages": CLINICIANS | {PATIENT},
        "answer_messages": CLINICIANS,
        "keep_reply_templates": frozenset({CLINICAL_ADMIN}),
        "psychotherapy_notes": CLINICIANS,
        "read_notes": CLINICIANS,
        "write_notes": CLINICIANS,
        # treatment; whoever sees a chart reads it
        "prescribe": frozenset({PSYCHIATRIST, NURSE_PRACTITIONER}),
        "record_conditions": CLINICIANS,
        "enter_genotypes": frozenset({PSYCHIATRIST, NURSE_PRACTITIONER, CLINICAL_ADMIN}),
        "manage_appointments": CLINICIANS | {CLINICAL_ADMIN},
        # emergency access
        "break_glass": CLINICIANS,
        "review_break_glass": frozenset({CLINICAL_ADMIN}),
        # one's own chart, as its patient
        "own_chart": frozenset({PATIENT}),
        # models and what comes of them; not every one is asked for yet: docs/roles.md says which part will
        "see_models": CLINICIANS | {CLINICAL_ADMIN, RESEARCHER},
        "create_twins": frozenset({PSYCHIATRIST, CLINICAL_ADMIN}),
        "advise_medication": frozenset({PSYCHIATRIST, NURSE_PRACTITIONER}),
        "manage_medication_rules": frozenset({CLINICAL_ADMIN}),
        "run_models": CLINICIANS,
        "train_models": frozenset({RESEARCHER}),
        "promote_models": frozenset({CLINICAL_ADMIN}),
        "see_clinic_numbers": frozenset({CLINICAL_ADMIN, RESEARCHER}),
        "export_research": frozenset({CLINICAL_ADMIN, RESEARCHER}),
        "export": frozenset({PSYCHIATRIST, NURSE_PRACTITIONER, CLINICAL_ADMIN}),
        # the place
        "operate_jobs": frozenset({CLINICAL_ADMIN}),
        "read_audit": frozenset({CLINICAL_ADMIN}),
        "review_activity": frozenset({CLINICAL_ADMIN}),
        "see_compliance": frozenset({CLINICAL_ADMIN}),
        "use_admin": frozenset({CLINICAL_ADMIN}),
        "manage_accounts": frozenset({CLINICAL_ADMIN}),
    }
)

#: What a superuser may do without any role: run the place. Never a clinical right.
SUPERUSER_RIGHTS: Final = frozenset({"operate_jobs", "read_audit", "use_admin", "manage_accounts"})
