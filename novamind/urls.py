"""Every URL of Novamind. Pages end in a slash, API paths do not."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from actigraphy.api import AnalysisViewSet, AnalyzeView, ExportViewSet, RecordingViewSet, UploadView
from actigraphy.order_api import SourceOrderView
from actigraphy.stream_api import BiometricDaysView, BiometricEventsView, BiometricSamplesView, BiometricsView
from insights.api import AggregatedView, ClinicNumbersView, InsightsView
from novamind import health, pages
from novamind.accounts.api import LoginView, LogoutView, RefreshView
from novamind.registry.api import ModelViewSet
from patients.api import AlertViewSet, ConsentsView, PatientViewSet, SchedulesView, ScheduleView
from patients.messaging.api import ThreadReadView, ThreadsView, ThreadView
from patients.reports.api import (
    AssessmentsView,
    CheckInsView,
    CheckInView,
    DueView,
    InstrumentsView,
    SymptomsView,
    SymptomView,
)
from patients.treatment.api import (
    AppointmentHistoryView,
    AppointmentsView,
    AppointmentView,
    ConditionHistoryView,
    ConditionsView,
    ConditionView,
    DosesView,
    DrugsView,
    GenotypesView,
    GenotypeUploadView,
    GenotypeView,
    MedicationCheckView,
    MedicationHistoryView,
    MedicationsView,
    MedicationView,
)
from twins.api import CorrelationsView, ForecastView, GenerateView, TwinView
from twins.medication.api import MedicationRecommendationsView
from twins.response.api import MedicationResponseView
from twins.whatif.api import WhatIfsView, WhatIfView

router = SimpleRouter(trailing_slash=False)
router.register("patients", PatientViewSet, basename="patient")
router.register("alerts", AlertViewSet, basename="alert")
router.register("actigraphy/recordings", RecordingViewSet, basename="recording")
router.register("actigraphy/exports", ExportViewSet, basename="export")
router.register("actigraphy/analyses", AnalysisViewSet, basename="analysis")
router.register("models", ModelViewSet, basename="model")

treatment = [
    path("drugs", DrugsView.as_view(), name="drugs"),
    path("patients/<uuid:patient_id>/medications", MedicationsView.as_view(), name="medications"),
    path("patients/<uuid:patient_id>/medications/check", MedicationCheckView.as_view(), name="medication-check"),
    path("patients/<uuid:patient_id>/medications/<uuid:entry_id>", MedicationView.as_view(), name="medication"),
    path("patients/<uuid:patient_id>/medications/<uuid:entry_id>/doses", DosesView.as_view(), name="doses"),
    path(
        "patients/<uuid:patient_id>/medications/<uuid:entry_id>/history",
        MedicationHistoryView.as_view(),
        name="medication-history",
    ),
    path("patients/<uuid:patient_id>/conditions", ConditionsView.as_view(), name="conditions"),
    path("patients/<uuid:patient_id>/conditions/<uuid:entry_id>", ConditionView.as_view(), name="condition"),
    path(
        "patients/<uuid:patient_id>/conditions/<uuid:entry_id>/history",
        ConditionHistoryView.as_view(),
        name="condition-history",
    ),
    path("patients/<uuid:patient_id>/genotypes", GenotypesView.as_view(), name="genotypes"),
    path("patients/<uuid:patient_id>/genotypes/upload", GenotypeUploadView.as_view(), name="genotype-upload"),
    path("patients/<uuid:patient_id>/genotypes/<uuid:entry_id>", GenotypeView.as_view(), name="genotype"),
    path("patients/<uuid:patient_id>/appointments", AppointmentsView.as_view(), name="appointments"),
    path("patients/<uuid:patient_id>/appointments/<uuid:entry_id>", AppointmentView.as_view(), name="appointment"),
    path(
        "patients/<uuid:patient_id>/appointments/<uuid:entry_id>/history",
        AppointmentHistoryView.as_view(),
        name="appointment-history",
    ),
]

api = [
    path("auth/login", LoginView.as_view(), name="login"),
    path("auth/refresh", RefreshView.as_view(), name="refresh"),
    path("auth/logout", LogoutView.as_view(), name="logout"),
    path("actigraphy/upload", UploadView.as_view(), name="upload"),
    path("actigraphy/analyze", AnalyzeView.as_view(), name="analyze"),
    path("biometric-events", BiometricEventsView.as_view(), name="biometric-events"),
    path("patients/<uuid:patient_id>/biometrics", BiometricsView.as_view(), name="biometrics"),
    path(
        "patients/<uuid:patient_id>/biometrics/<slug:data_type>",
        BiometricSamplesView.as_view(),
        name="biometric-samples",
    ),
    path(
        "patients/<uuid:patient_id>/biometrics/<slug:data_type>/days",
        BiometricDaysView.as_view(),
        name="biometric-days",
    ),
    path(
        "patients/<uuid:patient_id>/biometrics/<slug:data_type>/order/<slug:data_key>",
        SourceOrderView.as_view(),
        name="biometric-order",
    ),
    path("patients/<uuid:patient_id>/digital-twin", TwinView.as_view(), name="digital-twin"),
    path("patients/<uuid:patient_id>/symptom-forecast", ForecastView.as_view(), name="symptom-forecast"),
    path("patients/<uuid:patient_id>/what-if", WhatIfsView.as_view(), name="what-ifs"),
    path("patients/<uuid:patient_id>/what-if/<uuid:what_if_id>", WhatIfView.as_view(), name="what-if"),
    path(
        "patients/<uuid:patient_id>/medication-response", MedicationResponseView.as_view(), name="medication-response"
    ),
    path("digital-twins/generate", GenerateView.as_view(), name="generate-twin"),
    path(
        "patients/<uuid:patient_id>/biometric-correlations",
        CorrelationsView.as_view(),
        name="biometric-correlations",
    ),
    path(
        "patients/<uuid:patient_id>/medication-recommendations",
        MedicationRecommendationsView.as_view(),
        name="medication-recommendations",
    ),
    path("analytics/aggregated", AggregatedView.as_view(), name="aggregated"),
    path("analytics/clinic", ClinicNumbersView.as_view(), name="clinic-numbers"),
    path("patients/<uuid:patient_id>/clinical-insights", InsightsView.as_view(), name="clinical-insights"),
    path("patients/<uuid:patient_id>/consents", ConsentsView.as_view(), name="consents"),
    path("instruments", InstrumentsView.as_view(), name="instruments"),
    path("due", DueView.as_view(), name="due"),
    path("patients/<uuid:patient_id>/assessments", AssessmentsView.as_view(), name="assessments"),
    path("patients/<uuid:patient_id>/check-ins", CheckInsView.as_view(), name="check-ins"),
    path("patients/<uuid:patient_id>/check-ins/<uuid:report_id>", CheckInView.as_view(), name="check-in"),
    path("patients/<uuid:patient_id>/symptoms", SymptomsView.as_view(), name="symptoms"),
    path("patients/<uuid:patient_id>/symptoms/<uuid:report_id>", SymptomView.as_view(), name="symptom"),
    path("patients/<uuid:patient_id>/schedules", SchedulesView.as_view(), name="schedules"),
    path("patients/<uuid:patient_id>/schedules/<uuid:schedule_id>", ScheduleView.as_view(), name="schedule"),
    path("patients/<uuid:patient_id>/messages", ThreadsView.as_view(), name="messages"),
    path("patients/<uuid:patient_id>/messages/<uuid:thread_id>", ThreadView.as_view(), name="thread"),
    path("patients/<uuid:patient_id>/messages/<uuid:thread_id>/read", ThreadReadView.as_view(), name="read-thread"),
    *treatment,
    *router.urls,
]

urlpatterns = [
    path("", pages.home, name="home"),
    path("help/", pages.help_page, name="help"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("accounts/", include("novamind.accounts.urls")),
    path("patients/", include("patients.urls")),
    path("patients/<uuid:patient_id>/actigraphy/", include("actigraphy.urls")),
    path("patients/<uuid:patient_id>/data/", include("actigraphy.stream_urls")),
    path("patients/<uuid:patient_id>/twin/", include("twins.urls")),
    path("medication-rules/", include("twins.medication.rule_urls")),
    path("", include("insights.urls")),
    path("provenance/<uuid:record_id>/", pages.provenance, name="provenance"),
    path("models/", include("novamind.registry.urls")),
    path("jobs/", include("novamind.jobs.urls")),
    path("deliveries/", include("novamind.delivery.urls")),
    path("compliance/", include("novamind.compliance.urls")),
    path("audit/", include("novamind.audit.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include((api, "api"))),
    path("api/schema", pages.SchemaView.as_view(), name="schema"),
    path(
        "api/docs",
        SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=["get", "head"]),
        name="docs",
    ),
    re_path(r"^api/(?P<unmatched>.*)$", pages.UnmatchedView.as_view()),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "novamind.pages.malformed"
handler403 = "novamind.pages.refused"
handler500 = "novamind.pages.broken"
