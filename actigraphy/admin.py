"""What was measured, in Django admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from actigraphy.models import (
    Analysis,
    Export,
    Night,
    PointReading,
    Recording,
    Signal,
    SleepSession,
    Source,
    SourceOrder,
    Sync,
    WeekExplanation,
    WeekReading,
)
from novamind.audit.lists import RecordedList


class VisibleAdmin(RecordedList):
    """Rows of the administrator's own patients only, as far as these consent."""

    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.model.objects.visible_to(request.user).consented()


@admin.register(Source)
class SourceAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "kind", "device_type", "created_at"]
    list_filter = ["kind", "device_type"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "kind", "device_type", "device_model", "created_at"]


@admin.register(Recording)
class RecordingAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "format", "state", "start", "end", "created_at"]
    list_filter = ["state", "format"]
    search_fields = ["=id", "=patient__id", "=sha256"]
    fields = [
        "id",
        "patient_id",
        "source_id",
        "sha256",
        "size",
        "format",
        "zone",
        "start",
        "end",
        "epoch_s",
        "notices",
        "state",
        "error_code",
        "error_detail",
        "uploaded_by",
        "created_at",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("file_key", "metadata", "file_name")


@admin.register(Export)
class ExportAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "format", "state", "created_at"]
    list_filter = ["state", "format"]
    search_fields = ["=id", "=patient__id", "=sha256"]
    fields = [
        "id", "patient_id", "sha256", "size", "format", "state", "error_code", "error_detail", "kept", "left_out",
        "uploaded_by", "created_at",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("file_key", "file_name")


@admin.register(Signal)
class SignalAdmin(VisibleAdmin):
    list_display = ["patient_id", "source_id", "channel", "day", "epoch_s", "valid"]
    list_filter = ["channel"]
    search_fields = ["=patient__id", "=source__id"]
    fields = ["patient_id", "source_id", "channel", "day", "start", "epoch_s", "valid"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("samples")


@admin.register(PointReading)
class PointReadingAdmin(VisibleAdmin):
    list_display = ["patient_id", "source_id", "data_type", "at", "created_at"]
    list_filter = ["data_type"]
    search_fields = ["=id", "=patient__id", "=source__id"]
    fields = ["id", "patient_id", "source_id", "data_type", "at", "created_at"]


@admin.register(SleepSession)
class SleepSessionAdmin(VisibleAdmin):
    list_display = ["patient_id", "source_id", "kind", "start", "end", "created_at"]
    list_filter = ["kind"]
    search_fields = ["=id", "=patient__id", "=source__id"]
    fields = ["id", "patient_id", "source_id", "kind", "start", "end", "created_at"]


@admin.register(Sync)
class SyncAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "accepted", "stored", "conflicts", "refused", "created_at"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "sent_by", "accepted", "stored", "conflicts", "refused", "days", "created_at"]


@admin.register(SourceOrder)
class SourceOrderAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "channel", "version", "set_at"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "channel", "version", "sources", "set_by", "set_at"]


@admin.register(Analysis)
class AnalysisAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "window_start", "window_end", "device_type", "code_version", "created_at"]
    list_filter = ["device_type", "code_version"]
    search_fields = ["=id", "=patient__id", "=input_hash"]
    fields = [
        "id",
        "patient_id",
        "source_id",
        "window_start",
        "window_end",
        "zone",
        "device_type",
        "methods",
        "input_hash",
        "code_version",
        "requested_by",
        "created_at",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("results")


@admin.register(WeekReading)
class WeekReadingAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "analysis_id", "task", "model", "record_id", "created_at"]
    list_filter = ["task"]
    search_fields = ["=id", "=patient__id", "=analysis__id", "=record__id"]
    fields = ["id", "patient_id", "analysis_id", "task", "model", "record_id", "abstention", "created_at"]


@admin.register(WeekExplanation)
class WeekExplanationAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "record_id", "of", "created_at"]
    search_fields = ["=id", "=patient__id", "=record__id"]
    fields = ["id", "patient_id", "record_id", "of", "abstention", "code_version", "created_at"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("found")


@admin.register(Night)
class NightAdmin(VisibleAdmin):
    list_display = ["date", "patient_id", "analysis_id", "tst_min", "efficiency", "flags"]
    search_fields = ["=patient__id", "=analysis__id"]
