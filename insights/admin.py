"""Insights in Django admin: to be looked at by number and date, never edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from insights.models import Feedback, Insight, Standing
from novamind.audit.lists import RecordedList


class VisibleAdmin(RecordedList):
    """Rows of the administrator's own patients only."""

    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.model.objects.visible_to(request.user)


@admin.register(Insight)
class InsightAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "insight_type", "generated_at", "expires_at", "ended_at"]
    list_filter = ["insight_type"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "insight_type", "generated_at", "expires_at", "ended_at", "dismissed", "record_id"]


@admin.register(Feedback)
class FeedbackAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "insight_id", "verdict", "at"]
    list_filter = ["verdict"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "insight_id", "verdict", "by", "at"]


@admin.register(Standing)
class StandingAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "computed_at"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "window_start", "window_end", "code_version", "computed_at"]
