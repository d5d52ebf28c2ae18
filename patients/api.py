"""``/api/v1/patients`` and ``/api/v1/alerts``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import ProtectedError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.api import Conflict, CursorPages
from novamind.audit.showing import lists_names
from patients import alerts
from patients.access import patient_for
from patients.consent import record_consent
from patients.models import Alert, Consent, Patient, Schedule
from patients.record_numbers import TAKEN, MrnTaken
from patients.schedules import change_schedule, plan_schedule
from patients.serializers import (
    AlertSerializer,
    AnswerSerializer,
    ConsentSerializer,
    DoneSerializer,
    PatientChangeSerializer,
    PatientSerializer,
    ScheduleChangeSerializer,
    ScheduleSerializer,
)
from patients.services import StaleEdit, create_patient, delete_patient, update_patient


@lists_names
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
            raise Conflict(TAKEN, "mrn_taken") from None

    @extend_schema(request=PatientChangeSerializer, responses=PatientSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.get_object()
        changes = PatientChangeSerializer(data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        if "version" not in changes.validated_data:
            raise Conflict("Send the version the change was made from.", "version_needed")
        try:
            update_patient(patient, by=request.user, **changes.validated_data)
        except StaleEdit:
            raise Conflict(code="stale") from None
        except MrnTaken:
            raise Conflict(TAKEN, "mrn_taken") from None
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


class _NewestAlerts(CursorPages):
    ordering = "-raised_at"


class AlertViewSet(viewsets.ReadOnlyModelViewSet):
    """Alerts of the caller's own patients, newest first, and the answers to them."""

    serializer_class = AlertSerializer
    queryset = Alert.objects.none()  # closed; opened per user below
    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients", "POST": "answer_alerts"}
    pagination_class = _NewestAlerts
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return Alert.objects.visible_to(self.request.user)

    @extend_schema(request=AnswerSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: UUID) -> Response:
        """Take it on: the caller's from now on, and nobody else is called."""
        return self._answer(request, lambda alert, note, **sent: alerts.acknowledge(alert, **sent))

    @extend_schema(request=DoneSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: UUID) -> Response:
        """Say that it is done, how, and what it was worth."""
        return self._answer(request, alerts.resolve, DoneSerializer)

    @extend_schema(request=AnswerSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def escalate(self, request: Request, pk: UUID) -> Response:
        """Call the next person."""
        return self._answer(request, alerts.escalate)

    def _answer(self, request: Request, do: Callable[..., None], form: Any = AnswerSerializer) -> Response:
        alert = self.get_object()
        patient_for(request.user, alert.patient_id, changing=True)
        sent = form(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            do(alert, by=request.user, **sent.validated_data)
        except StaleEdit:
            raise Conflict(code="stale") from None
        except alerts.NotPossible:
            raise Conflict("Somebody has answered it already.", "answered") from None
        except alerts.NoteNeeded:
            raise ValidationError({"note": ["Say what was done about an alert of self-harm."]}) from None
        return Response(AlertSerializer(alert).data)


class SchedulesView(APIView):
    """What a patient is asked to do when."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "manage_schedules", "POST": "manage_schedules"}
    serializer_class = ScheduleSerializer

    @extend_schema(responses=ScheduleSerializer(many=True))
    def get(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        return Response(ScheduleSerializer(Schedule.objects.filter(patient=patient), many=True).data)

    @extend_schema(responses={201: ScheduleSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id, changing=True)
        sent = ScheduleSerializer(data=request.data, context={"patient": patient})
        sent.is_valid(raise_exception=True)
        schedule = plan_schedule(patient=patient, by=request.user, **sent.validated_data)
        return Response(ScheduleSerializer(schedule).data, status=status.HTTP_201_CREATED)


class ScheduleView(APIView):
    """One schedule; a change holds from now on."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"PATCH": "manage_schedules"}
    serializer_class = ScheduleChangeSerializer

    @extend_schema(request=ScheduleChangeSerializer, responses=ScheduleSerializer)
    def patch(self, request: Request, patient_id: UUID, schedule_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id, changing=True)
        schedule = get_object_or_404(Schedule, pk=schedule_id, patient=patient)
        sent = ScheduleChangeSerializer(schedule, data=request.data, partial=True, context={"patient": patient})
        sent.is_valid(raise_exception=True)
        if "version" not in sent.validated_data:
            raise Conflict("Send the version the change was made from.", "version_needed")
        try:
            change_schedule(schedule, **sent.validated_data)
        except StaleEdit:
            raise Conflict(code="stale") from None
        return Response(ScheduleSerializer(schedule).data)
