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


class EfficacySerializer(serializers.Serializer):
    """The population's share of responders; how sure that is of one person is not known while no model is in use."""

    score = serializers.FloatField(allow_null=True, help_text="share of people who respond, 0 to 1")
    confidence = serializers.FloatField(allow_null=True)
    percentile = serializers.FloatField(
        allow_null=True, help_text="how many of 100 drugs with a known share for the condition respond less"
    )


class SideEffectRiskSerializer(serializers.Serializer):
    """The same shares under the contract's short names."""

    effect = serializers.CharField()
    risk = serializers.FloatField()


class GeneticFactorSerializer(serializers.Serializer):
    """A gene that a guideline of the drug asks for."""

    gene = serializers.CharField()
    diplotype = serializers.CharField(allow_null=True, help_text="as reported; empty where there is no report")
    phenotype = serializers.CharField()
    status = serializers.CharField()
    activity_score = serializers.JSONField(allow_null=True)
    converted = serializers.CharField(allow_null=True)
    converted_activity_score = serializers.JSONField(allow_null=True)
    conversion_confirmed = serializers.BooleanField(allow_null=True)
    inhibitors = serializers.ListField(child=serializers.CharField())
    asked_by = serializers.ListField(child=serializers.CharField())


class RecommendedSerializer(serializers.Serializer):
    """The weightiest thing that guidelines, or a rule of the clinic, say of the drug."""

    action = serializers.CharField()
    rationale = serializers.CharField()
    caution_level = serializers.ChoiceField(["low", "medium", "high"], allow_null=True)


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
    efficacy = EfficacySerializer()
    side_effects = SideEffectRiskSerializer(many=True)
    genetic_factors = GeneticFactorSerializer(many=True)
    metabolizer_status = serializers.CharField(allow_null=True)
    recommendation = RecommendedSerializer()
    net_benefit = serializers.FloatField(allow_null=True)
    caution_level = serializers.CharField(allow_null=True)
    guidelines = serializers.ListField(child=serializers.DictField())
    current = serializers.BooleanField()
    history = serializers.ListField(child=serializers.DictField())
    assessment = serializers.DictField()
    abstentions = serializers.DictField()


class BestSerializer(serializers.Serializer):
    """The first drug by one comparison, how that was derived, and which drugs were passed over."""

    medication = serializers.CharField(allow_null=True)
    efficacy = serializers.FloatField(allow_null=True)
    risk = serializers.FloatField(allow_null=True)
    balance = serializers.FloatField(allow_null=True)
    passed_over = serializers.ListField(child=serializers.CharField())
    derivation = serializers.CharField()
    source = serializers.CharField()
    abstention = serializers.DictField(allow_null=True)


class ComparativeAnalysisSerializer(serializers.Serializer):
    """Three comparisons of the drugs that nothing speaks against for this patient."""

    highest_efficacy = BestSerializer()
    lowest_side_effects = BestSerializer()
    optimal_balance = BestSerializer()


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
    comparative_analysis = ComparativeAnalysisSerializer()
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
