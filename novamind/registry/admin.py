"""Model versions and inference records in Django admin, to be read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from novamind.admin import ReadOnlyAdmin
from novamind.audit.lists import RecordedList
from novamind.registry.models import InferenceRecord, ModelVersion, StageChange


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Versions and their stage."""

    list_display = ["name", "version", "kind", "stage", "weights_sha256", "created_at"]
    list_filter = ["stage", "kind"]
    search_fields = ["name", "version", "=weights_sha256"]


@admin.register(StageChange)
class StageChangeAdmin(ReadOnlyAdmin):
    """Who registered or moved which version, and why."""

    list_display = ["version", "from_stage", "to_stage", "by", "reason", "at"]
    list_select_related = ["version"]
    list_filter = ["to_stage"]
    search_fields = ["version__name", "by"]


@admin.register(InferenceRecord)
class InferenceRecordAdmin(RecordedList):
    """Which model ran for whom and when; outputs are read on the patient's pages, by whoever may."""

    list_display = ["id", "model_version", "shadow", "window_start", "window_end", "created_at"]
    list_select_related = ["model_version"]
    list_filter = ["model_version__name", "shadow"]
    search_fields = ["=id", "=patient_id", "=input_hash"]
    fields = [
        "id",
        "model_version",
        "shadow",
        "input_hash",
        "window_start",
        "window_end",
        "duration_ms",
        "batch_size",
        "code_version",
        "created_at",
    ]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("input_array", "input_summary", "output")
