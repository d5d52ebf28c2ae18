"""What is expected of courses, over the API."""

from __future__ import annotations

from rest_framework import serializers


class PredictionSerializer(serializers.Serializer):
    """A probability, or points with their 80 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    definition = serializers.CharField()
    instrument = serializers.CharField(help_text="the questionnaire that is meant, and its range")
    model_version = serializers.CharField()
    record_id = serializers.UUIDField()


class PredictionsSerializer(serializers.Serializer):
    """One for each target; ``null`` with its reason in ``abstentions``."""

    response = PredictionSerializer(allow_null=True)
    outcome = PredictionSerializer(allow_null=True)
    risk = PredictionSerializer(allow_null=True, help_text="of stopping early; never of suicide")


class CourseExpectedSerializer(serializers.Serializer):
    """A course that began within the last 12 weeks."""

    medication_id = serializers.UUIDField()
    medication = serializers.CharField()
    started_on = serializers.DateField()
    predictions = PredictionsSerializer()
    abstentions = serializers.DictField()


class MedicationResponseSerializer(serializers.Serializer):
    """What models in production say of courses that began lately."""

    patient_id = serializers.UUIDField()
    courses = CourseExpectedSerializer(many=True)
    disclaimer = serializers.CharField()
    generated_at = serializers.DateTimeField()
    abstentions = serializers.DictField()


class AskedResponseSerializer(serializers.Serializer):
    """That it is being computed, and where it will stand."""

    patient_id = serializers.UUIDField()
    status_url = serializers.CharField()
