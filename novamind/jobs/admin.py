"""Jobs and alerts in Django admin: to be looked at; the jobs page is where one acts."""

from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.jobs.models import AdminAlert, IdempotencyKey, Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["kind", "state", "queue", "attempts", "created_at", "started_at", "finished_at", "error_code"]
    list_filter = ["state", "queue", "kind"]
    search_fields = ["=id", "key"]
    show_full_result_count = False


@admin.register(AdminAlert)
class AdminAlertAdmin(ReadOnlyAdmin):
    list_display = ["kind", "severity", "job", "created_at", "acknowledged_at", "acknowledged_by"]
    list_filter = ["severity", "kind"]
    list_select_related = ["job", "acknowledged_by"]
    search_fields = ["=job__id", "job__kind"]
    show_full_result_count = False


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ["view", "user", "status", "created_at"]
    list_filter = ["view"]
    search_fields = ["=user__email", "=object_id"]
    list_select_related = ["user"]
    show_full_result_count = False
