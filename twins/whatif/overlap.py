"""How many other patients have lived what is asked about: counted, never shown, among those whom the asker may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from functools import reduce
from typing import Any, Final
from uuid import UUID

import numpy as np

from actigraphy.models import Night
from novamind import clock
from novamind.audit.recording import aggregates
from novamind.measures import Abstained
from patients.consent import allowing
from patients.models import CheckIn, Patient
from twins.features import MODELS_MAY
from twins.whatif.model import STREAMS, WINDOW_DAYS

#: Another patient is similar whose usual mood and usual sleep are within these of the patient's own, and who on so many
#: days reached what is asked about. Our choice: half of the spread of means that people have, and what one needs alone.
NEAR_POINTS: Final = 1.5
NEAR_H: Final = 1.0
LEAST_LIKE: Final = 5
#: Days of check-ins and of nights from which a mean is one's usual.
LEAST_DAYS: Final = 14
#: Of a night.
COLUMNS: Final = ("sleep_duration", "midsleep")
#: With fewer similar patients the simulation is said not to be used.
ENOUGH: Final = 10


def similar_patients(patient: Patient, user: Any, changes: Mapping[str, float]) -> int:
    """Other patients of this user who allow models, are usually like this one, and have lived what is asked about.

    Four queries and the nights of those patients; no chart is opened.

    Raises
    ------
    Abstained
        indeterminate where the patient's own usual is not known.
    """
    since = clock.now().date() - timedelta(days=WINDOW_DAYS)
    with aggregates():
        mine = Patient.objects.visible_to(user).exclude(pk=patient.pk).order_by().values_list("pk", flat=True)
        others = reduce(set.__and__, (allowing(mine, purpose, stream) for purpose in MODELS_MAY for stream in STREAMS))
        mood = _mood([patient.pk, *others], since)
        nights = _nights([patient.pk, *others], since)
    if patient.pk not in mood or patient.pk not in nights:
        raise Abstained("indeterminate", what="the patient's own usual is not known")
    usual, own = mood[patient.pk], nights[patient.pk]
    return sum(
        pk in mood and abs(mood[pk] - usual) <= NEAR_POINTS and _lives_like(nights[pk], own, changes)
        for pk in others
        if pk in nights
    )


def _lives_like(theirs: Any, own: Any, changes: Mapping[str, float]) -> bool:
    """Whether the usual is near, and enough nights reach the patient's usual with the change."""
    near, reached = True, np.ones(len(theirs), dtype=bool)
    for name, change in changes.items():
        column = COLUMNS.index(name)
        usual = own[:, column].mean()
        near = near and abs(theirs[:, column].mean() - usual) <= NEAR_H
        reached &= (theirs[:, column] - (usual + change)) * np.sign(change) >= 0
    return bool(near and reached.sum() >= LEAST_LIKE)


def _mood(patients: list[UUID], since: Any) -> dict[UUID, float]:
    rows = CheckIn.objects.current().filter(patient__in=patients, day__gte=since, mood__isnull=False)
    said: dict[UUID, dict[Any, float]] = defaultdict(dict)
    for pk, day, mood in rows.order_by("at").values_list("patient_id", "day", "mood"):
        said[pk][day] = mood
    return {pk: float(np.mean(list(days.values()))) for pk, days in said.items() if len(days) >= LEAST_DAYS}


def _nights(patients: list[UUID], since: Any) -> dict[UUID, Any]:
    """(nights, 2) hours slept and middle of sleep of each; of several recordings of a night, the one worn longest."""
    rows = Night.objects.filter(
        patient__in=patients, date__gte=since, tst_min__isnull=False, midsleep__isnull=False
    ).order_by("worn_h")
    found: dict[UUID, dict[Any, tuple[float, float]]] = defaultdict(dict)
    for pk, on, slept, middle in rows.values_list("patient_id", "date", "tst_min", "midsleep"):
        found[pk][on] = (slept / 60, middle - 24 if middle > 12 else middle)
    return {pk: np.array(list(days.values())) for pk, days in found.items() if len(days) >= LEAST_DAYS}
