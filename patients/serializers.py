"""Patients over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from novamind import clock
from novamind.delivery.models import Channel
from patients.models import LONGEST_WINDOW_MIN, Alert, Consent, ConsentPurpose, ConsentStream, Patient, is_zone
from patients.schedules import EDITABLE, TASKS, wrong_in


class PatientSerializer(serializers.Serializer):
    """A person in care; ``version`` is sent back with every change."""

    id = serializers.UUIDField(read_only=True)
    first_name = serializers.CharField(max_length=80)
    last_name = serializers.CharField(max_length=80)
    date_of_birth = serializers.DateField()
    mrn = serializers.CharField(max_length=40, required=False, allow_null=True, allow_blank=True)
    sex = serializers.ChoiceField(
        choices=Patient.Sex.choices,
        required=False,
        error_messages={"invalid_choice": "This is not one of the choices."},  # does not repeat what was sent
    )
    pronouns = serializers.CharField(max_length=40, required=False, allow_blank=True)
    zone = serializers.CharField(max_length=64, required=False, validators=[is_zone])
    phone = serializers.CharField(max_length=40, required=False, allow_null=True, allow_blank=True)
    email = serializers.EmailField(required=False, allow_null=True, allow_blank=True)
    version = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def validate_date_of_birth(self, born: Any) -> Any:
        today = clock.now().date()
        if born > today or born.year < today.year - 130:
            raise serializers.ValidationError("This cannot be a date of birth.")
        return born


class PatientChangeSerializer(PatientSerializer):
    """A change of a patient, made from the stated version."""

    version = serializers.IntegerField(min_value=1)


_NOT_A_CHOICE = {"invalid_choice": "This is not one of the choices."}  # does not repeat what was sent


class ConsentSerializer(serializers.Serializer):
    """A decision of the patient about one purpose and one stream of data."""

    id = serializers.UUIDField(read_only=True)
    purpose = serializers.ChoiceField(choices=ConsentPurpose.choices, error_messages=_NOT_A_CHOICE)
    stream = serializers.ChoiceField(choices=ConsentStream.choices, error_messages=_NOT_A_CHOICE)
    given = serializers.BooleanField(help_text="false: withdrawn")
    how = serializers.ChoiceField(choices=Consent.How.choices, error_messages=_NOT_A_CHOICE)
    valid_until = serializers.DateTimeField(required=False, allow_null=True)
    remark = serializers.CharField(max_length=2000, required=False, allow_null=True, allow_blank=True)
    at = serializers.DateTimeField(read_only=True)
    recorded_by = serializers.UUIDField(source="recorded_by_id", read_only=True, allow_null=True)


class AlertSerializer(serializers.Serializer):
    """What a clinician must look at; ``version`` is sent back with an answer."""

    id = serializers.UUIDField(read_only=True)
    patient_id = serializers.UUIDField(read_only=True)
    kind = serializers.CharField(read_only=True)
    severity = serializers.CharField(read_only=True)
    state = serializers.CharField(read_only=True)
    owner = serializers.UUIDField(source="owner_id", read_only=True, allow_null=True)
    level = serializers.IntegerField(read_only=True, help_text="how often it was escalated")
    monitored = serializers.BooleanField(read_only=True, help_text="whether anybody was on call when it was raised")
    raised_at = serializers.DateTimeField(read_only=True)
    acknowledge_by = serializers.DateTimeField(read_only=True)
    acknowledged_at = serializers.DateTimeField(read_only=True, allow_null=True)
    resolve_by = serializers.DateTimeField(read_only=True, allow_null=True)
    resolved_at = serializers.DateTimeField(read_only=True, allow_null=True)
    outcome = serializers.CharField(read_only=True, help_text="useful, not_useful, ignored, or empty: nobody has said")
    version = serializers.IntegerField(read_only=True)


class AnswerSerializer(serializers.Serializer):
    """An answer to an alert, from the version that was read."""

    version = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class DoneSerializer(AnswerSerializer):
    """That an alert is done, and what it was worth."""

    outcome = serializers.ChoiceField(
        choices=Alert.SAID_OUTCOMES, required=False, allow_blank=True, error_messages=_NOT_A_CHOICE, default=""
    )


class ScheduleSerializer(serializers.Serializer):
    """What a patient is asked to do when; times are where the patient is."""

    id = serializers.UUIDField(read_only=True)
    what = serializers.ChoiceField(choices=list(TASKS.items()), error_messages=_NOT_A_CHOICE)
    starts_on = serializers.DateField(required=False)
    ends_on = serializers.DateField(required=False, allow_null=True)
    every_days = serializers.IntegerField(min_value=1, max_value=366, required=False)
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), max_length=7, required=False
    )
    local_time = serializers.TimeField()
    window_min = serializers.IntegerField(min_value=15, max_value=LONGEST_WINDOW_MIN)
    quiet_from = serializers.TimeField(required=False, allow_null=True)
    quiet_to = serializers.TimeField(required=False, allow_null=True)
    channel = serializers.ChoiceField(
        choices=Channel.choices, required=False, allow_blank=True, error_messages=_NOT_A_CHOICE
    )
    active = serializers.BooleanField(required=False)
    next_due_at = serializers.DateTimeField(read_only=True, allow_null=True)
    version = serializers.IntegerField(read_only=True)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        """``context`` has the patient; of a change what stands is looked at with it."""
        stands = {name: getattr(self.instance, name) for name in EDITABLE} if self.instance else {}
        if wrong := wrong_in(self.context["patient"], stands | sent):
            raise serializers.ValidationError(wrong)
        return sent


class ScheduleChangeSerializer(ScheduleSerializer):
    """A change of a schedule, made from the stated version; what it is about stays."""

    what = serializers.CharField(read_only=True)  # type: ignore[assignment]
    version = serializers.IntegerField(min_value=1)
