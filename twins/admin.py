"""Twins in Django admin: to be looked at by number and date, never edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from novamind.audit.lists import RecordedList
from twins.models import Component, Twin


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
