"""Model versions over the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from novamind.registry import cards
from novamind.registry.models import ModelVersion


class ModelSerializer(serializers.ModelSerializer):
    """A version, since when it is in its stage and by whom, its card and what the card leaves unsaid."""

    since = serializers.DateTimeField(read_only=True)
    moved_by = serializers.CharField(read_only=True)
    missing = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            "id", "name", "version", "kind", "stage", "since", "moved_by", "weights_sha256", "code_version",
            "training_data", "card", "missing", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_missing(self, version: ModelVersion) -> list[Any]:
        return cards.problems(version.card)
