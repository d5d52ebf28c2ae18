"""Patients over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from novamind import clock
from patients.models import Consent, ConsentPurpose, ConsentStream, Patient, is_zone


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
