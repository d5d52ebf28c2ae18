"""What-if over the API: a question, and its answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from patients.vocabularies import drugs
from twins.whatif.told import ACTIVITY_PERCENT, DAYS, DAYS_UNLESS_ASKED, SHIFT_MIN, SLEEP_MIN, problem


class AskWhatIfSerializer(serializers.Serializer):
    """A change from today on, kept up on every coming day; a medicine is asked about by itself."""

    sleep_change_min = serializers.IntegerField(
        required=False, allow_null=True, min_value=-SLEEP_MIN, max_value=SLEEP_MIN, source="sleep_min"
    )
    sleep_shift_min = serializers.IntegerField(
        required=False, allow_null=True, min_value=-SHIFT_MIN, max_value=SHIFT_MIN, source="shift_min"
    )
    activity_change_percent = serializers.IntegerField(
        required=False, allow_null=True, min_value=ACTIVITY_PERCENT[0], max_value=ACTIVITY_PERCENT[1],
        source="activity_percent",
    )  # fmt: skip
    drug = serializers.ChoiceField(required=False, allow_blank=True, choices=sorted(drugs()))
    days = serializers.IntegerField(min_value=DAYS[0], max_value=DAYS[1], default=DAYS_UNLESS_ASKED)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if why := problem(attrs):
            raise serializers.ValidationError(why)
        return attrs


class WhatIfResultSerializer(serializers.Serializer):
    """Mean mood of the coming days with the change less that without it, in points of the check-in."""

    low = serializers.FloatField()
    median = serializers.FloatField()
    high = serializers.FloatField()
    told = serializers.BooleanField(help_text="whether the 80 % interval leaves out 0")
    own_days = serializers.IntegerField(help_text="of the patient's own at or beyond what is asked")
    fitted_days = serializers.IntegerField()
    courses = serializers.IntegerField()
    usual = serializers.DictField(child=serializers.FloatField())
    message = serializers.CharField()


class WhatIfPointSerializer(serializers.Serializer):
    """Mood of a coming day without and with the change; low and high hold 80 %."""

    date = serializers.DateField()
    without_low = serializers.FloatField()
    without_median = serializers.FloatField()
    without_high = serializers.FloatField()
    with_low = serializers.FloatField()
    with_median = serializers.FloatField()
    with_high = serializers.FloatField()


class WhatIfSerializer(serializers.Serializer):
    """A question and its answer."""

    id = serializers.UUIDField()
    patient_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["waiting", "answered", "abstained"])
    status_url = serializers.CharField()
    label = serializers.CharField()
    sleep_change_min = serializers.IntegerField(allow_null=True)
    sleep_shift_min = serializers.IntegerField(allow_null=True)
    activity_change_percent = serializers.IntegerField(allow_null=True)
    drug = serializers.CharField(allow_blank=True)
    days = serializers.IntegerField()
    asked_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    result = WhatIfResultSerializer(allow_null=True)
    points = WhatIfPointSerializer(many=True)
    similar_patients = serializers.IntegerField(allow_null=True)
    overlap = serializers.ChoiceField(choices=["poor", "enough"], allow_null=True)
    model_version = serializers.CharField(allow_blank=True)
    record_id = serializers.UUIDField(allow_null=True)
    abstentions = serializers.DictField()
