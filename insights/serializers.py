"""Statements over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from insights.models import Insight
from insights.services import said_of
from insights.statements import InsightType


class AskedInsightsSerializer(serializers.Serializer):
    """Which statements."""

    insight_types = serializers.MultipleChoiceField(choices=InsightType.choices, required=False)
    days = serializers.IntegerField(default=30, min_value=1, max_value=365, help_text="said first within so many days")


class EvidenceSerializer(serializers.Serializer):
    """One value behind a statement."""

    data_type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    value = serializers.JSONField(help_text="a number, or words where there is none")
    unit = serializers.CharField(allow_blank=True)
    reference_range = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    deviation_severity = serializers.FloatField(allow_null=True, help_text="spreads from the middle of the range")


class ClinicalInsightSerializer(serializers.Serializer):
    """One statement; ``confidence`` is what ``confidence_is`` says, or null with its reason under ``abstentions``."""

    id = serializers.UUIDField()
    insight_type = serializers.ChoiceField(InsightType.choices)
    description = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    confidence_is = serializers.CharField(allow_blank=True)
    method = serializers.CharField()
    importance = serializers.CharField(help_text="act, look or know")
    first_said_at = serializers.DateTimeField()
    generated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    window_start = serializers.DateTimeField()
    window_end = serializers.DateTimeField()
    record_id = serializers.UUIDField(help_text="whose provenance explains it")
    supporting_evidence = EvidenceSerializer(many=True)
    abstentions = serializers.DictField()


class ClinicalInsightsSerializer(serializers.Serializer):
    """What holds of one patient now, the first to be read first."""

    patient_id = serializers.UUIDField()
    insights = ClinicalInsightSerializer(many=True)
    generated_at = serializers.DateTimeField(allow_null=True, help_text="when the rules last ran")


def as_told(row: Insight) -> dict[str, Any]:
    """A statement as the API says it."""
    said = said_of(row)
    why = said["why_no_confidence"]
    names = ("insight_type", "confidence", "first_said_at", "generated_at", "expires_at", "window_start", "window_end")
    return {name: getattr(row, name) for name in names} | {
        "id": row.pk,
        "description": said["description"],
        "confidence_is": said["confidence_is"],
        "method": said["method"],
        "importance": row.get_tier_display(),
        "record_id": row.record_id or row.pk,
        "supporting_evidence": [_evidence(one) for one in said["evidence"]],
        "abstentions": {"confidence": why.as_json()} if why else {},
    }


def _evidence(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "data_type": one["data_type"],
        "timestamp": one["at"],
        "value": one["value"],
        "unit": one.get("unit", ""),
        "reference_range": [one["low"], one["high"]] if "low" in one else None,
        "deviation_severity": one.get("severity"),
    }
