"""Patients, teams and grants in Django admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from novamind.accounts.managed import ManagedAdmin
from novamind.admin import ReadOnlyAdmin
from novamind.audit.lists import RecordedList
from novamind.audit.recording import aggregates
from novamind.audit.showing import lists_names
from patients.models import (
    Alert,
    AlertEvent,
    AlertSnooze,
    Appointment,
    Assessment,
    CareAssignment,
    CareTeam,
    CheckIn,
    Condition,
    Consent,
    CoverageHours,
    EmergencyAccess,
    Genotype,
    GenotypeFile,
    GenotypeReport,
    Grant,
    Holiday,
    Medication,
    MedicationDose,
    Membership,
    Patient,
    Reminder,
    Schedule,
    SymptomReport,
    TreatmentChange,
)
from patients.services import sync_team_grants


@lists_names
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


class CoverageInline(admin.TabularInline):
    """Who of the team looks after its alerts, and when."""

    model = CoverageHours
    extra = 0
    autocomplete_fields = ["user"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.may("manage_accounts")  # type: ignore[union-attr]

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission


class HolidayInline(admin.TabularInline):
    """The dates on which the team's hours of holidays hold."""

    model = Holiday
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.may("manage_accounts")  # type: ignore[union-attr]

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission


@admin.register(CareTeam)
class CareTeamAdmin(ManagedAdmin):
    """Teams, their members, coverage hours and holidays; grants follow."""

    list_display = ["name", "size"]
    search_fields = ["name"]
    inlines = [MembershipInline, CoverageInline, HolidayInline]

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


@lists_names
@admin.register(CareAssignment)
class CareAssignmentAdmin(RecordedList):
    """Which team cares for which of the administrator's own patients."""

    list_display = ["team", "patient_id", "since"]
    list_select_related = ["team"]
    search_fields = ["team__name", "=patient__id"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return CareAssignment.objects.filter(patient__in=Patient.objects.visible_to(request.user))


@lists_names
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


@admin.register(CoverageHours)
class CoverageHoursAdmin(ReadOnlyAdmin):
    """Coverage hours are changed on the team's page."""

    list_display = ["team", "weekday", "begins", "ends", "order", "user"]
    list_select_related = ["team", "user"]
    list_filter = ["weekday"]
    search_fields = ["team__name", "user__email"]


@admin.register(Holiday)
class HolidayAdmin(ReadOnlyAdmin):
    """Holidays are changed on the team's page."""

    list_display = ["team", "date", "name"]
    list_select_related = ["team"]
    search_fields = ["team__name", "name"]


class _OfOwnPatients(RecordedList):
    """Rows of the administrator's own patients."""

    search_fields = ["=patient__id"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.model._default_manager.filter(patient__in=Patient.objects.visible_to(request.user))


@admin.register(Alert)
class AlertAdmin(_OfOwnPatients):
    """Alerts; the page of alerts is where one answers."""

    list_display = ["patient_id", "kind", "severity", "state", "owner", "raised_at", "acknowledge_by"]
    list_select_related = ["owner"]
    list_filter = ["state", "severity", "kind"]
    fields = [*list_display, "level", "monitored", "acknowledged_by", "acknowledged_at", "resolve_by", "resolved_at",
              "outcome"]  # fmt: skip


@admin.register(AlertEvent)
class AlertEventAdmin(_OfOwnPatients):
    """What happened to alerts; the words of it stand in the chart."""

    list_display = ["patient_id", "alert", "what", "at", "by"]
    list_select_related = ["alert", "by"]
    list_filter = ["what"]
    fields = list_display


@admin.register(AlertSnooze)
class AlertSnoozeAdmin(_OfOwnPatients):
    """Who sees nothing of whose alerts for how long; set and ended on the pages of alerts."""

    list_display = ["patient_id", "user", "at", "until", "ended_at"]
    list_select_related = ["user"]
    fields = list_display


@admin.register(Schedule)
class ScheduleAdmin(_OfOwnPatients):
    """What patients are asked to do when; edited on the patient's page."""

    list_display = ["patient_id", "what", "local_time", "every_days", "channel", "active", "next_due_at"]
    list_filter = ["active", "what", "channel"]
    fields = [*list_display, "weekdays", "starts_on", "ends_on", "window_min", "quiet_from", "quiet_to", "version"]


@admin.register(Reminder)
class ReminderAdmin(_OfOwnPatients):
    """What became of each time of a schedule."""

    list_display = ["patient_id", "schedule", "local_date", "due_at", "expires_at", "outcome", "done_at"]
    list_select_related = ["schedule"]
    list_filter = ["outcome"]
    fields = list_display


class ReportAdmin(RecordedList):
    """That something was reported of the administrator's own patients, and when; what it says stands in the chart."""

    list_display = ["patient_id", "at", "recorded_at", "by_patient"]
    list_filter = ["by_patient"]
    search_fields = ["=patient__id"]
    fields = list_display
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.model.objects.visible_to(request.user)


@admin.register(Assessment)
class AssessmentAdmin(ReportAdmin):
    """Filled-in questionnaires."""

    list_display = ["patient_id", "instrument", "instrument_version", "at", "recorded_at", "by_patient"]
    fields = list_display


@admin.register(CheckIn, SymptomReport)
class CorrectableAdmin(ReportAdmin):
    """Check-ins and symptoms, with what was corrected."""

    list_display = ["patient_id", "at", "recorded_at", "by_patient", "version", "replaced_at"]
    fields = list_display


class TreatmentAdmin(_OfOwnPatients):
    """Entries of a treatment that the administrator may read (42 CFR Part 2); what they say stands in the chart."""

    list_display = ["patient_id", "recorded_at", "version", "entered_in_error"]
    list_filter = ["entered_in_error"]
    fields = list_display

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.model._default_manager.all().releasable_to(request.user)


@admin.register(Medication)
class MedicationAdmin(TreatmentAdmin):
    """Courses of drugs."""

    list_display = ["patient_id", "drug", "started_on", "ended_on", "recorded_at", "version", "entered_in_error"]
    fields = [*list_display, "route", "stop_reason"]


@admin.register(MedicationDose)
class MedicationDoseAdmin(_OfOwnPatients):
    """Doses of courses that the administrator may read."""

    list_display = ["patient_id", "from_on", "amount", "unit", "frequency", "replaced_at"]
    fields = list_display

    def get_queryset(self, request: HttpRequest) -> Any:
        readable = Medication.objects.all().releasable_to(request.user)
        return MedicationDose.objects.filter(medication__in=readable)


@admin.register(Condition)
class ConditionAdmin(TreatmentAdmin):
    """Conditions."""

    list_display = ["patient_id", "code", "status", "certainty", "recorded_at", "version", "entered_in_error"]
    fields = list_display


@admin.register(Appointment)
class AppointmentAdmin(TreatmentAdmin):
    """Visits."""

    list_display = ["patient_id", "at", "kind", "place", "status", "version", "entered_in_error"]
    fields = list_display


@admin.register(TreatmentChange)
class TreatmentChangeAdmin(TreatmentAdmin):
    """What was done to entries of a treatment, and when; what stood there is in the chart."""

    list_display = ["patient_id", "about_id", "what", "at", "by"]
    list_select_related = ["by"]
    list_filter = ["what"]
    fields = list_display


@admin.register(GenotypeReport)
class GenotypeReportAdmin(_OfOwnPatients):
    """Reports of laboratories."""

    list_display = ["patient_id", "sampled_on", "reported_on", "recorded_at"]
    fields = list_display


@admin.register(GenotypeFile)
class GenotypeFileAdmin(_OfOwnPatients):
    """Their files, which nobody opens here."""

    list_display = ["patient_id", "size", "created_at"]
    fields = list_display


@admin.register(Genotype)
class GenotypeAdmin(_OfOwnPatients):
    """That a gene was reported; the result stands in the chart."""

    list_display = ["patient_id", "gene", "state", "recorded_at", "version", "entered_in_error"]
    list_filter = ["state"]
    fields = list_display
