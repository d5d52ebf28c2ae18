"""``/api/v1``: what can be said of a patient, and the days behind it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from insights.analytics import aggregated
from insights.clinic import clinic_numbers
from insights.serializers import (
    AggregatesSerializer,
    AskedAggregatesSerializer,
    AskedInsightsSerializer,
    ClinicalInsightsSerializer,
    ClinicNumbersSerializer,
    as_clinic_numbers,
    as_told,
)
from insights.services import insights_within, standing_of
from novamind import clock
from novamind.accounts.rights import HasRight
from patients.access import patient_for


class InsightsView(APIView):
    """Statements about one patient."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    serializer_class = ClinicalInsightsSerializer

    @extend_schema(parameters=[AskedInsightsSerializer], responses=ClinicalInsightsSerializer)
    def get(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        asked = AskedInsightsSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        types, days = asked.validated_data.get("insight_types"), asked.validated_data["days"]
        since = clock.now() - timedelta(days=days)
        rows = [
            row
            for row in insights_within(patient, since)
            if not types or row.insight_type in types
        ]  # fmt: skip
        standing, _ = standing_of(patient)
        told = {
            "patient_id": patient.pk,
            "insights": [as_told(row) for row in rows],
            "generated_at": standing.computed_at if standing else None,
        }
        return Response(ClinicalInsightsSerializer(told).data)


class AggregatedView(APIView):
    """The days of one patient by channel."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    serializer_class = AggregatesSerializer

    @extend_schema(parameters=[AskedAggregatesSerializer], responses=AggregatesSerializer)
    def get(self, request: Request) -> Response:
        asked = AskedAggregatesSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        patient = patient_for(request.user, said["patient_id"])
        return Response(AggregatesSerializer(aggregated(patient, days=said["days"], bucket=said["bucket"])).data)


class ClinicNumbersView(APIView):
    """Counts and medians over the patients whom the caller may see; nothing can be chosen."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_clinic_numbers"}
    serializer_class = ClinicNumbersSerializer

    @extend_schema(responses=ClinicNumbersSerializer)
    def get(self, request: Request) -> Response:
        return Response(ClinicNumbersSerializer(as_clinic_numbers(clinic_numbers(request.user))).data)
