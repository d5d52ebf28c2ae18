"""``/api/v1/patients``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import ProtectedError
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.api import Conflict
from patients.access import patient_for
from patients.consent import record_consent
from patients.models import Consent, Patient
from patients.serializers import ConsentSerializer, PatientChangeSerializer, PatientSerializer
from patients.services import MrnTaken, StaleEdit, create_patient, delete_patient, update_patient


class PatientViewSet(viewsets.ModelViewSet):
    """The caller's own patients."""

    serializer_class = PatientSerializer
    queryset = Patient.objects.none()  # closed; opened per user below
    permission_classes = [IsAuthenticated, HasRight]
    rights = {
        "GET": "see_patients",
        "POST": "create_patients",
        "PATCH": "edit_patients",
        "DELETE": "delete_patients",
    }
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return Patient.objects.visible_to(self.request.user)

    def get_object(self) -> Patient:
        patient = super().get_object()
        if self.request.method in {"PATCH", "DELETE"}:
            return patient_for(self.request.user, patient.pk, changing=True)
        return patient

    def perform_create(self, serializer: Any) -> None:
        try:
            serializer.instance = create_patient(by=self.request.user, **serializer.validated_data)
        except MrnTaken:
            raise Conflict("Another patient has this medical record number.", "mrn_taken") from None

    @extend_schema(request=PatientChangeSerializer, responses=PatientSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.get_object()
        changes = PatientChangeSerializer(data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        if "version" not in changes.validated_data:
            raise Conflict("Send the version the change was made from.", "version_needed")
        try:
            update_patient(patient, **changes.validated_data)
        except StaleEdit:
            raise Conflict(code="stale") from None
        except MrnTaken:
            raise Conflict("Another patient has this medical record number.", "mrn_taken") from None
        return Response(PatientSerializer(patient).data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A chart that holds anything measured or written is not deleted; with an empty one its key is destroyed."""
        try:
            delete_patient(self.get_object())
        except ProtectedError:
            raise Conflict("The chart holds recordings or notes and is kept.", "not_empty") from None
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConsentsView(APIView):
    """What a patient has allowed and withdrawn, newest first; a decision is added, never changed."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients", "POST": "manage_consents"}
    serializer_class = ConsentSerializer

    @extend_schema(responses=ConsentSerializer(many=True))
    def get(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        return Response(ConsentSerializer(Consent.objects.filter(patient=patient), many=True).data)

    @extend_schema(responses={201: ConsentSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id, changing=True)
        sent = ConsentSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        consent = record_consent(patient=patient, by=request.user, **sent.validated_data)
        return Response(ConsentSerializer(consent).data, status=status.HTTP_201_CREATED)
