"""Twins in Django admin: to be looked at by number and date, never edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from novamind.admin import ReadOnlyAdmin
from novamind.audit.lists import RecordedList
from twins.models import Component, MultiplierConfirmation, SiteRule, Twin, WhatIf


class VisibleAdmin(RecordedList):
    """Rows of the administrator's own patients only."""

    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.model.objects.visible_to(request.user)


@admin.register(Twin)
class TwinAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "version", "created_at", "updated_at"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "version", "created_at", "updated_at", "created_by"]


@admin.register(Component)
class ComponentAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "kind", "since_version", "created_at"]
    list_filter = ["kind"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "kind", "since_version", "record_id", "created_at"]


@admin.register(MultiplierConfirmation)
class MultiplierConfirmationAdmin(ReadOnlyAdmin):
    """Who confirmed the multipliers of phenoconversion, and why."""

    list_display = ["data_version", "confirmed", "by", "at"]
    list_select_related = ["by"]
    list_filter = ["confirmed"]
    search_fields = ["data_version", "sha256"]


@admin.register(WhatIf)
class WhatIfAdmin(VisibleAdmin):
    list_display = ["id", "patient_id", "asked_at", "answered_at"]
    search_fields = ["=id", "=patient__id"]
    fields = ["id", "patient_id", "asked_by", "asked_at", "answered_at", "record_id"]


@admin.register(SiteRule)
class SiteRuleAdmin(ReadOnlyAdmin):
    """The clinic's own contraindications, each version."""

    list_display = ["drug", "against", "value", "severity", "version", "active", "by", "at"]
    list_select_related = ["by"]
    list_filter = ["severity", "active"]
    search_fields = ["drug", "value", "=rule"]
