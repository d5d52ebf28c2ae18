"""Findings and incidents in Django admin, to be read; free text is not shown here."""

from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.compliance.models import Affected, CheckResult, Finding, Incident


@admin.register(CheckResult)
class CheckResultAdmin(ReadOnlyAdmin):
    """How each check last came out."""

    list_display = ["key", "title", "state", "fact", "at"]
    list_filter = ["state"]
    search_fields = ["key", "title"]


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    """What failed, since when, until when."""

    list_display = ["key", "title", "first_seen_at", "due_at", "acknowledged_at", "closed_at"]
    list_filter = ["key"]
    search_fields = ["key", "title"]
    exclude = ["notes"]


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """Incidents by their titles and dates."""

    list_display = ["title", "discovered_at", "judgement", "individuals_told_on", "hhs_told_on", "closed_at"]
    list_filter = ["judgement"]
    search_fields = ["title"]
    exclude = ["what", "reasons"]


@admin.register(Affected)
class AffectedAdmin(ReadOnlyAdmin):
    """Whose charts an incident touched."""

    list_display = ["incident", "patient_id", "first_at", "last_at", "events"]
    search_fields = ["=patient_id"]
    show_full_result_count = False
