"""Statements over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from insights.analytics import BUCKETS
from insights.clinic import ClinicNumbers
from insights.models import Insight
from insights.science.suppression import SMALLEST
from insights.services import said_of
from insights.statements import InsightType


class AskedInsightsSerializer(serializers.Serializer):
    """Which statements."""

    insight_types = serializers.MultipleChoiceField(choices=InsightType.choices, required=False)
    days = serializers.IntegerField(default=30, min_value=1, max_value=365, help_text="held on one of so many days")


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
    ended_at = serializers.DateTimeField(allow_null=True, help_text="from when it is no longer so; null while it holds")
    window_start = serializers.DateTimeField()
    window_end = serializers.DateTimeField()
    record_id = serializers.UUIDField(help_text="whose provenance explains it")
    supporting_evidence = EvidenceSerializer(many=True)
    abstentions = serializers.DictField()


class ClinicalInsightsSerializer(serializers.Serializer):
    """What holds of one patient now, the first to be read first; then what has ceased to lately."""

    patient_id = serializers.UUIDField()
    insights = ClinicalInsightSerializer(many=True)
    generated_at = serializers.DateTimeField(allow_null=True, help_text="when the rules last ran")


class AskedAggregatesSerializer(serializers.Serializer):
    """Of whom, how far back, in which stretches."""

    patient_id = serializers.UUIDField()
    days = serializers.IntegerField(default=90, min_value=1, max_value=366)
    bucket = serializers.ChoiceField(list(BUCKETS), default="week")


class BucketSerializer(serializers.Serializer):
    """A stretch of local days: of those known, their number, mean, median, standard deviation; null where undefined."""

    first = serializers.DateField()
    last = serializers.DateField()
    n = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    median = serializers.FloatField(allow_null=True)
    sd = serializers.FloatField(allow_null=True)
    coverage = serializers.FloatField()


class TrendSerializer(serializers.Serializer):
    """Theil-Sen slope of the last 28 days with its 99 % interval."""

    slope_per_day = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()


class BaselineSerializer(serializers.Serializer):
    """The person's own usual, and the last week in standard errors from it."""

    median = serializers.FloatField()
    spread = serializers.FloatField()
    n = serializers.IntegerField()
    last_week_median = serializers.FloatField()
    last_week_n = serializers.IntegerField()
    standard_errors = serializers.FloatField()


class ChannelSerializer(serializers.Serializer):
    """One channel; what is not known is null with its reason under ``abstentions``."""

    unit = serializers.CharField()
    buckets = BucketSerializer(many=True)
    trend = TrendSerializer(allow_null=True)
    baseline = BaselineSerializer(allow_null=True)
    abstentions = serializers.DictField()


class AggregatesSerializer(serializers.Serializer):
    """The days of one patient by channel."""

    patient_id = serializers.UUIDField()
    bucket = serializers.CharField()
    first = serializers.DateField()
    last = serializers.DateField()
    zone = serializers.CharField()
    methods = serializers.DictField(child=serializers.CharField())
    channels = serializers.DictField(child=ChannelSerializer())


class CellSerializer(serializers.Serializer):
    """People in one cell; null where the number is not told."""

    label = serializers.CharField()
    people = serializers.IntegerField(allow_null=True)


class TableSerializer(serializers.Serializer):
    """One partition of all people; ``median`` is of one number a person, in ``unit``, null where it is not told."""

    name = serializers.CharField()
    group = serializers.CharField(help_text="series, scores, engagement or alerts")
    label = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    cells = CellSerializer(many=True)
    median = serializers.FloatField(allow_null=True)


class ClinicNumbersSerializer(serializers.Serializer):
    """Counts and medians over the patients whom the caller may see; what would tell of few people is null."""

    people = serializers.IntegerField(allow_null=True)
    purposes = serializers.ListField(child=serializers.CharField(), help_text="what each counted patient allows")
    first = serializers.DateField()
    last = serializers.DateField()
    smallest_cell = serializers.IntegerField(help_text="no smaller number of people is told")
    tables = TableSerializer(many=True)
    abstentions = serializers.DictField()


def as_clinic_numbers(found: ClinicNumbers) -> dict[str, Any]:
    """The numbers of the clinic as the API says them."""
    tables = [
        {name: getattr(table, name) for name in ("name", "group", "label", "unit", "median")}
        | {"cells": [{"label": label, "people": people} for label, people in table.cells]}
        for table in found.tables
    ]
    return {name: getattr(found, name) for name in ("people", "purposes", "first", "last")} | {
        "smallest_cell": SMALLEST,
        "tables": tables,
        "abstentions": {name: why.as_json() for name, why in found.abstentions.items()},
    }


def as_told(row: Insight) -> dict[str, Any]:
    """A statement as the API says it."""
    said = said_of(row)
    why = said["why_no_confidence"]
    names = ("insight_type", "confidence", "first_said_at", "generated_at", "expires_at", "window_start", "window_end")
    return {name: getattr(row, name) for name in names} | {
        "id": row.pk,
        "ended_at": row.over_at,
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
