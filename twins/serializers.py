"""Twins and their parts over the API, under the contract's names."""

from __future__ import annotations

from rest_framework import serializers


class CreateTwinSerializer(serializers.Serializer):
    """Which versions of models the twin is to use; each must be the one in production."""

    time_series_model_id = serializers.UUIDField(required=False, allow_null=True)
    biometric_model_id = serializers.UUIDField(required=False, allow_null=True)
    medication_model_id = serializers.UUIDField(required=False, allow_null=True)


class GenerateSerializer(serializers.Serializer):
    """Whose twin to refresh."""

    patient_id = serializers.UUIDField()


class TwinPartSerializer(serializers.Serializer):
    """One component with the model behind it."""

    id = serializers.UUIDField(allow_null=True)
    model_type = serializers.CharField()
    version = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    confidence_score = serializers.FloatField(allow_null=True)
    description = serializers.CharField()
    window_start = serializers.DateTimeField(allow_null=True)
    window_end = serializers.DateTimeField(allow_null=True)
    since_version = serializers.IntegerField()
    abstentions = serializers.DictField()


class TwinSerializer(serializers.Serializer):
    """A patient's twin."""

    id = serializers.UUIDField()
    patient_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField()
    confidence_score = serializers.FloatField(allow_null=True)
    last_calibration = serializers.DateTimeField(allow_null=True)
    refreshing = serializers.BooleanField()
    models = TwinPartSerializer(many=True)
    abstentions = serializers.DictField()


class RefreshingSerializer(serializers.Serializer):
    """Where to ask whether a refresh is done."""

    patient_id = serializers.UUIDField()
    status_url = serializers.CharField()


class CorrelationSerializer(serializers.Serializer):
    """One biometric that goes with one symptom."""

    biometric_type = serializers.CharField()
    symptom_type = serializers.CharField()
    correlation_strength = serializers.FloatField()
    lag_days = serializers.IntegerField()
    interval_low = serializers.FloatField()
    interval_high = serializers.FloatField()
    pairs = serializers.IntegerField()
    q_value = serializers.FloatField()
    found = serializers.BooleanField()
    exploratory = serializers.BooleanField()


class InsightSerializer(serializers.Serializer):
    """A finding in plain language."""

    type = serializers.CharField()
    message = serializers.CharField()
    action = serializers.CharField()


class CorrelationsSerializer(serializers.Serializer):
    """What moves with what."""

    patient_id = serializers.UUIDField()
    model_version = serializers.CharField(allow_blank=True)
    correlations = CorrelationSerializer(many=True)
    insights = InsightSerializer(many=True)
    biometric_coverage = serializers.DictField(child=serializers.FloatField())
    reliability = serializers.CharField(allow_null=True)
    window_start = serializers.DateTimeField(allow_null=True)
    window_end = serializers.DateTimeField(allow_null=True)
    generated_at = serializers.DateTimeField(allow_null=True)
    abstentions = serializers.DictField()


class ForecastPointSerializer(serializers.Serializer):
    """One day ahead; ``confidence`` is the 80 % interval."""

    date = serializers.DateField()
    value = serializers.FloatField()
    confidence_lower = serializers.FloatField()
    confidence_upper = serializers.FloatField()
    lower_95 = serializers.FloatField()
    upper_95 = serializers.FloatField()


class ForecastSerializer(serializers.Serializer):
    """What is likely next; ``confidence_score`` is the share of this patient's earlier forecasts whose 80 % interval
    held what was then said."""

    patient_id = serializers.UUIDField()
    symptom_type = serializers.CharField()
    scale = serializers.CharField()
    forecast_days = serializers.IntegerField()
    forecast_points = ForecastPointSerializer(many=True)
    confidence_score = serializers.FloatField(allow_null=True)
    compared_forecasts = serializers.IntegerField()
    model = serializers.CharField(allow_blank=True)
    model_version = serializers.CharField(allow_blank=True)
    contributing_models = serializers.DictField(child=serializers.FloatField())
    reliability = serializers.CharField(allow_null=True)
    days_known = serializers.IntegerField(allow_null=True)
    generated_at = serializers.DateTimeField(allow_null=True)
    abstentions = serializers.DictField()
