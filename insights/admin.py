"""Insights in Django admin: to be looked at by number and date, never edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from insights.models import (
    AlertRule,
    DayValues,
    EncounterNote,
    Feedback,
    Insight,
    NoteAddendum,
    NoteAttachment,
    NoteDraft,
    OwnChart,
    ResearchExport,
    RuleTrial,
    SavedView,
    Standing,
)
from novamind.admin import ReadOnlyAdmin
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


@admin.register(EncounterNote)
class EncounterNoteAdmin(VisibleAdmin):
    """Notes; what they say stands in the chart alone."""

    list_display = ["id", "patient_id", "author", "encounter_on", "format", "signed_at"]
    list_select_related = ["author"]
    search_fields = ["=id", "=patient__id"]
    fields = [*list_display, "discarded_at", "format_version", "version", "digest", "created_at"]


@admin.register(NoteAddendum)
class NoteAddendumAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "note_id", "by", "at"]
    list_select_related = ["by"]
    search_fields = ["=id", "=patient__id"]
    fields = list_display


@admin.register(NoteAttachment)
class NoteAttachmentAdmin(VisibleAdmin):
    """Which files notes have; neither their names nor what they hold."""

    list_display = ["id", "patient_id", "note_id", "content", "size", "at"]
    search_fields = ["=id", "=patient__id"]
    fields = [*list_display, "sha256"]


@admin.register(AlertRule)
class AlertRuleAdmin(VisibleAdmin):
    list_display = ["id", "family", "version", "patient_id", "severity", "active", "why", "at"]
    list_filter = ["active", "severity"]
    search_fields = ["=id", "=family"]
    fields = [*list_display, "definition", "by"]


@admin.register(RuleTrial)
class RuleTrialAdmin(VisibleAdmin):
    list_display = ["id", "family", "patient_id", "at", "finished_at"]
    search_fields = ["=id", "=family"]
    fields = [*list_display, "definition", "severity", "by", "result"]


@admin.register(NoteDraft)
class NoteDraftAdmin(VisibleAdmin):
    """Which provider drafted what, and by which instructions."""

    list_display = ["id", "patient_id", "note_id", "provider", "model", "abstention", "at"]
    search_fields = ["=id", "=patient__id"]
    fields = [*list_display, "prompt", "prompt_sha256", "code_version"]


@admin.register(DayValues)
class DayValuesAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "last", "computed_at"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "last", "code_version", "computed_at"]


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "measure", "least", "sort", "created_at"]
    search_fields = ["=id"]
    fields = ["id", "user", "measure", "team", "least", "sort", "created_at"]


@admin.register(OwnChart)
class OwnChartAdmin(ReadOnlyAdmin):
    """Which charts people keep; of nobody in particular, and without their names."""

    list_display = ["id", "user", "series", "days", "created_at"]
    search_fields = ["=id"]
    fields = list_display


@admin.register(ResearchExport)
class ResearchExportAdmin(ReadOnlyAdmin):
    """Who asked for which file, and what for; never the file."""

    list_display = ["id", "by", "why", "state", "people", "rows", "asked_at", "expires_at"]
    search_fields = ["=id"]
    fields = [*list_display, "finished_at", "sha256"]
