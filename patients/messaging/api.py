"""``/api/v1``: messages of one patient, for the patient's app and the care team. Sent twice under a key, kept once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.api import KEY_HEADER, CursorPages, claim
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.throttle.rates import rate
from patients.access import is_own_chart, patient_for
from patients.messaging.pages import lines_of
from patients.messaging.serializers import (
    MessageSerializer,
    NewThreadSerializer,
    ReadSerializer,
    ReplySerializer,
    SeenSerializer,
    SentMessageSerializer,
    ThreadSerializer,
    WholeThreadSerializer,
)
from patients.messaging.services import THREAD, Sent, mark_read, send_message, start_thread
from patients.models import Message, MessageThread, Patient


class _Newest(CursorPages):
    ordering = "-last_at"


@rate("message")
class ThreadsView(APIView):
    """The threads of one patient, the newest first, and a new one."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "exchange_messages", "POST": "exchange_messages"}
    serializer_class = ThreadSerializer

    @extend_schema(operation_id="messages_list", responses=ThreadSerializer(many=True))
    def get(self, request: Request, patient_id: UUID) -> Response:
        patient, by_patient = _reader_of(request.user, patient_id)
        rows = _threads(request.user, patient, by_patient)
        pages = _Newest()
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(ThreadSerializer(page, many=True).data)

    @extend_schema(
        operation_id="messages_create",
        parameters=[KEY_HEADER],
        request=NewThreadSerializer,
        responses={201: SentMessageSerializer},
    )
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient, by_patient = _reader_of(request.user, patient_id, changing=True)
        sent = NewThreadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        said = sent.validated_data
        part2 = said["part2"] and not by_patient

        def send() -> Sent:
            return start_thread(
                patient=patient, by=request.user, by_patient=by_patient, subject=said["subject"], text=said["text"],
                part2=part2,
            )  # fmt: skip

        return _once(request, patient, str(patient.pk), send)


@rate("message")
class ThreadView(APIView):
    """One thread with its messages, and an answer in it."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "exchange_messages", "POST": "exchange_messages"}
    serializer_class = WholeThreadSerializer

    @extend_schema(operation_id="messages_retrieve", responses=WholeThreadSerializer)
    def get(self, request: Request, patient_id: UUID, thread_id: UUID) -> Response:
        patient, by_patient = _reader_of(request.user, patient_id)
        thread = _thread(request.user, patient, by_patient, thread_id)
        note_object(EventType.DATA_ACCESS, THREAD, thread.pk)
        messages = MessageSerializer(lines_of(thread), many=True).data
        return Response(ThreadSerializer(thread).data | {"messages": messages, "help": _help()})

    @extend_schema(
        operation_id="messages_answer",
        parameters=[KEY_HEADER],
        request=ReplySerializer,
        responses={201: SentMessageSerializer},
    )
    def post(self, request: Request, patient_id: UUID, thread_id: UUID) -> Response:
        patient, by_patient = _reader_of(request.user, patient_id, changing=True)
        thread = _thread(request.user, patient, by_patient, thread_id)
        sent = ReplySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        text, seen = sent.validated_data["text"], sent.validated_data.get("seen")
        return _once(
            request, patient, str(thread.pk),
            lambda: send_message(thread, by=request.user, by_patient=by_patient, text=text, seen=seen),
        )  # fmt: skip


class ThreadReadView(APIView):
    """Say that what the other side wrote in a thread was read."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"POST": "exchange_messages"}
    serializer_class = ReadSerializer

    @extend_schema(request=SeenSerializer, responses=ReadSerializer)
    def post(self, request: Request, patient_id: UUID, thread_id: UUID) -> Response:
        patient, by_patient = _reader_of(request.user, patient_id, changing=True)
        thread = _thread(request.user, patient, by_patient, thread_id)
        sent = SeenSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        seen = sent.validated_data["seen"]
        return Response({"read": mark_read(thread, by=request.user, by_patient=by_patient, seen=seen)})  # type: ignore[arg-type]


def _reader_of(user: Any, patient_id: UUID, *, changing: bool = False) -> tuple[Patient, bool]:
    """The patient and whether the user is that patient; 404 for anybody who may not see them."""
    if is_own_chart(user, patient_id):
        return Patient.objects.own_of(user).get(pk=patient_id), True
    return patient_for(user, patient_id, changing=changing), False


def _threads(user: Any, patient: Patient, by_patient: bool) -> Any:
    rows = MessageThread.objects.all() if by_patient else MessageThread.objects.visible_to(user)
    return rows.filter(patient=patient).with_unread(by_patient=not by_patient)


def _thread(user: Any, patient: Patient, by_patient: bool, thread_id: UUID) -> MessageThread:
    found: MessageThread = get_object_or_404(
        _threads(user, patient, by_patient).select_related("patient"), pk=thread_id
    )
    return found


def _once(request: Request, patient: Patient, where: str, send: Callable[[], Sent]) -> Response:
    claimed = claim(request, f"api:messages:{where}")
    if claimed.object_id is not None:
        message = get_object_or_404(Message.objects.filter(patient=patient), pk=claimed.object_id)
        created = False
    else:
        message, created = send().message, True
        claimed.keep(status=status.HTTP_201_CREATED, object_id=message.pk)
    line = next(one for one in lines_of(message.thread) if one["message"].pk == message.pk)
    told = SentMessageSerializer(line | {"words": _help()}).data
    return Response(told, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)


def _help() -> dict[str, Any]:
    return {"crisis_text": settings.CRISIS_TEXT}
