"""Data keys in Django admin: which exist, never their bytes."""

from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.phi.models import DataKey


@admin.register(DataKey)
class DataKeyAdmin(ReadOnlyAdmin):
    """Which keys exist; the key itself is never shown."""

    list_display = ["number", "purpose", "master_key_id", "created_at", "destroyed_at"]
    list_filter = ["purpose"]
    search_fields = ["=number", "=patient_id"]
    fields = list_display
