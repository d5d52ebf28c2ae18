"""Recordings and analyses over the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django import forms
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from actigraphy.analysis import kept_rhythm, plain_rhythm
from actigraphy.forms import parse_columns
from actigraphy.models import Analysis, Export, Night, Recording
from actigraphy.numbers import NIGHT, RHYTHM
from actigraphy.pages.models import pat_as_json
from actigraphy.pat.bedrock import ANALYSIS_TYPES
from actigraphy.science.devices import DEVICES
from novamind import clock
from novamind.limits import LIMITS

DEVICE_TYPES = sorted(DEVICES)


class MetadataField(serializers.JSONField):
    """JSON in a form field; nested beyond what Python reads is wrong, not an accident of ours."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except RecursionError:
            self.fail("invalid")


class UploadSerializer(serializers.Serializer):
    """A recording's file and what goes with it; only epochs between start and end are kept."""

    file = serializers.FileField()
    patient_id = serializers.UUIDField()
    device_type = serializers.ChoiceField(choices=DEVICE_TYPES, required=False)
    start_time = serializers.DateTimeField(required=False)
    end_time = serializers.DateTimeField(required=False)
    metadata = MetadataField(required=False)
    columns = serializers.CharField(required=False, max_length=300, help_text="time=…,activity=… for other tables")

    def validate_columns(self, text: str) -> dict[str, str]:
        try:
            return parse_columns(text)
        except forms.ValidationError as error:
            raise serializers.ValidationError(error.messages) from None

    def validate_metadata(self, value: Any) -> Any:
        most = LIMITS["metadata"].value
        if not isinstance(value, dict) or len(json.dumps(value)) > most:
            raise serializers.ValidationError(f"An object of at most {most:,} characters.")
        return value


class RecordingSerializer(serializers.ModelSerializer):
    """An upload and how far its analysis has come."""

    recording_id = serializers.UUIDField(source="id", read_only=True)
    patient_id = serializers.UUIDField(read_only=True)
    device_type = serializers.CharField(source="source.device_type", read_only=True)
    status = serializers.SerializerMethodField()
    detail = serializers.SerializerMethodField()
    start_time = serializers.DateTimeField(source="start", read_only=True)
    end_time = serializers.DateTimeField(source="end", read_only=True)
    status_url = serializers.HyperlinkedIdentityField(view_name="api:recording-detail")
    results_url = serializers.HyperlinkedIdentityField(view_name="api:recording-results")

    class Meta:
        model = Recording
        fields = (
            "recording_id", "patient_id", "device_type", "format", "status", "detail", "start_time", "end_time",
            "epoch_s", "zone", "notices", "sha256", "created_at", "status_url", "results_url",
        )  # fmt: skip

    def _row(self, recording: Recording) -> dict[str, Any]:
        from actigraphy.pages.recordings import recording_rows

        rows = self.context.setdefault("recording_rows", {})
        if recording.pk not in rows:
            together = self.parent.instance if self.parent is not None else [recording]  # one query for a whole page
            rows.update((row["id"], row) for row in recording_rows(list(together)))
        return rows[recording.pk]

    def get_status(self, recording: Recording) -> str:
        return self._row(recording)["state"]

    def get_detail(self, recording: Recording) -> str | None:
        return self._row(recording)["error"]


class ExportSerializer(serializers.ModelSerializer):
    """An export of a wearable and how far it is read; ``kept`` and ``left_out`` count entries by type of data."""

    export_id = serializers.UUIDField(source="id", read_only=True)
    patient_id = serializers.UUIDField(read_only=True)
    status = serializers.SerializerMethodField()
    detail = serializers.SerializerMethodField()
    left_out = serializers.SerializerMethodField()
    status_url = serializers.HyperlinkedIdentityField(view_name="api:export-detail")

    class Meta:
        model = Export
        fields = (
            "export_id", "patient_id", "format", "status", "detail", "kept", "left_out", "sha256", "created_at",
            "status_url",
        )  # fmt: skip

    def _row(self, export: Export) -> dict[str, Any]:
        from actigraphy.pages.exports import export_rows

        rows = self.context.setdefault("export_rows", {})
        if export.pk not in rows:
            together = self.parent.instance if self.parent is not None else [export]  # one query for a whole page
            rows.update((row["id"], row) for row in export_rows(list(together)))
        return rows[export.pk]

    def get_status(self, export: Export) -> str:
        return self._row(export)["state"]

    def get_detail(self, export: Export) -> str | None:
        return self._row(export)["error"]

    @extend_schema_field({"type": "array", "items": {"type": "object"}})
    def get_left_out(self, export: Export) -> list[dict[str, Any]]:
        return [{"data_type": what, "reason": why, "n": n} for what, why, n in export.left_out]


class NightSerializer(serializers.ModelSerializer):
    """A night under the date of its evening, on the patient's clock; a number that was not given is null, its reason
    in ``abstentions``."""

    def to_representation(self, night: Night) -> dict[str, Any]:
        body = super().to_representation(night)
        tz = clock.zone(night.analysis.zone)
        for name in ("onset", "offset"):
            moment = getattr(night, name)
            body[name] = None if moment is None else moment.astimezone(tz).isoformat()
        return body

    class Meta:
        model = Night
        fields = ("date", "onset", "offset", *NIGHT, "method", "flags", "abstentions")


class AnalysisSerializer(serializers.ModelSerializer):
    """What was computed from one recording, with its provenance."""

    analysis_id = serializers.UUIDField(source="id", read_only=True)
    patient_id = serializers.UUIDField(read_only=True)
    nights = NightSerializer(many=True, read_only=True)
    rhythm = serializers.SerializerMethodField()
    quality = serializers.SerializerMethodField()
    pat = serializers.SerializerMethodField()
    abstentions = serializers.SerializerMethodField()
    provenance = serializers.SerializerMethodField()

    class Meta:
        model = Analysis
        fields = (
            "analysis_id", "patient_id", "window_start", "window_end", "zone", "device_type", "nights", "rhythm",
            "quality", "pat", "abstentions", "provenance",
        )  # fmt: skip

    @extend_schema_field({"type": "object", "description": "As `manage.py analyze` gives it; *_onset is HH:MM"})
    def get_rhythm(self, analysis: Analysis) -> dict[str, Any]:
        return plain_rhythm(kept_rhythm(analysis.results), analysis.results["quality"]["valid_days"])

    @extend_schema_field({"type": "object"})
    def get_abstentions(self, analysis: Analysis) -> dict[str, Any]:
        kept = kept_rhythm(analysis.results)
        return {f"rhythm.{name}": kept[name] for name in RHYTHM if isinstance(kept[name], dict)}

    @extend_schema_field({"type": "object"})
    def get_quality(self, analysis: Analysis) -> dict[str, Any]:
        return analysis.results["quality"]

    @extend_schema_field({"type": "object"})
    def get_pat(self, analysis: Analysis) -> dict[str, Any]:
        return pat_as_json(analysis)

    @extend_schema_field({"type": "object"})
    def get_provenance(self, analysis: Analysis) -> dict[str, Any]:
        return provenance_of(analysis)


def provenance_of(analysis: Analysis) -> dict[str, Any]:
    """By what an analysis was made, from what, when and for whom."""
    return {
        "methods": analysis.methods,
        "input_hash": analysis.input_hash,
        "code_version": analysis.code_version,
        "computed_at": analysis.created_at,
        "requested_by": analysis.requested_by,
    }


_READING = {
    "type": "object",
    "description": "counts of an epoch, or x, y and z in g",
    "properties": {
        "timestamp": {"type": "string", "format": "date-time"},
        "counts": {"type": "number", "nullable": True, "minimum": 0},
        **{axis: {"type": "number", "nullable": True} for axis in "xyz"},
        "source_device": {"type": "string"},
    },
    "required": ["timestamp"],
}
_NUMBERS = {"type": "array", "items": {"type": "number", "nullable": True}, "maxItems": LIMITS["readings"].value}
_LISTS = {
    "type": "object",
    "description": "an even grid from start_time on, sampling_rate_hz a second: counts, or x, y and z in g",
    "properties": dict.fromkeys(("counts", "x", "y", "z"), _NUMBERS),
}


@extend_schema_field({"oneOf": [{"type": "array", "items": _READING, "maxItems": LIMITS["readings"].value}, _LISTS]})
class ReadingsField(serializers.Field):
    """Readings as plain JSON values; :func:`actigraphy.sent_readings.readings_of` looks at each."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list | dict):
            raise serializers.ValidationError("A list of readings, or an object of lists.")
        return data


class StampField(serializers.DateTimeField):
    """A time with its UTC offset; one without is refused instead of being taken for UTC."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise serializers.ValidationError("A time in ISO 8601.", code="invalid")
        try:
            stated = datetime.fromisoformat(value)
        except ValueError:
            raise serializers.ValidationError("A time in ISO 8601.", code="invalid") from None
        if stated.tzinfo is None:
            raise serializers.ValidationError("A time needs its UTC offset.", code="no_offset")
        try:
            return stated.astimezone(UTC)
        except OverflowError:  # of the year 1 or 9999, with an offset that leaves the calendar
            raise serializers.ValidationError("There is no such moment.", code="invalid") from None


class DeviceInfoSerializer(serializers.Serializer):
    """What was worn; the model is searched for identifiers before it is kept."""

    type = serializers.ChoiceField(choices=DEVICE_TYPES, required=False)
    model = serializers.CharField(required=False, max_length=80, allow_blank=True)


class OptionsSerializer(serializers.Serializer):
    """What to add to the results."""

    include_raw_metrics = serializers.BooleanField(default=False)
    generate_visualizations = serializers.BooleanField(default=False)


class AskedSerializer(serializers.Serializer):
    """What is asked of a recording."""

    analysis_types = serializers.ListField(
        child=serializers.ChoiceField(choices=ANALYSIS_TYPES),
        max_length=20,
        allow_empty=False,
        default=list(ANALYSIS_TYPES),
        help_text="all five unless given",
    )

    def validate_analysis_types(self, names: list[str]) -> list[str]:
        return list(dict.fromkeys(names))


class AskedAgainSerializer(OptionsSerializer, AskedSerializer):
    """The same as parameters of an address."""


class AnalyzeSerializer(AskedSerializer):
    """Readings, or a recording that is here, and what is asked of them; see docs/api.md."""

    patient_id = serializers.UUIDField()
    recording_id = serializers.UUIDField(required=False, help_text="of an earlier upload, in place of readings")
    readings = ReadingsField(required=False)
    start_time = StampField(required=False)
    end_time = StampField(required=False)
    sampling_rate_hz = serializers.FloatField(
        required=False, help_text="30 to 100 in tens for x, y and z; 1 / epoch in seconds for counts"
    )
    device_info = DeviceInfoSerializer(required=False)
    options = OptionsSerializer(required=False)

    OF_READINGS = ("start_time", "end_time", "sampling_rate_hz", "device_info")

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        if ("readings" in sent) == ("recording_id" in sent):
            raise serializers.ValidationError({"readings": ["Send readings or a recording_id, one of them."]})
        if "recording_id" in sent and (more := [name for name in self.OF_READINGS if name in sent]):
            raise serializers.ValidationError({name: ["A recording_id stands for all of it."] for name in more})
        return sent


class AnalyzedSerializer(serializers.Serializer):
    """How far it is (202), or the results (200): by analysis type, null with its reason in ``abstentions``."""

    patient_id = serializers.UUIDField()
    recording_id = serializers.UUIDField()
    analysis_id = serializers.UUIDField(allow_null=True)
    status = serializers.CharField()
    detail = serializers.CharField(allow_null=True)
    status_url = serializers.URLField()
    results_url = serializers.URLField()
    results = serializers.DictField(required=False)
    abstentions = serializers.DictField(required=False)
    provenance = serializers.DictField(required=False)
    raw_metrics = serializers.DictField(required=False)
    visualizations = serializers.DictField(required=False)
