"""Patients, teams and grants in Django admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from novamind.accounts.managed import ManagedAdmin
from novamind.admin import ReadOnlyAdmin
from novamind.audit.lists import RecordedList
from novamind.audit.recording import aggregates
from patients.models import CareAssignment, CareTeam, Consent, EmergencyAccess, Grant, Membership, Patient
from patients.services import sync_team_grants


@admin.register(Patient)
class PatientAdmin(RecordedList):
    """The administrator's own patients, like anybody's; found by id only, because admin searches stand in the URL."""

    list_display = ["short_id", "sex", "zone", "created_at"]
    list_filter = ["sex"]
    search_fields = ["=id"]
    fields = ["id", "sex", "pronouns", "zone", "version", "created_at", "updated_at"]
    show_full_result_count = False
    search_help_text = "Exact id; by name or record number, search in the dashboard"

    def get_queryset(self, request: HttpRequest) -> Any:
        return Patient.objects.visible_to(request.user)

    @admin.display(description="patient")
    def short_id(self, patient: Patient) -> str:
        return str(patient)


class MembershipInline(admin.TabularInline):
    """Who is on the team."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.may("manage_accounts")  # type: ignore[union-attr]

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission


@admin.register(CareTeam)
class CareTeamAdmin(ManagedAdmin):
    """Teams and their members; grants follow."""

    list_display = ["name", "size"]
    search_fields = ["name"]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("memberships")

    @admin.display(description="members")
    def size(self, team: CareTeam) -> int:
        return len(team.memberships.all())

    def save_related(self, *args: Any, **kwargs: Any) -> None:
        super().save_related(*args, **kwargs)
        sync_team_grants()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Memberships and assignments end with their team, though their own pages are read-only."""
        found, counts, _, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: CareTeam) -> None:
        self.delete_queryset(request, CareTeam.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        list(CareAssignment.objects.filter(team__in=queryset))  # loading them notes whose care ends
        with aggregates():
            super().delete_queryset(request, queryset)
        sync_team_grants()


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Memberships are changed on the team's page."""

    list_display = ["team", "user", "since"]
    list_select_related = ["team", "user"]
    search_fields = ["team__name", "user__email"]


@admin.register(CareAssignment)
class CareAssignmentAdmin(RecordedList):
    """Which team cares for which of the administrator's own patients."""

    list_display = ["team", "patient_id", "since"]
    list_select_related = ["team"]
    search_fields = ["team__name", "=patient__id"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return CareAssignment.objects.filter(patient__in=Patient.objects.visible_to(request.user))


@admin.register(Grant)
class GrantAdmin(RecordedList):
    """Who may see which of the administrator's own patients, why and until when."""

    list_display = ["user", "content_object_id", "reason", "valid_until"]
    list_select_related = ["user"]
    list_filter = ["reason"]
    search_fields = ["user__email", "=content_object__id"]
    fields = ["user", "content_object_id", "reason", "valid_until"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(content_object__in=Patient.objects.visible_to(request.user))

    def get_object(self, *args: Any, **kwargs: Any) -> Grant | None:
        """As ever; a grant is nobody's record, though the patients decide who may look at it."""
        with aggregates():
            return super().get_object(*args, **kwargs)


@admin.register(Consent)
class ConsentAdmin(RecordedList):
    """What the administrator's own patients allow; the words of it stand in the chart."""

    list_display = ["patient_id", "purpose", "stream", "given", "how", "at", "valid_until"]
    list_filter = ["purpose", "stream", "given"]
    search_fields = ["=patient__id"]
    fields = list_display
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return Consent.objects.filter(patient__in=Patient.objects.visible_to(request.user))


@admin.register(EmergencyAccess)
class EmergencyAccessAdmin(RecordedList):
    """Emergencies in the charts of the administrator's own patients; all of them are in the queue of reviews.

    Psychotherapy notes and their authorizations are not registered at all: nothing of them belongs here.
    """

    list_display = ["user", "patient_id", "reason", "opened_at", "ends_at", "verdict"]
    list_select_related = ["user"]
    list_filter = ["reason", "verdict"]
    search_fields = ["user__email", "=patient__id"]
    fields = [*list_display, "ended_at", "review_due_at", "reviewed_by", "reviewed_at"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return EmergencyAccess.objects.filter(patient__in=Patient.objects.visible_to(request.user))
