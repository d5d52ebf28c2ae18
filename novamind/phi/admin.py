"""Data keys in Django admin: which exist, never their bytes."""

from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.phi.models import DataKey, ErasedFile, PhiScan, PhiToken


@admin.register(DataKey)
class DataKeyAdmin(ReadOnlyAdmin):
    """Which keys exist; the key itself is never shown."""

    list_display = ["number", "purpose", "master_key_id", "created_at", "retired_at", "destroyed_at"]
    list_filter = ["purpose"]
    search_fields = ["=number", "=patient_id"]
    fields = list_display


@admin.register(PhiToken)
class PhiTokenAdmin(ReadOnlyAdmin):
    """Which tokens live; what they stand for is never shown."""

    list_display = ["kind", "number", "expires_at"]
    list_filter = ["kind"]
    search_fields = ["=patient_id"]
    fields = ["kind", "number", "expires_at"]


@admin.register(ErasedFile)
class ErasedFileAdmin(ReadOnlyAdmin):
    """Stored files that nothing names any more."""

    list_display = ["id", "due_at"]
    search_fields = ["=id"]
    fields = ["id", "name", "due_at"]


@admin.register(PhiScan)
class PhiScanAdmin(ReadOnlyAdmin):
    """Searches for identifiers where none may stand."""

    list_display = ["finished_at", "patients", "characters", "findings"]
    search_fields = ["=id"]
    fields = ["started_at", *list_display, "unreadable"]
