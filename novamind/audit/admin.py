"""The audit trail in Django admin, to be read."""

from auditlog.models import LogEntry
from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.audit.models import AuditEvent, AuditEventPatient

admin.site.unregister(LogEntry)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The trail."""

    list_display = ["at", "event_type", "actor_label", "action", "outcome", "status_code", "ip"]
    list_filter = ["event_type", "outcome", "role"]
    search_fields = ["actor_label", "=request_id", "=object_id"]
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(AuditEventPatient)
class AuditEventPatientAdmin(ReadOnlyAdmin):
    """Who saw a chart: search by the patient's id."""

    list_display = ["at", "patient_id", "actor", "action"]
    list_select_related = ["event"]
    search_fields = ["=patient_id"]
    show_full_result_count = False

    @admin.display(ordering="event__actor_label")
    def actor(self, row: AuditEventPatient) -> str:
        return row.event.actor_label

    @admin.display(ordering="event__action")
    def action(self, row: AuditEventPatient) -> str:
        return row.event.action


@admin.register(LogEntry)
class FieldDiffAdmin(ReadOnlyAdmin):
    """Which fields changed, from what to what; encrypted fields are left out."""

    list_display = ["timestamp", "content_type", "object_repr", "action", "actor"]
    list_select_related = ["content_type", "actor"]
    list_filter = ["action", "content_type"]
    search_fields = ["=object_pk", "=cid"]
    show_full_result_count = False
