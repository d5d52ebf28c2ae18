"""Who may read a patient's rows, and which of them their consent covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import Case, Value, When

from actigraphy.catalogue import CHANNEL_STREAMS, READING_STREAMS
from novamind.audit.records import PatientRecordQuerySet
from patients.models import ConsentPurpose, ConsentStream, Patient, allowed


class VisibleQuerySet(PatientRecordQuerySet):
    """Rows of patients, seen by whoever sees the patient."""

    def visible_to(self, user: Any) -> VisibleQuerySet:
        """Rows of the patients this user has a valid grant for."""
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def consented(self) -> VisibleQuerySet:
        """Of patients who allow their movement to be used in their treatment now."""
        return self.alias(
            consented=allowed(ConsentPurpose.TREATMENT, ConsentStream.ACTIGRAPHY, patient="patient")
        ).filter(consented=True)


class WeekReadingQuerySet(VisibleQuerySet):
    """What models made of weeks."""

    def asked(self) -> WeekReadingQuerySet:
        """Each with whether the patient withholds it now (:attr:`WeekReading.withheld`)."""
        ok = allowed(ConsentPurpose.MODELS, ConsentStream.ACTIGRAPHY, patient="patient")
        return self.annotate(may_be_read_by_models=ok)


class ByKindQuerySet(VisibleQuerySet):
    """Rows of several kinds, each under the consent of its own stream of data."""

    kind_column: ClassVar[str]
    streams: ClassVar[Mapping[str, str]]

    def consented(self) -> ByKindQuerySet:
        """Of patients who allow that kind of data to be used in their treatment now."""
        asked = Case(
            *(
                When(
                    **{f"{self.kind_column}__in": sorted(kind for kind, its in self.streams.items() if its == stream)},
                    then=allowed(ConsentPurpose.TREATMENT, stream, patient="patient"),
                )
                for stream in sorted(set(self.streams.values()))
            ),
            default=Value(False),
            output_field=models.BooleanField(),
        )
        return self.alias(consented=asked).filter(consented=True)


class SignalQuerySet(ByKindQuerySet):
    """Signals, by their channel."""

    kind_column = "channel"
    streams = CHANNEL_STREAMS


class ReadingQuerySet(ByKindQuerySet):
    """Point readings, by their type of data."""

    kind_column = "data_type"
    streams = READING_STREAMS
