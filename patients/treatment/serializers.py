"""Medication, conditions, genotypes and visits over the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from patients.models import (
    LINE_LENGTH,
    MOST_COPIES,
    TEXT_LENGTH,
    AppointmentKind,
    AppointmentStatus,
    Certainty,
    ClinicalStatus,
    Genotype,
    Place,
    Route,
    StopReason,
    TreatmentChange,
    redisclosure_notice,
)
from patients.treatment.entering import LEVELS
from patients.treatment.services import today
from patients.vocabularies import FREQUENCIES, UNITS, Dose, PartialDate, WrongDate, genes
from patients.vocabularies.genes import LONGEST

_NOT_A_CHOICE = {"invalid_choice": "This is not one of the choices."}  # does not repeat what was sent


def _text(length: int = LINE_LENGTH, **more: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=length, **({"required": False, "allow_null": True, "allow_blank": True} | more)
    )


def _choice(choices: Any, **more: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=choices, error_messages=_NOT_A_CHOICE, **more)


@extend_schema_field({"type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$", "example": "2027-03"})
class PartialDateField(serializers.Field):
    """``2027-03-05``, ``2027-03`` or ``2027``."""

    def to_internal_value(self, data: Any) -> PartialDate:
        try:
            return PartialDate.parse(data if isinstance(data, str) else "")
        except WrongDate as error:
            raise serializers.ValidationError(str(error)) from None

    def to_representation(self, value: Any) -> str:
        return str(value)


class DrugSerializer(serializers.Serializer):
    """A drug of the catalogue; a code that was not seen at its source is null."""

    id = serializers.CharField()
    name = serializers.CharField()
    drug_class = serializers.CharField()
    rxnorm = serializers.CharField(allow_null=True)
    atc = serializers.CharField(allow_null=True)
    also = serializers.ListField(child=serializers.CharField(), help_text="other names")


class DoseSerializer(serializers.Serializer):
    """A dose: amount each time, unit (UCUM), how often."""

    amount = serializers.DecimalField(max_digits=10, decimal_places=4, coerce_to_string=False)
    unit = _choice(list(UNITS.items()))
    frequency = _choice([(code, words) for code, (words, _) in FREQUENCIES.items()])

    def validate_amount(self, amount: Any) -> Any:
        if amount <= 0:
            raise serializers.ValidationError("A dose is more than nothing.")
        return amount

    def to_internal_value(self, data: Any) -> Any:
        return Dose(**super().to_internal_value(data))

    def to_representation(self, value: Dose) -> dict[str, Any]:
        """The amount as a number."""
        return super().to_representation(value) | {"amount": float(value.amount)}


class StepSerializer(serializers.Serializer):
    """A dose from a day on."""

    since = PartialDateField()
    dose = DoseSerializer()


class DoseChangeSerializer(StepSerializer):
    """Another dose, from the stated version."""

    version = serializers.IntegerField(min_value=1)
    why = _text(TEXT_LENGTH)


class EntrySerializer(serializers.Serializer):
    """What every entry has."""

    id = serializers.UUIDField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    entered_in_error = serializers.BooleanField(read_only=True)
    recorded_at = serializers.DateTimeField(read_only=True)
    part2 = serializers.BooleanField(required=False, help_text="42 CFR Part 2; left out: see docs/treatment.md")
    redisclosure_notice = serializers.SerializerMethodField(help_text="to be shown with a labelled entry")

    def get_redisclosure_notice(self, row: Any) -> str | None:
        return redisclosure_notice([row])


class MedicationSerializer(EntrySerializer):
    """A course of a drug. ``name``: as in the catalogue, else kept as written and ``coded`` is false."""

    name = _text(required=True, allow_null=False, allow_blank=False)
    coded = serializers.SerializerMethodField()
    rxnorm = serializers.CharField(source="coded.rxnorm", read_only=True, allow_null=True, default=None)
    route = _choice(Route.choices, required=False)
    started = PartialDateField()
    ended = PartialDateField(required=False, allow_null=True)
    stop_reason = _choice(StopReason.choices, required=False, allow_blank=True)
    status = serializers.SerializerMethodField(
        help_text="current, planned, past, error or, of an end without its day, stopped: today"
    )
    indication = _text()
    prescriber = serializers.SerializerMethodField()
    prescriber_text = _text(write_only=True, help_text="who prescribed it; left out: you, if it begins now")
    note = _text(TEXT_LENGTH)
    dose = DoseSerializer(write_only=True, required=False, allow_null=True, help_text="from the beginning")
    doses = StepSerializer(source="steps", many=True, read_only=True)
    beside = serializers.BooleanField(write_only=True, required=False, help_text="beside the same drug, on purpose")

    def get_coded(self, row: Any) -> bool:
        return row.coded is not None

    def get_status(self, row: Any) -> str:
        return str(row.state_on(today(row.patient)))

    def get_prescriber(self, row: Any) -> str | None:
        return row.prescriber_text or (str(row.prescriber) if row.prescriber else None)


class WordSerializer(serializers.Serializer):
    """What is said of a drug for this patient when it is entered."""

    by = serializers.CharField()
    text = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    url = serializers.CharField(allow_null=True)


class EnteredMedicationSerializer(MedicationSerializer):
    """A course that was entered now, with what is said of the drug."""

    said = WordSerializer(many=True, read_only=True)


class AskedDrugSerializer(serializers.Serializer):
    """A drug that somebody thinks of giving."""

    name = _text(required=True, allow_null=False, allow_blank=False)


class SaidSerializer(serializers.Serializer):
    """What is said of it, the weightiest first."""

    said = WordSerializer(many=True)


class ErrorMark(serializers.Serializer):
    """What a change may be instead: that the entry is an error, and why."""

    version = serializers.IntegerField(min_value=1)
    why = _text(TEXT_LENGTH)
    entered_in_error = serializers.BooleanField(required=False)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        if sent.get("entered_in_error") is False:
            raise serializers.ValidationError({"entered_in_error": "An error stays one: enter it anew."})
        if sent.get("entered_in_error") and not sent.get("why"):
            raise serializers.ValidationError({"why": "Say what happened."})
        return sent


class MedicationChangeSerializer(ErrorMark):
    """A correction or the end of a course, from the stated version. ``ended`` null: it goes on after all."""

    route = _choice(Route.choices, required=False)
    started = PartialDateField(required=False)
    ended = PartialDateField(required=False, allow_null=True)
    stop_reason = _choice(StopReason.choices, required=False)
    indication = _text()
    prescriber_text = _text()
    note = _text(TEXT_LENGTH)
    part2 = serializers.BooleanField(required=False)


class ConditionSerializer(EntrySerializer):
    """A condition; ``code`` is ICD-10 by its form."""

    text = _text(required=True, allow_null=False, allow_blank=False)
    code = serializers.CharField(max_length=9, required=False, allow_blank=True)
    status = _choice(ClinicalStatus.choices, required=False)
    certainty = _choice(Certainty.choices, required=False)
    onset = PartialDateField(required=False, allow_null=True)
    resolved = PartialDateField(required=False, allow_null=True)
    note = _text(TEXT_LENGTH)


class ConditionChangeSerializer(ErrorMark):
    """A change of one, from the stated version."""

    text = _text(allow_null=False, allow_blank=False)
    code = serializers.CharField(max_length=9, required=False, allow_blank=True)
    status = _choice(ClinicalStatus.choices, required=False)
    certainty = _choice(Certainty.choices, required=False)
    onset = PartialDateField(required=False, allow_null=True)
    resolved = PartialDateField(required=False, allow_null=True)
    note = _text(TEXT_LENGTH)
    part2 = serializers.BooleanField(required=False)


class AppointmentSerializer(EntrySerializer):
    """A visit."""

    at = serializers.DateTimeField()
    kind = _choice(AppointmentKind.choices)
    place = _choice(Place.choices)
    status = _choice(AppointmentStatus.choices, required=False)
    clinician = serializers.SerializerMethodField()
    with_text = _text(write_only=True, help_text="with somebody else; left out: with you")
    note = _text(TEXT_LENGTH)

    def get_clinician(self, row: Any) -> str | None:
        return row.with_text or (str(row.clinician) if row.clinician else None)


class AppointmentChangeSerializer(ErrorMark):
    """A change of one, from the stated version."""

    at = serializers.DateTimeField(required=False)
    kind = _choice(AppointmentKind.choices, required=False)
    place = _choice(Place.choices, required=False)
    status = _choice(AppointmentStatus.choices, required=False)
    with_text = _text()
    note = _text(TEXT_LENGTH)
    part2 = serializers.BooleanField(required=False)


class ReportFields(serializers.Serializer):
    """Where a result comes from."""

    lab = _text(write_only=True)
    method = _text(write_only=True)
    sampled_on = serializers.DateField(write_only=True, required=False, allow_null=True)
    reported_on = serializers.DateField(write_only=True, required=False, allow_null=True)


class GenotypeSerializer(ReportFields):
    """What a laboratory reported of one gene. ``in_table``: every allele is in our table; ``holds``: it counts."""

    id = serializers.UUIDField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    entered_in_error = serializers.BooleanField(read_only=True)
    recorded_at = serializers.DateTimeField(read_only=True)
    gene = serializers.CharField(max_length=20)
    state = serializers.ChoiceField(choices=Genotype.State.choices, read_only=True)
    diplotype = serializers.CharField(max_length=LONGEST)
    in_table = serializers.BooleanField(source="reported.in_table", read_only=True)
    not_in_table = serializers.SerializerMethodField(help_text="alleles that our table does not have")
    has_table = serializers.SerializerMethodField(help_text="whether there is a table of this gene")
    holds = serializers.SerializerMethodField()
    phenotype = _text(help_text="as the laboratory reported it")
    copy_number = serializers.IntegerField(min_value=0, max_value=MOST_COPIES, required=False, allow_null=True)
    report = serializers.SerializerMethodField()

    def get_not_in_table(self, row: Any) -> list[str]:
        return list(row.reported.unknown)

    def get_has_table(self, row: Any) -> bool:
        return row.gene in genes()

    def get_holds(self, row: Any) -> bool:
        return row.pk in self.context["held"]

    def get_report(self, row: Any) -> dict[str, Any]:
        one = row.report
        return {
            "id": one.pk, "lab": one.lab, "method": one.method, "sampled_on": one.sampled_on,
            "reported_on": one.reported_on,
        }  # fmt: skip


class GenotypeUploadSerializer(ReportFields):
    """A laboratory's table, or PharmCAT's report."""

    file = serializers.FileField(
        write_only=True, help_text="a table with columns gene and diplotype, or PharmCAT's JSON"
    )


class DoneSerializer(serializers.Serializer):
    """One thing that was done to an entry. ``stood``: the fields that it altered, as they stood before."""

    at = serializers.DateTimeField(source="change.at")
    what = serializers.ChoiceField(choices=TreatmentChange.What.choices, source="change.what")
    by = serializers.SerializerMethodField()
    why = serializers.CharField(source="change.why", allow_null=True)
    part2 = serializers.BooleanField(source="change.part2", help_text="42 CFR Part 2")
    redisclosure_notice = serializers.SerializerMethodField(help_text="to be shown with a labelled one")
    stood = serializers.SerializerMethodField()

    def get_by(self, done: Any) -> str | None:
        return str(done.change.by) if done.change.by else None

    def get_redisclosure_notice(self, done: Any) -> str | None:
        return redisclosure_notice([done.change])

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_stood(self, done: Any) -> dict[str, Any]:
        return {one.field: str(one.value) if isinstance(one.value, PartialDate) else one.value for one in done.stood}


class GenotypeReportSerializer(serializers.Serializer):
    """What was read from a table."""

    report_id = serializers.UUIDField()
    results = GenotypeSerializer(many=True)
