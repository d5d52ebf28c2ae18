"""What is held of a patient, by type: which days, from whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min

from actigraphy.catalogue import TYPE_OF_CHANNEL, TYPES, DataType
from actigraphy.days import opened
from actigraphy.models import PointReading, Signal, SleepSession, Source, Sync
from novamind.audit.recording import aggregates
from novamind.clock import from_epoch
from patients import consent
from patients.models import ConsentPurpose, Patient


def allowed_types(patient: Patient) -> list[DataType]:
    """The types that the patient allows to be used in treatment, in the order of the catalogue."""
    streams = sorted({kind.stream for kind in TYPES.values()})
    open_streams = {one for one in streams if consent.allows(patient, ConsentPurpose.TREATMENT, one)}
    return [kind for kind in TYPES.values() if kind.stream in open_streams]


def held_types(patient: Patient) -> list[dict[str, Any]]:
    """The types of which anything is held and may be read: first and last UTC day, days, sources.

    The caller has the patient on record.
    """
    with aggregates():
        found = _spans(patient)
    return [
        {
            "data_type": kind.name,
            "label": kind.label,
            "units": {key.name: key.unit for key in kind.keys},
            **found[kind.name],
        }
        for kind in allowed_types(patient)
        if kind.name in found
    ]


def _spans(patient: Patient) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    channels = Signal.objects.filter(patient=patient, valid__gt=0, channel__in=TYPE_OF_CHANNEL).order_by()
    for row in channels.values("channel").annotate(
        first=Min("day"), last=Max("day"), sources=Count("source", distinct=True)
    ):
        name = TYPE_OF_CHANNEL[row["channel"]].name
        known = found.get(name)
        if known is None or row["last"] > known["last_day"]:
            found[name] = {"first_day": row["first"], "last_day": row["last"], "sources": row["sources"]}
    points = PointReading.objects.filter(patient=patient).order_by().values("data_type")
    sleeps = SleepSession.objects.filter(patient=patient).order_by().values("kind")
    for rows, name, at in ((points, "data_type", "at"), (sleeps, "kind", "start")):
        for row in rows.annotate(first=Min(at), last=Max(at), sources=Count("source", distinct=True)):
            found[row[name]] = {
                "first_day": row["first"].date(), "last_day": row["last"].date(), "sources": row["sources"],
            }  # fmt: skip
    return found


def last_measured(patient: Patient, channel: str, before: datetime) -> datetime | None:
    """When any source last measured a channel before a moment; ``None``: never. One query; the caller has consent."""
    rows = Signal.objects.filter(patient=patient, channel=channel, valid__gt=0, day__lte=before.astimezone(UTC).date())
    newest = rows.order_by("-day").values("day").distinct()[:2]  # of the moment's own day all may have come after it
    earlier = [opened(row).cut(0, int(before.timestamp())) for row in rows.filter(day__in=newest)]
    return max((from_epoch(int(one.at_s[-1])) for one in earlier if len(one)), default=None)


def sources_of(patient: Patient, channel: str) -> list[UUID]:
    """Who ever measured a channel: what streams, and if nothing does, the recordings. One query."""
    rows = Signal.objects.filter(patient=patient, channel=channel, valid__gt=0).order_by()
    with aggregates():
        found = list(rows.values_list("source", "source__kind").distinct())
    streaming = [source for source, kind in found if kind == Source.Kind.STREAM]
    return streaming or [source for source, _ in found]


def last_sent_at(patient_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """The newest moment that a device has told of each patient; absent without one, or without consent. One query."""
    with aggregates():
        sent = Sync.objects.consented().filter(patient__in=list(patient_ids), measured_until__isnull=False).order_by()
        return dict(sent.values("patient").annotate(last=Max("measured_until")).values_list("patient", "last"))
