"""Questionnaires, check-ins and symptoms over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from patients.models import MOST, NOTE_LENGTH, Assessment, CheckIn, SymptomType

_NOT_A_CHOICE = {"invalid_choice": "This is not one of the choices."}  # does not repeat what was sent


def _scale(**more: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=MOST, **more)


def _text() -> serializers.CharField:
    return serializers.CharField(max_length=NOTE_LENGTH, required=False, allow_null=True, allow_blank=True)


class ChoiceSerializer(serializers.Serializer):
    """A printed answer; its place in the list is what is sent."""

    text = serializers.CharField()
    score = serializers.IntegerField()


class ItemSerializer(serializers.Serializer):
    """One question."""

    id = serializers.CharField()
    text = serializers.CharField()
    choices = ChoiceSerializer(many=True)
    optional = serializers.BooleanField(help_text="not part of the score")
    asked_if = serializers.SerializerMethodField(help_text="asked only if that item scored at least so much")
    loinc = serializers.CharField(allow_null=True)

    def get_asked_if(self, item: Any) -> dict[str, Any] | None:
        return {"item": item.asked_if.item, "at_least": item.asked_if.at_least} if item.asked_if else None


class InstrumentSerializer(serializers.Serializer):
    """A questionnaire as it is shown: wording, recall period, licence."""

    id = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    short = serializers.CharField()
    recall = serializers.CharField()
    instruction = serializers.CharField()
    items = ItemSerializer(many=True)
    scoring_only = serializers.BooleanField(help_text="the wording needs a licence; points of the printed form")
    licence = serializers.CharField()
    citation = serializers.CharField()


class DueItemSerializer(serializers.Serializer):
    """Something that can be done now."""

    what = serializers.CharField(help_text="check-in, or the id of an instrument")
    due_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class DueSerializer(serializers.Serializer):
    """What the patient who asks can do now, and what is shown beside it whatever is answered."""

    patient_id = serializers.UUIDField()
    due = DueItemSerializer(many=True)
    crisis_text = serializers.CharField()
    monitored = serializers.BooleanField(help_text="false: say that nobody is monitoring now")


class SafetySerializer(serializers.Serializer):
    """What must be shown at once after sending; ``alerted``: a clinician is being told."""

    alerted = serializers.BooleanField()
    crisis_text = serializers.CharField()
    monitored = serializers.BooleanField()


class ReportSerializer(serializers.Serializer):
    """What every report has."""

    id = serializers.UUIDField(read_only=True)
    happened_at = serializers.DateTimeField(
        source="at", required=False, help_text="by default now; from a patient at most a week ago"
    )
    recorded_at = serializers.DateTimeField(read_only=True)
    by_patient = serializers.BooleanField(read_only=True)


class AnswersField(serializers.DictField):
    """Item id to the place of the chosen answer; a wrong one is told by its item (see the service)."""

    child = serializers.JSONField(allow_null=True)  # type: ignore[assignment]

    def to_representation(self, value: Any) -> Any:
        """As kept."""
        return value


class AssessmentSerializer(ReportSerializer):
    """A filled-in questionnaire. An answer is the place of the chosen wording as printed, from 0; points follow."""

    instrument = serializers.CharField(max_length=40)
    instrument_version = serializers.CharField(max_length=20, required=False)
    locale = serializers.ChoiceField(choices=["en"], required=False, error_messages=_NOT_A_CHOICE)
    answers = AnswersField()
    score = serializers.IntegerField(read_only=True, allow_null=True)
    result = serializers.JSONField(read_only=True)

    class Meta:
        model = Assessment


class CheckInSerializer(ReportSerializer):
    """A daily check-in, any part of which may be left out. With ``version``, a correction."""

    day = serializers.DateField(read_only=True)
    mood = _scale(required=False, allow_null=True)
    anxiety = _scale(required=False, allow_null=True)
    sleep_quality = _scale(required=False, allow_null=True)
    energy = _scale(required=False, allow_null=True)
    irritability = _scale(required=False, allow_null=True)
    note = _text()
    version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        if all(sent.get(name) in (None, "") for name in (*CheckIn.SCALES, "note")):
            raise serializers.ValidationError("Answer at least one of them, or write a note.")
        return sent


class SymptomSerializer(ReportSerializer):
    """One symptom. With ``version``, a correction."""

    type = serializers.ChoiceField(choices=SymptomType.choices, error_messages=_NOT_A_CHOICE)
    severity = _scale()
    context = _text()
    triggers = _text()
    notes = _text()
    version = serializers.IntegerField(required=False, min_value=1)


class SentAssessmentSerializer(AssessmentSerializer):
    """As kept, and what must be shown at once."""

    safety = SafetySerializer(read_only=True)
