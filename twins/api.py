"""``/api/v1``: a patient's digital twin, and what moves with what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.api import Conflict, InvalidRequest, ShareField
from novamind.registry.models import ModelVersion
from patients.access import patient_for
from patients.models import Patient
from twins.features import SYMPTOMS
from twins.forecasts import HORIZON
from twins.models import Component, Twin
from twins.serializers import (
    CorrelationsSerializer,
    CreateTwinSerializer,
    ForecastSerializer,
    GenerateSerializer,
    RefreshingSerializer,
    TwinSerializer,
)
from twins.services import TwinExists, ask_refresh, correlations_shown, create_twin, is_refreshing, shown
from twins.told import correlations_as_told, forecast_as_told, twin_as_told
from twins.track_record import TrackRecord, track_record

#: Which kind of model each name of the contract asks for; what has no kind yet has no model in production either.
KINDS = {
    "time_series_model_id": ModelVersion.Kind.FORECASTER,
    "biometric_model_id": ModelVersion.Kind.CORRELATION,
    "medication_model_id": None,
}

NO_TWIN = OpenApiResponse(description="No twin")


class AskedTwinSerializer(serializers.Serializer):
    """Which version of the twin."""

    version = serializers.IntegerField(required=False, min_value=0)


class AskedCorrelationsSerializer(serializers.Serializer):
    """What to list; the test itself is always of everything."""

    minimum_correlation = ShareField(default=0.5, help_text="hides weaker ones; the test is the same")


class AskedForecastSerializer(serializers.Serializer):
    """Which symptom, and how many days ahead."""

    symptom_type = serializers.ChoiceField(list(SYMPTOMS), default="mood")
    forecast_days = serializers.IntegerField(default=HORIZON, min_value=1, max_value=HORIZON)


class TwinView(APIView):
    """The twin of one patient."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients", "POST": "create_twins"}
    serializer_class = TwinSerializer

    @extend_schema(
        parameters=[AskedTwinSerializer], responses={200: TwinSerializer, 404: OpenApiResponse(description="No twin")}
    )
    def get(self, request: Request, patient_id: UUID) -> Response:
        twin = _twin(patient_for(request.user, patient_id))
        asked = AskedTwinSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        version = asked.validated_data.get("version")
        if version is not None and version > twin.version:
            raise Http404
        told = twin_as_told(twin, refreshing=is_refreshing(patient_id), version=version)
        return Response(TwinSerializer(told).data)

    @extend_schema(
        request=CreateTwinSerializer, responses={201: TwinSerializer, 409: OpenApiResponse(description="There is one")}
    )
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id, changing=True)
        sent = CreateTwinSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        _require_serving(sent.validated_data)
        try:
            twin = create_twin(patient=patient, by=request.user)
        except TwinExists:
            raise Conflict("This patient has a twin already.", "twin_exists") from None
        return Response(TwinSerializer(twin_as_told(twin, refreshing=True)).data, status=status.HTTP_201_CREATED)


class GenerateView(APIView):
    """Refresh a twin."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"POST": "create_twins"}
    serializer_class = GenerateSerializer

    @extend_schema(
        request=GenerateSerializer, responses={202: RefreshingSerializer, 404: OpenApiResponse(description="No twin")}
    )
    def post(self, request: Request) -> Response:
        sent = GenerateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        patient = patient_for(request.user, sent.validated_data["patient_id"], changing=True)
        _twin(patient)
        ask_refresh(patient.pk)
        where = request.build_absolute_uri(reverse("api:digital-twin", args=[patient.pk]))
        told = RefreshingSerializer({"patient_id": patient.pk, "status_url": where}).data
        return Response(told, status=status.HTTP_202_ACCEPTED, headers={"Location": where})


class CorrelationsView(APIView):
    """Biometrics that move with a symptom, and how many days before it."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    serializer_class = CorrelationsSerializer

    @extend_schema(parameters=[AskedCorrelationsSerializer], responses={200: CorrelationsSerializer, 404: NO_TWIN})
    def get(self, request: Request, patient_id: UUID) -> Response:
        twin = _twin(patient_for(request.user, patient_id))
        asked = AskedCorrelationsSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = shown(twin, Component.Kind.CORRELATION)
        answer = correlations_shown(twin, found)
        told = correlations_as_told(
            patient_id, found.component, answer, found.why, asked.validated_data["minimum_correlation"]
        )
        return Response(CorrelationsSerializer(told).data)


class ForecastView(APIView):
    """What is likely next, for a symptom of the daily check-in."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    serializer_class = ForecastSerializer

    @extend_schema(parameters=[AskedForecastSerializer], responses={200: ForecastSerializer, 404: NO_TWIN})
    def get(self, request: Request, patient_id: UUID) -> Response:
        twin = _twin(patient_for(request.user, patient_id))
        asked = AskedForecastSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        symptom, days = asked.validated_data["symptom_type"], asked.validated_data["forecast_days"]
        found = shown(twin, Component.Kind.FORECAST)
        record = track_record(twin, symptom) if found.component else TrackRecord([])
        told = forecast_as_told(twin, symptom, days, found.component, found.why, record)
        return Response(ForecastSerializer(told).data)


def _twin(patient: Patient) -> Twin:
    twin = Twin.objects.filter(patient=patient).first()
    if twin is None:
        raise Http404
    return twin


def _require_serving(named: dict[str, Any]) -> None:
    """400 ``not_promoted`` where a named version is not one in production of the kind it is named for."""
    for name, pk in named.items():
        if pk is None:
            continue
        kind = KINDS[name]
        serving = ModelVersion.objects.filter(pk=pk, kind=kind or "", stage=ModelVersion.Stage.PRODUCTION)
        if not serving.exists():
            raise InvalidRequest("not_promoted", f"{name}: no such model is in production.")
