"""``/api/v1``: what guidelines and trials say of a patient's drugs."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from patients.access import patient_for
from twins.medication.advice import note_rules
from twins.medication.context import known_of
from twins.medication.serializers import AskedMedicationSerializer, MedicationRecommendationsSerializer
from twins.medication.told import recommendations_as_told


class MedicationRecommendationsView(APIView):
    """Guidelines for the genotype, results of trials, and what was tried; no prediction for one person."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "advise_medication"}
    serializer_class = MedicationRecommendationsSerializer

    @extend_schema(parameters=[AskedMedicationSerializer], responses={200: MedicationRecommendationsSerializer})
    def get(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        asked = AskedMedicationSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        found = recommendations_as_told(
            patient, request.user, known_of(patient, request.user), said["condition_type"],
            min_efficacy=said["min_efficacy"], max_risk=said["max_side_effect_risk"],
        )  # fmt: skip
        note_rules()
        return Response(MedicationRecommendationsSerializer(found).data)
