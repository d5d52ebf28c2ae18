"""``/api/v1/biometric-events`` and what comes of them: ``/api/v1/patients/{id}/biometrics``."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from actigraphy.catalogue import TYPES, DataType, Form, Key
from actigraphy.models import Sync
from actigraphy.streams.held import held_types
from actigraphy.streams.reading import Day, days_of, read_series, require_type, rows_of, sources_of
from actigraphy.streams.sent import (
    EPOCH,
    Batch,
    Floor,
    Refusal,
    WrongBatch,
    check_days,
    oldest_of_device,
    read_batch,
)
from actigraphy.streams.storing import store_batch
from novamind import clock
from novamind.accounts.rights import HasRight
from novamind.api import InvalidRequest, claim
from novamind.clock import from_epoch
from novamind.measures import Abstained
from novamind.throttle.rates import rate
from patients.access import patient_for
from patients.models import Patient

LENIENT: Final = "handling=lenient"
LONGEST: Final = timedelta(days=31)
LONGEST_DAYS: Final = 92
MOST_SAMPLES: Final = 100_000
MOST_ROWS: Final = 1_000
#: Beyond these a local day, or the one before it, has no place on the calendar, or in what is kept.
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(9998, 12, 31)


class EventSerializer(serializers.Serializer):
    """One event; ``start``, ``epoch_s`` and ``values`` in place of ``timestamp`` and ``data`` are a column of them."""

    patient_id = serializers.UUIDField()
    data_type = serializers.CharField()
    timestamp = serializers.DateTimeField(required=False)
    data = serializers.DictField(required=False)
    start = serializers.DateTimeField(required=False)
    epoch_s = serializers.IntegerField(required=False)
    values = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    key = serializers.CharField(required=False)
    source = serializers.CharField(required=False)
    source_device_id = serializers.CharField(required=False)


class RefusedLineSerializer(serializers.Serializer):
    """A line that was not taken."""

    line = serializers.IntegerField(help_text="counted from 1")
    code = serializers.CharField()
    detail = serializers.CharField()


class SyncSerializer(serializers.Serializer):
    """What came of a batch; a device is told ``id``, ``accepted`` and ``refused`` alone."""

    id = serializers.UUIDField()
    accepted = serializers.IntegerField(help_text="samples")
    stored = serializers.IntegerField(help_text="of these, new")
    conflicts = serializers.IntegerField(help_text="of these, other than what was known, which stays")
    days = serializers.DictField(help_text="data type -> UTC days that changed")
    refused = RefusedLineSerializer(many=True)


@rate("upload")
class BiometricEventsView(APIView):
    """Send biometric events, at most 10,000 samples of one patient.

    All or nothing: one line that is refused refuses the batch, 400 with its number. With ``Prefer: handling=lenient``
    the others are kept and ``refused`` names each that is not.
    """

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"POST": "upload_recordings"}
    serializer_class = EventSerializer

    @extend_schema(
        request=EventSerializer,
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="up to 255 characters"),
            OpenApiParameter("Prefer", str, OpenApiParameter.HEADER, enum=[LENIENT]),
        ],
        responses={
            200: SyncSerializer,
            201: SyncSerializer,
            **{
                code: OpenApiResponse(description=what)
                for code, what in (
                    (400, "What is wrong, and in which line"), (403, "The patient does not allow it"),
                    (404, "No such patient"), (413, "Too large"), (422, "The key came with another body"),
                    (429, "Too often"), (503, "Nothing was changed; try again"),
                )
            },
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        batch = _read(request)
        if batch.patient_id is None:  # every line was refused
            return Response(_answer(request, None, batch), status=status.HTTP_200_OK)
        patient = patient_for(request.user, batch.patient_id, changing=True)
        floor = _floor(request, patient)
        if batch.earliest_s is not None and batch.earliest_s < floor.second:
            batch = _read(request, floor)
            if batch.patient_id is None:
                return Response(_answer(request, None, batch), status=status.HTTP_200_OK)
        _check_days(batch, patient)
        claimed = claim(request, "api:biometric-events")
        if claimed.object_id is not None:
            known = Sync.objects.filter(patient=patient, pk=claimed.object_id).first()
            if known is None:
                raise Http404
            return Response(_answer(request, known, batch), status=status.HTTP_200_OK)
        sync = store_batch(patient=patient, batch=batch, by=request.user)
        claimed.keep(status=status.HTTP_201_CREATED, object_id=sync.pk)
        return Response(_answer(request, sync, batch), status=status.HTTP_201_CREATED)


def _floor(request: Request, patient: Patient) -> Floor:
    """From when on the sender may send of this patient."""
    if not request.user.may("see_patients"):
        return oldest_of_device()
    born = clock.midnight(patient.date_of_birth, patient.tz)
    return Floor(int(born.timestamp()), "before_birth", "is before the patient was born")


def _check_days(batch: Batch, patient: Patient) -> None:
    try:
        check_days(batch, patient.tz)
    except WrongBatch as error:
        raise InvalidRequest(error.code, error.detail) from None


def _read(request: Request, since: Floor = EPOCH) -> Batch:
    try:
        batch = read_batch(request.data, since)
    except WrongBatch as error:
        raise InvalidRequest(error.code, error.detail) from None
    if batch.refused and LENIENT not in request.headers.get("Prefer", ""):
        first = batch.refused[0]
        more = f" {len(batch.refused):,} lines are wrong." if len(batch.refused) > 1 else ""
        raise InvalidRequest(first.code, first.detail + more, first.line)
    return batch


def _answer(request: Request, sync: Sync | None, batch: Batch) -> dict[str, Any]:
    """A device sends and is told nothing of what is in the chart, not even of what it sent before."""
    said: dict[str, Any] = {
        "id": sync.pk if sync else None,
        "accepted": sync.accepted if sync else 0,
        "refused": [Refusal(*line)._asdict() for line in batch.refused],
    }
    if sync is not None and request.user.may("see_patients"):
        said |= {"stored": sync.stored, "conflicts": sync.conflicts, "days": changed_days(sync)}
    return said


def changed_days(sync: Sync) -> dict[str, list[str]]:
    """The days that a batch changed, by type of data, whichever source it was."""
    found: dict[str, set[str]] = {}
    for kinds in sync.days.values():
        for kind, days in kinds.items():
            found.setdefault(kind, set()).update(days)
    return {kind: sorted(days) for kind, days in sorted(found.items())}


class WindowSerializer(serializers.Serializer):
    """A stretch of time; the day before now unless given."""

    start = serializers.DateTimeField(required=False)
    end = serializers.DateTimeField(required=False)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        if not all(FIRST_DAY <= said.date() <= LAST_DAY for said in sent.values()):
            raise serializers.ValidationError("No such times.")
        end = sent.get("end", clock.now())
        start = sent.get("start", end - timedelta(days=1))
        if not timedelta() < end - start <= LONGEST:
            raise serializers.ValidationError(f"A window has at most {LONGEST.days} days, and ends after its start.")
        return {"start": start, "end": end}


class DaysSerializer(serializers.Serializer):
    """Local days, both included; the last four weeks unless given."""

    first = serializers.DateField(required=False)
    last = serializers.DateField(required=False)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        if not all(FIRST_DAY <= said <= LAST_DAY for said in sent.values()):
            raise serializers.ValidationError("No such days.")
        last = sent.get("last", clock.now().astimezone(self.context["zone"]).date())
        first = sent.get("first", last - timedelta(days=27))
        if not 0 <= (last - first).days < LONGEST_DAYS:
            raise serializers.ValidationError(f"At most {LONGEST_DAYS} days, the first one first.")
        return {"first": first, "last": last}


class _OfPatient(APIView):
    """Reads what is held of one patient, each type under its own consent."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}

    def patient_and_type(self, patient_id: UUID, data_type: str) -> tuple[Patient, DataType]:
        patient, kind = patient_for(self.request.user, patient_id), TYPES.get(data_type)
        if kind is None:
            raise Http404
        require_type(patient, kind)
        return patient, kind


class BiometricsView(_OfPatient):
    """The types of data that are held of a patient, with the days they span and who sent them."""

    @extend_schema(operation_id="patients_biometric_types", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        return Response({"patient_id": patient.pk, "data_types": held_types(patient)})


class BiometricSamplesView(_OfPatient):
    """Everything of one type in a window of at most 31 days: of each minute the preferred source's samples.

    Of point readings and sleep the first thousand; ``next_start`` is the ``start`` of the next ones.
    """

    @extend_schema(parameters=[WindowSerializer], responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, patient_id: UUID, data_type: str) -> Response:
        patient, kind = self.patient_and_type(patient_id, data_type)
        window = WindowSerializer(data=request.query_params)
        window.is_valid(raise_exception=True)
        said = {"patient_id": patient.pk, "data_type": kind.name, **window.validated_data}
        if kind.form is not Form.SIGNAL:
            rows, onward = rows_of(patient, kind, **window.validated_data, most=MOST_ROWS)
            return Response(said | {"readings": rows, "truncated": onward is not None, "next_start": onward})
        keys = {}
        for key in kind.keys:
            series = read_series(patient, key.channel, **window.validated_data)
            counted, whose = series.counted()
            if len(counted) > MOST_SAMPLES:
                raise InvalidRequest("too_many_samples", f"More than {MOST_SAMPLES:,} samples; ask for less time.")
            keys[key.name] = {
                "unit": key.unit,
                "ucum": key.ucum,
                "sources": sources_of(series),
                "at": [from_epoch(at_s) for at_s in counted.at_s.tolist()],
                "values": np.round(counted.values.astype(np.float64), key.decimals).tolist(),
                "source": whose.tolist(),
            }
        return Response(said | {"keys": keys})


class BiometricDaysView(_OfPatient):
    """One type by local day: mean or sum, range, coverage, and what each source gave to it (why this total?)."""

    @extend_schema(parameters=[DaysSerializer], responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, patient_id: UUID, data_type: str) -> Response:
        patient, kind = self.patient_and_type(patient_id, data_type)
        if kind.form is not Form.SIGNAL:
            raise InvalidRequest("no_days", f"{kind.label} has no daily total; ask for its readings.")
        asked = DaysSerializer(data=request.query_params, context={"zone": patient.tz})
        asked.is_valid(raise_exception=True)
        keys = {key.name: self._days(patient, key, **asked.validated_data) for key in kind.keys}
        return Response({"patient_id": patient.pk, "data_type": kind.name, "zone": patient.zone, "keys": keys})

    def _days(self, patient: Patient, key: Key, *, first: date, last: date) -> dict[str, Any]:
        start, end = clock.midnight(first, patient.tz), clock.midnight(last + timedelta(days=1), patient.tz)
        series = read_series(patient, key.channel, start=start, end=end)
        return {
            "unit": key.unit,
            "daily": series.spec.daily,
            "days": [_day(one) for one in days_of(series, patient.zone, first, last)],
        }


def _day(one: Day) -> dict[str, Any]:
    said: dict[str, Any] = {
        "date": one.date, "value": None, "low": one.low, "high": one.high, "n": one.n, "coverage": one.coverage,
        "worn": one.worn,
        "sources": [
            {"id": share.source_id, "source": share.label, "kept": share.kept, "dropped": share.dropped,
             "unworn": share.unworn, "alone": None if isinstance(share.alone, Abstained) else share.alone}
            for share in one.shares
        ],
        "abstentions": {},
    }  # fmt: skip
    if isinstance(one.value, Abstained):
        return said | {"abstentions": {"value": one.value.as_json()}}
    return said | {"value": one.value}
