"""``/api/v1/models``."""

from __future__ import annotations

from typing import Any

from rest_framework import viewsets
from rest_framework.permissions import IsAuthenticated

from novamind.accounts.rights import HasRight
from novamind.registry.models import ModelVersion
from novamind.registry.serializers import ModelSerializer


class ModelViewSet(viewsets.ReadOnlyModelViewSet):
    """Versions of models in every stage; they are moved on their page, with a second factor."""

    serializer_class = ModelSerializer
    queryset = ModelVersion.objects.none()  # closed; opened below
    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_models"}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return ModelVersion.objects.with_last_move()
