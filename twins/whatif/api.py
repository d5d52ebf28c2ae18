"""``/api/v1``: a patient's twin asked what if."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.api import KEY_HEADER, claim
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from patients.access import patient_for
from twins.models import Twin, WhatIf
from twins.whatif.asking import ask, shown
from twins.whatif.serializers import AskWhatIfSerializer, WhatIfSerializer
from twins.whatif.told import as_told

NO_TWIN = OpenApiResponse(description="No twin")


class WhatIfsView(APIView):
    """Ask a twin; a worker answers."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"POST": "run_models"}
    serializer_class = AskWhatIfSerializer

    @extend_schema(
        parameters=[KEY_HEADER], request=AskWhatIfSerializer, responses={202: WhatIfSerializer, 404: NO_TWIN}
    )
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id, changing=True)
        get_object_or_404(Twin, patient=patient)
        sent = AskWhatIfSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        claimed = claim(request, f"api:what-ifs:{patient_id}")
        if claimed.object_id is None:
            asked = ask(patient=patient, by=request.user, **_kept(sent.validated_data))
            claimed.keep(status=status.HTTP_202_ACCEPTED, object_id=asked.pk)
        else:
            asked = get_object_or_404(WhatIf, pk=claimed.object_id, patient=patient)
        told = _told(request, asked)
        return Response(told, status=status.HTTP_202_ACCEPTED, headers={"Location": told["status_url"]})


class WhatIfView(APIView):
    """A question, and its answer once there is one."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    serializer_class = WhatIfSerializer

    @extend_schema(responses={200: WhatIfSerializer})
    def get(self, request: Request, patient_id: UUID, what_if_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        rows = WhatIf.objects.filter(patient=patient).select_related("patient", "record__model_version")
        asked = get_object_or_404(rows, pk=what_if_id)
        note_object(EventType.CLINICAL_DECISION_SUPPORT, "twins.WhatIf", asked.pk)
        return Response(_told(request, asked))


def _kept(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sent.items() if value not in (None, "")}


def _told(request: Request, asked: WhatIf) -> dict[str, Any]:
    where = request.build_absolute_uri(reverse("api:what-if", args=[asked.patient_id, asked.pk]))
    return dict(WhatIfSerializer(as_told(shown(asked), where)).data)
