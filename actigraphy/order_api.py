"""``/api/v1/patients/{id}/biometrics/{type}/order``: which source of a channel counts first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from actigraphy.catalogue import TYPES, Form
from actigraphy.models import SourceOrder
from actigraphy.streams.ordering import OrderChanged, WrongOrder, in_order, order_of, set_order, streaming, told_apart
from actigraphy.streams.reading import require_type
from novamind.accounts.rights import HasRight
from novamind.api import Conflict
from patients.access import patient_for
from patients.models import Patient


class SetOrderSerializer(serializers.Serializer):
    """A decision about the order, from the version that was read (0 where there was none)."""

    sources = serializers.ListField(
        child=serializers.UUIDField(), max_length=100, help_text="each streaming source once; empty: the clinic's order"
    )
    reason = serializers.CharField(max_length=500)
    version = serializers.IntegerField(min_value=0, max_value=10**9)


class DecisionSerializer(serializers.Serializer):
    """One decision; ``sources`` is empty where it brought the clinic's order back."""

    version = serializers.IntegerField()
    sources = serializers.ListField(child=serializers.UUIDField())
    reason = serializers.CharField()
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()


class OrderedSourceSerializer(serializers.Serializer):
    """A source that streams this channel."""

    id = serializers.UUIDField()
    source = serializers.CharField(help_text="what it is, in words that tell it from the others")


class OrderSerializer(serializers.Serializer):
    """The order that holds: the first source counts first."""

    channel = serializers.CharField()
    version = serializers.IntegerField(help_text="of the newest decision, 0 where there was none")
    own = serializers.BooleanField(help_text="false: the clinic's order")
    sources = OrderedSourceSerializer(many=True)
    decisions = DecisionSerializer(many=True, help_text="the newest first")


class SourceOrderView(APIView):
    """Which source of a patient counts first where several measured the same minute."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients", "POST": "manage_devices"}
    serializer_class = OrderSerializer

    @extend_schema(operation_id="biometric_order", responses={200: OrderSerializer})
    def get(self, request: Request, patient_id: UUID, data_type: str, data_key: str) -> Response:
        patient = patient_for(request.user, patient_id)
        return Response(_told(patient, _channel(patient, data_type, data_key)))

    @extend_schema(request=SetOrderSerializer, responses={201: OrderSerializer})
    def post(self, request: Request, patient_id: UUID, data_type: str, data_key: str) -> Response:
        patient = patient_for(request.user, patient_id, changing=True)
        channel = _channel(patient, data_type, data_key)
        sent = SetOrderSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            set_order(patient=patient, channel=channel, by=request.user, **sent.validated_data)
        except WrongOrder:
            raise ValidationError({"sources": ["Name each source that streams this once, and no other."]}) from None
        except OrderChanged:
            raise Conflict("Somebody set another order meanwhile. Read it again and compare.", "stale") from None
        return Response(_told(patient, channel), status=status.HTTP_201_CREATED)


def _channel(patient: Patient, data_type: str, data_key: str) -> str:
    kind = TYPES.get(data_type)
    if kind is None or kind.form is not Form.SIGNAL or data_key not in kind.by_name:
        raise Http404
    require_type(patient, kind)
    return kind.by_name[data_key].channel


def _told(patient: Patient, channel: str) -> dict[str, Any]:
    order = order_of(patient, channel)
    sources = in_order(channel, streaming(patient, channel), order)
    names = told_apart(sources)
    decisions = SourceOrder.objects.filter(patient=patient, channel=channel).select_related("set_by")
    found = {
        "channel": channel, "version": order.version if order else 0, "own": bool(order and order.sources),
        "sources": [{"id": one.pk, "source": names[one.pk]} for one in sources], "decisions": decisions,
    }  # fmt: skip
    return dict(OrderSerializer(found).data)
