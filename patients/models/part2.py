"""The label of 42 CFR Part 2: records of substance use treatment, seen outside the programme only with consent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from patients.models.consents import ConsentPurpose, ConsentStream, allowed
from patients.models.emergency import EmergencyAccess, EmergencyReason
from patients.models.people import CareAssignment, Patient

#: 42 CFR 2.32(a)(2).
REDISCLOSURE_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


class Part2QuerySet(PatientRecordQuerySet):
    """Rows of a chart of which some are labelled."""

    def releasable_to(self, user: Any) -> Part2QuerySet:
        """Rows of this user's patients; the labelled ones only where Part 2 lets this user have them.

        That is: the user treats the patient in a programme; or the patient consented, which a withdrawal or its end
        undoes at the next request; or this is a medical emergency (42 CFR 2.51).
        """
        programme = CareAssignment.objects.filter(
            patient=OuterRef("patient"), team__part2_programme=True, team__memberships__user=user.pk
        )
        emergency = EmergencyAccess.objects.running().filter(
            patient=OuterRef("patient"), user=user.pk, reason=EmergencyReason.MEDICAL_EMERGENCY
        )
        consented = allowed(ConsentPurpose.TREATMENT, ConsentStream.PART2, patient="patient")
        rows = self.filter(patient__in=Patient.objects.visible_to(user)).alias(part2_consented=consented)
        return rows.filter(Q(part2=False) | Q(part2_consented=True) | Exists(programme) | Exists(emergency))


class Part2Record(PatientRecord):
    """A row of a chart that can carry the label."""

    part2 = models.BooleanField("substance use treatment (42 CFR Part 2)", default=False)

    objects = Part2QuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        abstract = True


def redisclosure_notice(rows: Iterable[Part2Record]) -> str | None:
    """What every page, report or export says that holds one of these rows; ``None`` when none is labelled."""
    return REDISCLOSURE_NOTICE if any(row.part2 for row in rows) else None
