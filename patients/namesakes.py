"""People who opened the chart of somebody with their own surname: perhaps family, perhaps chance."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from novamind.accounts.models import User
from novamind.audit.activity import Finding, Rule, Week, chart_rows
from novamind.audit.recording import aggregates
from patients.models import Patient


def same_surname(week: Week) -> Iterator[Finding]:
    """One finding for each such chart, named by its id. One query, and one for each person who touched a chart.

    The surname of an account is the last word of its name. Nobody's name is decrypted: the blind index answers.
    """
    rows = chart_rows(week.start, week.end).order_by()
    touched: dict[UUID, set[UUID]] = {}
    first = {}
    for actor, patient, at in rows.values_list("event__actor_id", "patient_id", "event__at").order_by("-event__at"):
        touched.setdefault(actor, set()).add(patient)
        first[actor, patient] = at
    for user in User.objects.filter(pk__in=touched).order_by("display_name"):
        for patient in _namesakes(user, touched[user.pk]):
            fact = f"chart {str(patient)[:8]}… is of somebody with the same surname"
            yield Finding(str(user), fact, first[user.pk, patient], user.pk)


def _namesakes(user: User, patients: set[UUID]) -> list[UUID]:
    surname = user.display_name.split()[-1] if user.display_name.strip() else ""
    if not surname:
        return []
    with aggregates():  # which ids, and nothing of their charts
        same = Patient.objects.filter(last_name_index=surname).values_list("pk", flat=True)
        return sorted(set(same) & patients)


SAME_SURNAME = Rule(
    "same_surname", "Same surname", "Charts of patients who bear the last word of the account's name.", same_surname
)
