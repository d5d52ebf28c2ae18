"""People who opened the chart of somebody with their own surname: perhaps family, perhaps chance."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Min

from novamind.accounts.models import User
from novamind.accounts.roles import DEVICE, PATIENT
from novamind.audit.activity import Finding, Rule, Week, chart_rows
from novamind.audit.models import AuditEvent
from novamind.audit.recording import aggregates
from patients.models import Patient


def same_surname(week: Week) -> Iterator[Finding]:
    """One finding for each such chart, named by its id. One query, and two for each of the staff who did anything.

    The surname of an account is the last word of its name. Nobody's name is decrypted: the blind index answers.
    """
    busy = AuditEvent.objects.filter(at__gte=week.start, at__lt=week.end, actor_id__isnull=False)
    staff = busy.exclude(role__in=[PATIENT, DEVICE]).order_by().values("actor_id")
    for user in User.objects.filter(pk__in=staff).order_by("display_name"):
        touched = chart_rows(week.start, week.end).filter(event__actor_id=user.pk, patient_id__in=_namesakes(user))
        for patient, at in touched.values_list("patient_id").annotate(at=Min("event__at")).order_by("patient_id"):
            fact = f"chart {str(patient)[:8]}… is of somebody with the same surname"
            yield Finding(str(user), fact, at, user.pk)


def _namesakes(user: User) -> list[UUID]:
    """The people of that surname: first them, because among a week's charts they are few."""
    surname = user.display_name.split()[-1] if user.display_name.strip() else ""
    if not surname:
        return []
    with aggregates():  # which ids, and nothing of their charts
        return list(Patient.objects.filter(last_name_index=surname).values_list("pk", flat=True))


SAME_SURNAME = Rule(
    "same_surname", "Same surname", "Charts of patients who bear the last word of the account's name.", same_surname
)
