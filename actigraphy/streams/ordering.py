"""Which source counts first where several measured the same minute: the clinic's order, or one patient's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from actigraphy.models import Signal, Source, SourceOrder
from actigraphy.streams.stretches import sent_by
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.jobs.services import publish
from patients.models import Patient

#: The clinic's order by kind of source; what is not named comes last, and of two alike the one that was known first.
#: Chest before wrist before finger before pocket; steps are the wrist's.
PRIORITY: Final = MappingProxyType(
    {
        "heart_rate": ("band", "ring", "watch", "bedside", "phone"),
        "hrv_rmssd": ("band", "ring", "watch", "bedside"),
        "hrv_sdnn": ("band", "ring", "watch", "bedside"),
        "steps": ("watch", "band", "ring", "phone"),
        "spo2": ("oximeter", "ring", "watch"),
        "respiratory_rate": ("band", "bedside", "ring", "watch"),
        "skin_temperature": ("ring", "watch", "band"),
    }
)
REORDERED: Final = "sources.reordered"
#: Recordings of a laboratory's device come before anything that streams, whatever the order.
_RECORDING: Final = -1


class OrderChanged(Exception):
    """Somebody else has set the order since it was looked at."""


class WrongOrder(ValueError):
    """The sources are not those that stream this channel, each once."""


def order_of(patient: Patient, channel: str) -> SourceOrder | None:
    """The newest decision about this patient and channel; ``None`` while there was none. One query."""
    return SourceOrder.objects.filter(patient=patient, channel=channel).order_by("-version").first()


def rank(channel: str, source: Source, order: SourceOrder | None) -> int:
    """The place of a source among those that measure this channel; the smallest counts first.

    A source that came after a patient's own order was set stands behind it, in the clinic's order.
    """
    if source.kind == Source.Kind.RECORDING:
        return _RECORDING
    own = order.sources if order else []
    if str(source.pk) in own:
        return own.index(str(source.pk))
    clinic = PRIORITY.get(channel, ())
    return len(own) + (clinic.index(source.device_type) if source.device_type in clinic else len(clinic))


def in_order(channel: str, sources: Sequence[Source], order: SourceOrder | None) -> list[Source]:
    """These sources, the one that counts first in front."""
    return sorted(sources, key=lambda one: (rank(channel, one, order), one.created_at, str(one.pk)))


def streaming(patient: Patient, channel: str) -> list[Source]:
    """What streams this channel of this patient: the sources that an order is about. One query."""
    with_samples = Signal.objects.filter(patient=patient, channel=channel, valid__gt=0).order_by().values("source")
    return list(Source.objects.filter(patient=patient, kind=Source.Kind.STREAM, pk__in=with_samples))


def told_apart(sources: Sequence[Source]) -> dict[UUID, str]:
    """What each measured with, in words; of several alike with their own ids, or with the day they were first known."""
    said = {source.pk: sent_by(source) for source in sources}
    alike = [name for name, n in Counter(said.values()).items() if n > 1]
    for source in sources:
        if said[source.pk] in alike:
            said[source.pk] += (
                f" {source.device_serial}" if source.device_serial else f" of {source.created_at:%d %b %Y}"
            )
    return said


def set_order(
    *, patient: Patient, channel: str, sources: Sequence[UUID], reason: str, by: User, version: int
) -> SourceOrder:
    """Set the order of one patient's sources for a channel; none of them: the clinic's order holds again.

    What is shown and answered follows at once, for totals are computed when they are asked for; who keeps something
    made of them listens to ``sources.reordered``.

    Parameters
    ----------
    version : int
        Of the order that was looked at when this one was decided; 0 where there was none.

    Raises
    ------
    OrderChanged, WrongOrder
    """
    if sources and sorted(sources) != sorted(source.pk for source in streaming(patient, channel)):
        raise WrongOrder
    newest = order_of(patient, channel)
    if (newest.version if newest else 0) != version:
        raise OrderChanged
    try:
        with transaction.atomic():
            order = SourceOrder.objects.create(
                patient=patient, channel=channel, version=version + 1, sources=[str(one) for one in sources],
                reason=reason, set_by=by,
            )  # fmt: skip
            publish(REORDERED, actor=by.pk, patient_id=patient.pk, channel=channel)
    except IntegrityError:  # the other one was a moment earlier
        raise OrderChanged from None
    note_object(EventType.CREATION, "actigraphy.SourceOrder", order.pk)
    return order
