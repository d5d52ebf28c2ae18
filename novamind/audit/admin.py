"""The audit trail in Django admin, to be read."""

from auditlog.models import LogEntry
from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.audit.models import (
    ActivityReview,
    Anchor,
    Attempt,
    AuditEvent,
    AuditEventPatient,
    ChainCheck,
    Change,
    Reconciliation,
    Seal,
)

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

    list_display = ["at", "patient_id", "actor", "action", "purpose", "opened"]
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


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """The chain."""

    list_display = ["seq", "event_id", "at"]
    search_fields = ["=seq", "=event_id"]
    show_full_result_count = False
    fields = ["seq", "event_id", "at"]


@admin.register(Anchor)
class AnchorAdmin(ReadOnlyAdmin):
    """When which seal was written outside."""

    list_display = ["at", "seq"]
    search_fields = ["=seq"]


@admin.register(ChainCheck)
class ChainCheckAdmin(ReadOnlyAdmin):
    """Walks along the chain."""

    list_display = ["at", "events", "seals", "findings", "first_broken"]
    search_fields = ["=first_broken"]


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Tries that count at the moment, by digests."""

    list_display = ["kind", "at"]
    list_filter = ["kind"]
    search_fields = ["=who"]


@admin.register(ActivityReview)
class ActivityReviewAdmin(ReadOnlyAdmin):
    """Weeks that were looked through."""

    list_display = ["week", "reviewed_by", "reviewed_at"]
    list_select_related = ["reviewed_by"]
    search_fields = ["=week"]


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    """Writes that the database noted."""

    list_display = ["at", "op", "table_name", "row_id", "patient_id", "request_id"]
    list_filter = ["op", "table_name"]
    search_fields = ["=row_id", "=request_id", "=patient_id"]
    show_full_result_count = False


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """Comparisons of those writes with the trail."""

    list_display = ["at", "since", "until", "changes", "unaudited"]
    search_fields = ["=unaudited"]
