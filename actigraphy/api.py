"""``/api/v1/actigraphy``: upload a recording, ask how far it is, read what it says."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from actigraphy.analysis import EmptyWindow, WrongDevice
from actigraphy.models import Analysis, Recording
from actigraphy.pages.models import with_readings
from actigraphy.readers import UnreadableRecording
from actigraphy.serializers import AnalysisSerializer, RecordingSerializer, UploadSerializer
from actigraphy.services import TREATING, ingest_recording
from novamind.accounts.rights import HasRight
from novamind.api import InvalidRequest
from novamind.throttle.rates import rate
from patients.access import patient_for
from patients.consent import require


@rate("upload")
class UploadView(APIView):
    """Send a recording; the same file again answers 200 with the first one."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"POST": "upload_recordings"}
    parser_classes = [MultiPartParser]
    serializer_class = UploadSerializer

    @extend_schema(
        request=UploadSerializer,
        responses={
            201: RecordingSerializer,
            200: RecordingSerializer,
            400: OpenApiResponse(description="What is wrong"),
        },
    )
    def post(self, request: Request) -> Response:
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        sent = form.validated_data
        patient = patient_for(request.user, sent["patient_id"], changing=True)
        try:
            recording, created = ingest_recording(
                patient=patient,
                upload=sent["file"],
                by=request.user,
                device_type=sent.get("device_type"),
                columns=sent.get("columns"),
                start=sent.get("start_time"),
                end=sent.get("end_time"),
                metadata=sent.get("metadata"),
            )
        except UnreadableRecording as error:
            raise InvalidRequest(error.code, error.detail, error.line) from None
        except WrongDevice as error:
            raise InvalidRequest("wrong_device", str(error)) from None
        except EmptyWindow as error:
            raise InvalidRequest("empty_window", str(error)) from None
        if not request.user.may("see_patients"):  # a device sends and is told nothing, not even of what it sent before
            return Response({"recording_id": str(recording.pk)}, status=201 if created else 200)
        body = RecordingSerializer(recording, context={"request": request}).data
        return Response(body, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class _Consented:
    """Rows whose patient withdrew are on no list; asked for by id, the answer says why (403 ``consent_withheld``)."""

    def filter_queryset(self, queryset: Any) -> Any:
        found = super().filter_queryset(queryset)  # type: ignore[misc]
        return found if self.detail else found.consented()  # type: ignore[attr-defined]

    def get_object(self) -> Any:
        row = super().get_object()  # type: ignore[misc]
        require(row.patient_id, *TREATING)
        return row


class RecordingViewSet(_Consented, viewsets.ReadOnlyModelViewSet):
    """Recordings of the caller's own patients and how far their analysis has come; never edited."""

    serializer_class = RecordingSerializer
    queryset = Recording.objects.none()  # closed; opened per user below
    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return Recording.objects.visible_to(self.request.user).select_related("source").defer("file_key")

    @extend_schema(
        responses={200: AnalysisSerializer, 202: RecordingSerializer, 409: OpenApiResponse(description="It failed")}
    )
    @action(detail=True)
    def results(self, request: Request, pk: Any = None) -> Response:
        """The newest analysis; 202 while there is none yet, 409 with the reason if there will be none."""
        recording = self.get_object()
        analysis = (
            Analysis.objects.filter(source=recording.source_id)
            .prefetch_related("nights", with_readings())
            .order_by("-created_at")
            .first()
        )
        if analysis is not None:
            return Response(AnalysisSerializer(analysis).data)
        body = self.get_serializer(recording).data
        waiting = body["status"] in {"pending", "running"}
        return Response(body, status=status.HTTP_202_ACCEPTED if waiting else status.HTTP_409_CONFLICT)


class AnalysisViewSet(_Consented, viewsets.ReadOnlyModelViewSet):
    """Analyses of the caller's own patients."""

    serializer_class = AnalysisSerializer
    queryset = Analysis.objects.none()  # closed; opened per user below
    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return Analysis.objects.visible_to(self.request.user).prefetch_related("nights", with_readings())
