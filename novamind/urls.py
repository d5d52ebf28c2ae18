"""Every URL of Novamind. Pages end in a slash, API paths do not."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from actigraphy.api import AnalysisViewSet, RecordingViewSet, UploadView
from novamind import health, pages
from novamind.accounts.api import LoginView, LogoutView, RefreshView
from novamind.registry.api import ModelViewSet
from patients.api import ConsentsView, PatientViewSet

router = SimpleRouter(trailing_slash=False)
router.register("patients", PatientViewSet, basename="patient")
router.register("actigraphy/recordings", RecordingViewSet, basename="recording")
router.register("actigraphy/analyses", AnalysisViewSet, basename="analysis")
router.register("models", ModelViewSet, basename="model")

api = [
    path("auth/login", LoginView.as_view(), name="login"),
    path("auth/refresh", RefreshView.as_view(), name="refresh"),
    path("auth/logout", LogoutView.as_view(), name="logout"),
    path("actigraphy/upload", UploadView.as_view(), name="upload"),
    path("patients/<uuid:patient_id>/consents", ConsentsView.as_view(), name="consents"),
    *router.urls,
]

urlpatterns = [
    path("", pages.home, name="home"),
    path("help/", pages.help_page, name="help"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("accounts/", include("novamind.accounts.urls")),
    path("patients/", include("patients.urls")),
    path("patients/<uuid:patient_id>/actigraphy/", include("actigraphy.urls")),
    path("provenance/<uuid:record_id>/", pages.provenance, name="provenance"),
    path("models/", include("novamind.registry.urls")),
    path("jobs/", include("novamind.jobs.urls")),
    path("compliance/", include("novamind.compliance.urls")),
    path("audit/", include("novamind.audit.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include((api, "api"))),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
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
