"""``/api/v1``: what models in production say of courses that began lately."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from patients.access import patient_for
from twins.response.serializers import AskedResponseSerializer, MedicationResponseSerializer
from twins.response.serving import ask
from twins.response.told import response_as_told


class MedicationResponseView(APIView):
    """Response, later total and early stop of each course; or why nothing is said."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "advise_medication", "POST": "advise_medication"}
    serializer_class = MedicationResponseSerializer

    @extend_schema(responses={200: MedicationResponseSerializer})
    def get(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        told = response_as_told(patient)
        note_object(EventType.CLINICAL_DECISION_SUPPORT, "patients.Patient", patient.pk)
        return Response(MedicationResponseSerializer(told).data)

    @extend_schema(request=None, responses={202: AskedResponseSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id, changing=True)
        ask(patient, request.user)
        where = request.build_absolute_uri(reverse("api:medication-response", args=[patient.pk]))
        told = AskedResponseSerializer({"patient_id": patient.pk, "status_url": where}).data
        return Response(told, status=status.HTTP_202_ACCEPTED, headers={"Location": where})
