"""Precision medication over the API, under the contract's names."""

from __future__ import annotations

from rest_framework import serializers

from novamind.api import ShareField
from twins.medication.advice import CONDITIONS


class AskedMedicationSerializer(serializers.Serializer):
    """For which condition, and two limits; they act on the stated shares of populations."""

    condition_type = serializers.ChoiceField(list(CONDITIONS), default="depression")
    min_efficacy = ShareField(default=0.6, help_text="least share of people who respond")
    max_side_effect_risk = ShareField(default=0.3, help_text="largest share of people with any one side effect")


class SideEffectSerializer(serializers.Serializer):
    """The share of people with a side effect."""

    effect_type = serializers.CharField()
    risk_level = serializers.FloatField()
    source = serializers.CharField()
    url = serializers.CharField()
    status = serializers.CharField()


class MedicationAdviceSerializer(serializers.Serializer):
    """One drug."""

    medication = serializers.CharField()
    medication_class = serializers.CharField()
    predicted_efficacy = serializers.FloatField(allow_null=True)
    population_efficacy = serializers.DictField(allow_null=True)
    population_difference = serializers.DictField(allow_null=True)
    acceptability = serializers.DictField(allow_null=True)
    side_effect_risks = SideEffectSerializer(many=True)
    average_changes = serializers.ListField(child=serializers.DictField())
    net_benefit = serializers.FloatField(allow_null=True)
    caution_level = serializers.CharField(allow_null=True)
    guidelines = serializers.ListField(child=serializers.DictField())
    current = serializers.BooleanField()
    history = serializers.ListField(child=serializers.DictField())
    assessment = serializers.DictField()
    abstentions = serializers.DictField()


class MedicationRecommendationsSerializer(serializers.Serializer):
    """Drugs that pass both limits, drugs of which that cannot be said, and drugs that do not."""

    patient_id = serializers.UUIDField()
    condition_type = serializers.CharField()
    model_version = serializers.CharField(allow_blank=True)
    rules_version = serializers.CharField()
    evidence_version = serializers.CharField()
    recommendations = MedicationAdviceSerializer(many=True)
    not_assessed = MedicationAdviceSerializer(many=True)
    excluded = MedicationAdviceSerializer(many=True)
    comparative_analysis = serializers.DictField()
    genetic_data = serializers.DictField()
    genetic_data_quality = serializers.DictField()
    site_contraindications = serializers.ListField(
        child=serializers.DictField(), help_text="rules that the clinic has entered itself"
    )
    warnings = serializers.ListField(child=serializers.CharField())
    notice = serializers.CharField(allow_blank=True)
    disclaimer = serializers.CharField()
    generated_at = serializers.DateTimeField()
    abstentions = serializers.DictField()
