"""How long what a twin's answers were computed from is kept; the answers themselves always are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef

from novamind import clock
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_details, note_type, saw
from novamind.registry.models import InferenceRecord, InferenceRecordQuerySet
from twins import changes, correlations, forecasts
from twins.models import Component
from twins.response.installing import NAMES
from twins.whatif import model as what_if

#: Whose inputs the twin may empty; records of other models are not its own.
MODELS: Final = (changes.NAME, correlations.NAME, forecasts.NAME, what_if.NAME, *NAMES.values())
#: At most so many a night: what is left waits for the next.
MOST: Final = 20_000


def purgeable() -> InferenceRecordQuerySet:
    """Records of the twin's models that are older than ``TWIN_INPUTS_KEPT_DAYS`` and that no twin says now.

    What a twin says now is the newest component of each kind, however old: its page replays from its input.
    """
    days = settings.TWIN_INPUTS_KEPT_DAYS
    if days <= 0:
        return InferenceRecord.objects.none()
    newer = Component.objects.filter(
        twin=OuterRef("twin"), kind=OuterRef("kind"), since_version__gt=OuterRef("since_version")
    )
    said_now = Component.objects.filter(record=OuterRef("pk")).exclude(Exists(newer))
    old = InferenceRecord.objects.filter(
        model_version__name__in=MODELS, created_at__lt=clock.now() - timedelta(days=days)
    )
    return old.exclude(input_array=b"").exclude(Exists(said_now))


def purge() -> Callable[[], None]:
    """Find what has had its time, and give back what empties it; its patients stand in the trail."""
    with aggregates():
        found = list(purgeable().order_by("created_at").values_list("pk", "patient_id")[:MOST])

    def save() -> None:
        if not found:
            return
        for _, patient_id in found:
            saw(patient_id)
        # Asked again: an old answer may have become what a twin says now.
        gone = purgeable().filter(pk__in=[pk for pk, _ in found]).empty_inputs()
        note_type(EventType.DELETION)
        note_details(inputs=gone)

    return save
