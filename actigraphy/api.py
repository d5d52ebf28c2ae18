"""``/api/v1/actigraphy``: upload a recording, ask how far it is, read what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from actigraphy.analysis import EmptyWindow, WrongDevice
from actigraphy.analysis_types import asks_models
from actigraphy.analyzed import OPTIONS, answer_of
from actigraphy.analyzing import analyze_recording, ingest_readings, wait_for
from actigraphy.exports.storing import ingest_export
from actigraphy.models import Analysis, Export, Recording
from actigraphy.pages.models import with_readings
from actigraphy.readers import Readings, UnreadableRecording
from actigraphy.sent_readings import WrongShape, readings_of
from actigraphy.serializers import (
    AnalysisSerializer,
    AnalyzedSerializer,
    AnalyzeSerializer,
    AskedAgainSerializer,
    ExportSerializer,
    RecordingSerializer,
    UploadSerializer,
)
from actigraphy.services import TREATING, ingest_recording
from novamind.accounts.rights import HasRight
from novamind.api import InvalidRequest, claim
from novamind.audit.middleware import changed_before_waiting
from novamind.audit.models import EventType
from novamind.audit.recording import note_type
from novamind.parsers import ReadingsJSONParser
from novamind.throttle.rates import rate
from patients.access import patient_for
from patients.consent import require


@contextmanager
def _refusals() -> Iterator[None]:
    """What is wrong with a recording, as the API says it."""
    try:
        yield
    except UnreadableRecording as error:
        raise InvalidRequest(error.code, error.detail, error.line) from None
    except WrongDevice as error:
        raise InvalidRequest("wrong_device", str(error)) from None
    except EmptyWindow as error:
        raise InvalidRequest("empty_window", str(error)) from None


@rate("upload")
class UploadView(APIView):
    """Send a recording, or the export of a wearable; the same file again answers 200 with the first one.

    An export is found by its content, and answered with ``export_id`` and what else ``/actigraphy/exports`` says.
    """

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
        with _refusals():
            if exported := ingest_export(patient=patient, upload=sent["file"], by=request.user):
                return self._export(request, *exported)
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
        if not request.user.may("see_patients"):  # a device sends and is told nothing, not even of what it sent before
            return Response({"recording_id": str(recording.pk)}, status=201 if created else 200)
        body = RecordingSerializer(recording, context={"request": request}).data
        return Response(body, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)

    def _export(self, request: Request, export: Export, created: bool) -> Response:
        body: dict[str, Any] = {"export_id": str(export.pk)}
        if request.user.may("see_patients"):
            body = ExportSerializer(export, context={"request": request}).data
        return Response(body, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)


@rate("upload")
class AnalyzeView(APIView):
    """Send readings, or name a recording, and ask for its results.

    A recording of at most a week is waited for, up to ``ANALYZE_WAIT_S``: 200 with the results. A longer one, one that
    takes longer, and ``Prefer: respond-async`` are answered 202 with the addresses of status and results.
    """

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"POST": "upload_recordings"}
    parser_classes = [ReadingsJSONParser]
    serializer_class = AnalyzeSerializer

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        view: Any = super().as_view(**initkwargs)
        view.own_transaction = True  # it commits, and waits for a worker
        return view

    @extend_schema(
        request=AnalyzeSerializer,
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="up to 255 characters"),
            OpenApiParameter("Prefer", str, OpenApiParameter.HEADER, enum=["respond-async"]),
        ],
        responses={
            200: AnalyzedSerializer,
            202: AnalyzedSerializer,
            **{
                code: OpenApiResponse(description=what)
                for code, what in (
                    (400, "What is wrong"), (404, "No such patient or recording"), (409, "It failed"),
                    (413, "Too large"), (422, "The key came with another body"), (429, "Too often"),
                    (503, "Nothing was changed; try again"),
                )
            },
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        form = AnalyzeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        sent = form.validated_data
        with changed_before_waiting(request._request, status.HTTP_202_ACCEPTED), _refusals():
            recording = self._recording(request, sent)
        if not request.user.may("see_patients"):  # a device sends and is told nothing
            return Response({"recording_id": str(recording.pk)}, status=status.HTTP_202_ACCEPTED)
        note_type(EventType.DATA_ACCESS)
        asked = {**dict.fromkeys(OPTIONS, False), **sent.get("options", {}), "analysis_types": sent["analysis_types"]}
        if "respond-async" not in request.headers.get("Prefer", ""):
            wait_for(recording, models_too=asks_models(asked["analysis_types"]), seconds=settings.ANALYZE_WAIT_S)
            recording.refresh_from_db()
        return answer_of(request, recording, asked)

    def _recording(self, request: Request, sent: dict[str, Any]) -> Recording:
        """The recording that is asked about, kept and queued; sent again under its key, the first one."""
        patient = patient_for(request.user, sent["patient_id"], changing=True)
        claimed = claim(request, "api:analyze")
        named = claimed.object_id or sent.get("recording_id")
        if named is None:
            recording, _ = ingest_readings(
                patient=patient,
                readings=_readings(sent),
                by=request.user,
                device_type=sent.get("device_info", {}).get("type"),
            )
        else:
            if not request.user.may("see_patients") and claimed.object_id is None:
                raise PermissionDenied
            recording = get_object_or_404(Recording.objects.filter(patient=patient), pk=named)
        analyze_recording(recording=recording, by=request.user)
        claimed.keep(status=status.HTTP_202_ACCEPTED, object_id=recording.pk)
        return recording


def _readings(sent: dict[str, Any]) -> Readings:
    try:
        return readings_of(
            sent["readings"],
            start=sent.get("start_time"),
            end=sent.get("end_time"),
            rate_hz=sent.get("sampling_rate_hz"),
            device_model=sent.get("device_info", {}).get("model"),
        )
    except WrongShape as error:
        raise ValidationError({"readings": [str(error)]}) from None
    except UnreadableRecording as error:
        detail = error.detail.replace(" See line ", " See reading ")
        raise InvalidRequest(error.code, detail, error.line) from None


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

    @extend_schema(
        parameters=[AskedAgainSerializer],
        responses={200: AnalyzedSerializer, 202: AnalyzedSerializer, 409: OpenApiResponse(description="It failed")},
    )
    @action(detail=True)
    def analysis(self, request: Request, pk: Any = None) -> Response:
        """The results by analysis type, as ``analyze`` gives them; 202 while they are being computed."""
        asked = AskedAgainSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return answer_of(request, self.get_object(), asked.validated_data)


class ExportViewSet(_Consented, viewsets.ReadOnlyModelViewSet):
    """Exports of the wearables of the caller's own patients, how far each is read and what was kept of it."""

    serializer_class = ExportSerializer
    queryset = Export.objects.none()  # closed; opened per user below
    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return Export.objects.visible_to(self.request.user).defer("file_key")


class AnalysisViewSet(_Consented, viewsets.ReadOnlyModelViewSet):
    """Analyses of the caller's own patients."""

    serializer_class = AnalysisSerializer
    queryset = Analysis.objects.none()  # closed; opened per user below
    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return Analysis.objects.visible_to(self.request.user).prefetch_related("nights", with_readings())
